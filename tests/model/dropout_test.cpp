#include "sluice/model/dropout.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice {
namespace {

TEST(DropoutFactor, KeepsFromTheRateOnAndScalesByTheShareKept) {
  const std::uint32_t quarter = 0x40000000u;  // to_uniform gives 0.25
  EXPECT_EQ(dropout_factor(quarter - 256, 0.25f), 0.0f);
  EXPECT_EQ(dropout_factor(quarter, 0.25f), 1.0f / 0.75f);
}

TEST(DropoutFactor, AtRateZeroKeepsEverything) {
  EXPECT_EQ(dropout_factor(0, 0.0f), 1.0f);
  EXPECT_EQ(dropout_factor(0xffffffffu, 0.0f), 1.0f);
}

TEST(DropoutNumbers, AreThoseOfTheDocumentedCounter) {
  const Philox4 numbers = dropout_numbers(11, 5, 2, 77);
  const Philox4 expected = philox(11, 77, 5 * 65536 + 2 * 256 + 3);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(numbers.v[k], expected.v[k]);
}

TEST(DropoutNumbers, DifferByStepLayerSeedAndGroup) {
  const std::uint32_t base = dropout_numbers(1, 1, 1, 1).v[0];
  EXPECT_NE(base, dropout_numbers(2, 1, 1, 1).v[0]);
  EXPECT_NE(base, dropout_numbers(1, 2, 1, 1).v[0]);
  EXPECT_NE(base, dropout_numbers(1, 1, 2, 1).v[0]);
  EXPECT_NE(base, dropout_numbers(1, 1, 1, 2).v[0]);
}

TEST(DropoutNumbers, DropTheShareAskedFor) {
  constexpr float kRate = 0.2f;
  constexpr int kGroups = 25000;
  double sum = 0;
  for (int group = 0; group < kGroups; ++group) {
    const Philox4 numbers = dropout_numbers(3, 9, 0, static_cast<std::uint64_t>(group));
    for (const std::uint32_t bits : numbers.v) {
      sum += static_cast<double>(dropout_factor(bits, kRate));
    }
  }
  // Mean of 1e5 factors 0 or 1.25 with mean 1: standard deviation 0.5 / sqrt(1e5) = 0.0016.
  EXPECT_NEAR(sum / (4.0 * kGroups), 1.0, 4 * 0.0016);
}

}  // namespace
}  // namespace sluice
