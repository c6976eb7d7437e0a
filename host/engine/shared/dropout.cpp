// Philox costs 10 rounds of integer products for 4 elements, far more than the product that it
// decides about; so kLanes groups are drawn together, in a form that the compiler vectorises
// (2.4 ns an element and core with AVX2).
#include "engine/shared/dropout.hpp"

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
                   std::span<float> out, std::int64_t first) {
  const std::int64_t lead = first % 4;  // elements of the first group that lie before the span
  const auto size = static_cast<std::int64_t>(in.size());
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < size + lead; begin += kBlock) {
    float factor[kBlock];
    draw_factors(key, layer, (first - lead + begin) / 4, factor);
    const std::int64_t from = std::max(begin, lead), to = std::min(begin + kBlock, size + lead);
    for (std::int64_t k = from; k < to; ++k) {
      out[static_cast<std::size_t>(k - lead)] =
          in[static_cast<std::size_t>(k - lead)] * factor[k - begin];
    }
  }
}

void apply_dropout(const DropoutKey& key, int layer, int T, int N, int H, const float* in,
                   float* out) {
  const std::int64_t row = std::int64_t{N} * H;
  if (key.sequences == 0) {
    const auto size = static_cast<std::size_t>(T * row);
    apply_dropout(key, layer, {in, size}, {out, size});
    return;
  }
  for (std::int64_t t = 0; t < T; ++t) {
    apply_dropout(key, layer, {in + t * row, static_cast<std::size_t>(row)},
                  {out + t * row, static_cast<std::size_t>(row)},
                  (t * key.sequences + key.first) * H);
  }
}

}  // namespace sluice
