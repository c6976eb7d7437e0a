# The reference is not what is tested: it is compiled for speed, so that a sanitized parity test's time
# goes to the engine's code.
add_library(sluice_reference STATIC ${CMAKE_CURRENT_LIST_DIR}/support/reference_lstm.cpp)
target_include_directories(sluice_reference PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(sluice_reference PRIVATE sluice_flags)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/support/reference_lstm.cpp PROPERTIES
  COMPILE_OPTIONS "-O3;-fopenmp-simd;-fno-sanitize=all")
