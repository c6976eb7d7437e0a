// Failures of cuDNN as DeviceErrors, as base/check.cpp does for CUDA and cuBLAS.
#include <fmt/core.h>

#include <array>
#include <cstring>

#include "recurrence/cudnn/handles.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kCategory = 1000;  // as CUDNN_STATUS_CATEGORY cuts statuses

const char* remedy_of(cudnnStatus_t status) {
  switch (static_cast<int>(status) / kCategory) {
    case CUDNN_STATUS_NOT_INITIALIZED / kCategory:
      return "see that driver, CUDA and cuDNN fit (nvidia-smi) and that all of cuDNN's libraries "
             "are found (LD_LIBRARY_PATH)";
    case CUDNN_STATUS_BAD_PARAM / kCategory:
      return "this is a fault of Sluice, or a limit that cuDNN does not tell: please report the "
             "shape and the device, or choose gemm or fused (engine.recurrence)";
    case CUDNN_STATUS_NOT_SUPPORTED / kCategory:
      return "cuDNN does not do this here: choose cudnn_standard, gemm or fused "
             "(engine.recurrence)";
    default:
      return "free device memory and try again; if it comes back, choose gemm or fused "
             "(engine.recurrence)";
  }
}

}  // namespace

std::string words_of(cudnnStatus_t status) {
  std::array<char, 512> message{};
  cudnnGetLastErrorString(message.data(), message.size());
  message.back() = '\0';
  const char* name = cudnnGetErrorString(status);
  return message.front() == '\0' ? name : fmt::format("{} ({})", name, message.data());
}

void check(cudnnStatus_t status, const std::string& call, std::source_location where) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  static_cast<void>(cudaGetLastError());
  const char* file = std::strrchr(where.file_name(), '/');
  const std::string message =
      fmt::format("{}:{}: {} failed: cuDNN: {}; {}", file == nullptr ? where.file_name() : file + 1,
                  where.line(), call, words_of(status), remedy_of(status));
  if (static_cast<int>(status) / kCategory == CUDNN_STATUS_NOT_SUPPORTED / kCategory) {
    throw NotSupportedError(message);
  }
  throw DeviceError(message);
}

}  // namespace sluice
