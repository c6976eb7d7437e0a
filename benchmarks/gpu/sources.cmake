# The sources of `sluice-bench gpu` by what they need; read by benchmarks/CMakeLists.txt and, for the
# stand-in, by tests/CMakeLists.txt.
file(GLOB SLUICE_BENCH_GPU_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp
  ${CMAKE_CURRENT_LIST_DIR}/*.cu)
# cuDNN itself, or what stands in its place where it is missing.
set(SLUICE_BENCH_CUDNN_SOURCES ${SLUICE_BENCH_GPU_SOURCES})
list(FILTER SLUICE_BENCH_CUDNN_SOURCES INCLUDE REGEX "/cudnn_grid\\.cpp$")
set(SLUICE_BENCH_NO_CUDNN_SOURCES ${CMAKE_CURRENT_LIST_DIR}/no_cudnn.cpp)
# What the driver, cuBLAS and cuDNN are asked for: the tests have stand-ins for them.
set(SLUICE_BENCH_DRIVER_SOURCES ${CMAKE_CURRENT_LIST_DIR}/driver.cpp ${CMAKE_CURRENT_LIST_DIR}/libraries.cpp)
list(REMOVE_ITEM SLUICE_BENCH_GPU_SOURCES ${SLUICE_BENCH_CUDNN_SOURCES}
  ${SLUICE_BENCH_NO_CUDNN_SOURCES} ${SLUICE_BENCH_DRIVER_SOURCES})
