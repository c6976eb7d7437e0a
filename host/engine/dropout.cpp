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

void apply_dropout(const DropoutKey& key, int layer, std::span<const float> in,
                   std::span<float> out) {
  const auto size = static_cast<std::int64_t>(in.size());
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < size; begin += kBlock) {
    float factor[kBlock];
    draw_factors(key, layer, begin / 4, factor);
    const std::int64_t count = std::min(kBlock, size - begin);
    const float* from = in.data() + begin;
    float* to = out.data() + begin;
    for (std::int64_t k = 0; k < count; ++k) to[k] = from[k] * factor[k];
  }
}

}  // namespace sluice
