#include "engine/shared/dropout.hpp"

#include <gtest/gtest.h>
#include <omp.h>

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

// Sizes below, at and above a block, and not a multiple of four.
TEST(ApplyDropout, MultipliesEachElementByItsOwnFactorAtAnySize) {
  for (const std::size_t size : {1u, 3u, 4u, 127u, 128u, 129u, 1001u}) {
    const std::vector<float> in = counting(size);
    std::vector<float> out(size, -1);
    apply_dropout(kKey, 3, in, out);
    for (std::size_t e = 0; e < size; ++e) {
      const Philox4 numbers = dropout_numbers(kKey.seed, kKey.step, 3, e / 4);
      ASSERT_EQ(out[e], in[e] * dropout_factor(numbers.v[e % 4], kKey.rate)) << e << " of " << size;
    }
  }
}

TEST(ApplyDropout, InPlaceGivesTheSame) {
  const std::vector<float> in = counting(1001);
  std::vector<float> apart(in.size()), in_place = in;
  apply_dropout(kKey, 0, in, apart);
  apply_dropout(kKey, 0, in_place, in_place);
  EXPECT_EQ(apart, in_place);
}

TEST(ApplyDropout, DoesNotDependOnTheNumberOfThreads) {
  const std::vector<float> in = counting(5000);
  std::vector<float> one(in.size()), three(in.size());
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  apply_dropout(kKey, 0, in, one);
  omp_set_num_threads(3);
  apply_dropout(kKey, 0, in, three);
  omp_set_num_threads(threads);
  EXPECT_EQ(one, three);
}

}  // namespace
}  // namespace sluice
