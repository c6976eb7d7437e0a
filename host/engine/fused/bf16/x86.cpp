// The fused recurrence's walks in bf16 for x86 processors with AVX-512 and its bf16 dot products
// (vdpbf16ps): a lane of a vector of floats adds the products of two pairs. A register tile is
// kRows series x 4 gates x 16 units, as with floats; the sum along K = C + H takes half as many
// instructions, the cell is what it was.
//
// What is rounded to bf16, to nearest: weights, x, h as the next step's products take it in, the
// kept gates, and gradients of the pre-activations as products take them in. Sums, c, the bias and
// its gradient, h and x as others see them, and all gradients that leave are float. The
// instructions take numbers below 2^-126 for zero and round each sum to nearest, whatever the
// processor's mode; which of a pair is added first is theirs to choose. sigmoid and tanh are good
// to 2^-13, beside the 2^-9 of the h that they make.
//
// The surprise: gradients of the pre-activations lie in scratch twice, for the two sums that they
// meet: along the gates of a row (dh, dx), and along rows (the weights), pairs of rows side by
// side. As in kernels_hwy.cpp every product that meets a sum is one instruction with it, so
// that the same bits come out of any split of the batch.
#include "engine/fused/kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/fused/ahead.hpp"
#include "engine/fused/bf16/bf16.hpp"
#include "engine/fused/bf16/vectors.hpp"
#include "engine/fused/pack.hpp"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")

namespace sluice {
namespace bf16 {
namespace {

constexpr int kGates = 4 * kV, kRows = 6;
/// Rows of a product's tile of so many vectors of columns.
constexpr int product_rows(int vectors) {
  constexpr int rows[] = {12, 12, 8, 6};
  return rows[vectors - 1];
}

/// [n,H] (null: zeros) into [U][n][V].
void load_states(const float* from, int n, int H, float* to) {
  for (int u = 0; u * kV < H; ++u) {
    for (int i = 0; i < n; ++i, to += kV) {
      _mm512_store_ps(
          to, from == nullptr ? _mm512_setzero_ps() : load_row(from + i * H + u * kV, H - u * kV));
    }
  }
}

/// Rows of `width` floats, rounded, to rows at `to` of whole vectors, their ends zero.
void round_rows(const float* from, int n, int width, Bf16* to, std::int64_t to_row) {
  for (int i = 0; i < n; ++i, from += width, to += to_row) {
    for (int k = 0; k < width; k += kV) store_rounded(load_row(from + k, width - k), to + k);
  }
}

[[gnu::always_inline]] inline void add_products(__m512i v, __m512i w0, __m512i w1, __m512i w2,
                                                __m512i w3, V (&sum)[4]) {
  sum[0] = add_pairs(w0, v, sum[0]);
  sum[1] = add_pairs(w1, v, sum[1]);
  sum[2] = add_pairs(w2, v, sum[2]);
  sum[3] = add_pairs(w3, v, sum[3]);
}

/// One step of one block of units.
struct ForwardStep {
  int H, units;            ///< units: of the block that are not padding
  int x_pairs, h_pairs;    ///< along the products' sums
  const Bf16 *x, *h_prev;  ///< rounded rows
  std::int64_t row;        ///< Numbers between rows of x and h
  const Bf16* weights;
  const float *bias, *c_prev;
  float *c, *h;
  Bf16 *gates, *h_rounded;
};

/// c of row `row` from its gates' sums, and o in place of sum[3].
template <bool kKeep>
[[gnu::always_inline]] inline V forward_cell(const ForwardStep& s, int row, V (&sum)[4]) {
  const V i = sigmoid_scaled(sum[0]), f = sigmoid_scaled(sum[1]);
  const V g = tanh_scaled(sum[2]), o = sigmoid_scaled(sum[3]);
  const int at = row * kV;
  const V c = _mm512_fmadd_ps(f, _mm512_load_ps(s.c_prev + at), _mm512_mul_ps(i, g));
  _mm512_store_ps(s.c + at, c);
  if constexpr (kKeep) {
    Bf16* gates = s.gates + 4 * at;
    _mm512_store_si512(gates, round_both(i, f));
    _mm512_store_si512(gates + 2 * kV, round_both(g, o));
  }
  sum[3] = o;
  return c;
}

[[gnu::always_inline]] inline void store_h(const ForwardStep& s, int row, V o, V c) {
  const V h = _mm512_mul_ps(o, tanh_of(c));
  store_row(h, s.h + row * s.H, s.units);
  store_rounded(h, s.h_rounded + row * s.row);
}

template <bool kKeep, int... r>
void forward_tile(const ForwardStep& s, int row, Rows<r...>) {
  const V b0 = _mm512_load_ps(s.bias), b1 = _mm512_load_ps(s.bias + kV),
          b2 = _mm512_load_ps(s.bias + 2 * kV), b3 = _mm512_load_ps(s.bias + 3 * kV);
  V sum[][4] = {{(void(r), b0), b1, b2, b3}...};
  const Bf16* w = s.weights;
  const Bf16* in = s.x + row * s.row;
  int pairs = s.x_pairs;
  for (int part = 0; part < 2; ++part) {
    for (int k = 0; k < pairs; ++k, w += 2 * kGates) {
      const __m512i w0 = load_pairs(w), w1 = load_pairs(w + 2 * kV), w2 = load_pairs(w + 4 * kV),
                    w3 = load_pairs(w + 6 * kV);
      (add_products(every_lane(in + r * s.row + 2 * k), w0, w1, w2, w3, sum[r]), ...);
    }
    in = s.h_prev + row * s.row;
    pairs = s.h_pairs;
  }
  // All rows' c before the first tanh of one: a processor looks some three rows ahead.
  const V c[] = {forward_cell<kKeep>(s, row + r, sum[r])...};
  (store_h(s, row + r, sum[r][3], c[r]), ...);
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

FusedLayerShape shape_of(int C, int H) { return {.C = C, .H = H, .V = kV, .P = 2}; }

void forward(const FusedForward<Bf16>& walk) {
  const int n = walk.n, H = walk.H;
  const FusedLayerShape shape = shape_of(walk.C, H);
  const int U = shape.blocks(), K = shape.padded(walk.C) + shape.padded(H);
  const bool keep = walk.gates != nullptr;
  load_states(walk.c0, n, H, walk.c);
  const float* c_prev = walk.c;
  std::int64_t c_prev_rows = n;
  const std::int64_t c_rows = keep ? walk.kept_rows : n;
  // Rows of h, then x; one for the step before, one for the next.
  const std::int64_t row = shape.rounded_row();
  Bf16 *before = walk.rounded, *after = before + n * row;
  round_rows(walk.h0 == nullptr ? walk.zeros : walk.h0, n, H, before, row);
  for (int t = 0; t < walk.T; ++t) {
    float* c = keep ? walk.cells + t * walk.cells_step : walk.c;
    float* h = walk.h + t % walk.h_steps * walk.h_step;
    round_rows(input_step(walk, t), n, walk.C, before + U * kV, row);
    for (int u = 0; u < U; ++u) {
      ForwardStep s{.H = H,
                    .units = H - u * kV,
                    .x_pairs = shape.padded(walk.C) / 2,
                    .h_pairs = shape.padded(H) / 2,
                    .x = before + U * kV,
                    .h_prev = before,
                    .row = row,
                    .weights = walk.weights + std::int64_t{u} * K * kGates,
                    .bias = walk.bias + u * kGates,
                    .c_prev = c_prev + u * c_prev_rows * kV,
                    .c = c + u * c_rows * kV,
                    .h = h + u * kV,
                    .gates = nullptr,
                    .h_rounded = after + u * kV};
      if (keep) {
        s.gates = walk.gates + t * walk.gates_step + u * walk.kept_rows * kGates;
        forward_rows<true>(s, 0, n);
      } else {
        forward_rows<false>(s, 0, n);
      }
    }
    c_prev = c;
    c_prev_rows = c_rows;
    std::swap(before, after);
  }
  if (walk.c_last == nullptr) return;
  for (int u = 0; u < U; ++u) {
    for (int i = 0; i < n; ++i) {
      store_row(_mm512_load_ps(c_prev + (u * c_prev_rows + i) * kV), walk.c_last + i * H + u * kV,
                H - u * kV);
    }
  }
}

/// Scratch of a backward walk.
struct Gradients {
  Bf16* rows;         ///< [U][n][4][V] of one step
  Bf16* pairs;        ///< [U][steps][ceil(n/2)][4][V][2]
  Bf16* inputs;       ///< [steps][ceil(n/2)][C+H][2]
  std::int64_t step;  ///< Numbers of one step of a block in `pairs`
};

/// What a cell of one row reads and writes beside its gradients.
struct CellRow {
  const Bf16* gates;
  const float *c, *c_prev, *dh, *dh_next;
  float* dc;
  int units;
};

/// Gradients of the pre-activations of one row, rounded: i and f, g and o.
struct Rounded {
  __m512i if_, go;
};

[[gnu::always_inline]] inline Rounded backward_cell(const CellRow& at, V (&db)[4]) {
  const V one = set(1.0f);
  const V i = widen(at.gates), f = widen(at.gates + kV), g = widen(at.gates + 2 * kV),
          o = widen(at.gates + 3 * kV);
  const V dh = _mm512_add_ps(load_row(at.dh, at.units), _mm512_load_ps(at.dh_next));
  const V tanh_c = tanh_of(_mm512_load_ps(at.c));
  const V dho = _mm512_mul_ps(dh, o);
  const V dc = _mm512_fmadd_ps(dho, _mm512_fnmadd_ps(tanh_c, tanh_c, one), _mm512_load_ps(at.dc));
  const V dci = _mm512_mul_ps(dc, i), dcf = _mm512_mul_ps(dc, f);
  const V a_i = _mm512_mul_ps(_mm512_mul_ps(dci, g), _mm512_sub_ps(one, i));
  const V a_f = _mm512_mul_ps(_mm512_mul_ps(dcf, _mm512_load_ps(at.c_prev)), _mm512_sub_ps(one, f));
  const V a_g = _mm512_mul_ps(dci, _mm512_fnmadd_ps(g, g, one));
  const V a_o = _mm512_mul_ps(_mm512_mul_ps(dho, tanh_c), _mm512_sub_ps(one, o));
  _mm512_store_ps(at.dc, dcf);
  db[0] = _mm512_fmadd_ps(a_i, one, db[0]);
  db[1] = _mm512_fmadd_ps(a_f, one, db[1]);
  db[2] = _mm512_fmadd_ps(a_g, one, db[2]);
  db[3] = _mm512_fmadd_ps(a_o, one, db[3]);
  return {round_both(a_i, a_f), round_both(a_g, a_o)};
}

/// Gradients of the pre-activations of one step into `to` at `slot`, of the bias into dweights, of
/// c_{t-1} into walk.dc.
void backward_cells(const FusedBackward<Bf16>& walk, const Gradients& to, int t, int slot) {
  const int H = walk.H, n = walk.n, U = (H + kV - 1) / kV;
  const auto store = [](Bf16* at, __m512i v) { _mm512_store_si512(at, v); };
  for (int u = 0; u < U; ++u) {
    CellRow at{.gates = walk.gates + t * walk.gates_step + u * walk.kept_rows * kGates,
               .c = walk.cells + t * walk.cells_step + u * walk.kept_rows * kV,
               .c_prev = nullptr,
               .dh = walk.dh + t * walk.dh_step + u * kV,
               .dh_next = walk.dh_next + u * kV,
               .dc = walk.dc + u * n * kV,
               .units = H - u * kV};
    at.c_prev = t > 0 ? at.c - walk.cells_step : walk.c_first + u * n * kV;
    Bf16* rows = to.rows + std::int64_t{u} * n * kGates;
    Bf16* pairs = to.pairs + (std::int64_t{u} * walk.steps + slot) * to.step;
    float* db_at = walk.dweights + (std::int64_t{u} * (walk.C + H + 1) + walk.C + H) * kGates;
    V db[] = {_mm512_load_ps(db_at), _mm512_load_ps(db_at + kV), _mm512_load_ps(db_at + 2 * kV),
              _mm512_load_ps(db_at + 3 * kV)};
    const auto next = [&] {
      const Rounded da = backward_cell(at, db);
      at.gates += kGates, at.c += kV, at.c_prev += kV, at.dc += kV;
      at.dh += H, at.dh_next += U * kV;
      store(rows, da.if_);
      store(rows + 2 * kV, da.go);
      rows += kGates;
      return da;
    };
    for (int r = 0; r < n; r += 2, pairs += 2 * kGates) {
      const Rounded a = next();
      const Rounded b = r + 1 < n ? next() : Rounded{};
      store(pairs, pair_up<0>(a.if_, b.if_));
      store(pairs + 2 * kV, pair_up<1>(a.if_, b.if_));
      store(pairs + 4 * kV, pair_up<0>(a.go, b.go));
      store(pairs + 6 * kV, pair_up<1>(a.go, b.go));
    }
    _mm512_store_ps(db_at, db[0]);
    _mm512_store_ps(db_at + kV, db[1]);
    _mm512_store_ps(db_at + 2 * kV, db[2]);
    _mm512_store_ps(db_at + 3 * kV, db[3]);
  }
}

/// Pairs of two rows (null: zeros) of `width` floats. Writes whole vectors: up to 30 Numbers more.
void pair_rows(const float* a, const float* b, int width, Bf16* to) {
  for (int k = 0; k < width; k += kV) {
    const V low = a == nullptr ? _mm512_setzero_ps() : load_row(a + k, width - k);
    const V high = b == nullptr ? _mm512_setzero_ps() : load_row(b + k, width - k);
    const __m512i both = round_both(low, high);
    _mm512_storeu_si512(to + 2 * k, pair_halves(both));
  }
}

/// What the products of step t took in, as pairs of rows. Slots are filled in their order, rows
/// from the first: what is written beyond a row is written again.
void pair_inputs(const FusedBackward<Bf16>& walk, int t, Bf16* to) {
  const int C = walk.C, H = walk.H;
  const float* x = walk.x + t * walk.x_step;
  const float* h = t > 0 ? walk.h + (t - 1) * walk.h_step : walk.h0;
  for (int i = 0; i < walk.n; i += 2, to += 2 * (C + H)) {
    const bool two = i + 1 < walk.n;
    pair_rows(x + i * C, two ? x + (i + 1) * C : nullptr, C, to);
    pair_rows(h == nullptr ? nullptr : h + i * H, h == nullptr || !two ? nullptr : h + (i + 1) * H,
              H, to + 2 * C);
  }
}

/// out [n, columns] = gradients of the pre-activations of one step times packed weights.
struct Product {
  const Bf16* da;  ///< [U][n][4][V]
  int U, n, columns;
  const Bf16* weights;
  float* out;
  std::int64_t out_row;  ///< floats between rows of out
  FusedAhead* ahead;
};

template <int... v>
[[gnu::always_inline]] inline void add_columns(__m512i factor, const __m512i* column, V* sum,
                                               Rows<v...>) {
  ((sum[v] = add_pairs(column[v], factor, sum[v])), ...);
}

template <int... v>
[[gnu::always_inline]] inline void store_columns(const Product& p, const V* sum, int row, int first,
                                                 Rows<v...>) {
  (store_row(sum[v], p.out + row * p.out_row + first + v * kV, p.columns - first - v * kV), ...);
}

template <int... r, int... v>
void product_tile(const Product& p, const Bf16* weights, int first, int row, Rows<r...>,
                  Rows<v...> columns) {
  constexpr int kVectors = sizeof...(v);
  const V zero = _mm512_setzero_ps();
  V sum[sizeof...(r)][std::size_t{kVectors}];
  ((sum[r][0] = zero), ...);
  if constexpr (kVectors > 1) ((sum[r][1] = zero), ...);
  if constexpr (kVectors > 2) ((sum[r][2] = zero), ...);
  if constexpr (kVectors > 3) ((sum[r][3] = zero), ...);
  const Bf16* w = weights;
  for (int u = 0; u < p.U; ++u) {
    const Bf16* da = p.da + (std::int64_t{u} * p.n + row) * kGates;
    const char* lines = p.ahead->next(kGates);
    for (int k = 0; k < kGates; k += 2, w += 2 * kVectors * kV) {
      FusedAhead::fetch(lines, k);
      FusedAhead::fetch(lines, k + 1);
      const __m512i column[] = {load_pairs(w + 2 * v * kV)...};
      (add_columns(every_lane(da + r * kGates + k), column, sum[r], columns), ...);
    }
  }
  (store_columns(p, sum[r], row + r, first, columns), ...);
}

template <int kVectors, int R = product_rows(kVectors)>
void product_rows_of(const Product& p, const Bf16* weights, int first, int row) {
  for (; row + R <= p.n; row += R)
    product_tile(p, weights, first, row, RowsOf<R>(), RowsOf<kVectors>());
  if constexpr (R > 1) {
    if (row < p.n) product_rows_of<kVectors, R - 1>(p, weights, first, row);
  }
}

void multiply(const Product& p) {
  const int vectors = (p.columns + kV - 1) / kV, blocks = (vectors + 3) / 4;
  const Bf16* weights = p.weights;
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

/// `pairs` pairs of rows: [pairs][width][2] inputs, [pairs][4][V][2] gradients of a block of units.
struct Waiting {
  std::int64_t pairs;
  int width;
  const Bf16 *inputs, *da;
};

/// Some inputs' gradients from `k`.
template <int... r>
void dweights_tile(const Waiting& waiting, int k, float* dweights, Rows<r...>) {
  V sum[][4] = {{_mm512_load_ps(dweights + r * kGates), _mm512_load_ps(dweights + r * kGates + kV),
                 _mm512_load_ps(dweights + r * kGates + 2 * kV),
                 _mm512_load_ps(dweights + r * kGates + 3 * kV)}...};
  const Bf16 *in = waiting.inputs + 2 * k, *da = waiting.da;
  for (std::int64_t i = 0; i < waiting.pairs; ++i, in += 2 * waiting.width, da += 2 * kGates) {
    const __m512i a0 = load_pairs(da), a1 = load_pairs(da + 2 * kV), a2 = load_pairs(da + 4 * kV),
                  a3 = load_pairs(da + 6 * kV);
    (add_products(every_lane(in + 2 * r), a0, a1, a2, a3, sum[r]), ...);
  }
  ((_mm512_store_ps(dweights + r * kGates, sum[r][0]),
    _mm512_store_ps(dweights + r * kGates + kV, sum[r][1]),
    _mm512_store_ps(dweights + r * kGates + 2 * kV, sum[r][2]),
    _mm512_store_ps(dweights + r * kGates + 3 * kV, sum[r][3])),
   ...);
}

template <int R = kRows>
void dweights_of(const Waiting& waiting, int k, float* dweights) {
  for (; k + R <= waiting.width; k += R) {
    dweights_tile(waiting, k, dweights + k * kGates, RowsOf<R>());
  }
  if constexpr (R > 1) {
    if (k < waiting.width) dweights_of<R - 1>(waiting, k, dweights);
  }
}

void backward(const FusedBackward<Bf16>& walk) {
  const int H = walk.H, n = walk.n, K = walk.C + H;
  const FusedLayerShape shape = shape_of(walk.C, H);
  const int U = shape.blocks();
  load_states(walk.dc_last, n, H, walk.dc);
  load_states(walk.c0, n, H, walk.c_first);
  for (int i = 0; i < n; ++i) {
    for (int u = 0; u < U; ++u) {
      _mm512_store_ps(walk.dh_next + (i * U + u) * kV,
                      walk.dh_last == nullptr
                          ? _mm512_setzero_ps()
                          : load_row(walk.dh_last + i * H + u * kV, H - u * kV));
    }
  }
  const std::int64_t row_pairs = (n + 1) / 2;
  Gradients da{
      .rows = walk.da, .pairs = nullptr, .inputs = nullptr, .step = row_pairs * 2 * kGates};
  da.pairs = da.rows + std::int64_t{U} * n * kGates;
  da.inputs = da.pairs + std::int64_t{U} * walk.steps * da.step;
  int slot = 0;
  for (int t = walk.T - 1; t >= 0; --t) {
    backward_cells(walk, da, t, slot);
    pair_inputs(walk, t, da.inputs + slot * row_pairs * 2 * K);
    FusedAhead ahead(walk, t - 1, kV);
    Product p{.da = da.rows,
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
    if (++slot < walk.steps && t > 0) continue;
    for (int u = 0; u < U; ++u) {
      dweights_of({.pairs = slot * row_pairs,
                   .width = K,
                   .inputs = da.inputs,
                   .da = da.pairs + std::int64_t{u} * walk.steps * da.step},
                  0, walk.dweights + std::int64_t{u} * (K + 1) * kGates);
    }
    slot = 0;
  }
  for (int i = 0; i < n; ++i) {
    for (int u = 0; u < U; ++u) {
      const int at = i * H + u * kV, units = H - u * kV;
      if (walk.dh0 != nullptr) {
        store_row(_mm512_load_ps(walk.dh_next + (i * U + u) * kV), walk.dh0 + at, units);
      }
      if (walk.dc0 != nullptr) {
        store_row(_mm512_load_ps(walk.dc + (u * n + i) * kV), walk.dc0 + at, units);
      }
    }
  }
}

void sigmoids(const float* in, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; i += kV) {
    const int left = static_cast<int>(std::min<std::int64_t>(count - i, kV));
    const V y = _mm512_mul_ps(load_row(in + i, left), set(FusedScale::sigmoid));
    store_row(sigmoid_scaled(y), out + i, left);
  }
}

void tanhs(const float* in, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; i += kV) {
    const int left = static_cast<int>(std::min<std::int64_t>(count - i, kV));
    store_row(tanh_of(load_row(in + i, left)), out + i, left);
  }
}

}  // namespace
}  // namespace bf16
}  // namespace sluice
#pragma GCC pop_options

namespace sluice {

const FusedKernels<Bf16>* fused_bf16_kernels() {
  static const FusedKernels<Bf16> table{"AVX3_BF16",    bf16::kV,       bf16::forward,
                                        bf16::backward, bf16::sigmoids, bf16::tanhs};
  return __builtin_cpu_supports("avx512bf16") != 0 ? &table : nullptr;
}

std::string_view fused_bf16_needs() { return "a processor with AVX-512 BF16"; }

}  // namespace sluice
