// What a kernel written for float and for Bf16 elements alike needs beside to_float(Bf16).
#pragma once

#include <type_traits>

#include "sluice/base/bf16.hpp"
#include "sluice/base/host_device.hpp"

namespace sluice {

SLUICE_HD inline float to_float(float x) { return x; }

template <typename T>
SLUICE_HD inline T from_float(float x) {
  if constexpr (std::is_same_v<T, Bf16>) {
    return to_bf16(x);
  } else {
    return x;
  }
}

}  // namespace sluice
