// The LSTM on oneDNN, with the batch split over threads: each thread runs single-threaded
// primitives on its own series for all T. The surprise: left to itself, oneDNN splits each step's
// products over the threads and meets at a barrier after each; with threads that sleep at barriers
// that costs a factor of 3 to 9 for small shapes, with threads that spin it collapses when another
// process takes a core. Split, there is one meeting a call. Gradients of the weights are summed
// slice by slice in a fixed order: the same bits for the same number of threads.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "engine/onednn_call.hpp"
#include "engine/onednn_stack.hpp"

namespace sluice {
namespace {

/// Fewer series than this do not pay for a thread of their own: the products' rows become too few.
constexpr int kLeastSlice = 4;

/// A batch too small to split runs on one thread, unless H is such that a step's products pay for
/// oneDNN's barriers.
constexpr int kHiddenForOneDnnThreads = 256;

/// OpenMP's threads set to `count` for a scope.
class ThreadScope {
 public:
  explicit ThreadScope(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~ThreadScope() { omp_set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

class OneDnnRecurrence final : public Recurrence {
 public:
  OneDnnRecurrence(int C, int H, int L)
      : C_(C), H_(H), L_(L), weights_(static_cast<std::size_t>(recurrence_params(C, H, L))) {}
  std::string name() const override { return "onednn"; }
  void prepare(int T, int N, bool training) override;
  void load(std::span<const float> weights) override;
  void infer(int T, int N, std::span<const float> x, StateIn initial, std::span<float> h,
             StateOut last) override;
  void forward(int T, int N, std::span<const float> x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override;
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override;

 private:
  /// How a batch is split, fixed by prepare().
  struct Split {
    int slices = 1;
    int threads = 1;  ///< OpenMP's when prepared, for a batch that is not split
  };
  RecurrenceShape shape(int T, int N) const { return {.T = T, .N = N, .C = C_, .H = H_, .L = L_}; }
  const Split& ready(int T, int N, bool training, const char* caller) const;
  void check_forward(const char* caller, const RecurrenceShape& shape, std::span<const float> x,
                     StateIn initial, std::span<float> h, StateOut last) const;
  void sum_slices(int slices, std::span<float> dweights) const;

  int C_, H_, L_;
  std::vector<float> weights_;                                    ///< the flat buffer as loaded
  std::int64_t version_ = 0;                                      ///< counts load(); 0: none yet
  std::map<std::pair<std::pair<int, int>, bool>, Split> splits_;  ///< by (T, N), training
  std::vector<std::unique_ptr<OneDnnStack>> stacks_;              ///< one a slice
  std::vector<std::vector<float>> dweights_;                      ///< of slices after the first

  /// The forward pass that backward() belongs to.
  struct Kept {
    RecurrenceShape shape;
    Split split;
    std::int64_t version = -1;  ///< of the weights; -1: there is none
  };
  Kept kept_;
};

void check_size(const char* caller, const char* what, std::size_t size, std::int64_t expected,
                const RecurrenceShape& shape) {
  if (static_cast<std::int64_t>(size) == expected) return;
  throw InternalError(fmt::format("{}: {} has {} elements, T={} N={} C={} H={} L={} needs {}",
                                  caller, what, size, shape.T, shape.N, shape.C, shape.H, shape.L,
                                  expected));
}

template <typename State>
void check_states(const char* caller, const char* what, const State& state,
                  const RecurrenceShape& shape) {
  const std::int64_t expected = std::int64_t{shape.L} * shape.N * shape.H;
  if (!state.h.empty()) check_size(caller, what, state.h.size(), expected, shape);
  if (!state.c.empty()) check_size(caller, what, state.c.size(), expected, shape);
}

std::int64_t elements(const RecurrenceShape& shape, int width) {
  return std::int64_t{shape.T} * shape.N * width;
}

BatchSlice slice_of(int N, int slices, int p) {
  const auto bound = [&](int q) { return static_cast<int>(std::int64_t{N} * q / slices); };
  return {.begin = bound(p), .size = bound(p + 1) - bound(p), .total = N};
}

/// Calls body(p) for each slice, each on a thread of its own, and throws the first of what they
/// throw. A single slice runs with `threads` threads inside.
template <typename Body>
void for_slices(int slices, int threads, Body body) {
  if (slices == 1) {
    const ThreadScope scope(threads);
    body(0);
    return;
  }
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(slices));
#pragma omp parallel for num_threads(slices) schedule(static, 1)
  for (int p = 0; p < slices; ++p) {
    try {
      body(p);
    } catch (const std::exception&) {
      thrown[static_cast<std::size_t>(p)] = std::current_exception();
    }
  }
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

void OneDnnRecurrence::prepare(int T, int N, bool training) {
  if (T < 1 || N < 1) {
    throw InternalError(fmt::format("prepare: T={} N={}, both must be at least 1", T, N));
  }
  const std::pair key(std::pair(T, N), training);
  if (splits_.contains(key)) return;
  const int threads = omp_get_max_threads();
  const int slices = std::clamp(N / kLeastSlice, 1, threads);
  const Split split{.slices = slices, .threads = H_ >= kHiddenForOneDnnThreads ? threads : 1};
  if (training) kept_.version = -1;  // arrays that grow lose what the last forward kept
  onednn_call("prepare", shape(T, N), [&] {
    while (static_cast<int>(stacks_.size()) < slices) {
      stacks_.push_back(std::make_unique<OneDnnStack>(C_, H_, L_));
    }
    if (training) dweights_.resize(std::max(dweights_.size(), stacks_.size() - 1));
    for (std::vector<float>& dweights : dweights_) dweights.resize(weights_.size());
    for_slices(slices, split.threads, [&](int p) {
      stacks_[static_cast<std::size_t>(p)]->prepare(T, slice_of(N, slices, p), training);
    });
  });
  splits_.emplace(key, split);
}

void OneDnnRecurrence::load(std::span<const float> weights) {
  check_size("load", "weights", weights.size(), static_cast<std::int64_t>(weights_.size()),
             shape(1, 1));
  std::copy(weights.begin(), weights.end(), weights_.begin());
  ++version_;
}

const OneDnnRecurrence::Split& OneDnnRecurrence::ready(int T, int N, bool training,
                                                       const char* caller) const {
  if (version_ == 0) throw InternalError(fmt::format("{}: no weights; call load() first", caller));
  const auto found = splits_.find({{T, N}, training});
  if (found == splits_.end()) {
    throw InternalError(fmt::format("{}: T={} N={} was not made ready; call prepare({}, {}, {})",
                                    caller, T, N, T, N, training));
  }
  return found->second;
}

void OneDnnRecurrence::check_forward(const char* caller, const RecurrenceShape& shape,
                                     std::span<const float> x, StateIn initial, std::span<float> h,
                                     StateOut last) const {
  check_size(caller, "x", x.size(), elements(shape, C_), shape);
  check_size(caller, "h", h.size(), elements(shape, H_), shape);
  check_states(caller, "an initial state", initial, shape);
  check_states(caller, "a last state", last, shape);
}

void OneDnnRecurrence::infer(int T, int N, std::span<const float> x, StateIn initial,
                             std::span<float> h, StateOut last) {
  const Split& split = ready(T, N, false, "infer");
  check_forward("infer", shape(T, N), x, initial, h, last);
  onednn_call("run the LSTM forward", shape(T, N), [&] {
    for_slices(split.slices, split.threads, [&](int p) {
      stacks_[static_cast<std::size_t>(p)]->forward(T, slice_of(N, split.slices, p), false,
                                                    {weights_, version_}, x, initial, DropoutKey{},
                                                    h, last);
    });
  });
}

void OneDnnRecurrence::forward(int T, int N, std::span<const float> x, StateIn initial,
                               DropoutKey dropout, std::span<float> h, StateOut last) {
  const Split& split = ready(T, N, true, "forward");
  check_forward("forward", shape(T, N), x, initial, h, last);
  if (!(dropout.rate >= 0 && dropout.rate < 1)) {
    throw InternalError(fmt::format("forward: dropout rate {} is not in [0, 1)", dropout.rate));
  }
  kept_.version = -1;
  onednn_call("run the LSTM forward", shape(T, N), [&] {
    for_slices(split.slices, split.threads, [&](int p) {
      stacks_[static_cast<std::size_t>(p)]->forward(T, slice_of(N, split.slices, p), true,
                                                    {weights_, version_}, x, initial, dropout, h,
                                                    last);
    });
  });
  kept_ = {.shape = shape(T, N), .split = split, .version = version_};
}

void OneDnnRecurrence::sum_slices(int slices, std::span<float> dweights) const {
  const auto size = static_cast<std::int64_t>(dweights.size());
#pragma omp parallel for num_threads(slices) schedule(static)
  for (std::int64_t k = 0; k < size; ++k) {
    const auto index = static_cast<std::size_t>(k);
    float sum = dweights[index];
    for (int p = 1; p < slices; ++p) sum += dweights_[static_cast<std::size_t>(p - 1)][index];
    dweights[index] = sum;
  }
}

void OneDnnRecurrence::backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                                std::span<float> dweights, StateOut dinitial) {
  if (kept_.version != version_) {
    throw InternalError(
        "backward: no forward pass is kept; call forward() first, with no load() or "
        "prepare() in between");
  }
  const RecurrenceShape& shape = kept_.shape;
  check_size("backward", "dh", dh.size(), elements(shape, H_), shape);
  if (!dx.empty()) check_size("backward", "dx", dx.size(), elements(shape, C_), shape);
  check_size("backward", "dweights", dweights.size(), static_cast<std::int64_t>(weights_.size()),
             shape);
  check_states("backward", "a last state's gradient", dlast, shape);
  check_states("backward", "an initial state's gradient", dinitial, shape);
  onednn_call("run the LSTM backward", shape, [&] {
    for_slices(kept_.split.slices, kept_.split.threads, [&](int p) {
      const auto index = static_cast<std::size_t>(p);
      stacks_[index]->backward(
          dh, dlast, dx, p == 0 ? dweights : std::span<float>(dweights_[index - 1]), dinitial);
    });
  });
  if (kept_.split.slices > 1) sum_slices(kept_.split.slices, dweights);
}

}  // namespace

std::int64_t recurrence_params(int C, int H, int L) {
  std::int64_t size = 0;
  for (int l = 0; l < L; ++l) {
    size += std::int64_t{4} * H * ((l == 0 ? C : H) + std::int64_t{H} + 1);
  }
  return size;
}

std::unique_ptr<Recurrence> make_onednn_recurrence(int C, int H, int L) {
  if (C < 1 || H < 1 || L < 1) {
    throw InternalError(
        fmt::format("make_onednn_recurrence: C={} H={} L={}, each must be at least 1", C, H, L));
  }
  return std::make_unique<OneDnnRecurrence>(C, H, L);
}

}  // namespace sluice
