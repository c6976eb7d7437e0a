// The gemm recurrence but for backward: memory, weights, inference and the forward pass.
#include "recurrence/gemm/recurrence.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "recurrence/gemm/cell.hpp"
#include "recurrence/gemm/layers.hpp"
#include "recurrence/shared/column_sums.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace gemm {

void check_size(const char* call, const char* what, std::int64_t size, std::int64_t expected) {
  if (size == expected) return;
  throw InternalError(
      fmt::format("gemm recurrence, {}: {} has {} elements, not {}", call, what, size, expected));
}

template <typename Element>
GemmRecurrence<Element>::GemmRecurrence(const RecurrenceSpec& spec, DeviceContext& context,
                                        std::int64_t workspace)
    : spec_(spec), C_(spec.C), H_(spec.H), L_(spec.L), context_(context), workspace_(workspace) {
  std::int64_t size = 0;
  for (int l = 0; l < L_; ++l) {
    const LayerWeights at = layer_weights(C_, H_, l);
    const std::int64_t gates = 4 * std::int64_t{H_};
    w_at_.push_back(kIsFloat ? at.W : size);
    r_at_.push_back(kIsFloat ? at.R : size + gates * pitch(at.inputs));
    size += gates * (pitch(at.inputs) + pitch(H_));
  }
  if (kIsFloat) size = lstm_weights(C_, H_, L_);
  weights_ = DeviceBuffer<Element>(context.memory(), size, "the recurrence's weights");
  if (!kIsFloat) {
    bias_ = DeviceBuffer<float>(context.memory(), std::int64_t{4} * H_ * L_, "the biases");
  }
}

template <typename Element>
int GemmRecurrence<Element>::steps_a_share(int T, int N) const {
  const std::int64_t step = std::int64_t{N} * 4 * H_ * static_cast<std::int64_t>(sizeof(float));
  return static_cast<int>(std::clamp<std::int64_t>(workspace_ / step, 1, T));
}

template <typename Element>
void GemmRecurrence<Element>::prepare(int T, int N, bool training) {
  if (states(N) >= std::int64_t{1} << 31) {
    throw DeviceError(
        fmt::format("gemm recurrence: {} sequences of H = {} are too many for one "
                    "step; take a smaller batch (below 2^31 / H sequences)",
                    N, H_));
  }
  DeviceMemory& memory = context_.memory();
  const std::int64_t steps = steps_a_share(T, N), rows = steps * N;
  a_.grow(memory, rows * 4 * H_, "the recurrence's pre-activations");
  if (!kIsFloat || (training && L_ > 1)) {
    input_.grow(memory, rows * std::max(kIsFloat ? 0 : pitch(C_), L_ > 1 ? pitch(H_) : 0),
                "a layer's input");
  }
  if (training) {
    const std::int64_t all = std::int64_t{T} * N;
    gates_.grow(memory, L_ * all * 4 * H_, "the gates kept for backward");
    h_.grow(memory, (kIsFloat ? L_ - 1 : L_) * all * pitch(H_), "the states kept for backward");
    c_.grow(memory, L_ * all * H_, "the cells kept for backward");
    h0_.grow(memory, L_ * padded(N), "the initial states");
    c0_.grow(memory, L_ * states(N), "the initial cells");
    if (L_ > 1) dinput_.grow(memory, rows * H_, "a layer's input gradient");
    dh_.grow(memory, L_ * states(N), "the states' gradients");
    dc_.grow(memory, L_ * states(N), "the cells' gradients");
    sums_.grow(memory, column_sums_workspace(rows, std::int64_t{4} * H_), "the biases' sums");
  } else {
    for (int k = 0; k < std::min(L_, 2); ++k) {
      infer_h_[k].grow(memory, steps * padded(N), "a layer's states");
    }
    carry_h_.grow(memory, L_ * padded(N), "the states between shares of the steps");
    carry_c_.grow(memory, L_ * states(N), "the cells between shares of the steps");
  }
  ready_.insert({T, N, training});
}

template <typename Element>
void GemmRecurrence<Element>::check_ready(const char* call, int T, int N, bool training) const {
  if (ready_.contains({T, N, training})) return;
  throw InternalError(fmt::format("gemm recurrence, {}: T = {}, N = {} was not prepared for {}",
                                  call, T, N, training ? "training" : "inference"));
}

template <typename Element>
void GemmRecurrence<Element>::check_states(const char* call, DeviceStateIn in, DeviceStateOut out,
                                           int N) const {
  for (const std::int64_t size : {in.h.size(), in.c.size(), out.h.size(), out.c.size()}) {
    if (size != 0) check_size(call, "a state", size, L_ * states(N));
  }
}

template <typename Element>
void GemmRecurrence<Element>::load(DeviceSpan<const float> weights) {
  check_size("load", "weights", weights.size(), lstm_weights(C_, H_, L_));
  const cudaStream_t stream = context_.stream();
  if constexpr (kIsFloat) {
    check(cudaMemcpyAsync(weights_.data(), weights.data(), weights.bytes(),
                          cudaMemcpyDeviceToDevice, stream),
          "cudaMemcpyAsync of the weights");
  } else {
    const std::int64_t gates = 4 * std::int64_t{H_};
    for (int l = 0; l < L_; ++l) {
      const LayerWeights at = layer_weights(C_, H_, l);
      const auto index = static_cast<std::size_t>(l);
      const auto matrix = [&](std::int64_t columns) {
        return CastShape{gates, columns, columns, pitch(columns)};
      };
      cast(matrix(at.inputs), weights.data() + at.W, weights_.data() + w_at_[index], stream);
      cast(matrix(H_), weights.data() + at.R, weights_.data() + r_at_[index], stream);
      cast(gates, weights.data() + at.b, bias_.data() + l * gates, stream);
    }
  }
}

template <typename Element>
const float* GemmRecurrence<Element>::bias(int l) const {
  if constexpr (kIsFloat) {
    return weights_.data() + layer_weights(C_, H_, l).b;
  } else {
    return bias_.data() + std::int64_t{4} * H_ * l;
  }
}

template <typename Element>
void GemmRecurrence<Element>::product(const MatmulShape& shape, const Element* a, const Element* b,
                                      float* c) {
  if constexpr (kIsFloat) {
    matmul(context_.blas(), shape, spec_.precision, a, b, c);
  } else {
    matmul(context_.blas(), shape, a, b, c);
  }
}

/// Copies what was given; the rest is not read.
template <typename Element>
void GemmRecurrence<Element>::take_initial(DeviceStateIn initial, int N, Element* h, float* c) {
  const std::int64_t rows = std::int64_t{L_} * N;
  if (!initial.h.empty()) {
    cast({.rows = rows, .columns = H_, .from_pitch = H_, .to_pitch = pitch(H_)}, initial.h.data(),
         h, context_.stream());
  }
  if (!initial.c.empty()) cast(rows * H_, initial.c.data(), c, context_.stream());
}

/// x of a share as an operand.
template <typename Element>
auto GemmRecurrence<Element>::input_rows(const Share& share, DeviceSpan<const float> x) -> Operand {
  const float* rows = x.data() + share.first_row() * C_;
  if constexpr (kIsFloat) {
    return {rows, C_};
  } else {
    cast({.rows = share.rows(), .columns = C_, .from_pitch = C_, .to_pitch = pitch(C_)}, rows,
         input_.data(), context_.stream());
    return {input_.data(), pitch(C_)};
  }
}

/// What layer l reads in training: x, or the kept h of the layer below with dropout.
template <typename Element>
auto GemmRecurrence<Element>::layer_input(const Share& share, int l) -> Operand {
  if (l == 0) return input_rows(share, forward_.x);
  const Element* below = kept_h(l - 1) + share.first_row() * pitch(H_);
  if (forward_.dropout.rate == 0) return {below, pitch(H_)};
  apply_dropout(forward_.dropout, l - 1,
                {.rows = share.rows(),
                 .H = H_,
                 .from_pitch = pitch(H_),
                 .to_pitch = pitch(H_),
                 .first_row = share.first_row()},
                below, input_.data(), context_.stream());
  return {input_.data(), pitch(H_)};
}

template <typename Element>
void GemmRecurrence<Element>::run_layer(const Share& share, int l, const LayerRun& run) {
  const int I = l == 0 ? C_ : H_;
  const std::int64_t gates = 4 * std::int64_t{H_}, N = share.N;
  product({.m = share.rows(),
           .n = gates,
           .k = I,
           .transpose_b = true,
           .lda = run.input.pitch,
           .ldb = pitch(I),
           .ldc = gates},
          run.input.data, W(l), run.a);
  CellForwardStep<Element> step{.N = N, .H = H_, .bias = bias(l), .h_pitch = pitch(H_)};
  const Element* h_prev = run.h_prev;
  step.c_prev = run.c_prev;
  for (int k = 0; k < share.count; ++k) {
    float* a = run.a + k * N * gates;
    if (h_prev != nullptr) {
      product({.m = N,
               .n = gates,
               .k = H_,
               .transpose_b = true,
               .lda = pitch(H_),
               .ldb = pitch(H_),
               .ldc = gates,
               .beta = 1},
              h_prev, R(l), a);
    }
    step.a = a;
    step.c = run.c + k * run.c_step;
    step.h = run.h + k * padded(share.N);
    step.gates = run.gates == nullptr ? nullptr : run.gates + k * N * gates;
    step.h_full = run.h_full == nullptr ? nullptr : run.h_full + k * states(share.N);
    if (k + 1 == share.count) {
      step.h_last = run.h_last;
      step.c_last = run.c_last;
    }
    cell_step_forward(step, context_.stream());
    h_prev = step.h;
    step.c_prev = step.c;
  }
}

template <typename Element>
void GemmRecurrence<Element>::infer(int T, int N, const RecurrenceInput& input,
                                    DeviceStateIn initial, DeviceSpan<float> h,
                                    DeviceStateOut last) {
  check_ready("infer", T, N, false);
  check_size("infer", "x", input.x.size(), std::int64_t{T} * N * C_);
  if (!h.empty()) check_size("infer", "h", h.size(), T * states(N));
  check_states("infer", initial, last, N);
  take_initial(initial, N, carry_h_.data(), carry_c_.data());
  const int steps = steps_a_share(T, N);
  for (int from = 0; from < T; from += steps) {
    const Share share{.T = T, .N = N, .from = from, .count = std::min(steps, T - from)};
    for (int l = 0; l < L_; ++l) {
      Element* carry_h = carry_h_.data() + l * padded(N);
      float* carry_c = carry_c_.data() + l * states(N);
      LayerRun run;
      run.input =
          l == 0 ? input_rows(share, input.x) : Operand{infer_h_[(l - 1) % 2].data(), pitch(H_)};
      run.a = a_.data();
      run.h_prev = from == 0 && initial.h.empty() ? nullptr : carry_h;
      run.c_prev = from == 0 && initial.c.empty() ? nullptr : carry_c;
      run.h = infer_h_[l % 2].data();
      run.c = carry_c;
      if (l + 1 == L_ && !h.empty()) {
        float* out = h.data() + share.first_row() * H_;
        if constexpr (kIsFloat) {
          run.h = out;
        } else {
          run.h_full = out;
        }
      }
      if (share.last()) {
        run.h_last = at_or_null(last.h, l * states(N));
        run.c_last = at_or_null(last.c, l * states(N));
      }
      run_layer(share, l, run);
      if (!share.last()) {
        check(cudaMemcpyAsync(carry_h, run.h + (share.count - 1) * padded(N),
                              static_cast<std::size_t>(padded(N)) * sizeof(Element),
                              cudaMemcpyDeviceToDevice, context_.stream()),
              "cudaMemcpyAsync of the states between shares");
      }
    }
  }
}

template <typename Element>
Element* GemmRecurrence<Element>::kept_h(int l) const {
  if constexpr (kIsFloat) {
    if (l + 1 == L_) return forward_.h;
  }
  return h_.data() + l * forward_.T * padded(forward_.N);
}

template <typename Element>
void GemmRecurrence<Element>::forward(int T, int N, DeviceSpan<const float> x,
                                      DeviceStateIn initial, DeviceDropout dropout,
                                      DeviceSpan<float> h, DeviceStateOut last) {
  check_ready("forward", T, N, true);
  check_size("forward", "x", x.size(), std::int64_t{T} * N * C_);
  check_size("forward", "h", h.size(), T * states(N));
  check_states("forward", initial, last, N);
  forward_ = {.T = T,
              .N = N,
              .from_h = !initial.h.empty(),
              .from_c = !initial.c.empty(),
              .x = x,
              .h = h.data(),
              .dropout = dropout};
  take_initial(initial, N, h0_.data(), c0_.data());
  const std::int64_t gates = 4 * std::int64_t{H_};
  const int steps = steps_a_share(T, N);
  for (int from = 0; from < T; from += steps) {
    const Share share{.T = T, .N = N, .from = from, .count = std::min(steps, T - from)};
    for (int l = 0; l < L_; ++l) {
      LayerRun run;
      run.input = layer_input(share, l);
      run.gates = gates_.data() + (std::int64_t{l} * T + from) * N * gates;
      if constexpr (kIsFloat) {
        run.a = run.gates;
      } else {
        run.a = a_.data();
        if (l + 1 == L_) run.h_full = h.data() + from * states(N);
      }
      run.h = kept_h(l) + from * padded(N);
      run.c = c_.data() + (std::int64_t{l} * T + from) * states(N);
      run.c_step = states(N);
      if (from > 0) {
        run.h_prev = run.h - padded(N);
        run.c_prev = run.c - states(N);
      } else {
        run.h_prev = forward_.from_h ? h0_.data() + l * padded(N) : nullptr;
        run.c_prev = forward_.from_c ? c0_.data() + l * states(N) : nullptr;
      }
      if (share.last()) {
        run.h_last = at_or_null(last.h, l * states(N));
        run.c_last = at_or_null(last.c, l * states(N));
      }
      run_layer(share, l, run);
    }
  }
}

// All members but those of backward.cpp, which calls some of these.
template class GemmRecurrence<float>;
template class GemmRecurrence<Bf16>;

}  // namespace gemm

std::unique_ptr<DeviceRecurrence> make_gemm_recurrence(const RecurrenceSpec& spec,
                                                       DeviceContext& context,
                                                       std::int64_t workspace) {
  if (spec.precision == Precision::bf16) {
    return std::make_unique<gemm::GemmRecurrence<Bf16>>(spec, context, workspace);
  }
  return std::make_unique<gemm::GemmRecurrence<float>>(spec, context, workspace);
}

}  // namespace sluice
