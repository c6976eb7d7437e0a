// The LSTM cell as scalar functions: one unit of one sequence at one step. Hochreiter and
// Schmidhuber 1997, with the forget gate of Gers et al. 2000. Written once, for CPU loops and GPU
// kernels; the tests' reference is written apart.
#pragma once

#include <cmath>

#include "sluice/base/host_device.hpp"

namespace sluice {

template <typename Real>
SLUICE_HD inline Real sigmoid(Real x) {
  return Real(1) / (Real(1) + std::exp(-x));
}

/// Values of the four gates after their non-linearities.
template <typename Real>
struct Gates {
  Real i, f, g, o;
};

template <typename Real>
struct CellState {
  Real c, h;
};

/// a_*: pre-activations W x_t + R h_{t-1} + b of one unit.
template <typename Real>
SLUICE_HD inline Gates<Real> gate_values(Real a_i, Real a_f, Real a_g, Real a_o) {
  return {sigmoid(a_i), sigmoid(a_f), std::tanh(a_g), sigmoid(a_o)};
}

template <typename Real>
SLUICE_HD inline CellState<Real> cell_forward(const Gates<Real>& gate, Real c_prev) {
  const Real c = gate.f * c_prev + gate.i * gate.g;
  return {c, gate.o * std::tanh(c)};
}

/// Gradients of the pre-activations and of c_{t-1}.
template <typename Real>
struct CellGradient {
  Real a_i, a_f, a_g, a_o, c_prev;
};

/// dh, dc: gradients that reach h_t and c_t from later steps and from above. tanh_c: of c_t.
template <typename Real>
SLUICE_HD inline CellGradient<Real> cell_backward_from_tanh(const Gates<Real>& gate, Real tanh_c,
                                                            Real c_prev, Real dh, Real dc) {
  const Real d_c = dc + dh * gate.o * (Real(1) - tanh_c * tanh_c);
  return {d_c * gate.g * gate.i * (Real(1) - gate.i), d_c * c_prev * gate.f * (Real(1) - gate.f),
          d_c * gate.i * (Real(1) - gate.g * gate.g), dh * tanh_c * gate.o * (Real(1) - gate.o),
          d_c * gate.f};
}

template <typename Real>
SLUICE_HD inline CellGradient<Real> cell_backward(const Gates<Real>& gate, Real c, Real c_prev,
                                                  Real dh, Real dc) {
  return cell_backward_from_tanh(gate, std::tanh(c), c_prev, dh, dc);
}

}  // namespace sluice
