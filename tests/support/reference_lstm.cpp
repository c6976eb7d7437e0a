// Loops run over a weight's row for all sequences of a step, so that weights are read once a step.
#include "support/reference_lstm.hpp"

#include <cmath>

namespace sluice::reference {
namespace {

double logistic(double a) { return 1.0 / (1.0 + std::exp(-a)); }

double dot(const double* a, const double* b, std::size_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t k = 0; k < size; ++k) sum += a[k] * b[k];
  return sum;
}

/// to += factor * from
void add(double factor, const double* from, std::size_t size, double* to) {
#pragma omp simd
  for (std::size_t k = 0; k < size; ++k) to[k] += factor * from[k];
}

}  // namespace

LstmTrace lstm_forward(const LstmShape& s, const LstmInput& in) {
  LstmTrace trace;
  trace.h_last.assign(s.L * s.N * s.H, 0.0);
  trace.c_last.assign(s.L * s.N * s.H, 0.0);
  Vector input = in.x;
  Vector a(s.N * 4 * s.H);  // pre-activations of a step
  std::size_t offset = 0;
  for (std::size_t l = 0; l < s.L; ++l) {
    const std::size_t I = s.inputs(l);
    const double* W = in.weights.data() + offset;
    const double* R = W + 4 * s.H * I;
    const double* b = R + 4 * s.H * s.H;
    offset += s.layer_weights(l);
    LstmTrace::Layer layer;
    for (Vector* v : {&layer.i, &layer.f, &layer.g, &layer.o, &layer.c, &layer.h}) {
      v->assign(s.T * s.N * s.H, 0.0);
    }
    const std::size_t state = l * s.N * s.H;
    for (std::size_t t = 0; t < s.T; ++t) {
      const std::size_t step = t * s.N * s.H;
      const double* x = input.data() + t * s.N * I;
      const double* h_before = t == 0 ? in.h0.data() + state : layer.h.data() + step - s.N * s.H;
      const double* c_before = t == 0 ? in.c0.data() + state : layer.c.data() + step - s.N * s.H;
      for (std::size_t r = 0; r < 4 * s.H; ++r) {
        for (std::size_t n = 0; n < s.N; ++n) {
          a[n * 4 * s.H + r] =
              b[r] + dot(W + r * I, x + n * I, I) + dot(R + r * s.H, h_before + n * s.H, s.H);
        }
      }
      for (std::size_t n = 0; n < s.N; ++n) {
        for (std::size_t j = 0; j < s.H; ++j) {
          const double* gate = a.data() + n * 4 * s.H + j;
          const std::size_t e = step + n * s.H + j;
          layer.i[e] = logistic(gate[0]);
          layer.f[e] = logistic(gate[s.H]);
          layer.g[e] = std::tanh(gate[2 * s.H]);
          layer.o[e] = logistic(gate[3 * s.H]);
          layer.c[e] = layer.f[e] * c_before[n * s.H + j] + layer.i[e] * layer.g[e];
          layer.h[e] = layer.o[e] * std::tanh(layer.c[e]);
          if (t + 1 == s.T) {
            trace.h_last[state + n * s.H + j] = layer.h[e];
            trace.c_last[state + n * s.H + j] = layer.c[e];
          }
        }
      }
    }
    layer.input = input;
    input = layer.h;
    if (l + 1 < s.L && !in.mask.empty()) {
      for (std::size_t e = 0; e < input.size(); ++e) input[e] *= in.mask[l][e];
    }
    trace.layer.push_back(layer);
  }
  return trace;
}

LstmGradients lstm_backward(const LstmShape& s, const LstmInput& in, const LstmTrace& trace,
                            const Vector& dh, const Vector& dh_last, const Vector& dc_last) {
  LstmGradients out;
  out.dweights.assign(s.weights(), 0.0);
  out.dh0.assign(s.L * s.N * s.H, 0.0);
  out.dc0.assign(s.L * s.N * s.H, 0.0);
  Vector above = dh;         // gradient of this layer's h from the layer above
  Vector da(s.N * 4 * s.H);  // gradients of the pre-activations of a step
  std::size_t offset = s.weights();
  for (std::size_t l = s.L; l-- > 0;) {
    const std::size_t I = s.inputs(l);
    offset -= s.layer_weights(l);
    const double* W = in.weights.data() + offset;
    const double* R = W + 4 * s.H * I;
    double* dW = out.dweights.data() + offset;
    double* dR = dW + 4 * s.H * I;
    double* db = dR + 4 * s.H * s.H;
    const LstmTrace::Layer& layer = trace.layer[l];
    const std::size_t state = l * s.N * s.H;
    Vector dinput(s.T * s.N * I, 0.0);
    Vector dh_next(dh_last.begin() + static_cast<std::ptrdiff_t>(state),
                   dh_last.begin() + static_cast<std::ptrdiff_t>(state + s.N * s.H));
    Vector dc_next(dc_last.begin() + static_cast<std::ptrdiff_t>(state),
                   dc_last.begin() + static_cast<std::ptrdiff_t>(state + s.N * s.H));
    for (std::size_t t = s.T; t-- > 0;) {
      const std::size_t step = t * s.N * s.H;
      const double* x = layer.input.data() + t * s.N * I;
      double* dx = dinput.data() + t * s.N * I;
      const double* h_before = t == 0 ? in.h0.data() + state : layer.h.data() + step - s.N * s.H;
      const double* c_before = t == 0 ? in.c0.data() + state : layer.c.data() + step - s.N * s.H;
      for (std::size_t n = 0; n < s.N; ++n) {
        for (std::size_t j = 0; j < s.H; ++j) {
          const std::size_t e = step + n * s.H + j, at = n * s.H + j;
          const double i = layer.i[e], f = layer.f[e], g = layer.g[e], o = layer.o[e];
          const double tanh_c = std::tanh(layer.c[e]);
          const double dh_total = above[e] + dh_next[at];
          const double dc_total = dc_next[at] + dh_total * o * (1.0 - tanh_c * tanh_c);
          double* gate = da.data() + n * 4 * s.H + j;
          gate[0] = dc_total * g * i * (1.0 - i);
          gate[s.H] = dc_total * c_before[at] * f * (1.0 - f);
          gate[2 * s.H] = dc_total * i * (1.0 - g * g);
          gate[3 * s.H] = dh_total * tanh_c * o * (1.0 - o);
          dc_next[at] = dc_total * f;
        }
      }
      for (double& v : dh_next) v = 0.0;
      for (std::size_t r = 0; r < 4 * s.H; ++r) {
        for (std::size_t n = 0; n < s.N; ++n) {
          const double gradient = da[n * 4 * s.H + r];
          db[r] += gradient;
          add(gradient, x + n * I, I, dW + r * I);
          add(gradient, W + r * I, I, dx + n * I);
          add(gradient, h_before + n * s.H, s.H, dR + r * s.H);
          add(gradient, R + r * s.H, s.H, dh_next.data() + n * s.H);
        }
      }
    }
    for (std::size_t e = 0; e < s.N * s.H; ++e) {
      out.dh0[state + e] = dh_next[e];
      out.dc0[state + e] = dc_next[e];
    }
    above = dinput;
    if (l > 0 && !in.mask.empty()) {
      for (std::size_t e = 0; e < above.size(); ++e) above[e] *= in.mask[l - 1][e];
    }
  }
  out.dx = above;
  return out;
}

}  // namespace sluice::reference
