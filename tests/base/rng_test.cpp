#include "sluice/base/rng.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Known answers of Random123 (kat_vectors, philox 4x32 10 rounds).
TEST(Philox, GivesTheKnownAnswersOfItsAuthors) {
  const Philox4 zero = philox(0, 0, 0);
  EXPECT_EQ(zero.v[0], 0x6627e8d5u);
  EXPECT_EQ(zero.v[1], 0xe169c58du);
  EXPECT_EQ(zero.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.v[3], 0x9b00dbd8u);
  const Philox4 ones = philox(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.v[0], 0x408f276du);
  EXPECT_EQ(ones.v[1], 0x41c83b0eu);
  EXPECT_EQ(ones.v[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.v[3], 0x6d5451fdu);
}

TEST(ToBelow, IsTheHighHalfOfTheProduct) {
  EXPECT_EQ(to_below(0, 0, 10), 0u);
  EXPECT_EQ(to_below(0xffffffffu, 0xffffffffu, 10), 9u);
  EXPECT_EQ(to_below(0x80000000u, 0, 1000), 500u);
  EXPECT_EQ(to_below(0xffffffffu, 0xffffffffu, ~0ull), ~0ull - 1);
}

TEST(ToUniform, StaysBelowOne) {
  EXPECT_EQ(to_uniform(0), 0.0f);
  EXPECT_LT(to_uniform(0xffffffffu), 1.0f);
}

}  // namespace
}  // namespace sluice
