// Floats to try a function of one on.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace sluice::reference {

/// Every 4,099th float, both signs, denormals and infinities included: about a million.
inline std::vector<float> all_floats() {
  std::vector<float> out;
  for (std::uint64_t bits = 0; bits <= 0x7f800000u; bits += 4099) {
    const float v = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    out.push_back(v);
    out.push_back(-v);
  }
  for (float v = 0; v < 100; v += 0x1p-10f) {  // where they bend
    out.push_back(v);
    out.push_back(-v);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float v : {infinity, -infinity, 0x1p-149f, -0x1p-149f, 0x1.fffffep127f}) {
    out.push_back(v);
  }
  return out;
}

}  // namespace sluice::reference
