// What differs between bf16 and tf32 in the kernels of fused_mma: the matrix instruction, and how
// pairs of numbers are kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ptx.cuh"
#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/bf16.hpp"
#include "sluice/model/cell.hpp"

namespace sluice::mma {

template <Precision kPrecision>
struct Numbers;

/// The non-linearities of both: tanh by the special function unit, with a relative error of 2^-11
/// at most. That is an eighth of what bf16 keeps of a number, and as much as tf32 rounds the inputs
/// of a product by. sigmoid(a) = (1 + tanh(a / 2)) / 2, and the half lies in the packed weights
/// (kFold), where it costs nothing and rounds nothing.
struct ApproximateCell {
  static constexpr float kFold = 0.5f;

  __device__ static Gates<float> gates(float i, float f, float g, float o) {
    return {half_sigmoid(i), half_sigmoid(f), tanh_approx(g), half_sigmoid(o)};
  }
  __device__ static float tanh(float x) { return tanh_approx(x); }

 private:
  __device__ static float half_sigmoid(float half) { return 0.5f * tanh_approx(half) + 0.5f; }
};

template <>
struct Numbers<Precision::bf16> : ApproximateCell {
  using Pair = Pack<std::uint32_t, 1>;    // two elements
  using Gates8 = Pack<std::uint32_t, 4>;  // the gates of two units, as gate_column() says

  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k16_bf16(d, a, b);
  }
  /// Makes a fragment of numbers from memory fit for multiply().
  __device__ static void round_fragment(std::uint32_t (&)[4]) {}

  /// For multiply(), and to be kept.
  __device__ static Pair operand(float low, float high) { return {{pack_bf16x2(low, high)}}; }
  __device__ static Pair kept(float low, float high) { return {{pack_bf16x2(low, high)}}; }
  __device__ static void set_gate(Gates8& gates, int gate, Pair p) { gates.v[gate] = p.v[0]; }

  /// Gates are kept as fractions of 65535, g in (-1,1) as 32768 + 32767 g: bf16 would leave 1 - i
  /// and 1 - g^2 of nearly saturated gates with errors of several hundredths.
  __device__ static Gates8 keep_gates(const Gates<float> (&of)[2]) {
    return {{fractions(of[0].i, of[1].i), fractions(of[0].f, of[1].f),
             lower_halves(whole(of[0].g, kMost, kMiddle), whole(of[1].g, kMost, kMiddle)),
             fractions(of[0].o, of[1].o)}};
  }
  __device__ static Gates<float> kept_gates(const Gates8& kept, int unit) {
    const auto value = [&](int gate, float zero, float most) {
      return (__uint_as_float(kWholeBits | (kept.v[gate] >> 16 * unit & 0xffffu)) -
              (kWhole + zero)) *
             (1 / most);
    };
    return {value(0, 0, 65535), value(1, 0, 65535), value(2, kMiddle, kMost), value(3, 0, 65535)};
  }

 private:
  // At 2^23 a float's steps are 1: adding it rounds to a whole number and leaves it in the last
  // bits.
  static constexpr float kWhole = 0x1p23f;
  static constexpr std::uint32_t kWholeBits = 0x4b000000u;
  static constexpr float kMiddle = 32768, kMost = 32767;  // 0 and 1 of g
  __device__ static std::uint32_t whole(float x, float scale, float zero) {
    return __float_as_uint(x * scale + (kWhole + zero));
  }
  __device__ static std::uint32_t fractions(float low, float high) {
    return lower_halves(whole(low, 65535, 0), whole(high, 65535, 0));
  }
};

template <>
struct Numbers<Precision::tf32> : ApproximateCell {
  using Pair = Pack<std::uint32_t, 2>;
  struct alignas(16) Gates8 {
    std::uint32_t v[8];
  };

  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_m16n8k8_tf32(d, a, b);
  }
  __device__ static void round_fragment(std::uint32_t (&a)[4]) {
    for (std::uint32_t& bits : a) bits = to_tf32(__uint_as_float(bits));
  }

  __device__ static Pair operand(float low, float high) { return {{to_tf32(low), to_tf32(high)}}; }
  __device__ static Pair kept(float low, float high) {
    return {{__float_as_uint(low), __float_as_uint(high)}};
  }
  __device__ static void set_gate(Gates8& gates, int gate, Pair p) {
    gates.v[2 * gate] = p.v[0];
    gates.v[2 * gate + 1] = p.v[1];
  }

  __device__ static Gates8 keep_gates(const Gates<float> (&of)[2]) {
    Gates8 out;
    set_gate(out, 0, kept(of[0].i, of[1].i));
    set_gate(out, 1, kept(of[0].f, of[1].f));
    set_gate(out, 2, kept(of[0].g, of[1].g));
    set_gate(out, 3, kept(of[0].o, of[1].o));
    return out;
  }
  __device__ static Gates<float> kept_gates(const Gates8& kept, int unit) {
    const auto value = [&](int gate) { return __uint_as_float(kept.v[2 * gate + unit]); };
    return {value(0), value(1), value(2), value(3)};
  }
};

/// Eight gates of a row of memory, 16 bytes an instruction.
template <typename Gates8>
__device__ inline void store_gates(void* to, const Gates8& gates) {
  constexpr std::size_t kStores = sizeof(Gates8) / 16;
  std::uint32_t words[kStores][4];
  __builtin_memcpy(words, &gates, sizeof gates);
#pragma unroll
  for (std::size_t k = 0; k < kStores; ++k) {
    store_global_16(static_cast<unsigned char*>(to) + 16 * k, words[k]);
  }
}

/// Where a thread stands: its warp's 8 units, its row (and row + 8) of a tile, its two units.
struct Seat {
  int warp, lane, row, pair, unit;
};

__device__ inline Seat seat() {
  const unsigned thread = threadIdx.x;  // without a sign, / and % are one instruction
  const int warp = static_cast<int>(thread / 32), lane = static_cast<int>(thread % 32);
  const int pair = static_cast<int>(thread % 4);
  return {warp, lane, static_cast<int>(thread % 32 / 4), pair, kUnitsOfWarp * warp + 2 * pair};
}

/// Where this lane's row of an A fragment begins in a tile of rows of `pitch` bytes.
__device__ inline int fragment_offset(int lane, int pitch) {
  return (lane & 15) * pitch + (lane & 16);
}

/// store_if() of ptx.cuh for any value of whole words; more than 16 bytes in pieces of 16.
template <typename Value>
__device__ inline void store_value_if(bool wanted, void* to, const Value& value) {
  constexpr std::size_t kPiece = sizeof value < 16 ? sizeof value : 16;
  constexpr std::size_t kPieces = sizeof value / kPiece;
  std::uint32_t words[kPieces][kPiece / 4];
  static_assert(sizeof words == sizeof value);
  __builtin_memcpy(words, &value, sizeof value);
  for (std::size_t i = 0; i < kPieces; ++i) {
    store_if(wanted, static_cast<unsigned char*>(to) + i * kPiece, words[i]);
  }
}

/// Two floats of a row of `pitch` (any alignment), units beyond H left out.
__device__ inline Pack<float, 2> load_units(const float* row, int unit, int H, bool vector) {
  if (vector) {
    return unit < H ? *reinterpret_cast<const Pack<float, 2>*>(row + unit) : Pack<float, 2>{};
  }
  return {{unit < H ? row[unit] : 0.0f, unit + 1 < H ? row[unit + 1] : 0.0f}};
}

__device__ inline void store_units(float* row, int unit, int H, bool vector, float low,
                                   float high) {
  if (vector) {
    if (unit < H) *reinterpret_cast<Pack<float, 2>*>(row + unit) = {{low, high}};
    return;
  }
  if (unit < H) row[unit] = low;
  if (unit + 1 < H) row[unit + 1] = high;
}

}  // namespace sluice::mma
