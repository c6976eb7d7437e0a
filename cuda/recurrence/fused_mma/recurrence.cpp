// The host's side of fused_mma but for backward.cpp: memory, which kernel with which tile, and the
// input product before the kernel where W does not fit on chip.
#include "recurrence/fused_mma/recurrence.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "recurrence/fused_mma/fused.hpp"
#include "recurrence/fused_mma/tiles.hpp"
#include "recurrence/shared/cast.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

using mma::forward_shared;

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
  if (layers_[0].pitch != C_) {
    dx_.grow(memory, rows * layers_[0].pitch, "the gradient of the input");
  }
  da_.grow(memory, rows * columns, "gradients of the gates");
  const int width = std::max(layout_.width(0), layout_.width(L_ - 1));
  gradients_.grow(memory, columns * width, "gradients of a layer's weights");
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
  if (!x.empty()) check_size("forward", "x", x.size(), rows * C_);
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
  if (!x.empty()) {
    cast({.rows = rows, .columns = C_, .from_pitch = C_, .to_pitch = pitch}, x.data(),
         rows_of(0) + layout_.x(0), context_.stream());
  }
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

std::string fused_mma_refusal(const RecurrenceSpec& spec, const DeviceInfo& device) {
  if (spec.precision == Precision::fp32) return "fused_mma needs tf32 or bf16, not fp32";
  if (device.compute_capability < 80) {
    return fmt::format("fused_mma needs compute capability 8.0, not {}.{}",
                       device.compute_capability / 10, device.compute_capability % 10);
  }
  const int units = mma::padded_units(spec.H);
  if (units == 0) return fmt::format("fused_mma needs H <= {}, not {}", mma::kMostUnits, spec.H);
  const int needed = std::max(forward_shared(spec.precision, units, 1, 0, 2).end,
                              mma::backward_shared(spec.precision, units).end);
  if (needed > device.shared_bytes) {
    return fmt::format(
        "fused_mma with H = {} in {} needs {} bytes of shared memory to a block, and the device "
        "has {}",
        spec.H, to_string(spec.precision), needed, device.shared_bytes);
  }
  return "";
}

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
