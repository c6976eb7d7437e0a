// The functions of cuDNN that its recurrences call, under their own names: each finds the function
// in the library, which is loaded with the first of them, and calls it. A program that links this
// links no cuDNN. The tests with a model of cuDNN link the model in this file's place.
#include "recurrence/cudnn/library.hpp"

#include <cudnn.h>
#include <fmt/core.h>

#include <type_traits>

namespace sluice {
namespace {

SharedLibrary load() {
  SharedLibrary library("cuDNN", fmt::format("libcudnn.so.{}", CUDNN_MAJOR),
                        fmt::format("install cuDNN {}, name its folder in LD_LIBRARY_PATH, or "
                                    "choose gemm or fused (engine.recurrence)",
                                    CUDNN_MAJOR));
  if (library.trouble().empty()) {
    const std::size_t version = library.function<decltype(cudnnGetVersion)>("cudnnGetVersion")();
    const std::size_t unit = version < 10000 ? 1000 : 10000;  // 8907 is 8.9.7, 91900 is 9.19.0
    library.expect_major(
        static_cast<int>(version / unit), CUDNN_MAJOR,
        fmt::format("{}.{}.{}", version / unit, version % unit / 100, version % 100));
  }
  return library;
}

template <auto declared, typename... Arguments>
auto call(const char* symbol, Arguments... arguments) {
  static const auto function =
      cudnn_library().function<std::remove_pointer_t<decltype(declared)>>(symbol);
  return function(arguments...);
}

}  // namespace

const SharedLibrary& cudnn_library() {
  static const SharedLibrary library = load();
  return library;
}

}  // namespace sluice

using sluice::call;

std::size_t cudnnGetVersion() { return call<&cudnnGetVersion>("cudnnGetVersion"); }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  return call<&cudnnGetErrorString>("cudnnGetErrorString", status);
}

void cudnnGetLastErrorString(char* message, std::size_t max_size) {
  return call<&cudnnGetLastErrorString>("cudnnGetLastErrorString", message, max_size);
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return call<&cudnnCreate>("cudnnCreate", handle);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return call<&cudnnDestroy>("cudnnDestroy", handle);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return call<&cudnnSetStream>("cudnnSetStream", handle, stream);
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* rnn) {
  return call<&cudnnCreateRNNDescriptor>("cudnnCreateRNNDescriptor", rnn);
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnn) {
  return call<&cudnnDestroyRNNDescriptor>("cudnnDestroyRNNDescriptor", rnn);
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* data) {
  return call<&cudnnCreateRNNDataDescriptor>("cudnnCreateRNNDataDescriptor", data);
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t data) {
  return call<&cudnnDestroyRNNDataDescriptor>("cudnnDestroyRNNDataDescriptor", data);
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) {
  return call<&cudnnCreateTensorDescriptor>("cudnnCreateTensorDescriptor", tensor);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  return call<&cudnnDestroyTensorDescriptor>("cudnnDestroyTensorDescriptor", tensor);
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* dropout) {
  return call<&cudnnCreateDropoutDescriptor>("cudnnCreateDropoutDescriptor", dropout);
}

cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t dropout) {
  return call<&cudnnDestroyDropoutDescriptor>("cudnnDestroyDropoutDescriptor", dropout);
}

cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, std::size_t* bytes) {
  return call<&cudnnDropoutGetStatesSize>("cudnnDropoutGetStatesSize", handle, bytes);
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle,
                                        float rate, void* states, std::size_t bytes,
                                        unsigned long long seed) {
  return call<&cudnnSetDropoutDescriptor>("cudnnSetDropoutDescriptor", descriptor, handle, rate,
                                          states, bytes, seed);
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm,
                                       cudnnRNNMode_t cell, cudnnRNNBiasMode_t bias,
                                       cudnnDirectionMode_t direction, cudnnRNNInputMode_t input,
                                       cudnnDataType_t type, cudnnDataType_t math_precision,
                                       cudnnMathType_t math, std::int32_t input_size,
                                       std::int32_t hidden_size, std::int32_t projection_size,
                                       std::int32_t layers, cudnnDropoutDescriptor_t dropout,
                                       std::uint32_t flags) {
  return call<&cudnnSetRNNDescriptor_v8>("cudnnSetRNNDescriptor_v8", rnn, algorithm, cell, bias,
                                         direction, input, type, math_precision, math, input_size,
                                         hidden_size, projection_size, layers, dropout, flags);
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, int batch) {
  return call<&cudnnBuildRNNDynamic>("cudnnBuildRNNDynamic", handle, rnn, batch);
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                         std::size_t* weight_bytes) {
  return call<&cudnnGetRNNWeightSpaceSize>("cudnnGetRNNWeightSpaceSize", handle, rnn, weight_bytes);
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                      std::int32_t layer, std::size_t weight_bytes,
                                      const void* weights, std::int32_t matrix,
                                      cudnnTensorDescriptor_t matrix_tensor, void** matrix_address,
                                      cudnnTensorDescriptor_t bias_tensor, void** bias_address) {
  return call<&cudnnGetRNNWeightParams>("cudnnGetRNNWeightParams", handle, rnn, layer, weight_bytes,
                                        weights, matrix, matrix_tensor, matrix_address, bias_tensor,
                                        bias_address);
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int T, int N, int width,
                                        const int* lengths, void* padding) {
  return call<&cudnnSetRNNDataDescriptor>("cudnnSetRNNDataDescriptor", data, type, layout, T, N,
                                          width, lengths, padding);
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type,
                                         int rank, const int* sizes, const int* strides) {
  return call<&cudnnSetTensorNdDescriptor>("cudnnSetTensorNdDescriptor", tensor, type, rank, sizes,
                                           strides);
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t tensor, int wanted,
                                         cudnnDataType_t* type, int* rank, int* sizes,
                                         int* strides) {
  return call<&cudnnGetTensorNdDescriptor>("cudnnGetTensorNdDescriptor", tensor, wanted, type, rank,
                                           sizes, strides);
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                        cudnnForwardMode_t mode, cudnnRNNDataDescriptor_t x_layout,
                                        std::size_t* workspace_bytes, std::size_t* reserve_bytes) {
  return call<&cudnnGetRNNTempSpaceSizes>("cudnnGetRNNTempSpaceSizes", handle, rnn, mode, x_layout,
                                          workspace_bytes, reserve_bytes);
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                              cudnnForwardMode_t mode, const std::int32_t* device_lengths,
                              cudnnRNNDataDescriptor_t x_layout, const void* x,
                              cudnnRNNDataDescriptor_t y_layout, void* y,
                              cudnnTensorDescriptor_t h_layout, const void* hx, void* hy,
                              cudnnTensorDescriptor_t c_layout, const void* cx, void* cy,
                              std::size_t weight_bytes, const void* weights,
                              std::size_t workspace_bytes, void* workspace,
                              std::size_t reserve_bytes, void* reserve) {
  return call<&cudnnRNNForward>("cudnnRNNForward", handle, rnn, mode, device_lengths, x_layout, x,
                                y_layout, y, h_layout, hx, hy, c_layout, cx, cy, weight_bytes,
                                weights, workspace_bytes, workspace, reserve_bytes, reserve);
}

cudnnStatus_t cudnnRNNBackwardData_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const std::int32_t* device_lengths,
    cudnnRNNDataDescriptor_t y_layout, const void* y, const void* dy,
    cudnnRNNDataDescriptor_t x_layout, void* dx, cudnnTensorDescriptor_t h_layout, const void* hx,
    const void* dhy, void* dhx, cudnnTensorDescriptor_t c_layout, const void* cx, const void* dcy,
    void* dcx, std::size_t weight_bytes, const void* weights, std::size_t workspace_bytes,
    void* workspace, std::size_t reserve_bytes, void* reserve) {
  return call<&cudnnRNNBackwardData_v8>("cudnnRNNBackwardData_v8", handle, rnn, device_lengths,
                                        y_layout, y, dy, x_layout, dx, h_layout, hx, dhy, dhx,
                                        c_layout, cx, dcy, dcx, weight_bytes, weights,
                                        workspace_bytes, workspace, reserve_bytes, reserve);
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t gradients,
    const std::int32_t* device_lengths, cudnnRNNDataDescriptor_t x_layout, const void* x,
    cudnnTensorDescriptor_t h_layout, const void* hx, cudnnRNNDataDescriptor_t y_layout,
    const void* y, std::size_t weight_bytes, void* dweights, std::size_t workspace_bytes,
    void* workspace, std::size_t reserve_bytes, void* reserve) {
  return call<&cudnnRNNBackwardWeights_v8>(
      "cudnnRNNBackwardWeights_v8", handle, rnn, gradients, device_lengths, x_layout, x, h_layout,
      hx, y_layout, y, weight_bytes, dweights, workspace_bytes, workspace, reserve_bytes, reserve);
}
