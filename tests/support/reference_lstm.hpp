// The LSTM stack in double, written from its formulas for the tests; it shares no code with the
// product, so that an error there cannot be here too. Slow and plain on purpose.
//
//   i, f, o = sigmoid(W x_t + R h_{t-1} + b)    g = tanh(W x_t + R h_{t-1} + b)
//   c_t = f c_{t-1} + i g                       h_t = o tanh(c_t)
//
// Layer l > 0 reads layer l-1's h, multiplied by a mask (dropout). Row-major: x [T,N,C], h [T,N,H],
// states [L,N,H]; weights per layer W [4H,C or H], R [4H,H], b [4H], gates in the order i, f, g, o.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace sluice::reference {

using Vector = std::vector<double>;

struct LstmShape {
  std::size_t T = 1, N = 1, C = 1, H = 1, L = 1;

  std::size_t inputs(std::size_t l) const { return l == 0 ? C : H; }
  std::size_t layer_weights(std::size_t l) const { return 4 * H * (inputs(l) + H + 1); }
  std::size_t weights() const {
    std::size_t size = 0;
    for (std::size_t l = 0; l < L; ++l) size += layer_weights(l);
    return size;
  }
};

struct LstmInput {
  Vector x;                  // [T,N,C]
  Vector weights;            // [P]
  Vector h0, c0;             // [L,N,H]
  std::vector<Vector> mask;  // [L-1] of [T,N,H], factors on layer l's output; empty: all 1
};

/// What a forward pass leaves, layer by layer.
struct LstmTrace {
  struct Layer {
    Vector input;       // [T,N,I] as this layer saw it
    Vector i, f, g, o;  // [T,N,H]
    Vector c, h;        // [T,N,H]
  };
  std::vector<Layer> layer;
  Vector h_last, c_last;  // [L,N,H]

  const Vector& h() const { return layer.back().h; }
};

struct LstmGradients {
  Vector dx, dweights, dh0, dc0;
};

inline double logistic(double a) { return 1.0 / (1.0 + std::exp(-a)); }

inline LstmTrace lstm_forward(const LstmShape& s, const LstmInput& in) {
  LstmTrace trace;
  trace.h_last.assign(s.L * s.N * s.H, 0.0);
  trace.c_last.assign(s.L * s.N * s.H, 0.0);
  Vector input = in.x;
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
    for (std::size_t t = 0; t < s.T; ++t) {
      for (std::size_t n = 0; n < s.N; ++n) {
        const std::size_t row = t * s.N + n;
        const std::size_t state = (l * s.N + n) * s.H;
        const double* x = input.data() + row * I;
        const double* h_before = t == 0 ? in.h0.data() + state : layer.h.data() + (row - s.N) * s.H;
        const double* c_before = t == 0 ? in.c0.data() + state : layer.c.data() + (row - s.N) * s.H;
        for (std::size_t j = 0; j < s.H; ++j) {
          double a[4];
          for (std::size_t gate = 0; gate < 4; ++gate) {
            const std::size_t r = gate * s.H + j;
            a[gate] = b[r];
            for (std::size_t k = 0; k < I; ++k) a[gate] += W[r * I + k] * x[k];
            for (std::size_t k = 0; k < s.H; ++k) a[gate] += R[r * s.H + k] * h_before[k];
          }
          const std::size_t e = row * s.H + j;
          layer.i[e] = logistic(a[0]);
          layer.f[e] = logistic(a[1]);
          layer.g[e] = std::tanh(a[2]);
          layer.o[e] = logistic(a[3]);
          layer.c[e] = layer.f[e] * c_before[j] + layer.i[e] * layer.g[e];
          layer.h[e] = layer.o[e] * std::tanh(layer.c[e]);
          if (t + 1 == s.T) {
            trace.h_last[state + j] = layer.h[e];
            trace.c_last[state + j] = layer.c[e];
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

/// Gradients of sum(dh * h) + sum(dh_last * h_last) + sum(dc_last * c_last) by back-propagation
/// through time. dh [T,N,H]; dh_last, dc_last [L,N,H].
inline LstmGradients lstm_backward(const LstmShape& s, const LstmInput& in, const LstmTrace& trace,
                                   const Vector& dh, const Vector& dh_last, const Vector& dc_last) {
  LstmGradients out;
  out.dweights.assign(s.weights(), 0.0);
  out.dh0.assign(s.L * s.N * s.H, 0.0);
  out.dc0.assign(s.L * s.N * s.H, 0.0);
  Vector above = dh;  // gradient of this layer's h from the layer above
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
    Vector dinput(s.T * s.N * I, 0.0);
    Vector dh_next(dh_last.begin() + static_cast<std::ptrdiff_t>(l * s.N * s.H),
                   dh_last.begin() + static_cast<std::ptrdiff_t>((l + 1) * s.N * s.H));
    Vector dc_next(dc_last.begin() + static_cast<std::ptrdiff_t>(l * s.N * s.H),
                   dc_last.begin() + static_cast<std::ptrdiff_t>((l + 1) * s.N * s.H));
    for (std::size_t t = s.T; t-- > 0;) {
      for (std::size_t n = 0; n < s.N; ++n) {
        const std::size_t row = t * s.N + n;
        const std::size_t state = (l * s.N + n) * s.H;
        const double* x = layer.input.data() + row * I;
        const double* h_before = t == 0 ? in.h0.data() + state : layer.h.data() + (row - s.N) * s.H;
        const double* c_before = t == 0 ? in.c0.data() + state : layer.c.data() + (row - s.N) * s.H;
        Vector da(4 * s.H);  // gradients of the pre-activations
        for (std::size_t j = 0; j < s.H; ++j) {
          const std::size_t e = row * s.H + j;
          const double i = layer.i[e], f = layer.f[e], g = layer.g[e], o = layer.o[e];
          const double tanh_c = std::tanh(layer.c[e]);
          const double dh_total = above[e] + dh_next[n * s.H + j];
          const double dc_total = dc_next[n * s.H + j] + dh_total * o * (1.0 - tanh_c * tanh_c);
          da[j] = dc_total * g * i * (1.0 - i);
          da[s.H + j] = dc_total * c_before[j] * f * (1.0 - f);
          da[2 * s.H + j] = dc_total * i * (1.0 - g * g);
          da[3 * s.H + j] = dh_total * tanh_c * o * (1.0 - o);
          dc_next[n * s.H + j] = dc_total * f;
        }
        double* dh_before = dh_next.data() + n * s.H;
        for (std::size_t k = 0; k < s.H; ++k) dh_before[k] = 0.0;
        for (std::size_t r = 0; r < 4 * s.H; ++r) {
          db[r] += da[r];
          for (std::size_t k = 0; k < I; ++k) {
            dW[r * I + k] += da[r] * x[k];
            dinput[row * I + k] += da[r] * W[r * I + k];
          }
          for (std::size_t k = 0; k < s.H; ++k) {
            dR[r * s.H + k] += da[r] * h_before[k];
            dh_before[k] += da[r] * R[r * s.H + k];
          }
        }
      }
    }
    for (std::size_t e = 0; e < s.N * s.H; ++e) {
      out.dh0[l * s.N * s.H + e] = dh_next[e];
      out.dc0[l * s.N * s.H + e] = dc_next[e];
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
