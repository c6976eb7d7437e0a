// Whole arrays compared and hashed on the device: what a few probed series cannot show, and nothing
// large goes to the host.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"

namespace sluice::bench {

struct Difference {
  double largest = 0;            ///< |value - reference|; infinite if a value is NaN or infinite
  std::int64_t at = 0;           ///< where it is largest, the first such place
  double largest_reference = 0;  ///< |reference|
  /// Of the reference's largest value; 0 where both are 0.
  double relative() const { return largest == 0 ? 0 : largest / largest_reference; }
};

/// Same sizes, not empty. Blocks; allocates a little.
Difference compare(DeviceSpan<const float> values, DeviceSpan<const float> reference,
                   DeviceContext& context);

/// Of the bits of all elements and their places: equal arrays give equal hashes, and two arrays
/// that differ in a bit do not but by accident (2^-64). Blocks; allocates a little.
std::uint64_t hash_bits(DeviceSpan<const float> values, DeviceContext& context);

}  // namespace sluice::bench
