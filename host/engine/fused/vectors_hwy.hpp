// Vectors for kernels_hwy.cpp: their width, sigmoid and tanh, rows that end inside one. No
// include guard: it is compiled again for each instruction set.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "engine/fused/kernels.hpp"
#include "engine/fused/rows.hpp"

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

// 1/x to 2^-23. x in [2^-30, 2^126].
HWY_INLINE V reciprocal(V x) {
  if constexpr (HWY_TARGET == HWY_AVX3) {  // 14 bits of its own
    const V guess = hn::ApproximateReciprocal(x);
    return hn::MulAdd(guess, hn::NegMulAdd(x, guess, hn::Set(d, 1.0f)), guess);
  } else {
    return hn::Div(hn::Set(d, 1.0f), x);
  }
}

/// y as far as it goes: sigmoid and tanh end at 2^-30 and 1 - 2^-29, which leaves denominators room
/// to be multiplied.
// A NaN stays one. Limits first: x86's Max and Min give their second argument when one is NaN;
// NEON's give the other one.
HWY_INLINE V limit(V y) {
  const V limited = hn::Min(hn::Set(d, 30.0f), hn::Max(hn::Set(d, -30.0f), y));
  if constexpr (HWY_ARCH_X86) {
    return limited;
  } else {
    return hn::IfThenElse(hn::Eq(y, y), limited, y);
  }
}

/// 2^y = scale (1 + f p). NaN: f and p are NaN.
struct PowerOfTwo {
  V scale, f, p;
};

/// Of y[i], operation by operation rather than one after the other: each is a chain of some 40
/// cycles, and a processor's scheduler holds few more operations than two such chains have.
template <int... i>
HWY_INLINE void powers_of_two(const V* y, PowerOfTwo* e, Rows<i...>) {
  const V limited[] = {limit(y[i])...};
  // Adding it rounds to an integer, in the lowest bits, which begin at an exponent's bias.
  const V magic = hn::Set(d, 0x1.8p23f + 127);
  const V shifted[] = {hn::Add(limited[i], magic)...};
  const V rounded[] = {hn::Sub(shifted[i], magic)...};
  ((e[i].f = hn::Sub(limited[i], rounded[i])), ...);
  // (2^f - 1)/f over [-1/2, 1/2] by the polynomial of least relative error: 4.7e-7.
  constexpr float kTerms[] = {0.0013333542738109827f, 0.009666245430707932f, 0.05550500378012657f,
                              0.24022351205348969f, 0.6931471228599548f};
  ((e[i].p = hn::Set(d, kTerms[0])), ...);
  for (std::size_t k = 1; k < std::size(kTerms); ++k) {
    const V term = hn::Set(d, kTerms[k]);
    ((e[i].p = hn::MulAdd(e[i].p, e[i].f, term)), ...);
  }
  const auto di = hn::RebindToSigned<D>();
  ((e[i].scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted[i])))), ...);
}

/// 2^y + 1: a sigmoid is 1 over it, from a * FusedScale::sigmoid.
HWY_INLINE V one_more(const PowerOfTwo& e) {
  const V one = hn::Set(d, 1.0f);
  return hn::MulAdd(e.scale, hn::MulAdd(e.f, e.p, one), one);
}

/// 2^y - 1, in a form that keeps its digits near y = 0: tanh is it over itself + 2, from
/// a * FusedScale::tanh.
HWY_INLINE V one_less(const PowerOfTwo& e) {
  return hn::MulAdd(e.scale, hn::Mul(e.f, e.p), hn::Sub(e.scale, hn::Set(d, 1.0f)));
}

HWY_INLINE V two_more(V v) { return hn::Add(v, hn::Set(d, 2.0f)); }

HWY_INLINE V sigmoid_scaled(V y) {
  PowerOfTwo e[1];
  powers_of_two(&y, e, RowsOf<1>());
  return reciprocal(one_more(e[0]));
}

HWY_INLINE V tanh_scaled(V y) {
  PowerOfTwo e[1];
  powers_of_two(&y, e, RowsOf<1>());
  const V less = one_less(e[0]);
  return hn::Mul(less, reciprocal(two_more(less)));
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
