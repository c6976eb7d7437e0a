// One thread per 4 neighbouring elements of a row, or per element where rows or addresses do not
// divide so.
#include "recurrence/cast.hpp"

#include "base/launch.cuh"
#include "recurrence/elements.hpp"
#include "recurrence/pack.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

template <int kWidth, typename From, typename To>
__global__ void __launch_bounds__(kThreads) cast_rows(CastShape shape, const From* from, To* to) {
  const std::int64_t pack = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t packs_a_row = shape.columns / kWidth;
  if (pack >= shape.rows * packs_a_row) return;
  std::int64_t row = 0;
  if (shape.rows > 1) row = pack / packs_a_row;
  const std::int64_t column = kWidth * (pack - row * packs_a_row);
  const auto in =
      *reinterpret_cast<const Pack<From, kWidth>*>(from + row * shape.from_pitch + column);
  Pack<To, kWidth> out;
  for (int k = 0; k < kWidth; ++k) out.v[k] = from_float<To>(to_float(in.v[k]));
  *reinterpret_cast<Pack<To, kWidth>*>(to + row * shape.to_pitch + column) = out;
}

template <typename From, typename To>
void cast_any(CastShape shape, const From* from, To* to, cudaStream_t stream) {
  if (shape.rows == 0 || shape.columns == 0) return;
  if (shape.from_pitch == shape.columns && shape.to_pitch == shape.columns) {
    const std::int64_t size = shape.rows * shape.columns;  // no gaps: one long row
    shape = {.rows = 1, .columns = size, .from_pitch = size, .to_pitch = size};
  }
  const bool one_row = shape.rows == 1;
  const bool packs = shape.columns % 4 == 0 && (one_row || shape.from_pitch % 4 == 0) &&
                     (one_row || shape.to_pitch % 4 == 0) && aligned({from}, 4 * sizeof(From)) &&
                     aligned({to}, 4 * sizeof(To));
  const std::int64_t size = shape.rows * shape.columns;
  if (packs) {
    launch(cast_rows<4, From, To>, {.blocks = blocks_for(size / 4, kThreads), .threads = kThreads},
           stream, shape, from, to);
  } else {
    launch(cast_rows<1, From, To>, {.blocks = blocks_for(size, kThreads), .threads = kThreads},
           stream, shape, from, to);
  }
}

}  // namespace

void cast(const CastShape& shape, const float* from, Bf16* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

void cast(const CastShape& shape, const Bf16* from, float* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

void cast(const CastShape& shape, const float* from, float* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

}  // namespace sluice
