// What passes between the engine's host arrays and the device outside of a step: parameters,
// states, sums of the loss.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/loss_sums.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

/// Sums as the host reports them, of `windows` windows.
inline LossReport report_of(const DeviceLossSums& sums, std::int64_t windows) {
  LossReport report;
  report.targets = sums.targets;
  report.windows = windows;
  report.loss = sums.targets > 0 ? sums.loss / static_cast<double>(sums.targets)
                                 : std::numeric_limits<double>::quiet_NaN();
  report.bad_series = sums.bad_series;
  return report;
}

/// `from` in host memory. Blocks.
inline std::vector<float> download(DeviceSpan<const float> from, const DeviceContext& context) {
  PinnedBuffer<float> host(from.size(), "reading the training state");
  copy_to_host(from, host.span(), context.stream());
  context.synchronize();
  return {host.data(), host.data() + host.size()};
}

/// Blocks.
inline void upload(std::span<const float> from, DeviceSpan<float> to,
                   const DeviceContext& context) {
  PinnedBuffer<float> host(to.size(), "writing the training state");
  std::copy(from.begin(), from.end(), host.data());
  copy_to_device(std::span<const float>(host.span()), to, context.stream());
  context.synchronize();
}

}  // namespace sluice
