// Failures of cuDNN as DeviceErrors, as base/check.cpp does for CUDA and cuBLAS.
#include <fmt/core.h>

#include <array>
#include <cstring>

#include "recurrence/cudnn/handles.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

const char* remedy_of(cudnnStatus_t status) {
  switch (static_cast<int>(status) / 1000) {  // as CUDNN_STATUS_CATEGORY cuts them
    case CUDNN_STATUS_NOT_INITIALIZED / 1000:
      return "see that driver, CUDA and cuDNN fit (nvidia-smi) and that all of cuDNN's libraries "
             "are found (LD_LIBRARY_PATH)";
    case CUDNN_STATUS_BAD_PARAM / 1000:
      return "this is a fault of Sluice, or a limit that cuDNN does not tell: please report the "
             "shape and the device, or choose gemm or fused (engine.recurrence)";
    case CUDNN_STATUS_NOT_SUPPORTED / 1000:
      return "cuDNN does not do this here: choose cudnn_standard, gemm or fused "
             "(engine.recurrence)";
    default:
      return "free device memory and try again; if it comes back, choose gemm or fused "
             "(engine.recurrence)";
  }
}

bool is_not_supported(cudnnStatus_t status) {
  return static_cast<int>(status) / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000;
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
  const std::string text =
      fmt::format("{}:{}: {} failed: cuDNN: {}; {}", file == nullptr ? where.file_name() : file + 1,
                  where.line(), call, words_of(status), remedy_of(status));
  if (is_not_supported(status)) throw Unsupported(text);
  throw DeviceError(text);
}

}  // namespace sluice
