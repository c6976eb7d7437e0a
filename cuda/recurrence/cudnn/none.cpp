// In recurrence.cpp's place where the build has no cuDNN, and in the tests without a GPU:
// refuses.
#include "recurrence/cudnn/recurrence.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kRefusal =
    "this build has no cuDNN; install it, set CUDNN_PATH and build again, or choose gemm or fused";

}  // namespace

std::string cudnn_version() { return {}; }

std::string cudnn_listing() { return {}; }

std::string cudnn_refusal(const std::string&, const RecurrenceSpec&, const DeviceInfo&) {
  return kRefusal;
}

std::string cudnn_refusal(const std::string&, const CudnnSpec&) { return kRefusal; }

std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name,
                                                        const RecurrenceSpec&, DeviceContext&) {
  throw NotSupportedError(name + ": " + kRefusal);
}

std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name, const CudnnSpec&,
                                                        DeviceContext&) {
  throw NotSupportedError(name + ": " + kRefusal);
}

}  // namespace sluice
