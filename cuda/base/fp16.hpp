// IEEE half precision as 16 bits, rounded to nearest even. Storage only, as sluice/base/bf16.hpp;
// only the comparison with cuDNN uses it, whose fastest type it is.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct Fp16 {
  std::uint16_t bits = 0;
};

SLUICE_HD inline float to_float(Fp16 x) {
  const std::uint32_t magnitude = x.bits & 0x7fffu;
  float value;
  if (magnitude < 0x400u) {  // subnormal: a multiple of 2^-24
    value = static_cast<float>(magnitude) * 5.9604644775390625e-8f;
  } else {
    const std::uint32_t bits =
        magnitude < 0x7c00u ? (magnitude << 13) + 0x38000000u : (magnitude << 13) | 0x7f800000u;
    __builtin_memcpy(&value, &bits, sizeof value);
  }
  return (x.bits & 0x8000u) != 0 ? -value : value;
}

/// Beyond 65504 plus half a unit: infinity.
SLUICE_HD inline Fp16 to_fp16(float x) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const std::uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  std::uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;  // NaN stays NaN
  } else if (magnitude >= 0x47800000u) {
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // 0.5 has the unit that is wanted: the sum rounds
    float sum;
    __builtin_memcpy(&sum, &magnitude, sizeof sum);
    sum += 0.5f;
    __builtin_memcpy(&half, &sum, sizeof half);
    half -= 0x3f000000u;
  } else {
    half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  }
  return {static_cast<std::uint16_t>(sign | half)};
}

}  // namespace sluice
