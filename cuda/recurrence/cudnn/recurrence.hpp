// cuDNN's LSTM as a recurrence of ours: the comparison. The algorithm is part of the name; what
// cuDNN refuses is reported with cuDNN's own words and never replaced by another algorithm. Without
// cuDNN in the build, none.cpp stands behind this header and refuses all of it.
// What an H200 measured of it is in docs/kernels.md.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "recurrence/device_recurrence.hpp"

namespace sluice {

inline constexpr std::array<const char*, 4> kCudnnRecurrences{
    "cudnn_standard", "cudnn_persist_static", "cudnn_persist_dynamic",
    "cudnn_persist_static_small_h"};

/// "9.19.0", or empty if the build or the machine has none. Loads cuDNN, as do all of these.
std::string cudnn_version();
/// SharedLibrary::listing() of cuDNN; empty if the build has none.
std::string cudnn_listing();

/// Why cuDNN cannot do that, or empty. Asks cuDNN itself as far as it answers without a device;
/// limits that depend on T, N and the card show in prepare().
std::string cudnn_refusal(const std::string& name, const RecurrenceSpec& spec,
                          const DeviceInfo& device);
/// Throws NotSupportedError with the refusal.
std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name,
                                                        const RecurrenceSpec& spec,
                                                        DeviceContext& context);

/// Types of data and weights; sums are float in all of them. fp16 is cuDNN's fastest: there for
/// measurements, no engine of ours trains in it.
enum class CudnnType { fp32, tf32, bf16, fp16 };

/// cuDNN as `sluice-bench gpu` measures it.
struct CudnnSpec {
  int C = 1, H = 1, L = 1;
  CudnnType type = CudnnType::fp32;
  /// Whether forward() may be given dropout; if not, prepare() takes less memory.
  bool dropout = true;
  /// x, h, the states and their gradients hold elements of `type` (the first half of each array
  /// with bf16 and fp16), so that cuDNN is timed without casts of ours. Not with dropout.
  bool own_type = false;
};
std::string cudnn_refusal(const std::string& name, const CudnnSpec& spec);
std::unique_ptr<DeviceRecurrence> make_cudnn_recurrence(const std::string& name,
                                                        const CudnnSpec& spec,
                                                        DeviceContext& context);

}  // namespace sluice
