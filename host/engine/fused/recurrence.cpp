// The fused recurrence: arrays, and which thread walks which series when. The arithmetic is in
// kernels_hwy.cpp.
//
// The surprise: nothing of the caller's is copied. Walks read x and h where they lie, h_{t-1} as
// the row that was written a step before, and backward reads them again. Where x is made on demand,
// a thread makes some steps for its series just before it walks them; only training keeps them.
#include "engine/fused/recurrence.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/fused/dealing.hpp"
#include "engine/fused/layers.hpp"
#include "engine/shared/aligned_array.hpp"
#include "engine/shared/dropout.hpp"
#include "engine/shared/recurrence_check.hpp"
#include "sluice/base/bf16.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Rows (series and steps) whose gradients are added to the weights' gradients together: many,
/// since at H 512 those are read from memory and written back each time; few enough for the second
/// cache.
constexpr std::int64_t kGradientRows = 192;

/// Steps of n series that are so many rows, T at most.
std::int64_t gradient_steps(std::int64_t n, std::int64_t T) {
  return std::clamp<std::int64_t>(kGradientRows / n, 1, T);
}

/// What a thread needs for itself.
template <typename Number>
struct Scratch {
  AlignedArray<float> c, x, output[2];  // forward
  AlignedArray<Number> rounded;
  AlignedArray<Number> da;  // backward
  AlignedArray<float> dh, dc, c_first, doutput[2];
};

template <typename Number>
class FusedRecurrence final : public Recurrence {
 public:
  FusedRecurrence(int C, int H, int L, const FusedKernels<Number>& kernels);
  std::string name() const override { return "fused"; }
  void prepare(int T, int N, bool training) override;
  void load(std::span<const float> weights) override;
  void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
             StateOut last) override;
  void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override;
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override;

 private:
  struct Arrays {
    Input x;
    StateIn initial;
    float* h;
    StateOut last;
  };
  struct Gradients {
    const float* dh;
    StateIn dlast;
    float* dx;
    StateOut dinitial;
  };
  void check_ready(const char* caller, int T, int N, bool training) const;
  void check_arrays(const char* caller, int T, int N, const Input& x, StateIn initial,
                    std::span<float> h, StateOut last, bool h_wanted) const;
  void reserve(int T, int N, bool training);
  void run(int T, int N, const Arrays& arrays, bool training);
  void forward_chunk(int T, int N, SeriesRange r, const Arrays& arrays, bool training,
                     Scratch<Number>& scratch);
  void backward_chunk(SeriesRange r, const Gradients& g, float* dweights, Scratch<Number>& scratch);
  /// Part of a chunk in states [L,N,H], or null.
  const float* state(std::span<const float> all, int l, std::int64_t N, SeriesRange r) const {
    return all.empty() ? nullptr : all.data() + (l * N + r.begin) * H_;
  }
  float* state(std::span<float> all, int l, std::int64_t N, SeriesRange r) const {
    return all.empty() ? nullptr : all.data() + (l * N + r.begin) * H_;
  }
  void drop(int l, int T, SeriesRange r, const float* in, float* out, std::int64_t step) const;

  const FusedKernels<Number>& kernels_;
  int C_, L_;
  std::int64_t H_;
  FusedLayers<Number> layers_;
  std::vector<float> weights_, zeros_;
  std::vector<Scratch<Number>> scratch_;  ///< [threads]
  AlignedArray<float> groups_;            ///< [groups][layers_.packed_size()]
  AlignedArray<float> x_;                 ///< [T,N,C] of training, where it was made on demand
  std::set<std::tuple<int, int, bool>> ready_;
  bool training_ = false;  ///< some shape was made ready for it
  int threads_ = 1;

  /// The forward pass that backward() belongs to.
  struct Kept {
    int T = 0, N = 0;  ///< T = 0: there is none
    const float *x = nullptr, *h = nullptr;
    std::vector<float> h0, c0;
    DropoutKey dropout;
  };
  Kept kept_;
};

template <typename Number>
FusedRecurrence<Number>::FusedRecurrence(int C, int H, int L, const FusedKernels<Number>& kernels)
    : kernels_(kernels), C_(C), L_(L), H_(H), layers_(C, H, L, kernels.lanes) {}

template <typename Number>
void FusedRecurrence<Number>::reserve(int T, int N, bool training) {
  const std::int64_t rows = std::min<std::int64_t>(N, kChunkSeries);
  const std::int64_t width = layers_[0].shape.blocks() * std::int64_t{kernels_.lanes};
  if (static_cast<int>(scratch_.size()) < threads_) {
    scratch_.resize(static_cast<std::size_t>(threads_));
  }
  for (Scratch<Number>& scratch : scratch_) {
    scratch.c.reserve(rows * width);
    if (!training) {
      scratch.x.reserve(kInputSteps * rows * C_);
      for (AlignedArray<float>& output : scratch.output) {
        output.reserve((L_ > 1 ? std::max(T, 2) : 2) * rows * H_);
      }
    }
    for (int l = 0; l < L_; ++l) {
      const FusedLayerShape& shape = layers_[l].shape;
      scratch.rounded.reserve(shape.forward_scratch(rows));
      for (std::int64_t n = 1; training && n <= rows; ++n) {
        scratch.da.reserve(shape.backward_scratch(n, gradient_steps(n, T)));
      }
    }
    if (!training) continue;
    scratch.dh.reserve(rows * width);
    scratch.dc.reserve(rows * width);
    scratch.c_first.reserve(rows * width);
    if (L_ > 1) {
      for (AlignedArray<float>& doutput : scratch.doutput) doutput.reserve(T * rows * H_);
    }
  }
  if (static_cast<std::int64_t>(zeros_.size()) < rows * H_) {
    zeros_.assign(static_cast<std::size_t>(rows * H_), 0.0f);
  }
  if (!training) return;
  x_.reserve(std::int64_t{T} * N * C_);
  layers_.reserve_kept(T, N);
  groups_.reserve(group_count(T, N, layers_.packed_size()) * layers_.packed_size());
}

template <typename Number>
void FusedRecurrence<Number>::prepare(int T, int N, bool training) {
  if (T < 1 || N < 1) {
    throw InternalError(fmt::format("prepare: T={} N={}, both must be at least 1", T, N));
  }
  const int threads = omp_in_parallel() != 0 ? 1 : omp_get_max_threads();
  if (threads == threads_ && ready_.contains({T, N, training})) return;
  if (training) kept_.T = 0;  // arrays that grow lose what the last forward kept
  const bool other_threads = threads != threads_;
  threads_ = threads;
  try {
    reserve(T, N, training);
    if (other_threads) {  // each thread has scratch of its own for every shape
      for (const auto& [ready_T, ready_N, for_training] : ready_) {
        reserve(ready_T, ready_N, for_training);
      }
    }
    if (training && !training_) {
      training_ = true;
      if (!weights_.empty()) layers_.pack(weights_, true, threads_);
    }
  } catch (const std::bad_alloc&) {
    ready_.clear();  // an array that could not grow is gone
    kept_.T = 0;
    throw DeviceError(fmt::format(
        "the fused recurrence has no memory for T={} N={} C={} H={} L={}; try a smaller batch, "
        "window or hidden size",
        T, N, C_, H_, L_));
  }
  ready_.insert({T, N, training});
}

template <typename Number>
void FusedRecurrence<Number>::load(std::span<const float> weights) {
  const int H = static_cast<int>(H_);
  check_size("load", "weights", weights.size(), recurrence_params(C_, H, L_),
             {.T = 1, .N = 1, .C = C_, .H = H, .L = L_});
  weights_.assign(weights.begin(), weights.end());
  kept_.T = 0;
  layers_.pack(weights_, training_, threads_);
}

template <typename Number>
void FusedRecurrence<Number>::check_ready(const char* caller, int T, int N, bool training) const {
  if (weights_.empty()) {
    throw InternalError(fmt::format("{}: no weights; call load() first", caller));
  }
  if (ready_.contains({T, N, training})) return;
  throw InternalError(fmt::format("{}: T={} N={} was not made ready; call prepare({}, {}, {})",
                                  caller, T, N, T, N, training));
}

template <typename Number>
void FusedRecurrence<Number>::check_arrays(const char* caller, int T, int N, const Input& x,
                                           StateIn initial, std::span<float> h, StateOut last,
                                           bool h_wanted) const {
  const RecurrenceShape shape{.T = T, .N = N, .C = C_, .H = static_cast<int>(H_), .L = L_};
  const std::int64_t TN = std::int64_t{T} * N;
  check_input(caller, x, shape);
  if (!h.empty() || h_wanted) check_size(caller, "h", h.size(), TN * H_, shape);
  check_states(caller, "an initial state", initial, shape);
  check_states(caller, "a last state", last, shape);
}

template <typename Number>
void FusedRecurrence<Number>::drop(int l, int T, SeriesRange r, const float* in, float* out,
                                   std::int64_t step) const {
  const DropoutKey& key = kept_.dropout;
  const std::int64_t sequences = key.sequences == 0 ? kept_.N : key.sequences;
  const auto size = static_cast<std::size_t>(r.size() * H_);
  for (std::int64_t t = 0; t < T; ++t) {
    apply_dropout(key, l, {in + t * step, size}, {out + t * step, size},
                  (t * sequences + key.first + r.begin) * H_);
  }
}

template <typename Number>
void FusedRecurrence<Number>::forward_chunk(int T, int N, SeriesRange r, const Arrays& arrays,
                                            bool training, Scratch<Number>& scratch) {
  const std::int64_t n = r.size();
  const InputRows* rows = arrays.x.rows();
  const bool all_steps = rows == nullptr || training;
  float* made = rows == nullptr ? nullptr : training ? x_.data() + r.begin * C_ : scratch.x.data();
  const float* x = rows == nullptr ? arrays.x.array().data() + r.begin * C_ : made;
  std::int64_t x_step = (all_steps ? N : n) * C_;
  for (int l = 0; l < L_; ++l) {
    FusedLayer<Number>& layer = layers_[l];
    const bool top = l == L_ - 1, own = top ? arrays.h == nullptr : !training;
    float* h = own   ? scratch.output[l % 2].data()  // [T,n,H], or two steps of the top layer's
               : top ? arrays.h + r.begin * H_
                     : layer.output.data() + r.begin * H_;
    const std::int64_t gates = layer.shape.gates(), blocks = layer.shape.blocks();
    FusedForward<Number> walk{.T = T,
                              .n = r.size(),
                              .C = layer.shape.C,
                              .H = layer.shape.H,
                              .x = x,
                              .x_step = x_step,
                              .x_steps = l > 0 || all_steps ? T : kInputSteps,
                              .rows = l > 0 ? nullptr : rows,
                              .first = r.begin,
                              .x_made = made,
                              .h0 = state(arrays.initial.h, l, N, r),
                              .c0 = state(arrays.initial.c, l, N, r),
                              .h = h,
                              .h_step = (own ? n : N) * H_,
                              .h_steps = own && top ? 2 : T,
                              .weights = layer.weights.data(),
                              .bias = layer.bias.data(),
                              .c = scratch.c.data(),
                              .zeros = zeros_.data(),
                              .gates = nullptr,
                              .cells = nullptr,
                              .gates_step = blocks * N * gates,
                              .cells_step = blocks * N * kernels_.lanes,
                              .kept_rows = N,
                              .c_last = state(arrays.last.c, l, N, r),
                              .rounded = scratch.rounded.data()};
    if (training) {
      walk.gates = layer.gates.data() + r.begin * gates;
      walk.cells = layer.cells.data() + r.begin * kernels_.lanes;
    }
    kernels_.forward(walk);
    if (float* last = state(arrays.last.h, l, N, r)) {
      std::copy_n(h + (T - 1) % walk.h_steps * walk.h_step, n * H_, last);
    }
    x = h;
    x_step = walk.h_step;
    if (training && l < L_ - 1 && kept_.dropout.rate > 0) {
      float* dropped = layer.dropped.data() + r.begin * H_;
      drop(l, T, r, h, dropped, x_step);
      x = dropped;
    }
  }
}

template <typename Number>
void FusedRecurrence<Number>::run(int T, int N, const Arrays& arrays, bool training) {
  const std::int64_t count = chunk_count(N, threads_);
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
  for (std::int64_t i = 0; i < count; ++i) {
    forward_chunk(T, N, series_part(N, i, count), arrays, training,
                  scratch_[static_cast<std::size_t>(omp_get_thread_num())]);
  }
}

template <typename Number>
void FusedRecurrence<Number>::infer(int T, int N, const Input& x, StateIn initial,
                                    std::span<float> h, StateOut last) {
  check_ready("infer", T, N, false);
  check_arrays("infer", T, N, x, initial, h, last, false);
  run(T, N, {x, initial, h.empty() ? nullptr : h.data(), last}, false);
}

template <typename Number>
void FusedRecurrence<Number>::forward(int T, int N, const Input& x, StateIn initial,
                                      DropoutKey dropout, std::span<float> h, StateOut last) {
  check_ready("forward", T, N, true);
  check_arrays("forward", T, N, x, initial, h, last, true);
  if (!(dropout.rate >= 0 && dropout.rate < 1)) {
    throw InternalError(fmt::format("forward: dropout rate {} is not in [0, 1)", dropout.rate));
  }
  kept_.T = T;
  kept_.N = N;
  kept_.x = x.rows() == nullptr ? x.array().data() : x_.data();
  kept_.h = h.data();
  kept_.dropout = dropout;
  // Copies: the caller may have the last states written over the initial ones.
  kept_.h0.assign(initial.h.begin(), initial.h.end());
  kept_.c0.assign(initial.c.begin(), initial.c.end());
  run(T, N, {x, {kept_.h0, kept_.c0}, h.data(), last}, true);
}

template <typename Number>
void FusedRecurrence<Number>::backward_chunk(SeriesRange r, const Gradients& g, float* dweights,
                                             Scratch<Number>& scratch) {
  const int T = kept_.T;
  const std::int64_t N = kept_.N, n = r.size();
  const float* dh = g.dh + r.begin * H_;
  std::int64_t dh_step = N * H_;
  for (int l = L_ - 1; l >= 0; --l) {
    const FusedLayer<Number>& layer = layers_[l];
    const FusedLayer<Number>& below = layers_[l > 0 ? l - 1 : 0];
    const bool dropped = l > 0 && kept_.dropout.rate > 0;
    float* dx = l > 0 ? scratch.doutput[l % 2].data() : g.dx;
    if (l == 0 && dx != nullptr) dx += r.begin * C_;
    const float* x = l == 0 ? kept_.x : (dropped ? below.dropped : below.output).data();
    const float* h = l == L_ - 1 ? kept_.h : layer.output.data();
    const std::int64_t gates = layer.shape.gates(), blocks = layer.shape.blocks();
    kernels_.backward({.T = T,
                       .n = r.size(),
                       .C = layer.shape.C,
                       .H = layer.shape.H,
                       .x = x + r.begin * layer.shape.C,
                       .x_step = N * layer.shape.C,
                       .h0 = state(std::span<const float>(kept_.h0), l, N, r),
                       .c0 = state(std::span<const float>(kept_.c0), l, N, r),
                       .h = h + r.begin * H_,
                       .h_step = N * H_,
                       .gates = layer.gates.data() + r.begin * gates,
                       .cells = layer.cells.data() + r.begin * kernels_.lanes,
                       .gates_step = blocks * N * gates,
                       .cells_step = blocks * N * kernels_.lanes,
                       .kept_rows = N,
                       .dh_weights = layer.dh_weights.data(),
                       .dx_weights = layer.dx_weights.data(),
                       .dh = dh,
                       .dh_step = dh_step,
                       .dh_last = state(g.dlast.h, l, N, r),
                       .dc_last = state(g.dlast.c, l, N, r),
                       .dx = dx,
                       .dx_step = l > 0 ? n * H_ : N * C_,
                       .dh0 = state(g.dinitial.h, l, N, r),
                       .dc0 = state(g.dinitial.c, l, N, r),
                       .dweights = dweights + layer.packed,
                       .da = scratch.da.data(),
                       .steps = static_cast<int>(gradient_steps(n, T)),
                       .dh_next = scratch.dh.data(),
                       .dc = scratch.dc.data(),
                       .c_first = scratch.c_first.data()});
    if (l == 0) break;
    if (dropped) drop(l - 1, T, r, dx, dx, n * H_);
    dh = dx;
    dh_step = n * H_;
  }
}

template <typename Number>
void FusedRecurrence<Number>::backward(std::span<const float> dh, StateIn dlast,
                                       std::span<float> dx, std::span<float> dweights,
                                       StateOut dinitial) {
  if (kept_.T == 0) {
    throw InternalError(
        "backward: no forward pass is kept; call forward() first, with no load() or "
        "prepare() in between");
  }
  const std::int64_t N = kept_.N, TN = kept_.T * N;
  const RecurrenceShape shape{
      .T = kept_.T, .N = kept_.N, .C = C_, .H = static_cast<int>(H_), .L = L_};
  check_size("backward", "dh", dh.size(), TN * H_, shape);
  if (!dx.empty()) check_size("backward", "dx", dx.size(), TN * C_, shape);
  check_size("backward", "dweights", dweights.size(), static_cast<std::int64_t>(weights_.size()),
             shape);
  check_states("backward", "a last state's gradient", dlast, shape);
  check_states("backward", "an initial state's gradient", dinitial, shape);
  const Gradients gradients{dh.data(), dlast, dx.empty() ? nullptr : dx.data(), dinitial};
  const std::int64_t groups = group_count(kept_.T, N, layers_.packed_size());
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
  for (std::int64_t group = 0; group < groups; ++group) {
    float* sums = groups_.data() + group * layers_.packed_size();
    std::fill_n(sums, layers_.packed_size(), 0.0f);
    const SeriesRange all = series_part(N, group, groups);
    const std::int64_t chunks = chunk_count(all.size());
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      SeriesRange r = series_part(all.size(), chunk, chunks);
      r = {r.begin + all.begin, r.end + all.begin};
      backward_chunk(r, gradients, sums, scratch_[static_cast<std::size_t>(omp_get_thread_num())]);
    }
  }
  layers_.sum_gradients(groups_.data(), groups, dweights, threads_);
}

}  // namespace

template <typename Number>
std::unique_ptr<Recurrence> make_fused_recurrence(int C, int H, int L,
                                                  const FusedKernels<Number>& kernels) {
  if (C < 1 || H < 1 || L < 1) {
    throw InternalError(
        fmt::format("make_fused_recurrence: C={} H={} L={}, each must be at least 1", C, H, L));
  }
  return std::make_unique<FusedRecurrence<Number>>(C, H, L, kernels);
}

template std::unique_ptr<Recurrence> make_fused_recurrence(int, int, int,
                                                           const FusedKernels<float>&);
template std::unique_ptr<Recurrence> make_fused_recurrence(int, int, int,
                                                           const FusedKernels<Bf16>&);

std::unique_ptr<Recurrence> make_fused_recurrence(int C, int H, int L) {
  return make_fused_recurrence(C, H, L, fused_kernels());
}

}  // namespace sluice
