// The host's side of fused_mma: memory, which kernel with which tile, and the products outside the
// kernels (the input product where W does not fit on chip; dx and the gradients of the weights
// after the backward walk).
#include "recurrence/fused_mma/recurrence.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/matmul.hpp"
#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/fused_mma/rows.hpp"
#include "recurrence/fused_mma/tiles.hpp"
#include "recurrence/shared/cast.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/pack.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using mma::forward_shared;

template <Precision kPrecision>
class FusedMma final : public DeviceRecurrence {
 public:
  using E = mma::Element<kPrecision>;

  FusedMma(const RecurrenceSpec& spec, DeviceContext& context, const FusedMmaChoices& choices);

  std::string name() const override { return "fused_mma"; }
  bool assembles_input() const override { return !layers_[0].hoisted; }
  void prepare(int T, int N, bool training) override;
  void load(DeviceSpan<const float> weights) override;
  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override;
  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override;
  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override;

 private:
  struct Layer {
    LayerWeights at;
    int pitch = 0, x_steps = 0;
    bool hoisted = false;  // x W^T is made before the kernel
    DeviceBuffer<std::uint32_t> forward, backward;
    DeviceBuffer<float> bias;
    DeviceBuffer<E> W;
    // Kept for backward, beside rows_.
    DeviceBuffer<mma::KeptGate<E>> gates;
    DeviceBuffer<float> c;
  };
  /// Windows that the first layer's x is assembled from.
  struct Assembly {
    const WindowRows* rows;
    int first_step;
  };

  void run(const Layer& layer, mma::Forward<E> call, const Assembly* assembly = nullptr);
  void run_in_parts(const Layer& layer, const mma::Forward<E>& call);
  E* rows_of(int l) { return rows_.data() + layout_.row(l, 0, last_.N) * layout_.pitch(); }
  const E* operand(std::int64_t rows, const float* x, DeviceBuffer<E>& copy);
  /// Where layer l's part of states [L,N,H] begins; null for an empty span.
  template <typename T>
  T* part(DeviceSpan<T> states, int l, std::int64_t N) const {
    return states.empty() ? nullptr : states.data() + l * N * H_;
  }
  std::int64_t product_bytes() const { return 4 * std::int64_t{units_} * 4; }  // of a row
  int infer_steps(int T, int N) const;
  int product_steps(int T, int N) const;
  void multiply(const MatmulShape& shape, const E* a, const E* b, float* c) const;
  void check_size(const char* call, const char* what, std::int64_t size,
                  std::int64_t expected) const;
  void prepare_training(int T, int N);
  template <typename Fill>
  void grow_filled(DeviceBuffer<E>& buffer, std::int64_t size, const char* purpose, Fill fill);
  void weight_gradients(int l, DeviceSpan<float> dweights);
  void input_gradient(int l, DeviceSpan<float> dx);
  bool pads_dx() const { return C_ % kAlignedFloats != 0; }

  /// cuBLAS has fast kernels for results with rows of whole 16 bytes.
  static constexpr int kAlignedFloats = 4;

  int C_, H_, L_, units_;
  mma::TrainingRows layout_;
  DeviceContext& context_;
  FusedMmaChoices choices_;
  bool any_hoisted_ = false;
  std::vector<Layer> layers_;

  DeviceBuffer<E> infer_x_, infer_h_[2];
  DeviceBuffer<float> carry_h_, carry_c_, product_;

  DeviceBuffer<E> rows_, da_;
  DeviceBuffer<float> dinput_, padded_dx_, gradients_;
  struct {  // of the last forward()
    int T = 0, N = 0;
    DeviceDropout dropout;
  } last_;
};

template <Precision kPrecision>
FusedMma<kPrecision>::FusedMma(const RecurrenceSpec& spec, DeviceContext& context,
                               const FusedMmaChoices& choices)
    : C_(spec.C),
      H_(spec.H),
      L_(spec.L),
      units_(mma::padded_units(spec.H)),
      layout_(mma::training_rows(kPrecision, L_, units_, C_, spec.dropout && L_ > 1)),
      context_(context),
      choices_(choices) {
  DeviceMemory& memory = context.memory();
  const std::int64_t warps = units_ / mma::kUnitsOfWarp, columns = 4 * std::int64_t{units_};
  for (int l = 0; l < L_; ++l) {
    Layer layer;
    layer.at = layer_weights(C_, H_, l);
    layer.pitch = l == 0 ? mma::input_pitch(kPrecision, C_) : units_;
    const int x_steps = mma::input_steps(kPrecision, layer.pitch);
    layer.hoisted = choices.hoist_input || forward_shared(kPrecision, units_, 1, x_steps, 2).end >
                                               context.info().shared_bytes;
    layer.x_steps = layer.hoisted ? 0 : x_steps;
    any_hoisted_ = any_hoisted_ || layer.hoisted;
    layer.forward = {
        memory,
        (mma::hidden_steps(kPrecision, units_) + layer.x_steps) * warps * mma::kForwardFragment,
        "a layer's packed weights"};
    layer.backward = {memory,
                      mma::gradient_steps(kPrecision, units_) * warps * mma::kBackwardFragment,
                      "a layer's packed weights"};
    layer.bias = {memory, columns, "a layer's bias"};
    layer.W = {memory, columns * layer.pitch, "a layer's input weights"};
    layers_.push_back(std::move(layer));
  }
}

/// Steps that a workspace of choices_.workspace_bytes has room for.
template <Precision kPrecision>
int FusedMma<kPrecision>::infer_steps(int T, int N) const {
  std::int64_t row = layers_[0].pitch * std::int64_t{sizeof(E)};
  row += std::min(L_ - 1, 2) * units_ * std::int64_t{sizeof(E)};
  if (any_hoisted_) row += product_bytes();
  return static_cast<int>(
      std::clamp<std::int64_t>(choices_.workspace_bytes / (row * std::max(N, 1)), 1, T));
}

template <Precision kPrecision>
int FusedMma<kPrecision>::product_steps(int T, int N) const {
  return static_cast<int>(std::clamp<std::int64_t>(
      choices_.workspace_bytes / (product_bytes() * std::max(N, 1)), 1, T));
}

/// Makes room, of zeros and what fill(buffer) writes. The buffer has its size only once both
/// succeeded: what is larger than asked for counts as filled.
template <Precision kPrecision>
template <typename Fill>
void FusedMma<kPrecision>::grow_filled(DeviceBuffer<E>& buffer, std::int64_t size,
                                       const char* purpose, Fill fill) {
  if (buffer.size() >= size) return;
  buffer = {};
  DeviceBuffer<E> grown(context_.memory(), size, purpose);
  set_zero(grown.span(), context_.stream());
  fill(grown);
  buffer = std::move(grown);
}

template <Precision kPrecision>
void FusedMma<kPrecision>::prepare(int T, int N, bool training) {
  const std::int64_t rows = std::int64_t{T} * N;
  if (rows > std::numeric_limits<int>::max()) {
    throw DeviceError(
        fmt::format("fused_mma: {} steps of {} sequences are {} rows, and products have less than "
                    "2^31; take a smaller batch",
                    T, N, rows));
  }
  DeviceMemory& memory = context_.memory();
  if (any_hoisted_) {
    const int steps = training ? product_steps(T, N) : infer_steps(T, N);
    product_.grow(memory, std::int64_t{steps} * N * 4 * units_, "the input product");
  }
  const std::int64_t states = std::int64_t{L_} * N * H_;
  if (any_hoisted_ || !training) {
    carry_h_.grow(memory, states, "states between launches");
    carry_c_.grow(memory, states, "states between launches");
  }
  if (!training) {
    const std::int64_t steps = infer_steps(T, N);
    grow_filled(infer_x_, steps * N * layers_[0].pitch, "the recurrence's input",
                [](const DeviceBuffer<E>&) {});  // zeros in the padding, which nobody writes
    for (int l = 0; l < std::min(L_ - 1, 2); ++l) {
      infer_h_[l].grow(memory, (steps + 1) * N * units_, "a layer's output");
    }
    return;
  }
  prepare_training(T, N);
}

template <Precision kPrecision>
void FusedMma<kPrecision>::prepare_training(int T, int N) {
  DeviceMemory& memory = context_.memory();
  const std::int64_t rows = std::int64_t{T} * N, columns = 4 * std::int64_t{units_};
  grow_filled(rows_, layout_.rows(T, N) * layout_.pitch(), "h and x kept for backward",
              [&](const DeviceBuffer<E>& grown) {
                mma::fill_ones({.rows = grown.size() / layout_.pitch(),
                                .pitch = layout_.pitch(),
                                .first = layout_.one(L_ - 1),
                                .stride = layout_.stagger(),
                                .count = L_},
                               grown.data(), context_.stream());
              });
  for (Layer& layer : layers_) {
    layer.c.grow(memory, (rows + N) * units_, "c kept for backward");
    layer.gates.grow(memory, rows * columns, "gates kept for backward");
  }
  if (L_ > 1) dinput_.grow(memory, rows * units_, "the gradient between layers");
  if (pads_dx()) padded_dx_.grow(memory, rows * layers_[0].pitch, "the gradient of the input");
  da_.grow(memory, rows * columns, "gradients of the gates");
  const int width = std::max(layout_.width(0), layout_.width(L_ - 1));
  gradients_.grow(memory, columns * width, "gradients of a layer's weights");
}

template <Precision kPrecision>
void FusedMma<kPrecision>::check_size(const char* call, const char* what, std::int64_t size,
                                      std::int64_t expected) const {
  if (size == expected) return;
  throw InternalError(
      fmt::format("fused_mma, {}: {} has {} elements, not {}", call, what, size, expected));
}

template <Precision kPrecision>
void FusedMma<kPrecision>::load(DeviceSpan<const float> weights) {
  check_size("load", "weights", weights.size(), lstm_weights(C_, H_, L_));
  for (const Layer& layer : layers_) {
    const float* from = weights.data();
    mma::pack<kPrecision>({.H = H_,
                           .units = units_,
                           .inputs = layer.at.inputs,
                           .W = from + layer.at.W,
                           .R = from + layer.at.R,
                           .b = from + layer.at.b},
                          layer.x_steps, layer.pitch, layer.forward.data(), layer.bias.data(),
                          layer.backward.data(), layer.W.data(), context_.stream());
  }
}

template <Precision kPrecision>
void FusedMma<kPrecision>::multiply(const MatmulShape& shape, const E* a, const E* b,
                                    float* c) const {
  if constexpr (kPrecision == Precision::bf16) {
    matmul(context_.blas(), shape, a, b, c);
  } else {
    matmul(context_.blas(), shape, kPrecision, a, b, c);
  }
}

template <Precision kPrecision>
void FusedMma<kPrecision>::run(const Layer& layer, mma::Forward<E> call, const Assembly* assembly) {
  call.H = H_;
  call.units = units_;
  call.x_steps = layer.x_steps;
  call.x_pitch = layer.pitch;
  call.fragments = layer.forward.data();
  call.bias = layer.bias.data();
  if (layer.hoisted) {
    multiply({.m = call.steps * call.N,
              .n = 4 * std::int64_t{units_},
              .k = layer.pitch,
              .transpose_b = true,
              .lda = call.x_stride,
              .ldb = layer.pitch,
              .ldc = 4 * std::int64_t{units_}},
             call.x, layer.W.data(), product_.data());
    call.product = product_.data();
  }
  const mma::ForwardLoad load{.precision = kPrecision,
                              .units = units_,
                              .x_steps = call.x_steps,
                              .N = call.N,
                              .multiprocessors = context_.info().multiprocessors,
                              .shared_bytes = context_.info().shared_bytes};
  const int tiles = choices_.tiles > 0 ? choices_.tiles : mma::forward_tiles(load);
  if (assembly == nullptr) {
    mma::launch_forward<kPrecision>(call, tiles, context_.stream());
    return;
  }
  const int ahead = mma::assembled_ahead(load, tiles);
  mma::launch_assembled<kPrecision>(call, *assembly->rows, assembly->first_step, tiles, ahead,
                                    context_.stream());
}

/// x [rows,C] as an operand with rows of whole 16 bytes: itself, if it is one.
template <Precision kPrecision>
auto FusedMma<kPrecision>::operand(std::int64_t rows, const float* x, DeviceBuffer<E>& copy)
    -> const E* {
  const int pitch = layers_[0].pitch;
  if constexpr (kPrecision == Precision::tf32) {
    if (pitch == C_ && aligned({x}, 16)) return x;
  }
  cast({.rows = rows, .columns = C_, .from_pitch = C_, .to_pitch = pitch}, x, copy.data(),
       context_.stream());
  return copy.data();
}

template <Precision kPrecision>
void FusedMma<kPrecision>::infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial,
                                 DeviceSpan<float> h, DeviceStateOut last) {
  if (input.rows == nullptr) check_size("infer", "x", input.x.size(), std::int64_t{T} * N * C_);
  if (!h.empty()) check_size("infer", "h", h.size(), std::int64_t{T} * N * H_);
  if (input.rows != nullptr && !assembles_input()) {
    throw InternalError("fused_mma, infer: windows given, but assembles_input() is false");
  }
  const int share = infer_steps(T, N);
  for (int begin = 0; begin < T; begin += share) {
    const int steps = std::min(share, T - begin);
    const bool end = begin + steps == T;
    const std::int64_t row = std::int64_t{begin} * N;
    const Assembly assembly{input.rows, begin};
    const E* below = input.rows != nullptr
                         ? nullptr
                         : operand(std::int64_t{steps} * N, input.x.data() + row * C_, infer_x_);
    for (int l = 0; l < L_; ++l) {
      const bool top = l + 1 == L_;
      mma::Forward<E> call{.steps = steps, .N = N, .h_stride = units_, .x = below};
      call.x_stride = layers_[static_cast<std::size_t>(l)].pitch;
      const DeviceStateIn carried{carry_h_.span(), carry_c_.span()};
      const DeviceStateIn& from = begin == 0 ? initial : carried;
      const DeviceStateOut& to = end ? last : DeviceStateOut{carry_h_.span(), carry_c_.span()};
      call.h_first = part(from.h, l, N);
      call.c_first = part(from.c, l, N);
      call.h_last = part(to.h, l, N);
      call.c_last = part(to.c, l, N);
      if (top && !h.empty()) call.h = h.data() + row * H_;
      if (!top) call.h_sequence = infer_h_[l % 2].data();
      run(layers_[static_cast<std::size_t>(l)], call,
          l == 0 && input.rows != nullptr ? &assembly : nullptr);
      if (!top) below = call.h_sequence + std::int64_t{N} * units_;
    }
  }
}

/// run() in as many parts as the input product's workspace asks for; one where there is none.
template <Precision kPrecision>
void FusedMma<kPrecision>::run_in_parts(const Layer& layer, const mma::Forward<E>& call) {
  const int share =
      layer.hoisted ? product_steps(call.steps, static_cast<int>(call.N)) : call.steps;
  for (int begin = 0; begin < call.steps; begin += share) {
    mma::Forward<E> now = call;
    now.steps = std::min(share, call.steps - begin);
    if (begin > 0) {
      now.h_first = carry_h_.data();
      now.c_first = carry_c_.data();
    }
    if (begin + now.steps < call.steps) {
      now.h_last = carry_h_.data();
      now.c_last = carry_c_.data();
    }
    const std::int64_t row = begin * call.N;
    now.x += row * call.x_stride;
    if (now.h != nullptr) now.h += row * H_;
    now.h_sequence += row * call.h_stride;
    now.c_sequence += row * units_;
    now.gates += row * 4 * units_;
    run(layer, now);
  }
}

template <Precision kPrecision>
void FusedMma<kPrecision>::forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
                                   DeviceDropout dropout, DeviceSpan<float> h,
                                   DeviceStateOut last) {
  const std::int64_t rows = std::int64_t{T} * N;
  check_size("forward", "x", x.size(), rows * C_);
  check_size("forward", "h", h.size(), rows * H_);
  if (dropout.rate > 0 && L_ > 1 && !layout_.copies) {
    throw InternalError(
        fmt::format("fused_mma, forward: a dropout of {}, but RecurrenceSpec::dropout was false",
                    dropout.rate));
  }
  last_.T = T;
  last_.N = N;
  last_.dropout = dropout;
  const int pitch = layout_.pitch();
  cast({.rows = rows, .columns = C_, .from_pitch = C_, .to_pitch = pitch}, x.data(),
       rows_of(0) + layout_.x(0), context_.stream());
  for (int l = 0; l < L_; ++l) {
    Layer& layer = layers_[static_cast<std::size_t>(l)];
    if (l > 0 && layout_.copies) {
      apply_dropout(dropout, l - 1, {.rows = rows, .H = H_, .from_pitch = pitch, .to_pitch = pitch},
                    rows_of(l) + layout_.h(l - 1), rows_of(l) + layout_.x(l), context_.stream());
    }
    mma::Forward<E> call{.steps = T, .N = N, .x_stride = pitch, .h_stride = pitch};
    call.x = rows_of(l) + layout_.x(l);
    call.h_first = part(initial.h, l, N);
    call.c_first = part(initial.c, l, N);
    call.h_last = part(last.h, l, N);
    call.c_last = part(last.c, l, N);
    if (l + 1 == L_) call.h = h.data();
    call.h_sequence = rows_of(l) + layout_.h(l);
    call.c_sequence = layer.c.data();
    call.gates = layer.gates.data();
    run_in_parts(layer, call);
  }
}

/// dR, db and dW of layer l out of da_, in one product.
template <Precision kPrecision>
void FusedMma<kPrecision>::weight_gradients(int l, DeviceSpan<float> dweights) {
  const LayerWeights& at = layers_[static_cast<std::size_t>(l)].at;
  const std::int64_t rows = std::int64_t{last_.T} * last_.N, columns = 4 * std::int64_t{units_};
  const int width = layout_.width(l);
  const float* gradients = gradients_.data();
  multiply({.m = columns,
            .n = width,
            .k = rows,
            .transpose_a = true,
            .lda = columns,
            .ldb = layout_.pitch(),
            .ldc = width},
           da_.data(), rows_of(l) + layout_.h(l), gradients_.data());
  mma::unpack({.H = H_,
               .inputs = at.inputs,
               .pitch = width,
               .dR = gradients,
               .db = gradients + (layout_.one(l) - layout_.h(l)),
               .dW = gradients + (layout_.x(l) - layout_.h(l))},
              dweights.data() + at.W, dweights.data() + at.R, dweights.data() + at.b,
              context_.stream());
}

/// The gradient of layer l's input, of all its h or of x [rows,C], out of da_.
template <Precision kPrecision>
void FusedMma<kPrecision>::input_gradient(int l, DeviceSpan<float> dx) {
  const Layer& layer = layers_[static_cast<std::size_t>(l)];
  const std::int64_t rows = std::int64_t{last_.T} * last_.N, columns = 4 * std::int64_t{units_};
  const bool padded = l == 0 && pads_dx();
  const int width = l > 0 ? units_ : padded ? layer.pitch : C_;  // W's columns behind C are zeros
  float* to = l > 0 ? dinput_.data() : padded ? padded_dx_.data() : dx.data();
  multiply({.m = rows, .n = width, .k = columns, .lda = columns, .ldb = layer.pitch, .ldc = width},
           da_.data(), layer.W.data(), to);
  if (!padded) return;
  cast({.rows = rows, .columns = C_, .from_pitch = width, .to_pitch = C_}, padded_dx_.data(),
       dx.data(), context_.stream());
}

template <Precision kPrecision>
void FusedMma<kPrecision>::backward(DeviceSpan<const float> dh, DeviceStateIn dlast,
                                    DeviceSpan<float> dx, DeviceSpan<float> dweights,
                                    DeviceStateOut dinitial) {
  const std::int64_t N = last_.N, rows = last_.T * N;
  check_size("backward", "dh", dh.size(), rows * H_);
  check_size("backward", "dweights", dweights.size(), lstm_weights(C_, H_, L_));
  if (!dx.empty()) check_size("backward", "dx", dx.size(), rows * C_);
  const cudaStream_t stream = context_.stream();
  for (int l = L_; l-- > 0;) {
    const Layer& layer = layers_[static_cast<std::size_t>(l)];
    const bool top = l + 1 == L_;
    mma::Backward<E> call{.steps = last_.T, .H = H_, .units = units_, .N = N};
    call.dh = top ? dh.data() : dinput_.data();
    call.dh_pitch = top ? H_ : units_;
    call.fragments = layer.backward.data();
    call.gates = layer.gates.data();
    call.c_sequence = layer.c.data();
    call.dh_last = part(dlast.h, l, N);
    call.dc_last = part(dlast.c, l, N);
    call.dh_first = part(dinitial.h, l, N);
    call.dc_first = part(dinitial.c, l, N);
    call.da = da_.data();
    mma::launch_backward<kPrecision>(call, stream);

    weight_gradients(l, dweights);
    if (l == 0 && dx.empty()) return;
    input_gradient(l, dx);
    if (l > 0 && last_.dropout.rate > 0) {
      apply_dropout(last_.dropout, l - 1,
                    {.rows = rows, .H = H_, .from_pitch = units_, .to_pitch = units_},
                    dinput_.data(), dinput_.data(), stream);
    }
  }
}

}  // namespace

std::unique_ptr<DeviceRecurrence> make_fused_mma(const RecurrenceSpec& spec, DeviceContext& context,
                                                 const FusedMmaChoices& choices) {
  const std::string refusal = fused_mma_refusal(spec, context.info());
  if (!refusal.empty()) throw NotSupportedError(refusal);
  if (spec.precision == Precision::bf16) {
    return std::make_unique<FusedMma<Precision::bf16>>(spec, context, choices);
  }
  return std::make_unique<FusedMma<Precision::tf32>>(spec, context, choices);
}

}  // namespace sluice
