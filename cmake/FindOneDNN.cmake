# Finds oneDNN by header and library. Not through dnnl-config.cmake: Debian's asks for OpenCL's development files, which
# the CPU primitives do not need. Defines the target DNNL::dnnl.
find_path(OneDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(OneDNN_LIBRARY dnnl)
include(SluiceHeaderVersion)
sluice_header_version(OneDNN_VERSION "${OneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h" DNNL_VERSION_)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR VERSION_VAR OneDNN_VERSION
  REASON_FAILURE_MESSAGE "oneDNN (Debian: libdnnl-dev) is missing: run scripts/setup")
if(OneDNN_FOUND AND NOT TARGET DNNL::dnnl)
  add_library(DNNL::dnnl INTERFACE IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${OneDNN_INCLUDE_DIR})
  target_link_libraries(DNNL::dnnl INTERFACE ${OneDNN_LIBRARY})
endif()
