// What fused_mma does not take.
#include <fmt/core.h>

#include <algorithm>

#include "recurrence/fused_mma/layout.hpp"
#include "recurrence/fused_mma/recurrence.hpp"

namespace sluice {

std::string fused_mma_refusal(const RecurrenceSpec& spec, const DeviceInfo& device) {
  if (spec.precision == Precision::fp32) return "fused_mma needs tf32 or bf16, not fp32";
  if (device.compute_capability < 80) {
    return fmt::format("fused_mma needs compute capability 8.0, not {}.{}",
                       device.compute_capability / 10, device.compute_capability % 10);
  }
  const int units = mma::padded_units(spec.H);
  if (units == 0) return fmt::format("fused_mma needs H <= {}, not {}", mma::kMostUnits, spec.H);
  const int needed = std::max(mma::forward_shared(spec.precision, units, 1, 0, 2).end,
                              mma::backward_shared(spec.precision, units).end);
  if (needed > device.shared_bytes) {
    return fmt::format(
        "fused_mma with H = {} in {} needs {} bytes of shared memory to a block, and the device "
        "has {}",
        spec.H, to_string(spec.precision), needed, device.shared_bytes);
  }
  return "";
}

}  // namespace sluice
