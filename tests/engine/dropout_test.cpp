#include "engine/dropout.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "sluice/model/dropout.hpp"

namespace sluice {
namespace {

constexpr DropoutKey kKey{.rate = 0.3f, .seed = 42, .step = 17};

std::vector<float> counting(std::size_t size) {
  std::vector<float> values(size);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

// Sizes below, at and above a block, and runs that begin and end inside a group of four.
TEST(ApplyDropout, MultipliesEachElementByItsOwnFactorWhereverARunBegins) {
  for (const std::size_t size : {1u, 3u, 4u, 127u, 128u, 129u, 1001u}) {
    for (const std::size_t first : {0u, 1u, 2u, 3u, 4u, 126u, 128u, 1003u}) {
      const std::vector<float> in = counting(size);
      std::vector<float> out(size, -1);
      apply_dropout(kKey, 3, static_cast<std::int64_t>(first), in, out);
      for (std::size_t e = 0; e < size; ++e) {
        const Philox4 numbers = dropout_numbers(kKey.seed, kKey.step, 3, (first + e) / 4);
        ASSERT_EQ(out[e], in[e] * dropout_factor(numbers.v[(first + e) % 4], kKey.rate))
            << e << " of " << size << " from " << first;
      }
    }
  }
}

TEST(ApplyDropout, InPlaceGivesTheSame) {
  const std::vector<float> in = counting(1001);
  std::vector<float> apart(in.size()), in_place = in;
  apply_dropout(kKey, 0, 5, in, apart);
  apply_dropout(kKey, 0, 5, in_place, in_place);
  EXPECT_EQ(apart, in_place);
}

}  // namespace
}  // namespace sluice
