#include "base/distinct.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(AreDistinct, WhateverTheirOrder) {
  EXPECT_TRUE(are_distinct({}));
  EXPECT_TRUE(are_distinct({"a"}));
  EXPECT_TRUE(are_distinct({"a", "b", "ba"}));
  EXPECT_TRUE(are_distinct({"b", "a", "c"}));
  EXPECT_FALSE(are_distinct({"a", "b", "b"}));
  EXPECT_FALSE(are_distinct({"b", "a", "b"}));
}

}  // namespace
}  // namespace sluice
