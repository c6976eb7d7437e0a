// The fused recurrence's walks in Highway's vectors; foreach_target.h compiles this file once for
// each instruction set. A register tile is kRows series x 4 gates x one vector of units: its
// 4 kRows sums stay in registers over all K = C + H products, four loads of weights serve kRows
// series, and the cell is computed where the sums are.
//
// The surprise: every product that meets a sum is written MulAdd, so that no compiler may choose
// whether to round between them; that is why the same bits come out of any split of the batch.
#include "engine/fused/kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/fused/ahead.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/fused/kernels_hwy.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include "engine/fused/vectors_hwy.hpp"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {

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

HWY_INLINE void add_products(V v, V w0, V w1, V w2, V w3, V (&sum)[4]) {
  sum[0] = hn::MulAdd(w0, v, sum[0]);
  sum[1] = hn::MulAdd(w1, v, sum[1]);
  sum[2] = hn::MulAdd(w2, v, sum[2]);
  sum[3] = hn::MulAdd(w3, v, sum[3]);
}

HWY_INLINE void store_gates(const V (&sum)[4], float* to) {
  hn::Store(sum[0], d, to);
  hn::Store(sum[1], d, to + kV);
  hn::Store(sum[2], d, to + 2 * kV);
  hn::Store(sum[3], d, to + 3 * kV);
}

/// One step of one block of units.
struct ForwardStep {
  int C, H, units;  ///< units: of the block that are not padding
  const float *x, *h_prev, *weights, *bias, *c_prev;
  float *c, *gates, *h;
};

/// c of row `row` from its gates' sums, and 1/o in place of sum[3].
template <bool kKeep>
HWY_INLINE V forward_cell(const ForwardStep& s, int row, V (&sum)[4]) {
  PowerOfTwo e[4];
  powers_of_two(sum, e, RowsOf<4>());
  const V i_under = one_more(e[0]), f_under = one_more(e[1]), o_under = one_more(e[3]);
  const V g_over = one_less(e[2]), g_under = two_more(g_over);
  const int at = row * kV;
  const V c_prev = hn::Load(d, s.c_prev + at);
  V c;
  if constexpr (kKeep) {
    const V i = reciprocal(i_under), f = reciprocal(f_under), o = reciprocal(o_under);
    const V g = hn::Mul(g_over, reciprocal(g_under));
    c = hn::MulAdd(f, c_prev, hn::Mul(i, g));
    float* gates = s.gates + 4 * at;
    hn::Stream(i, d, gates);
    hn::Stream(f, d, gates + kV);
    hn::Stream(g, d, gates + 2 * kV);
    hn::Stream(o, d, gates + 3 * kV);
  } else {
    // f c + i g over one denominator, since a reciprocal costs more than two products. It is at
    // most 2^91, so that no product overflows while |c| < 2^66.
    const V ig_under = hn::Mul(i_under, g_under);
    const V over = hn::MulAdd(c_prev, ig_under, hn::Mul(g_over, f_under));
    c = hn::Mul(over, reciprocal(hn::Mul(ig_under, f_under)));
  }
  hn::Store(c, d, s.c + at);
  sum[3] = o_under;
  return c;
}

template <bool kKeep, int... r>
void forward_tile(const ForwardStep& s, int row, Rows<r...>) {
  const V b0 = hn::Load(d, s.bias), b1 = hn::Load(d, s.bias + kV),
          b2 = hn::Load(d, s.bias + 2 * kV), b3 = hn::Load(d, s.bias + 3 * kV);
  V sum[][4] = {{(void(r), b0), b1, b2, b3}...};
  const float* w = s.weights;
  const float* in = s.x + row * s.C;
  int width = s.C;
  for (int part = 0; part < 2; ++part) {
    for (int k = 0; k < width; ++k, w += kGates) {
      const V w0 = hn::Load(d, w), w1 = hn::Load(d, w + kV), w2 = hn::Load(d, w + 2 * kV),
              w3 = hn::Load(d, w + 3 * kV);
      (add_products(hn::Set(d, in[r * width + k]), w0, w1, w2, w3, sum[r]), ...);
    }
    in = s.h_prev + row * s.H;
    width = s.H;
  }
  // All rows' c before the first tanh of one: a processor looks some three rows ahead.
  const V c[] = {hn::Mul(forward_cell<kKeep>(s, row + r, sum[r]), hn::Set(d, FusedScale::tanh))...};
  PowerOfTwo e[sizeof...(r)];
  powers_of_two(c, e, Rows<r...>());
  const V over[] = {one_less(e[r])...};
  const V under[] = {hn::Mul(sum[r][3], two_more(over[r]))...};
  (store_row(hn::Mul(over[r], reciprocal(under[r])), s.h + (row + r) * s.H, s.units), ...);
}

template <bool kKeep, int R = kRows>
void forward_rows(const ForwardStep& s, int row, int n) {
  if (n >= R) {
    for (; n >= R; n -= R, row += R) forward_tile<kKeep>(s, row, RowsOf<R>());
  }
  if constexpr (R > 1) {
    if (n > 0) forward_rows<kKeep, R - 1>(s, row, n);
  }
}

void forward(const FusedForward<float>& walk) {
  const int U = unit_blocks(walk.H);
  const bool keep = walk.gates != nullptr;
  load_states(walk.c0, walk.n, walk.H, walk.c);
  const float *c_prev = walk.c, *h_prev = walk.h0 == nullptr ? walk.zeros : walk.h0;
  std::int64_t c_prev_rows = walk.n;
  const std::int64_t c_rows = keep ? walk.kept_rows : walk.n;
  for (int t = 0; t < walk.T; ++t) {
    float* c = keep ? walk.cells + t * walk.cells_step : walk.c;
    float* h = walk.h + t % walk.h_steps * walk.h_step;
    const float* x = input_step(walk, t);
    for (int u = 0; u < U; ++u) {
      ForwardStep s{.C = walk.C,
                    .H = walk.H,
                    .units = walk.H - u * kV,
                    .x = x,
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
void backward_cells(const FusedBackward<float>& walk, int t, int slot) {
  const V one = hn::Set(d, 1.0f);
  const int H = walk.H, n = walk.n, U = unit_blocks(H);
  for (int u = 0; u < U; ++u) {
    const int units = H - u * kV;
    const float* gates = walk.gates + t * walk.gates_step + u * walk.kept_rows * kGates;
    const float* c_prev = t > 0 ? walk.cells + (t - 1) * walk.cells_step + u * walk.kept_rows * kV
                                : walk.c_first + u * n * kV;
    float* da = walk.da + (std::int64_t{u} * walk.steps + slot) * n * kGates;
    float* db = walk.dweights + (std::int64_t{u} * (walk.C + H + 1) + walk.C + H) * kGates;
    V db0 = hn::Load(d, db), db1 = hn::Load(d, db + kV), db2 = hn::Load(d, db + 2 * kV),
      db3 = hn::Load(d, db + 3 * kV);
    for (int r = 0; r < n; ++r, gates += kGates, da += kGates) {
      const V i = hn::Load(d, gates), f = hn::Load(d, gates + kV), g = hn::Load(d, gates + 2 * kV),
              o = hn::Load(d, gates + 3 * kV);
      const V dh = hn::Add(load_row(walk.dh + t * walk.dh_step + r * H + u * kV, units),
                           hn::Load(d, walk.dh_next + (r * U + u) * kV));
      const V h = load_row(walk.h + t * walk.h_step + r * H + u * kV, units);
      float* dc_at = walk.dc + (u * n + r) * kV;
      // o (1 - tanh(c)^2) without an exponential, since h = o tanh(c). Where o is tiny the quotient
      // is as exact as h and o are, and h times it is at most o.
      const V slope = hn::NegMulAdd(h, hn::Mul(h, reciprocal(o)), o);
      const V dc = hn::MulAdd(dh, slope, hn::Load(d, dc_at));
      const V dci = hn::Mul(dc, i), dcf = hn::Mul(dc, f);
      const V a_i = hn::Mul(hn::Mul(dci, g), hn::Sub(one, i));
      const V a_f = hn::Mul(hn::Mul(dcf, hn::Load(d, c_prev + r * kV)), hn::Sub(one, f));
      const V a_g = hn::Mul(dci, hn::NegMulAdd(g, g, one));
      const V a_o = hn::Mul(hn::Mul(dh, h), hn::Sub(one, o));
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
  FusedAhead* ahead;
};

template <int... v>
HWY_INLINE void add_columns(V factor, const V* column, V* sum, Rows<v...>) {
  ((sum[v] = hn::MulAdd(column[v], factor, sum[v])), ...);
}

template <int... v>
HWY_INLINE void store_columns(const Product& p, const V* sum, int row, int first, Rows<v...>) {
  (store_row(sum[v], p.out + row * p.out_row + first + v * kV, p.columns - first - v * kV), ...);
}

template <int... r, int... v>
void product_tile(const Product& p, const float* weights, int first, int row, Rows<r...>,
                  Rows<v...> columns) {
  constexpr int kVectors = sizeof...(v);
  const V zero = hn::Zero(d);
  Tile<sizeof...(r), kVectors> sum;
  ((sum[r][0] = zero), ...);
  if constexpr (kVectors > 1) ((sum[r][1] = zero), ...);
  if constexpr (kVectors > 2) ((sum[r][2] = zero), ...);
  if constexpr (kVectors > 3) ((sum[r][3] = zero), ...);
  const float* w = weights;
  for (int u = 0; u < p.U; ++u) {
    const float* da = p.da + u * p.block + row * kGates;
    const char* lines = p.ahead->next(kGates);
    for (int k = 0; k < kGates; ++k, w += kVectors * kV) {
      FusedAhead::fetch(lines, k);
      const V column[] = {hn::Load(d, w + v * kV)...};
      (add_columns(hn::Set(d, da[r * kGates + k]), column, sum[r], columns), ...);
    }
  }
  (store_columns(p, sum[r], row + r, first, columns), ...);
}

template <int kVectors, int R = product_rows(kVectors)>
void product_rows_of(const Product& p, const float* weights, int first, int row) {
  for (; row + R <= p.n; row += R)
    product_tile(p, weights, first, row, RowsOf<R>(), RowsOf<kVectors>());
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

/// Some inputs' gradients from `k`, of one block of units.
template <int... r>
void dweights_tile(const Inputs& in, const Waiting& waiting, int n, const float* da, int k,
                   float* dweights, Rows<r...>) {
  V sum[][4] = {{hn::Load(d, dweights + r * kGates), hn::Load(d, dweights + r * kGates + kV),
                 hn::Load(d, dweights + r * kGates + 2 * kV),
                 hn::Load(d, dweights + r * kGates + 3 * kV)}...};
  for (int slot = 0; slot < waiting.count; ++slot) {
    const int t = waiting.last - slot;
    const float* row = (t == 0 ? in.first : in.rows + (t - in.lag) * in.step) + k;
    for (int i = 0; i < n; ++i, row += in.width, da += kGates) {
      const V a0 = hn::Load(d, da), a1 = hn::Load(d, da + kV), a2 = hn::Load(d, da + 2 * kV),
              a3 = hn::Load(d, da + 3 * kV);
      (add_products(hn::Set(d, row[r]), a0, a1, a2, a3, sum[r]), ...);
    }
  }
  (store_gates(sum[r], dweights + r * kGates), ...);
}

template <int R = kRows>
void dweights_of(const Inputs& in, const Waiting& waiting, int n, const float* da, int k,
                 float* dweights) {
  for (; k + R <= in.width; k += R) {
    dweights_tile(in, waiting, n, da, k, dweights + k * kGates, RowsOf<R>());
  }
  if constexpr (R > 1) {
    if (k < in.width) dweights_of<R - 1>(in, waiting, n, da, k, dweights);
  }
}

void add_dweights(const FusedBackward<float>& walk, const Waiting& waiting) {
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

void backward(const FusedBackward<float>& walk) {
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
    FusedAhead ahead(walk, t - 1, kV);
    Product p{.da = walk.da + waiting.count * n * kGates,
              .block = std::int64_t{walk.steps} * n * kGates,
              .U = U,
              .n = n,
              .columns = U * kV,
              .weights = walk.dh_weights,
              .out = walk.dh_next,
              .out_row = U * kV,
              .ahead = &ahead};
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

const FusedKernels<float>* kernels() {
  static const FusedKernels<float> table{
      hwy::TargetName(HWY_TARGET), kV, forward, backward, sigmoids, tanhs};
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

HWY_EXPORT(kernels);

const FusedKernels<float>& fused_kernels() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }

void for_each_fused_target(const std::function<void(const FusedKernels<float>&)>& work) {
  struct BestAgain {
    ~BestAgain() {
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
  } const best_again;
  for (std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0;
       targets &= targets - 1) {  // the lower bit is the better target
    hwy::SetSupportedTargetsForTest(targets & -targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    work(fused_kernels());
  }
}

std::vector<const FusedKernels<float>*> all_fused_kernels() {
  std::vector<const FusedKernels<float>*> all;
  for_each_fused_target([&](const FusedKernels<float>& kernels) { all.push_back(&kernels); });
  return all;
}

}  // namespace sluice
#endif
