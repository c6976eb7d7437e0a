// bfloat16 as 16 bits: the upper half of a float, rounded to nearest even. Storage only: arithmetic
// is done in float or by matrix instructions.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct Bf16 {
  std::uint16_t bits;
};

SLUICE_HD inline float to_float(Bf16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
  float out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}

SLUICE_HD inline Bf16 to_bf16(float x) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {  // NaN stays NaN
    return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  }
  bits += 0x7fffu + ((bits >> 16) & 1u);
  return {static_cast<std::uint16_t>(bits >> 16)};
}

/// Two of them as one 32-bit register of a matrix instruction; `low` is the first in memory.
SLUICE_HD inline std::uint32_t pack_bf16(float low, float high) {
  return static_cast<std::uint32_t>(to_bf16(low).bits) |
         (static_cast<std::uint32_t>(to_bf16(high).bits) << 16);
}

}  // namespace sluice
