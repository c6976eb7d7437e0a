# Finds Google Highway by header and library. Defines the target hwy::hwy.
find_path(Highway_INCLUDE_DIR hwy/highway.h)
find_library(Highway_LIBRARY hwy)
include(SluiceHeaderVersion)
sluice_header_version(Highway_VERSION "${Highway_INCLUDE_DIR}/hwy/highway.h" HWY_)
if(NOT Highway_VERSION)  # where newer ones have it
  sluice_header_version(Highway_VERSION "${Highway_INCLUDE_DIR}/hwy/base.h" HWY_)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Highway REQUIRED_VARS Highway_LIBRARY Highway_INCLUDE_DIR VERSION_VAR Highway_VERSION
  REASON_FAILURE_MESSAGE "Google Highway (Debian: libhwy-dev) is missing: run scripts/setup")
if(Highway_FOUND AND NOT TARGET hwy::hwy)
  add_library(hwy::hwy INTERFACE IMPORTED)
  set_target_properties(hwy::hwy PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${Highway_INCLUDE_DIR})
  # AES is in every machine with AVX2, and x86-64-v3 does not say so: without this, Highway would take
  # SSSE3 for the baseline.
  target_compile_definitions(hwy::hwy INTERFACE HWY_DISABLE_PCLMUL_AES)
  # Vectors of a size that only the processor knows cannot be elements of arrays; arm64 has NEON beside SVE.
  target_compile_definitions(hwy::hwy INTERFACE
    "HWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV)")
  target_link_libraries(hwy::hwy INTERFACE ${Highway_LIBRARY})
endif()
