// Owners of what cuDNN hands out, and the check of its calls. Included by recurrence/cudnn/
// only: nothing else of the project sees cudnn.h.
#pragma once

#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <source_location>
#include <string>

#include "base/handles.hpp"

namespace sluice {

/// Throws NotSupportedError if `status` is of cuDNN's category NOT_SUPPORTED, else DeviceError,
/// unless it is CUDNN_STATUS_SUCCESS, with cuDNN's own name of the status and its last message.
/// `call`: what was called and for what, "cudnnRNNForward of cudnn_standard (fp32, C 16, H 64, L
/// 1)".
void check(cudnnStatus_t status, const std::string& call,
           std::source_location where = std::source_location::current());

/// "CUDNN_STATUS_NOT_SUPPORTED (what cuDNN says beside it)". Takes the message: cuDNN forgets it.
std::string words_of(cudnnStatus_t status);

using CudnnHandle = Owned<cudnnHandle_t, cudnnDestroy>;
using RnnDescriptor = Owned<cudnnRNNDescriptor_t, cudnnDestroyRNNDescriptor>;
using RnnDataDescriptor = Owned<cudnnRNNDataDescriptor_t, cudnnDestroyRNNDataDescriptor>;
using DropoutDescriptor = Owned<cudnnDropoutDescriptor_t, cudnnDestroyDropoutDescriptor>;
using TensorDescriptor = Owned<cudnnTensorDescriptor_t, cudnnDestroyTensorDescriptor>;

/// A handle that works on `stream`.
inline CudnnHandle make_cudnn_handle(cudaStream_t stream) {
  cudnnHandle_t raw = nullptr;
  check(cudnnCreate(&raw), "cudnnCreate");
  CudnnHandle handle(raw);
  check(cudnnSetStream(raw, stream), "cudnnSetStream");
  return handle;
}

inline RnnDescriptor make_rnn_descriptor() {
  cudnnRNNDescriptor_t raw = nullptr;
  check(cudnnCreateRNNDescriptor(&raw), "cudnnCreateRNNDescriptor");
  return RnnDescriptor(raw);
}

inline RnnDataDescriptor make_rnn_data_descriptor() {
  cudnnRNNDataDescriptor_t raw = nullptr;
  check(cudnnCreateRNNDataDescriptor(&raw), "cudnnCreateRNNDataDescriptor");
  return RnnDataDescriptor(raw);
}

inline DropoutDescriptor make_dropout_descriptor() {
  cudnnDropoutDescriptor_t raw = nullptr;
  check(cudnnCreateDropoutDescriptor(&raw), "cudnnCreateDropoutDescriptor");
  return DropoutDescriptor(raw);
}

inline TensorDescriptor make_tensor_descriptor() {
  cudnnTensorDescriptor_t raw = nullptr;
  check(cudnnCreateTensorDescriptor(&raw), "cudnnCreateTensorDescriptor");
  return TensorDescriptor(raw);
}

}  // namespace sluice
