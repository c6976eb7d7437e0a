// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A number is a pure function of (key, counter): the same bits on any thread,
// in any order, on CPU and GPU. There is no generator object and no state to save.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct Philox4 {
  std::uint32_t v[4];
};

/// Ten rounds of Philox4x32 on the 128-bit counter (c0..c3) under the 64-bit key.
SLUICE_HD inline Philox4 philox(std::uint64_t key, std::uint64_t counter_low,
                                std::uint64_t counter_high) {
  constexpr std::uint32_t kM0 = 0xD2511F53u, kM1 = 0xCD9E8D57u;
  constexpr std::uint32_t kW0 = 0x9E3779B9u, kW1 = 0xBB67AE85u;
  auto c0 = static_cast<std::uint32_t>(counter_low);
  auto c1 = static_cast<std::uint32_t>(counter_low >> 32);
  auto c2 = static_cast<std::uint32_t>(counter_high);
  auto c3 = static_cast<std::uint32_t>(counter_high >> 32);
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(kM0) * c0;
    const std::uint64_t p1 = static_cast<std::uint64_t>(kM1) * c2;
    const auto h0 = static_cast<std::uint32_t>(p0 >> 32);
    const auto l0 = static_cast<std::uint32_t>(p0);
    const auto h1 = static_cast<std::uint32_t>(p1 >> 32);
    const auto l1 = static_cast<std::uint32_t>(p1);
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 += kW0;
    k1 += kW1;
  }
  return {{c0, c1, c2, c3}};
}

/// Uniform in [0, 1) with 24 random bits.
SLUICE_HD inline float to_uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1.0p-24f;
}

/// Uniform integer in [0, n), n > 0, from 64 random bits (Lemire's multiply; the bias of n / 2^64
/// is far below what any test could see).
SLUICE_HD inline std::uint64_t to_below(std::uint32_t high, std::uint32_t low, std::uint64_t n) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
  const std::uint64_t a = bits >> 32, b = bits & 0xffffffffu;
  const std::uint64_t c = n >> 32, d = n & 0xffffffffu;
  const std::uint64_t mid = (b * d >> 32) + ((a * d) & 0xffffffffu) + ((b * c) & 0xffffffffu);
  return a * c + (a * d >> 32) + (b * c >> 32) + (mid >> 32);
}

/// What a stream of numbers is for; part of the counter, so that no two purposes share numbers.
enum class RandomUse : std::uint32_t {
  weights = 1,
  order,
  dropout,
  simulate,
  bootstrap,
  channels,
  paths,
  pasts
};

}  // namespace sluice
