# The sources of the CUDA engine by what they need; read by cuda/CMakeLists.txt and, for the stand-in,
# by tests/simt/CMakeLists.txt.
file(GLOB_RECURSE SLUICE_CUDA_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp
  ${CMAKE_CURRENT_LIST_DIR}/*.cu)
# Chooses between the CPU engine and this one: part of the program, not of the CUDA library.
set(SLUICE_CUDA_SELECT_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_SELECT_SOURCES INCLUDE REGEX "/select_engine\\.cpp$")
# Thrust and CUB: one file, which only nvcc can compile.
set(SLUICE_CUDA_DEVICE_LIBRARY_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_DEVICE_LIBRARY_SOURCES INCLUDE REGEX "/reduce\\.cu$")
# What loads cuBLAS and cuDNN: the tests have stand-ins for both.
set(SLUICE_CUDA_CUBLAS_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_CUBLAS_SOURCES INCLUDE REGEX "/base/cublas\\.cpp$")
set(SLUICE_CUDA_CUDNN_LIBRARY_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_CUDNN_LIBRARY_SOURCES INCLUDE REGEX "/cudnn/library\\.cpp$")
# cuDNN's recurrences, or what stands in their place where its headers are missing.
set(SLUICE_CUDA_CUDNN_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_CUDNN_SOURCES INCLUDE REGEX "/cudnn/(handles|recurrence|refusal|rnn)\\.cpp$")
set(SLUICE_CUDA_NO_CUDNN_SOURCES ${SLUICE_CUDA_SOURCES})
list(FILTER SLUICE_CUDA_NO_CUDNN_SOURCES INCLUDE REGEX "/cudnn/none\\.cpp$")
list(REMOVE_ITEM SLUICE_CUDA_SOURCES ${SLUICE_CUDA_SELECT_SOURCES} ${SLUICE_CUDA_DEVICE_LIBRARY_SOURCES}
  ${SLUICE_CUDA_CUBLAS_SOURCES} ${SLUICE_CUDA_CUDNN_LIBRARY_SOURCES} ${SLUICE_CUDA_CUDNN_SOURCES}
  ${SLUICE_CUDA_NO_CUDNN_SOURCES})
