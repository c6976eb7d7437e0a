// The gemm recurrence's backward pass: a share of the steps after the other, from the last, each
// through all layers from the top.
#include <algorithm>

#include "recurrence/gemm/cell.hpp"
#include "recurrence/gemm/layers.hpp"
#include "recurrence/shared/column_sums.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice::gemm {

/// Gradients of the pre-activations of a share's steps of layer l, into a_.
template <typename Element>
void GemmRecurrence<Element>::walk_back(const Share& share, int l, const float* dh_above,
                                        DeviceStateIn dlast, DeviceStateOut dinitial) {
  const std::int64_t gates = 4 * std::int64_t{H_}, N = share.N, state = l * states(share.N);
  auto* da = reinterpret_cast<Element*>(a_.data());
  for (int k = share.count - 1; k >= 0; --k) {
    const int t = share.from + k;
    const std::int64_t at = std::int64_t{l} * share.T + t;
    const bool end = t + 1 == share.T;
    CellBackwardStep<Element> step{.N = N, .H = H_};
    step.gates = gates_.data() + at * N * gates;
    step.c = c_.data() + at * N * H_;
    step.c_prev = t > 0 ? step.c - N * H_ : (forward_.from_c ? c0_.data() + state : nullptr);
    step.dh_above = dh_above + k * N * H_;
    step.dh_next = end ? at_or_null(dlast.h, state) : dh_.data() + state;
    step.dc_next = end ? at_or_null(dlast.c, state) : dc_.data() + state;
    step.dc_prev = t == 0 && !dinitial.c.empty() ? dinitial.c.data() + state : dc_.data() + state;
    step.da = da + k * N * gates;
    cell_step_backward(step, context_.stream());
    float* dh_prev = t > 0 ? dh_.data() + state : at_or_null(dinitial.h, state);
    if (dh_prev == nullptr) continue;
    product({.m = N, .n = H_, .k = gates, .lda = gates, .ldb = pitch(H_), .ldc = H_}, step.da, R(l),
            dh_prev);
  }
}

/// Adds a share's part of dW, dR and db of layer l, or, of the last share, begins them with it.
template <typename Element>
void GemmRecurrence<Element>::weight_gradients(const Share& share, int l,
                                               DeviceSpan<float> dweights) {
  const LayerWeights at = layer_weights(C_, H_, l);
  const std::int64_t gates = 4 * std::int64_t{H_};
  const auto* da = reinterpret_cast<const Element*>(a_.data());
  const Operand input = layer_input(share, l);
  product({.m = gates,
           .n = at.inputs,
           .k = share.rows(),
           .transpose_a = true,
           .lda = gates,
           .ldb = input.pitch,
           .ldc = at.inputs,
           .beta = share.last() ? 0.0f : 1.0f},
          da, input.data, dweights.data() + at.W);

  float* dR = dweights.data() + at.R;
  MatmulShape shape{.m = gates,
                    .n = H_,
                    .k = share.rows(),
                    .transpose_a = true,
                    .lda = gates,
                    .ldb = pitch(H_),
                    .ldc = H_,
                    .beta = share.last() ? 0.0f : 1.0f};
  if (share.from > 0) {
    product(shape, da, kept_h(l) + (share.from - 1) * padded(share.N), dR);
  } else {  // the step before the first is apart from the others
    if (share.last() && share.count == 1 && !forward_.from_h) {
      set_zero(DeviceSpan<float>{dR, gates * H_}, context_.stream());
    }
    shape.k = share.rows() - share.N;
    product(shape, da + share.N * gates, kept_h(l), dR);
    if (shape.k > 0) shape.beta = 1;
    shape.k = share.N;
    if (forward_.from_h) product(shape, da, h0_.data() + l * padded(share.N), dR);
  }
  column_sums({.rows = share.rows(), .columns = gates, .pitch = gates, .add = !share.last()}, da,
              dweights.data() + at.b, sums_.span(), context_.stream());
}

template <typename Element>
void GemmRecurrence<Element>::backward(DeviceSpan<const float> dh, DeviceStateIn dlast,
                                       DeviceSpan<float> dx, DeviceSpan<float> dweights,
                                       DeviceStateOut dinitial) {
  const int T = forward_.T, N = forward_.N;
  if (T == 0) throw InternalError("gemm recurrence, backward: no forward() came before");
  check_size("backward", "dh", dh.size(), T * states(N));
  if (!dx.empty()) check_size("backward", "dx", dx.size(), std::int64_t{T} * N * C_);
  check_size("backward", "dweights", dweights.size(), lstm_weights(C_, H_, L_));
  check_states("backward", dlast, dinitial, N);
  const std::int64_t gates = 4 * std::int64_t{H_};
  const auto* da = reinterpret_cast<const Element*>(a_.data());
  const int steps = steps_a_share(T, N);
  for (int from = (T - 1) / steps * steps; from >= 0; from -= steps) {
    const Share share{.T = T, .N = N, .from = from, .count = std::min(steps, T - from)};
    for (int l = L_ - 1; l >= 0; --l) {
      const float* above = l + 1 == L_ ? dh.data() + from * states(N) : dinput_.data();
      walk_back(share, l, above, dlast, dinitial);
      weight_gradients(share, l, dweights);
      if (from == 0) complete(l);
      const int I = l == 0 ? C_ : H_;
      float* dinput = l > 0 ? dinput_.data() : at_or_null(dx, share.first_row() * C_);
      if (dinput == nullptr) continue;
      product({.m = share.rows(), .n = I, .k = gates, .lda = gates, .ldb = pitch(I), .ldc = I}, da,
              W(l), dinput);
      if (l == 0 || forward_.dropout.rate == 0) continue;
      apply_dropout(forward_.dropout, l - 1,
                    {.rows = share.rows(),
                     .H = H_,
                     .from_pitch = H_,
                     .to_pitch = H_,
                     .first_row = share.first_row()},
                    dinput, dinput, context_.stream());
    }
  }
}

template void GemmRecurrence<float>::backward(DeviceSpan<const float>, DeviceStateIn,
                                              DeviceSpan<float>, DeviceSpan<float>, DeviceStateOut);
template void GemmRecurrence<Bf16>::backward(DeviceSpan<const float>, DeviceStateIn,
                                             DeviceSpan<float>, DeviceSpan<float>, DeviceStateOut);

}  // namespace sluice::gemm
