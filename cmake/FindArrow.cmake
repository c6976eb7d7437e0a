# Finds Apache Arrow C++ with its Parquet and dataset libraries: first an installed one (ArrowConfig),
# then the one inside the pyarrow wheel of the project's private virtual environment, which
# scripts/setup makes. Defines the target sluice::arrow, and of the wheel SLUICE_ARROW_LIBRARIES and
# SLUICE_ARROW_LICENCES, files that an installation has to carry.
#   SLUICE_PYARROW_DIR  pyarrow of the interpreter that the Python package is for; goes before both
#   SLUICE_VENV         the virtual environment (SluiceVenv)

if(NOT SLUICE_PYARROW_DIR)
  find_package(Arrow ${Arrow_FIND_VERSION} CONFIG QUIET)
  find_package(Parquet CONFIG QUIET)
endif()
if(TARGET Arrow::arrow_shared AND TARGET Parquet::parquet_shared)
  add_library(sluice::arrow INTERFACE IMPORTED)
  target_link_libraries(sluice::arrow INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
  set(Arrow_FOUND TRUE)
  return()
endif()

if(SLUICE_PYARROW_DIR)
  set(_pyarrow_dirs ${SLUICE_PYARROW_DIR})
else()
  file(GLOB _pyarrow_dirs ${SLUICE_VENV}/lib/python3*/site-packages/pyarrow)
endif()
list(LENGTH _pyarrow_dirs _count)
if(_count EQUAL 1)
  set(ARROW_ROOT_DIR ${_pyarrow_dirs})
  set(Arrow_INCLUDE_DIR ${ARROW_ROOT_DIR}/include)
  file(GLOB ARROW_LIBRARY ${ARROW_ROOT_DIR}/libarrow.so.*)
  file(GLOB ARROW_PARQUET_LIBRARY ${ARROW_ROOT_DIR}/libparquet.so.*)
  file(GLOB ARROW_COMPUTE_LIBRARY ${ARROW_ROOT_DIR}/libarrow_compute.so.*)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Arrow
  REQUIRED_VARS ARROW_LIBRARY ARROW_PARQUET_LIBRARY Arrow_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "no Arrow C++ on this system and none in ${SLUICE_VENV}: run scripts/setup")

if(Arrow_FOUND AND NOT TARGET sluice::arrow)
  add_library(sluice::arrow INTERFACE IMPORTED)
  set_target_properties(sluice::arrow PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${Arrow_INCLUDE_DIR}
    INTERFACE_INCLUDE_DIRECTORIES ${Arrow_INCLUDE_DIR})
  target_link_libraries(sluice::arrow INTERFACE
    ${ARROW_LIBRARY} ${ARROW_PARQUET_LIBRARY} ${ARROW_COMPUTE_LIBRARY})
  set(SLUICE_ARROW_LIBRARIES ${ARROW_LIBRARY} ${ARROW_PARQUET_LIBRARY} ${ARROW_COMPUTE_LIBRARY})
  file(GLOB SLUICE_ARROW_LICENCES ${ARROW_ROOT_DIR}/../pyarrow-*.dist-info/licenses/*.txt)
endif()
