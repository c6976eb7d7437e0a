// Vectors for x86.cpp: 16 floats or 32 Numbers of AVX-512, roundings, sigmoid and tanh.
// Only that file includes it: everything here is inlined into its functions.
#pragma once

// Their vectors that need no value are uninitialized on purpose (GCC's PR 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>
#include <cstring>

#include "engine/fused/kernels.hpp"
#include "engine/fused/rows.hpp"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")

namespace sluice::bf16 {

using V = __m512;
constexpr int kV = 16;
[[gnu::always_inline]] inline V set(float v) { return _mm512_set1_ps(v); }

/// sum + the products of pairs. `a`, `b`: 32 Numbers.
[[gnu::always_inline]] inline V add_pairs(__m512i a, __m512i b, V sum) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

[[gnu::always_inline]] inline __m512i load_pairs(const Bf16* p) { return _mm512_load_si512(p); }

/// One pair in all lanes.
[[gnu::always_inline]] inline __m512i every_lane(const Bf16* pair) {
  int bits;
  std::memcpy(&bits, pair, sizeof bits);
  return _mm512_set1_epi32(bits);
}

/// `low` in the lower half, `high` in the upper.
[[gnu::always_inline]] inline __m512i round_both(V low, V high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

[[gnu::always_inline]] inline void store_rounded(V v, Bf16* to) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to),
                     reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

[[gnu::always_inline]] inline V widen(const Bf16* from) {
  const __m256i half = _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/// The first `count` lanes.
[[gnu::always_inline]] inline __mmask16 first_lanes(int count) {
  return static_cast<__mmask16>(count >= kV ? 0xffffu : (1u << count) - 1u);
}

/// The first `count` lanes of a row that may end there; the others are zero.
[[gnu::always_inline]] inline V load_row(const float* p, int count) {
  return count >= kV ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(first_lanes(count), p);
}

[[gnu::always_inline]] inline void store_row(V v, float* p, int count) {
  if (count >= kV) return _mm512_storeu_ps(p, v);
  _mm512_mask_storeu_ps(p, first_lanes(count), v);
}

/// Where two rows' Numbers go to lie side by side.
struct Order {
  std::int16_t at[32];
};
/// Of lanes first, first + 1, ... of one beside those of the other, which begins at `second`.
constexpr Order beside(int first, int second) {
  Order order{};
  for (int lane = 0; lane < kV; ++lane) {
    order.at[2 * lane] = static_cast<std::int16_t>(first + lane);
    order.at[2 * lane + 1] = static_cast<std::int16_t>(second + first + lane);
  }
  return order;
}

/// The lower halves of a and b (kHalf 0) or the upper ones (1) as pairs.
template <int kHalf>
[[gnu::always_inline]] inline __m512i pair_up(__m512i a, __m512i b) {
  alignas(64) static constexpr Order kOrder = beside(kHalf * kV, 2 * kV);
  return _mm512_permutex2var_epi16(a, _mm512_load_si512(kOrder.at), b);
}

/// The two halves as pairs.
[[gnu::always_inline]] inline __m512i pair_halves(__m512i a) {
  alignas(64) static constexpr Order kOrder = beside(0, kV);
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder.at), a);
}

/// 1/(1 + 2^y): sigmoid(a) from a * FusedScale::sigmoid.
[[gnu::always_inline]] inline V sigmoid_scaled(V y) {
  const V f = _mm512_reduce_ps(y, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  // 2^f over [0, 1): 7.5e-5 of itself.
  V p = set(0.07802452268953215f);
  p = _mm512_fmadd_ps(p, f, set(0.22606715539709013f));
  p = _mm512_fmadd_ps(p, f, set(0.695833540479292f));
  p = _mm512_fmadd_ps(p, f, set(0.9999252185659142f));
  return _mm512_rcp14_ps(_mm512_add_ps(_mm512_scalef_ps(p, y), set(1.0f)));
}

/// (2^y - 1)/(2^y + 1): tanh(a) from a * FusedScale::tanh.
[[gnu::always_inline]] inline V tanh_scaled(V y) {
  y = _mm512_min_ps(set(30.0f), y);  // the second one if it is NaN
  const V f = _mm512_reduce_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // (2^f - 1)/f over [-1/2, 1/2]: 1.5e-5 of itself.
  V p = set(0.009618111104772752f);
  p = _mm512_fmadd_ps(p, f, set(0.05583728834635752f));
  p = _mm512_fmadd_ps(p, f, set(0.24023252157474143f));
  p = _mm512_fmadd_ps(p, f, set(0.6931368577757802f));
  const V whole = _mm512_sub_ps(y, f), one = set(1.0f);
  const V less_one = _mm512_sub_ps(_mm512_scalef_ps(_mm512_fmadd_ps(f, p, one), whole), one);
  return _mm512_mul_ps(less_one, _mm512_rcp14_ps(_mm512_add_ps(less_one, set(2.0f))));
}

[[gnu::always_inline]] inline V tanh_of(V x) {
  return tanh_scaled(_mm512_mul_ps(x, set(FusedScale::tanh)));
}

}  // namespace sluice::bf16
#pragma GCC pop_options
