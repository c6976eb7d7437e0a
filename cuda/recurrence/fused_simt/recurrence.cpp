// The host's side of fused_simt: how a stack is cut, and the order of walks and products. Products
// over all steps (weights' and inputs' gradients, hoisted inputs) are cuBLAS's, but for weights'
// gradients from few rows.
//
// infer() needs no array of its own but for hoisted products: every layer writes h where the layer
// before wrote it, because a CTA has read its inputs of a step before it writes that step.
#include "recurrence/fused_simt/recurrence.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/matmul.hpp"
#include "recurrence/fused_simt/register_walk.hpp"
#include "recurrence/fused_simt/walk.hpp"
#include "recurrence/fused_simt/weight_gradients.hpp"
#include "recurrence/shared/column_sums.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace fused_simt {
namespace {

constexpr int kFewestThreads = 128;  // of a CTA, before a thread takes 8 series instead of 4
constexpr Cut kSmallest{.series = 8, .series_per_thread = 4, .steps = 1};
constexpr Cut kSmall{.series = 16, .series_per_thread = 4, .steps = 1};

/// The largest cut into at least `least_blocks` CTAs whose `bytes(cut)` fit; else the smallest that
/// is no smaller than kSmall; else kSmallest. Smaller ones gain nothing: with fewer than four warps
/// to a multiprocessor, a thread's own instructions are the limit. (Arithmetic, not measured.)
template <typename Bytes>
Cut choose_cut(int H, int N, int least_blocks, std::int64_t shared_bytes, const Bytes& bytes) {
  std::optional<Cut> found;
  for (const int series : {128, 64, 32, 16, 8}) {
    Cut cut{.series = series, .series_per_thread = 8, .steps = 1};
    if (threads(cut, H) < kFewestThreads) cut.series_per_thread = 4;
    if (threads(cut, H) > kMostThreads || bytes(cut) > shared_bytes) continue;
    if (found && series < kSmall.series) break;
    found = cut;
    if ((N + series - 1) / series >= least_blocks) break;
  }
  return found.value_or(kSmallest);
}

constexpr int kRegisterTile = 16 << 10;  // bytes of inputs that a walk brings at once, about

constexpr int kBlocksEach = 2;  // CTAs of one series for each multiprocessor, at most

/// One series a CTA while they are few: a step is shorter then. Else four, whose products share
/// what is loaded. (On an H200, 64 units, forward: 264 series 18 against 23 us, 528 series 34
/// against
/// 24. At 96 units, of which one CTA is resident, 256 series: 35 and 90 us forward and back against
/// 40 and 81.)
Cut register_cut(int N, int T, int inputs, int least_blocks) {
  Cut cut{.series = N <= kBlocksEach * least_blocks ? 1 : 4, .series_per_thread = 1, .steps = T};
  const int bytes = 4 * cut.series * inputs;
  if (bytes > 0) cut.steps = std::clamp(kRegisterTile / bytes, 1, T);
  return cut;
}

class FusedSimt final : public DeviceRecurrence {
 public:
  FusedSimt(const RecurrenceSpec& spec, DeviceContext& context, const Form& form)
      : spec_(spec),
        context_(context),
        form_(form),
        weights_(context.memory(), lstm_weights(spec.C, spec.H, spec.L), "weights of fused_simt") {}

  std::string name() const override { return "fused_simt"; }
  bool tells_of_layers() const override { return true; }
  bool assembles_input() const override { return !form_.hoist_first; }

  void prepare(int T, int N, bool training) override {
    to_int(std::int64_t{T} * N, "fused_simt: the rows of a batch (steps times sequences)");
    DeviceMemory& memory = context_.memory();
    const std::int64_t H = spec_.H, L = spec_.L, cells = std::int64_t{T} * N * H;
    if (!training) {
      if (L > 1) below_.grow(memory, cells, "h of the lower layers");
      if (hoists()) {
        product_.grow(memory, std::min(T, steps_hoisted(N)) * N * 4 * H, "input products");
        carried_.grow(memory, 2 * N * H, "states between hoisted steps");
      }
      return;
    }
    h_.grow(memory, (L - 1) * cells, "h of the lower layers");
    dropped_.grow(memory, L > 1 ? cells : 0, "h after dropout");
    c_.grow(memory, L * cells, "c of all steps");
    gates_.grow(memory, L * 4 * cells, "gates of all steps");
    dh_.grow(memory, L > 1 ? cells : 0, "gradients between layers");
    first_.grow(memory, 2 * L * N * H, "initial states");
    std::int64_t sums = column_sums_workspace(std::int64_t{T} * N, 4 * H);
    for (const std::int64_t inputs : {std::int64_t{spec_.C}, L > 1 ? H : spec_.C}) {
      if (!own_gradients(T, N, static_cast<int>(inputs))) continue;
      sums = std::max(sums, gradient_floats(std::int64_t{T} * N, static_cast<int>(inputs), spec_.H,
                                            context_.info().multiprocessors));
    }
    sums_.grow(memory, sums, "sums of gradients");
  }

  void load(DeviceSpan<const float> weights) override {
    if (weights.size() != weights_.size()) {
      throw InternalError(fmt::format("fused_simt: {} weights given, and there are {}",
                                      weights.size(), weights_.size()));
    }
    copy(weights.data(), weights_.data(), weights.size());
  }

  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override {
    const std::int64_t cells = std::int64_t{T} * N * spec_.H;
    for (int l = 0; l < spec_.L; ++l) {
      const bool top = l + 1 == spec_.L;
      ForwardWalk walk = layer_walk(l, T, N, initial, last);
      walk.h = h.empty() && !top ? ready(below_, cells) : h.data();
      if (l > 0) {
        walk.x = h.empty() ? ready(below_, cells) : h.data();
      } else if (input.rows != nullptr) {
        walk.assemble = true;
        walk.rows = *input.rows;
      } else {
        walk.x = input.x.data();
      }
      if (!hoisted(l)) {
        run(walk);
        continue;
      }
      if (walk.assemble) throw InternalError("fused_simt: windows given where x is hoisted");
      walk_hoisted(walk);
    }
  }

  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override {
    const std::int64_t H = spec_.H, states = spec_.L * N * H, cells = std::int64_t{T} * N * H;
    kept_ = {.T = T, .N = N, .x = x, .h = h, .dropout = dropout, .initial = {}};
    float* const first = ready(first_, 2 * states);
    if (!initial.h.empty()) {
      copy(initial.h.data(), first, states);
      kept_.initial.h = {first, states};
    }
    if (!initial.c.empty()) {
      copy(initial.c.data(), first + states, states);
      kept_.initial.c = {first + states, states};
    }
    for (int l = 0; l < spec_.L; ++l) {
      ForwardWalk walk = layer_walk(l, T, N, kept_.initial, last);
      walk.x = layer_input(l);
      walk.h = layer_output(l);
      walk.c = ready(c_, spec_.L * cells) + l * cells;
      walk.gates = layer_gates(l);
      if (hoisted(l)) {
        multiply_input(walk, T, walk.x, walk.gates);
        walk.product = walk.gates;
        walk.I = 0;
      }
      run(walk);
    }
  }

  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override {
    const int T = kept_.T, N = kept_.N, H = spec_.H;
    const std::int64_t rows = std::int64_t{T} * N, cells = rows * H;
    for (int l = spec_.L - 1; l >= 0; --l) {
      const LayerWeights at = layer_weights(spec_.C, H, l);
      const bool top = l + 1 == spec_.L;
      BackwardWalk walk;
      walk.T = T, walk.N = N, walk.I = at.inputs, walk.H = H;
      walk.R = weights_.data() + at.R;
      walk.x = layer_input(l);
      walk.h = layer_output(l);
      walk.gates = layer_gates(l);
      walk.c = ready(c_, spec_.L * cells) + l * cells;
      walk.h_first = state(kept_.initial.h, l);
      walk.c_first = state(kept_.initial.c, l);
      walk.dh = top ? dh.data() : ready(dh_, cells);
      walk.dh_last = state(dlast.h, l);
      walk.dc_last = state(dlast.c, l);
      walk.da = layer_gates(l);
      walk.dh_first = state(dinitial.h, l);
      walk.dc_first = state(dinitial.c, l);
      run(walk);

      layer_gradients(walk, at, dweights.data());
      complete(l);
      float* const below = l > 0 ? ready(dh_, cells) : dx.data();
      if (below == nullptr) continue;
      matmul(
          context_.blas(),
          {.m = rows, .n = at.inputs, .k = 4 * H, .lda = 4 * H, .ldb = at.inputs, .ldc = at.inputs},
          Precision::fp32, walk.da, weights_.data() + at.W, below);
      if (l > 0 && kept_.dropout.rate > 0) drop(l - 1, below, below);
    }
  }

 private:
  /// Of the last forward().
  struct Kept {
    int T = 0, N = 0;
    DeviceSpan<const float> x;
    DeviceSpan<float> h;
    DeviceDropout dropout;
    DeviceStateIn initial;  ///< copies of our own: the caller's may be overwritten by the last ones
  };

  bool hoisted(int l) const { return l == 0 ? form_.hoist_first : form_.hoist_upper; }
  bool hoists() const { return hoisted(0) || (spec_.L > 1 && hoisted(1)); }
  /// Steps of N sequences whose input products infer() has at a time.
  int steps_hoisted(int N) const {
    const std::int64_t steps = form_.product_floats / (4 * std::int64_t{N} * spec_.H);
    return static_cast<int>(std::clamp<std::int64_t>(steps, 1, 1 << 20));
  }

  bool own_gradients(int T, int N, int inputs) const {
    return form_.own_gradients && takes_gradients(std::int64_t{T} * N, inputs, spec_.H);
  }

  float* ready(const DeviceBuffer<float>& buffer, std::int64_t size) const {
    if (buffer.size() < size) throw InternalError("fused_simt: this shape was not prepared");
    return buffer.data();
  }

  /// Layer l's [N,H] of states [L,N,H].
  template <typename T>
  T* state(DeviceSpan<T> states, int l) const {
    return states.empty() ? nullptr : states.data() + states.size() / spec_.L * l;
  }

  void copy(const float* from, float* to, std::int64_t size) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(size) * sizeof(float),
                          cudaMemcpyDeviceToDevice, context_.stream()),
          "cudaMemcpyAsync on the device");
  }

  void drop(int l, const float* from, float* to) {
    apply_dropout(kept_.dropout, l,
                  {.rows = std::int64_t{kept_.T} * kept_.N,
                   .H = spec_.H,
                   .from_pitch = spec_.H,
                   .to_pitch = spec_.H},
                  from, to, context_.stream());
  }

  ForwardWalk layer_walk(int l, int T, int N, DeviceStateIn initial, DeviceStateOut last) const {
    const LayerWeights at = layer_weights(spec_.C, spec_.H, l);
    ForwardWalk walk;
    walk.T = T, walk.N = N, walk.I = at.inputs, walk.H = spec_.H;
    walk.W = weights_.data() + at.W;
    walk.R = weights_.data() + at.R;
    walk.b = weights_.data() + at.b;
    walk.h_first = state(initial.h, l);
    walk.c_first = state(initial.c, l);
    walk.h_last = state(last.h, l);
    walk.c_last = state(last.c, l);
    return walk;
  }

  // What forward() keeps of layer l.
  float* layer_gates(int l) const {
    const std::int64_t size = std::int64_t{kept_.T} * kept_.N * 4 * spec_.H;
    return ready(gates_, spec_.L * size) + l * size;
  }
  float* layer_output(int l) const {
    const std::int64_t size = std::int64_t{kept_.T} * kept_.N * spec_.H;
    return l + 1 == spec_.L ? kept_.h.data() : ready(h_, (spec_.L - 1) * size) + l * size;
  }
  /// Draws the mask of the layer below, if there is one.
  const float* layer_input(int l) {
    if (l == 0) return kept_.x.data();
    if (kept_.dropout.rate == 0) return layer_output(l - 1);
    float* const dropped = ready(dropped_, std::int64_t{kept_.T} * kept_.N * spec_.H);
    drop(l - 1, layer_output(l - 1), dropped);
    return dropped;
  }

  void run(ForwardWalk& walk) {
    if (form_.registers) {
      walk.cut = register_cut(walk.N, walk.T, padded_inputs(walk.I), form_.least_blocks);
      walk_forward_in_registers(walk, context_.stream());
      return;
    }
    walk.cut = choose_cut(walk.H, walk.N, form_.least_blocks, context_.info().shared_bytes,
                          [&](const Cut& cut) { return forward_bytes(cut, walk.I, walk.H); });
    Cut more = walk.cut;  // as many steps as give every thread a row to assemble
    while (walk.I > 0 && (more.steps + 1) * more.series <= threads(more, walk.H)) {
      ++more.steps;
      if (forward_bytes(more, walk.I, walk.H) <= context_.info().shared_bytes) walk.cut = more;
    }
    walk_forward(walk, context_.stream());
  }

  void run(BackwardWalk& walk) {
    if (form_.registers) {
      walk.cut = register_cut(walk.N, walk.T, 0, form_.least_blocks);
      walk_backward_in_registers(walk, context_.stream());
      return;
    }
    walk.cut = choose_cut(walk.H, walk.N, form_.least_blocks, context_.info().shared_bytes,
                          [&](const Cut& cut) { return backward_bytes(cut, walk.H); });
    walk_backward(walk, context_.stream());
  }

  /// product [steps,N,4H] = x W^T.
  void multiply_input(const ForwardWalk& walk, int steps, const float* x, float* product) {
    matmul(context_.blas(),
           {.m = std::int64_t{steps} * walk.N,
            .n = 4 * walk.H,
            .k = walk.I,
            .transpose_b = true,
            .lda = walk.I,
            .ldb = walk.I,
            .ldc = 4 * walk.H},
           Precision::fp32, x, walk.W, product);
  }

  /// The walk in stretches of steps, the states carried from one to the next. (Stretches of series
  /// would not carry, but their rows lie in T pieces: T small products instead of one.)
  void walk_hoisted(const ForwardWalk& layer) {
    const std::int64_t states = std::int64_t{layer.N} * layer.H;
    const int stretch = std::min(layer.T, steps_hoisted(layer.N));
    float* const product = ready(product_, stretch * 4 * states);
    float* const carried = ready(carried_, 2 * states);
    for (int t = 0; t < layer.T; t += stretch) {
      ForwardWalk walk = layer;
      walk.T = std::min(stretch, layer.T - t);
      multiply_input(layer, walk.T, layer.x + std::int64_t{t} * layer.N * layer.I, product);
      walk.product = product;
      walk.I = 0;
      if (walk.h != nullptr) walk.h += t * states;
      if (t > 0) walk.h_first = carried, walk.c_first = carried + states;
      if (t + walk.T < layer.T) walk.h_last = carried, walk.c_last = carried + states;
      run(walk);
    }
  }

  /// dW = dA^T x, dR = dA^T h_{t-1} (h one step later than dA, and the initial state for the
  /// first), db = sums of dA.
  void layer_gradients(const BackwardWalk& walk, const LayerWeights& at, float* dweights) {
    if (own_gradients(walk.T, walk.N, walk.I)) {
      const int multiprocessors = context_.info().multiprocessors;
      const std::int64_t floats =
          gradient_floats(std::int64_t{walk.T} * walk.N, walk.I, walk.H, multiprocessors);
      weight_gradients({.T = walk.T,
                        .N = walk.N,
                        .I = walk.I,
                        .H = walk.H,
                        .da = walk.da,
                        .x = walk.x,
                        .h = walk.h,
                        .h_first = walk.h_first,
                        .partial = ready(sums_, floats),
                        .dW = dweights + at.W,
                        .dR = dweights + at.R,
                        .db = dweights + at.b},
                       multiprocessors, context_.stream());
      return;
    }
    const std::int64_t rows = std::int64_t{walk.T} * walk.N, gates = 4 * std::int64_t{walk.H};
    const auto product = [&](std::int64_t first, std::int64_t count, const float* b, int columns,
                             float beta, float* out) {
      matmul(context_.blas(),
             {.m = gates,
              .n = columns,
              .k = count,
              .transpose_a = true,
              .lda = gates,
              .ldb = columns,
              .ldc = columns,
              .beta = beta},
             Precision::fp32, walk.da + first * gates, b, out);
    };
    product(0, rows, walk.x, walk.I, 0, dweights + at.W);
    float* const dR = dweights + at.R;
    const bool carried = walk.h_first != nullptr;
    if (carried) product(0, walk.N, walk.h_first, walk.H, 0, dR);
    if (walk.T > 1) {
      product(walk.N, rows - walk.N, walk.h, walk.H, carried ? 1 : 0, dR);
    } else if (!carried) {
      set_zero(DeviceSpan<float>(dR, gates * walk.H), context_.stream());
    }
    column_sums({.rows = rows, .columns = gates, .pitch = gates}, walk.da, dweights + at.b,
                sums_.span(), context_.stream());
  }

  RecurrenceSpec spec_;
  DeviceContext& context_;
  Form form_;
  DeviceBuffer<float> weights_;
  // infer()
  DeviceBuffer<float> below_;    ///< [T,N,H] where h is not wanted
  DeviceBuffer<float> product_;  ///< [steps,N,4H]
  DeviceBuffer<float> carried_;  ///< h, c [2,N,H]
  // forward() and backward()
  DeviceBuffer<float> h_;        ///< [L-1,T,N,H]
  DeviceBuffer<float> dropped_;  ///< [T,N,H] a layer's input, drawn again in backward
  DeviceBuffer<float> c_;        ///< [L,T,N,H]
  DeviceBuffer<float> gates_;    ///< [L,T,N,4H] input products, then gates, then dA
  DeviceBuffer<float> dh_;       ///< [T,N,H]
  DeviceBuffer<float> first_;    ///< h, c [2,L,N,H]
  DeviceBuffer<float> sums_;
  Kept kept_;
};

}  // namespace

// Hoisted is what does not fit beside R.
Form choose_form(const RecurrenceSpec& spec, const DeviceInfo& device) {
  const int H = spec.H;
  Form form;
  form.least_blocks = device.multiprocessors;
  form.registers = H <= kMostRegisterUnits;
  form.own_gradients = true;
  if (form.registers) {
    form.hoist_first = spec.C > register_inputs(H);
    form.hoist_upper = spec.L > 1 && H > register_inputs(H);
    return form;
  }
  form.hoist_first = forward_bytes(kSmall, spec.C, H) > device.shared_bytes;
  form.hoist_upper = spec.L > 1 && forward_bytes(kSmall, H, H) > device.shared_bytes;
  return form;
}

bool is_fastest(const RecurrenceSpec& spec, const DeviceInfo& device) {
  return spec.N > 0 && spec.N <= kBlocksEach * device.multiprocessors &&
         choose_form(spec, device).registers && fused_simt_refusal(spec, device).empty();
}

std::unique_ptr<DeviceRecurrence> make(const RecurrenceSpec& spec, DeviceContext& context,
                                       const Form& form) {
  const std::string refused = fused_simt_refusal(spec, context.info());
  if (!refused.empty()) throw NotSupportedError(refused);
  if (form.registers) {
    const int most = register_inputs(spec.H);
    if (spec.H > kMostRegisterUnits || (spec.C > most && !form.hoist_first) ||
        (spec.L > 1 && spec.H > most && !form.hoist_upper)) {
      throw InternalError("fused_simt: registers do not take this shape or form");
    }
  }
  return std::make_unique<FusedSimt>(spec, context, form);
}

}  // namespace fused_simt

std::string fused_simt_refusal(const RecurrenceSpec& spec, const DeviceInfo& device) {
  using namespace fused_simt;
  if (spec.precision != Precision::fp32) {
    return fmt::format(
        "fused_simt computes in fp32 only, not {}; set engine.precision = \"fp32\", or choose gemm "
        "or fused_mma (engine.recurrence)",
        to_string(spec.precision));
  }
  if (spec.H <= kMostRegisterUnits) return "";
  const std::int64_t needed =
      std::max(forward_bytes(kSmallest, 0, spec.H), backward_bytes(kSmallest, spec.H));
  if (needed > device.shared_bytes) {
    return fmt::format(
        "fused_simt keeps a layer's R [4H,H] in the shared memory of a multiprocessor: H = {} "
        "needs {} bytes, and {} has {}; set a smaller model.hidden_size or engine.recurrence = "
        "\"gemm\"",
        spec.H, needed, device.name, device.shared_bytes);
  }
  return "";
}

std::unique_ptr<DeviceRecurrence> make_fused_simt(const RecurrenceSpec& spec,
                                                  DeviceContext& context) {
  return fused_simt::make(spec, context, fused_simt::choose_form(spec, context.info()));
}

}  // namespace sluice
