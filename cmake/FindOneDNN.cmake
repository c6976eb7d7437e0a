# Finds oneDNN by header and library. Not through dnnl-config.cmake: Debian's asks for OpenCL's development files, which
# the CPU primitives do not need. Defines the target DNNL::dnnl.
find_path(OneDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(OneDNN_LIBRARY dnnl)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "oneDNN (Debian: libdnnl-dev) is missing: run scripts/setup")
if(OneDNN_FOUND AND NOT TARGET DNNL::dnnl)
  add_library(DNNL::dnnl INTERFACE IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${OneDNN_INCLUDE_DIR})
  target_link_libraries(DNNL::dnnl INTERFACE ${OneDNN_LIBRARY})
endif()
