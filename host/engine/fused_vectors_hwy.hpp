// Vectors for fused_kernels_hwy.cpp: their width, sigmoid and tanh, rows that end inside one. No
// include guard: it is compiled again for each instruction set.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "engine/fused_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
template <int kHeight, int kWidth>
using Tile = V[std::size_t{kHeight}][std::size_t{kWidth}];
constexpr D d;
constexpr int kV = static_cast<int>(hn::MaxLanes(D()));
constexpr int kGates = 4 * kV;
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int kRows = kManyRegisters ? 6 : 3;
/// Rows of a product's tile of so many vectors of columns.
constexpr int product_rows(int vectors) {
  constexpr int many[] = {12, 12, 8, 6}, few[] = {8, 6, 4, 3};
  return kManyRegisters ? many[vectors - 1] : few[vectors - 1];
}

// 1/x to 2^-23. x in [1, 2^126].
HWY_INLINE V reciprocal(V x) {
  if constexpr (HWY_TARGET == HWY_AVX3) {  // 14 bits of its own
    const V guess = hn::ApproximateReciprocal(x);
    return hn::MulAdd(guess, hn::NegMulAdd(x, guess, hn::Set(d, 1.0f)), guess);
  } else {
    return hn::Div(hn::Set(d, 1.0f), x);
  }
}

/// 2^y = scale (1 + f p), |y| <= 126, |f| <= 1/2. NaN: f and p are NaN.
struct PowerOfTwo {
  V scale, f, p;
};

HWY_INLINE PowerOfTwo power_of_two(V y) {
  // Adding it rounds to an integer, in the lowest bits, which begin at an exponent's bias.
  const V magic = hn::Set(d, 0x1.8p23f + 127);
  const V shifted = hn::Add(y, magic);
  const V f = hn::Sub(y, hn::Sub(shifted, magic));
  const auto di = hn::RebindToSigned<D>();
  const V scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  // (2^f - 1)/f interpolated at Chebyshev's points of [-1/2, 1/2]: 9e-9.
  V p = hn::Set(d, 0.00015453163359779865f);
  p = hn::MulAdd(p, f, hn::Set(d, 0.0013390863314270973f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.009618083015084267f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.055503569543361664f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.24022650718688965f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.6931471824645996f));
  return {scale, f, p};
}

// Limits first: x86's Max and Min give their second argument when one is NaN.
HWY_INLINE V limit(V y, float most) {
  return hn::Min(hn::Set(d, most), hn::Max(hn::Set(d, -most), y));
}

/// sigmoid(a) from a * FusedScale::sigmoid.
HWY_INLINE V sigmoid_scaled(V y) {
  const PowerOfTwo e = power_of_two(limit(y, 125.0f));
  const V one = hn::Set(d, 1.0f);
  return reciprocal(hn::MulAdd(e.scale, hn::MulAdd(e.f, e.p, one), one));
}

/// tanh(a) from a * FusedScale::tanh.
HWY_INLINE V tanh_scaled(V y) {
  const PowerOfTwo e = power_of_two(limit(y, 30.0f));
  // 2^y - 1 in a form that keeps its digits near y = 0.
  const V less_one = hn::MulAdd(e.scale, hn::Mul(e.f, e.p), hn::Sub(e.scale, hn::Set(d, 1.0f)));
  return hn::Mul(less_one, reciprocal(hn::Add(less_one, hn::Set(d, 2.0f))));
}

HWY_INLINE V tanh_of(V x) { return tanh_scaled(hn::Mul(x, hn::Set(d, FusedScale::tanh))); }

/// The first `count` lanes of a row that may end there; the others are zero.
HWY_INLINE V load_row(const float* p, int count) {
  if (count >= kV) return hn::LoadU(d, p);
  HWY_ALIGN float buffer[kV] = {};
  std::copy_n(p, count, buffer);
  return hn::Load(d, buffer);
}

HWY_INLINE void store_row(V v, float* p, int count) {
  if (count >= kV) return hn::StoreU(v, d, p);
  HWY_ALIGN float buffer[kV];
  hn::Store(v, d, buffer);
  std::copy_n(buffer, count, p);
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();
