// Weights into the order in which the kernels of fused_mma want them, and gradients back: one
// thread per word or element, a few hundred thousand at most. Run once per load() and backward(),
// each of which is one launch a layer: beside small batches a launch more costs more than its work.
#include "base/launch.cuh"
#include "recurrence/fused_mma/numbers.cuh"
#include "recurrence/shared/elements.hpp"

namespace sluice::mma {
namespace {

constexpr int kThreads = 256;

/// R[gate, unit, k], zero in the padding.
__device__ inline float recurrent(const Weights& from, int gate, int unit, int k) {
  if (unit >= from.H || k >= from.H) return 0;
  return from.R[(std::int64_t{gate} * from.H + unit) * from.H + k];
}

__device__ inline float input(const Weights& from, int gate, int unit, int k) {
  if (unit >= from.H || k >= from.inputs) return 0;
  return from.W[(std::int64_t{gate} * from.H + unit) * from.inputs + k];
}

template <Precision kPrecision>
__device__ inline float fold(int gate) {
  return gate == 2 ? 1.0f : Numbers<kPrecision>::kFold;
}

/// Register `word` of a B fragment of one step, from element(row of the step).
template <Precision kPrecision, typename Value>
__device__ inline std::uint32_t fragment_word(int lane, int word, const Value& element) {
  const int pair = lane % 4;
  if constexpr (kPrecision == Precision::bf16) {
    const int row = 8 * word + 2 * pair;
    return pack_bf16x2(element(row), element(row + 1));
  } else {
    return to_tf32(element(pair + 4 * word));
  }
}

/// Word `at` of [steps][warps][2][32][4] of the forward kernel's fragments.
template <Precision kPrecision>
__device__ inline std::uint32_t forward_word(const Weights& from, std::int64_t at) {
  const int within = static_cast<int>(at % kForwardFragment);
  const std::int64_t fragment = at / kForwardFragment;
  const int warps = from.units / kUnitsOfWarp, warp = static_cast<int>(fragment % warps);
  const int step = static_cast<int>(fragment / warps);
  const int half = within / 128, lane = within % 128 / 4, word = within % 4;
  const int gate = 2 * half + word / 2, unit = kUnitsOfWarp * warp + lane / 4;
  return fragment_word<kPrecision>(lane, word % 2, [&](int row) {
    const int k = step * step_depth(kPrecision) + row;
    return fold<kPrecision>(gate) * (k < from.units ? recurrent(from, gate, unit, k)
                                                    : input(from, gate, unit, k - from.units));
  });
}

/// Word `at` of [steps][warps][32][2]: B [4Hp, 8 units of the warp] = R in the order of gate
/// columns.
template <Precision kPrecision>
__device__ inline std::uint32_t backward_word(const Weights& from, std::int64_t at) {
  const int within = static_cast<int>(at % kBackwardFragment);
  const std::int64_t fragment = at / kBackwardFragment;
  const int warps = from.units / kUnitsOfWarp, warp = static_cast<int>(fragment % warps);
  const int step = static_cast<int>(fragment / warps), lane = within / 2;
  const int unit = kUnitsOfWarp * warp + lane / 4;
  return fragment_word<kPrecision>(lane, within % 2, [&](int row) {
    const int column = step * step_depth(kPrecision) + row;
    return recurrent(from, gate_of_column(column), unit_of_column(column), unit);
  });
}

/// Element `at` of W [4Hp, pitch] in gate columns, and with a row's first that of the folded bias
/// [4Hp].
template <Precision kPrecision>
__device__ inline void pack_operand(const Weights& from, int pitch, std::int64_t at,
                                    Element<kPrecision>* W, float* bias) {
  const int column = static_cast<int>(at / pitch), k = static_cast<int>(at - column * pitch);
  const int gate = gate_of_column(column), unit = unit_of_column(column);
  W[at] = from_float<Element<kPrecision>>(input(from, gate, unit, k));
  if (k == 0) {
    bias[column] = unit < from.H ? fold<kPrecision>(gate) * from.b[gate * from.H + unit] : 0.0f;
  }
}

/// Words of the forward and of the backward kernel, elements of W: one after the other.
struct PackSizes {
  std::int64_t forward, backward, operand;
};

template <Precision kPrecision>
__global__ void __launch_bounds__(kThreads)
    pack_weights(Weights from, PackSizes sizes, int pitch, std::uint32_t* forward, float* bias,
                 std::uint32_t* backward, Element<kPrecision>* W) {
  std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < sizes.forward) {
    forward[at] = forward_word<kPrecision>(from, at);
    return;
  }
  at -= sizes.forward;
  if (at < sizes.backward) {
    backward[at] = backward_word<kPrecision>(from, at);
    return;
  }
  at -= sizes.backward;
  if (at < sizes.operand) pack_operand<kPrecision>(from, pitch, at, W, bias);
}

/// One thread per element of the caller's [4H, I + H + 1].
__global__ void __launch_bounds__(kThreads)
    unpack_gradients(PaddedGradients from, float* dW, float* dR, float* db) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int width = from.inputs + from.H + 1, k = static_cast<int>(at % width);
  const std::int64_t row = at / width;
  if (row >= 4 * from.H) return;
  const int gate = static_cast<int>(row / from.H), unit = static_cast<int>(row % from.H);
  const std::int64_t column = gate_column(unit, gate);
  if (k < from.inputs) {
    dW[row * from.inputs + k] = from.dW[column * from.pitch + k];
  } else if (k < from.inputs + from.H) {
    dR[row * from.H + k - from.inputs] = from.dR[column * from.pitch + k - from.inputs];
  } else {
    db[row] = from.db[column * from.pitch];
  }
}

template <typename E>
__global__ void __launch_bounds__(kThreads) fill_column(Ones ones, E* to) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t row = at / ones.count, column = at - row * ones.count;
  if (row < ones.rows) to[row * ones.pitch + ones.first + column * ones.stride] = from_float<E>(1);
}

template <typename E>
void fill(const Ones& ones, E* to, cudaStream_t stream) {
  launch(fill_column<E>,
         {.blocks = blocks_for(ones.rows * ones.count, kThreads), .threads = kThreads}, stream,
         ones, to);
}

template <Precision kPrecision>
void pack_all(const Weights& from, int x_steps, int pitch, std::uint32_t* forward, float* bias,
              std::uint32_t* backward, Element<kPrecision>* W, cudaStream_t stream) {
  const std::int64_t warps = from.units / kUnitsOfWarp;
  const PackSizes sizes{
      .forward = (hidden_steps(kPrecision, from.units) + x_steps) * warps * kForwardFragment,
      .backward = gradient_steps(kPrecision, from.units) * warps * kBackwardFragment,
      .operand = std::int64_t{4} * from.units * pitch};
  launch(pack_weights<kPrecision>,
         {.blocks = blocks_for(sizes.forward + sizes.backward + sizes.operand, kThreads),
          .threads = kThreads},
         stream, from, sizes, pitch, forward, bias, backward, W);
}

}  // namespace

template <>
void pack<Precision::bf16>(const Weights& from, int x_steps, int pitch, std::uint32_t* forward,
                           float* bias, std::uint32_t* backward, Bf16* W, cudaStream_t stream) {
  pack_all<Precision::bf16>(from, x_steps, pitch, forward, bias, backward, W, stream);
}

template <>
void pack<Precision::tf32>(const Weights& from, int x_steps, int pitch, std::uint32_t* forward,
                           float* bias, std::uint32_t* backward, float* W, cudaStream_t stream) {
  pack_all<Precision::tf32>(from, x_steps, pitch, forward, bias, backward, W, stream);
}

void fill_ones(const Ones& ones, Bf16* to, cudaStream_t stream) { fill(ones, to, stream); }
void fill_ones(const Ones& ones, float* to, cudaStream_t stream) { fill(ones, to, stream); }

void unpack(const PaddedGradients& from, float* dW, float* dR, float* db, cudaStream_t stream) {
  const std::int64_t size = std::int64_t{4} * from.H * (from.inputs + from.H + 1);
  launch(unpack_gradients, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         from, dW, dR, db);
}

}  // namespace sluice::mma
