// Philox costs 10 rounds of integer products for 4 elements, far more than the product that it
// decides about; so kLanes groups are drawn together, in a form that the compiler vectorises
// (2.4 ns an element and core with AVX2).
#include "engine/dropout.hpp"

#include <algorithm>
#include <cstdint>

#include "sluice/model/dropout.hpp"

namespace sluice {
namespace {

constexpr int kLanes = 32;                   // groups drawn together
constexpr std::int64_t kBlock = 4 * kLanes;  // elements

void draw_factors(const DropoutKey& key, int layer, std::int64_t first_group, float* factor) {
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    const Philox4 numbers =
        dropout_numbers(key.seed, key.step, layer, static_cast<std::uint64_t>(first_group + lane));
    for (int k = 0; k < 4; ++k) {
      factor[4 * lane + k] = dropout_factor(numbers.v[k], key.rate);
    }
  }
}

}  // namespace

void apply_dropout(const DropoutKey& key, int layer, std::int64_t first, std::span<const float> in,
                   std::span<float> out) {
  const std::int64_t end = first + static_cast<std::int64_t>(in.size());
  for (std::int64_t block = first - first % 4; block < end; block += kBlock) {
    float factor[kBlock];
    draw_factors(key, layer, block / 4, factor);
    const std::int64_t from = std::max(block, first), to = std::min(block + kBlock, end);
    const float* source = in.data() + (from - first);
    float* target = out.data() + (from - first);
    const float* own = factor + (from - block);
    for (std::int64_t k = 0; k < to - from; ++k) target[k] = source[k] * own[k];
  }
}

}  // namespace sluice
