// Numbers that must come back bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "sluice/base/rng.hpp"

namespace sluice {

/// Numbers of every kind of bits: tiny, huge, negative zero.
inline std::vector<float> numbers(std::size_t n, std::uint64_t seed) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Philox4 bits = philox(seed, i, 0);
    out[i] = std::ldexp(to_uniform(bits.v[0]) - 0.5f, static_cast<int>(bits.v[1] % 200) - 100);
  }
  if (n > 2) {
    out[0] = -0.0f;
    out[1] = std::numeric_limits<float>::denorm_min();
  }
  return out;
}

template <typename Number>
void expect_same_bits(const std::vector<Number>& a, const std::vector<Number>& b) {
  ASSERT_EQ(a.size(), b.size());
  if (a.empty()) return;
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Number)), 0);
}

inline void expect_same_bits(double a, double b) { EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0); }

}  // namespace sluice
