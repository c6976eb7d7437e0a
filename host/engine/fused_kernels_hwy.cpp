// The fused recurrence's walks in Highway's vectors; foreach_target.h compiles this file once for
// each instruction set. A register tile is kRows series x 4 gates x one vector of units: its
// 4 kRows sums stay in registers over all K = C + H products, four loads of weights serve kRows
// series, and the cell is computed where the sums are.
//
// The surprise: every product that meets a sum is written MulAdd, so that no compiler may choose
// whether to round between them; that is why the same bits come out of any split of the batch.
#include "engine/fused_kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/fused_kernels_hwy.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

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

/// 2^y = scale + scale * rest, |y| <= 126; `rest` keeps its digits near y = 0. NaN: rest is NaN.
struct PowerOfTwo {
  V scale, rest;
};

HWY_INLINE PowerOfTwo power_of_two(V y) {
  const auto di = hn::RebindToSigned<D>();
  const V magic = hn::Set(d, 0x1.8p23f);  // adding it rounds to an integer, in the lowest bits
  const V shifted = hn::Add(y, magic);
  const V f = hn::Sub(y, hn::Sub(shifted, magic));
  const V scale =
      hn::BitCast(d, hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, shifted)), hn::Set(di, 0x3f800000)));
  // (2^f - 1)/f interpolated at Chebyshev's points of [-1/2, 1/2]: 9e-9.
  V p = hn::Set(d, 0.00015453163359779865f);
  p = hn::MulAdd(p, f, hn::Set(d, 0.0013390863314270973f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.009618083015084267f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.055503569543361664f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.24022650718688965f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.6931471824645996f));
  return {scale, hn::Mul(p, f)};
}

// Limits first: x86's Max and Min give their second argument when one is NaN.
HWY_INLINE V limit(V y, float most) {
  return hn::Min(hn::Set(d, most), hn::Max(hn::Set(d, -most), y));
}

/// sigmoid(a) from a * FusedScale::sigmoid.
HWY_INLINE V sigmoid_scaled(V y) {
  const PowerOfTwo e = power_of_two(limit(y, 125.0f));
  return reciprocal(hn::MulAdd(e.scale, e.rest, hn::Add(e.scale, hn::Set(d, 1.0f))));
}

/// tanh(a) from a * FusedScale::tanh.
HWY_INLINE V tanh_scaled(V y) {
  const PowerOfTwo e = power_of_two(limit(y, 30.0f));
  const V less_one = hn::MulAdd(e.scale, e.rest, hn::Sub(e.scale, hn::Set(d, 1.0f)));
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

int unit_blocks(int H) { return (H + kV - 1) / kV; }

/// [n,H] (null: zeros) into [U][n][V].
void load_states(const float* from, int n, int H, float* to) {
  for (int u = 0; u < unit_blocks(H); ++u) {
    for (int i = 0; i < n; ++i) {
      const V v = from == nullptr ? hn::Zero(d) : load_row(from + i * H + u * kV, H - u * kV);
      hn::Store(v, d, to + (u * n + i) * kV);
    }
  }
}

/// One step of one block of units.
struct ForwardStep {
  int C, H, units;  ///< units: of the block that are not padding
  const float *x, *h_prev, *weights, *bias, *c_prev;
  float *c, *gates, *h;
};

template <int R, bool kKeep>
void forward_tile(const ForwardStep& s, int row) {
  Tile<R, 4> sum;
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < 4; ++g) sum[r][g] = hn::Load(d, s.bias + g * kV);
  }
  const float* w = s.weights;
  const auto add = [&](const float* in, int width) HWY_ATTR {
    for (int k = 0; k < width; ++k, w += kGates) {
      const V w0 = hn::Load(d, w), w1 = hn::Load(d, w + kV), w2 = hn::Load(d, w + 2 * kV),
              w3 = hn::Load(d, w + 3 * kV);
      for (int r = 0; r < R; ++r) {
        const V v = hn::Set(d, in[r * width + k]);
        sum[r][0] = hn::MulAdd(w0, v, sum[r][0]);
        sum[r][1] = hn::MulAdd(w1, v, sum[r][1]);
        sum[r][2] = hn::MulAdd(w2, v, sum[r][2]);
        sum[r][3] = hn::MulAdd(w3, v, sum[r][3]);
      }
    }
  };
  add(s.x + row * s.C, s.C);
  add(s.h_prev + row * s.H, s.H);
  for (int r = 0; r < R; ++r) {
    const V i = sigmoid_scaled(sum[r][0]), f = sigmoid_scaled(sum[r][1]);
    const V g = tanh_scaled(sum[r][2]), o = sigmoid_scaled(sum[r][3]);
    const int at = (row + r) * kV;
    const V c = hn::MulAdd(f, hn::Load(d, s.c_prev + at), hn::Mul(i, g));
    hn::Store(c, d, s.c + at);
    store_row(hn::Mul(o, tanh_of(c)), s.h + (row + r) * s.H, s.units);
    if constexpr (kKeep) {
      float* gates = s.gates + 4 * at;
      hn::Stream(i, d, gates);
      hn::Stream(f, d, gates + kV);
      hn::Stream(g, d, gates + 2 * kV);
      hn::Stream(o, d, gates + 3 * kV);
    }
  }
}

template <bool kKeep, int R = kRows>
void forward_rows(const ForwardStep& s, int row, int n) {
  if (n >= R) {
    for (; n >= R; n -= R, row += R) forward_tile<R, kKeep>(s, row);
  }
  if constexpr (R > 1) {
    if (n > 0) forward_rows<kKeep, R - 1>(s, row, n);
  }
}

void forward(const FusedForward& walk) {
  const int U = unit_blocks(walk.H);
  const bool keep = walk.gates != nullptr;
  load_states(walk.c0, walk.n, walk.H, walk.c);
  const float *c_prev = walk.c, *h_prev = walk.h0 == nullptr ? walk.zeros : walk.h0;
  std::int64_t c_prev_rows = walk.n;
  const std::int64_t c_rows = keep ? walk.kept_rows : walk.n;
  for (int t = 0; t < walk.T; ++t) {
    float* c = keep ? walk.cells + t * walk.cells_step : walk.c;
    float* h = walk.h + t * walk.h_step;
    for (int u = 0; u < U; ++u) {
      ForwardStep s{.C = walk.C,
                    .H = walk.H,
                    .units = walk.H - u * kV,
                    .x = walk.x + t * walk.x_step,
                    .h_prev = h_prev,
                    .weights = walk.weights + std::int64_t{u} * (walk.C + walk.H) * kGates,
                    .bias = walk.bias + u * kGates,
                    .c_prev = c_prev + u * c_prev_rows * kV,
                    .c = c + u * c_rows * kV,
                    .gates = nullptr,
                    .h = h + u * kV};
      if (keep) {
        s.gates = walk.gates + t * walk.gates_step + u * walk.kept_rows * kGates;
        forward_rows<true>(s, 0, walk.n);
      } else {
        forward_rows<false>(s, 0, walk.n);
      }
    }
    c_prev = c;
    c_prev_rows = c_rows;
    h_prev = h;
  }
  if (walk.c_last == nullptr) return;
  for (int u = 0; u < U; ++u) {
    for (int i = 0; i < walk.n; ++i) {
      store_row(hn::Load(d, c_prev + (u * c_prev_rows + i) * kV), walk.c_last + i * walk.H + u * kV,
                walk.H - u * kV);
    }
  }
}

/// Gradients of the pre-activations of one step into walk.da at `slot`, of the bias into dweights,
/// of c_{t-1} into walk.dc.
void backward_cells(const FusedBackward& walk, int t, int slot) {
  const V one = hn::Set(d, 1.0f);
  const int H = walk.H, n = walk.n, U = unit_blocks(H);
  for (int u = 0; u < U; ++u) {
    const int units = H - u * kV;
    const float* gates = walk.gates + t * walk.gates_step + u * walk.kept_rows * kGates;
    const float* c = walk.cells + t * walk.cells_step + u * walk.kept_rows * kV;
    const float* c_prev = t > 0 ? c - walk.cells_step : walk.c_first + u * n * kV;
    float* da = walk.da + (std::int64_t{u} * walk.steps + slot) * n * kGates;
    float* db = walk.dweights + (std::int64_t{u} * (walk.C + H + 1) + walk.C + H) * kGates;
    V db0 = hn::Load(d, db), db1 = hn::Load(d, db + kV), db2 = hn::Load(d, db + 2 * kV),
      db3 = hn::Load(d, db + 3 * kV);
    for (int r = 0; r < n; ++r, gates += kGates, da += kGates) {
      const V i = hn::Load(d, gates), f = hn::Load(d, gates + kV), g = hn::Load(d, gates + 2 * kV),
              o = hn::Load(d, gates + 3 * kV);
      const V dh = hn::Add(load_row(walk.dh + t * walk.dh_step + r * H + u * kV, units),
                           hn::Load(d, walk.dh_next + (r * U + u) * kV));
      const V tanh_c = tanh_of(hn::Load(d, c + r * kV));
      float* dc_at = walk.dc + (u * n + r) * kV;
      const V dho = hn::Mul(dh, o);
      const V dc = hn::MulAdd(dho, hn::NegMulAdd(tanh_c, tanh_c, one), hn::Load(d, dc_at));
      const V dci = hn::Mul(dc, i), dcf = hn::Mul(dc, f);
      const V a_i = hn::Mul(hn::Mul(dci, g), hn::Sub(one, i));
      const V a_f = hn::Mul(hn::Mul(dcf, hn::Load(d, c_prev + r * kV)), hn::Sub(one, f));
      const V a_g = hn::Mul(dci, hn::NegMulAdd(g, g, one));
      const V a_o = hn::Mul(hn::Mul(dho, tanh_c), hn::Sub(one, o));
      hn::Store(dcf, d, dc_at);
      hn::Store(a_i, d, da);
      hn::Store(a_f, d, da + kV);
      hn::Store(a_g, d, da + 2 * kV);
      hn::Store(a_o, d, da + 3 * kV);
      db0 = hn::MulAdd(a_i, one, db0);
      db1 = hn::MulAdd(a_f, one, db1);
      db2 = hn::MulAdd(a_g, one, db2);
      db3 = hn::MulAdd(a_o, one, db3);
    }
    hn::Store(db0, d, db);
    hn::Store(db1, d, db + kV);
    hn::Store(db2, d, db + 2 * kV);
    hn::Store(db3, d, db + 3 * kV);
  }
}

/// out [n, columns] = da of one step times packed weights.
struct Product {
  const float* da;
  std::int64_t block;  ///< floats between blocks of units in da
  int U, n, columns;
  const float* weights;
  float* out;
  std::int64_t out_row;  ///< floats between rows of out
};

template <int R, int kVectors>
void product_tile(const Product& p, const float* weights, int first, int row) {
  Tile<R, kVectors> sum;
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  const float* w = weights;
  for (int u = 0; u < p.U; ++u) {
    const float* da = p.da + u * p.block + row * kGates;
    for (int k = 0; k < kGates; ++k, w += kVectors * kV) {
      Tile<1, kVectors> column;
      for (int v = 0; v < kVectors; ++v) column[0][v] = hn::Load(d, w + v * kV);
      for (int r = 0; r < R; ++r) {
        const V factor = hn::Set(d, da[r * kGates + k]);
        for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(column[0][v], factor, sum[r][v]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      const int column = first + v * kV;
      store_row(sum[r][v], p.out + (row + r) * p.out_row + column, p.columns - column);
    }
  }
}

template <int kVectors, int R = product_rows(kVectors)>
void product_rows_of(const Product& p, const float* weights, int first, int row) {
  for (; row + R <= p.n; row += R) product_tile<R, kVectors>(p, weights, first, row);
  if constexpr (R > 1) {
    if (row < p.n) product_rows_of<kVectors, R - 1>(p, weights, first, row);
  }
}

void multiply(const Product& p) {
  const int vectors = (p.columns + kV - 1) / kV, blocks = (vectors + 3) / 4;
  const float* weights = p.weights;
  for (int b = 0; b < blocks; ++b) {
    const int begin = vectors * b / blocks, width = vectors * (b + 1) / blocks - begin;
    const int first = begin * kV;
    if (width == 4) product_rows_of<4>(p, weights, first, 0);
    if (width == 3) product_rows_of<3>(p, weights, first, 0);
    if (width == 2) product_rows_of<2>(p, weights, first, 0);
    if (width == 1) product_rows_of<1>(p, weights, first, 0);
    weights += std::int64_t{p.U} * kGates * width * kV;
  }
}

/// The steps whose da wait to be added to dweights: slot s is step last - s.
struct Waiting {
  int last, count;
};

/// What a step's products took in, [n,width] a step: x, or h of the step before.
struct Inputs {
  const float* rows;  ///< of step `lag`
  std::int64_t step;
  int lag;
  const float* first;  ///< of step 0
  int width;
};

/// R inputs' gradients from `k`, of one block of units.
template <int R>
void dweights_tile(const Inputs& in, const Waiting& waiting, int n, const float* da, int k,
                   float* dweights) {
  Tile<R, 4> sum;
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < 4; ++g) sum[r][g] = hn::Load(d, dweights + r * kGates + g * kV);
  }
  for (int slot = 0; slot < waiting.count; ++slot) {
    const int t = waiting.last - slot;
    const float* row = (t == 0 ? in.first : in.rows + (t - in.lag) * in.step) + k;
    for (int i = 0; i < n; ++i, row += in.width, da += kGates) {
      const V a0 = hn::Load(d, da), a1 = hn::Load(d, da + kV), a2 = hn::Load(d, da + 2 * kV),
              a3 = hn::Load(d, da + 3 * kV);
      for (int r = 0; r < R; ++r) {
        const V v = hn::Set(d, row[r]);
        sum[r][0] = hn::MulAdd(a0, v, sum[r][0]);
        sum[r][1] = hn::MulAdd(a1, v, sum[r][1]);
        sum[r][2] = hn::MulAdd(a2, v, sum[r][2]);
        sum[r][3] = hn::MulAdd(a3, v, sum[r][3]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < 4; ++g) hn::Store(sum[r][g], d, dweights + r * kGates + g * kV);
  }
}

template <int R = kRows>
void dweights_of(const Inputs& in, const Waiting& waiting, int n, const float* da, int k,
                 float* dweights) {
  for (; k + R <= in.width; k += R) {
    dweights_tile<R>(in, waiting, n, da, k, dweights + k * kGates);
  }
  if constexpr (R > 1) {
    if (k < in.width) dweights_of<R - 1>(in, waiting, n, da, k, dweights);
  }
}

void add_dweights(const FusedBackward& walk, const Waiting& waiting) {
  const int C = walk.C, H = walk.H, n = walk.n;
  const Inputs x{walk.x, walk.x_step, 0, walk.x, C};
  const Inputs h{walk.h, walk.h_step, 1, walk.h0, H};
  // Zeros before the first step give nothing.
  const bool skip = waiting.last - waiting.count < 0 && walk.h0 == nullptr;
  const Waiting with_h{waiting.last, waiting.count - (skip ? 1 : 0)};
  for (int u = 0; u < unit_blocks(H); ++u) {
    const float* da = walk.da + std::int64_t{u} * walk.steps * n * kGates;
    float* dweights = walk.dweights + std::int64_t{u} * (C + H + 1) * kGates;
    dweights_of(x, waiting, n, da, 0, dweights);
    dweights_of(h, with_h, n, da, 0, dweights + C * kGates);
  }
}

void backward(const FusedBackward& walk) {
  const int H = walk.H, n = walk.n, U = unit_blocks(H);
  load_states(walk.dc_last, n, H, walk.dc);
  load_states(walk.c0, n, H, walk.c_first);
  for (int i = 0; i < n; ++i) {
    for (int u = 0; u < U; ++u) {
      const V v = walk.dh_last == nullptr ? hn::Zero(d)
                                          : load_row(walk.dh_last + i * H + u * kV, H - u * kV);
      hn::Store(v, d, walk.dh_next + (i * U + u) * kV);
    }
  }
  Waiting waiting{walk.T - 1, 0};
  for (int t = walk.T - 1; t >= 0; --t) {
    backward_cells(walk, t, waiting.count);
    Product p{.da = walk.da + waiting.count * n * kGates,
              .block = std::int64_t{walk.steps} * n * kGates,
              .U = U,
              .n = n,
              .columns = U * kV,
              .weights = walk.dh_weights,
              .out = walk.dh_next,
              .out_row = U * kV};
    if (t > 0 || walk.dh0 != nullptr) multiply(p);
    if (walk.dx != nullptr) {
      p.columns = walk.C;
      p.weights = walk.dx_weights;
      p.out = walk.dx + t * walk.dx_step;
      p.out_row = walk.C;
      multiply(p);
    }
    ++waiting.count;
    if (waiting.count == walk.steps || t == 0) {
      add_dweights(walk, waiting);
      waiting = {t - 1, 0};
    }
  }
  for (int i = 0; i < n; ++i) {
    for (int u = 0; u < U; ++u) {
      const int at = i * H + u * kV, units = H - u * kV;
      if (walk.dh0 != nullptr) {
        store_row(hn::Load(d, walk.dh_next + (i * U + u) * kV), walk.dh0 + at, units);
      }
      if (walk.dc0 != nullptr) {
        store_row(hn::Load(d, walk.dc + (u * n + i) * kV), walk.dc0 + at, units);
      }
    }
  }
}

void sigmoids(const float* in, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; i += kV) {
    const int left = static_cast<int>(std::min<std::int64_t>(count - i, kV));
    const V y = hn::Mul(load_row(in + i, left), hn::Set(d, FusedScale::sigmoid));
    store_row(sigmoid_scaled(y), out + i, left);
  }
}

void tanhs(const float* in, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; i += kV) {
    const int left = static_cast<int>(std::min<std::int64_t>(count - i, kV));
    store_row(tanh_of(load_row(in + i, left)), out + i, left);
  }
}

const FusedKernels* kernels() {
  static const FusedKernels table{
      hwy::TargetName(HWY_TARGET), kV, kRows, forward, backward, sigmoids, tanhs};
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

HWY_EXPORT(kernels);

const FusedKernels& fused_kernels() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }

std::vector<const FusedKernels*> all_fused_kernels() {
  std::vector<const FusedKernels*> all;
  for (std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0;
       targets &= targets - 1) {  // the lower bit is the better target
    hwy::SetSupportedTargetsForTest(targets & -targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    all.push_back(&fused_kernels());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return all;
}

}  // namespace sluice
#endif
