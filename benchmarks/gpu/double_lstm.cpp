#include "gpu/double_lstm.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace sluice::bench {
namespace {

using Vector = std::vector<double>;

/// What one layer leaves for its gradients, rows (t,p): input, gates i, f, g, o in one row, c, h.
struct Layer {
  std::size_t inputs = 0, offset = 0;  // offset: of its weights
  Vector input, gates, c, h;
};

/// y[0..n) += factor * x[0..n)
void add_scaled(double* y, const double* x, double factor, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) y[k] += factor * x[k];
}

/// [rows,columns] -> [columns,rows]
Vector transposed(const double* m, std::size_t rows, std::size_t columns) {
  Vector out(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < columns; ++k) out[k * rows + r] = m[r * columns + k];
  }
  return out;
}

double logistic(double a) { return 1 / (1 + std::exp(-a)); }

void run_forward(Layer& layer, std::size_t T, std::size_t P, std::size_t H, const double* weights) {
  const std::size_t I = layer.inputs;
  const Vector W = transposed(weights, 4 * H, I), R = transposed(weights + 4 * H * I, 4 * H, H);
  const double* bias = weights + 4 * H * (I + H);
  layer.gates.assign(T * P * 4 * H, 0);
  layer.c.assign(T * P * H, 0);
  layer.h.assign(T * P * H, 0);
  for (std::size_t row = 0; row < T * P; ++row) {
    double* a = &layer.gates[row * 4 * H];
    std::copy_n(bias, 4 * H, a);
    for (std::size_t k = 0; k < I; ++k) {
      add_scaled(a, &W[k * 4 * H], layer.input[row * I + k], 4 * H);
    }
    for (std::size_t k = 0; row >= P && k < H; ++k) {
      add_scaled(a, &R[k * 4 * H], layer.h[(row - P) * H + k], 4 * H);
    }
    for (std::size_t j = 0; j < H; ++j) {
      const double before = row >= P ? layer.c[(row - P) * H + j] : 0;
      double &i = a[j], &f = a[H + j], &g = a[2 * H + j], &o = a[3 * H + j];
      i = logistic(i), f = logistic(f), g = std::tanh(g), o = logistic(o);
      layer.c[row * H + j] = f * before + i * g;
      layer.h[row * H + j] = o * std::tanh(layer.c[row * H + j]);
    }
  }
}

/// From the gradient of h, `above` [T,P,H], to that of the input, which is given back.
Vector run_backward(const Layer& layer, std::size_t T, std::size_t P, std::size_t H,
                    const double* weights, const Vector& above, double* dweights) {
  const std::size_t I = layer.inputs;
  const double *W = weights, *R = weights + 4 * H * I;
  double *dW = dweights, *dR = dW + 4 * H * I, *db = dR + 4 * H * H;
  Vector dinput(T * P * I, 0), dh_next(P * H, 0), dc_next(P * H, 0), da(4 * H);
  for (std::size_t row = T * P; row-- > 0;) {
    const double* gate = &layer.gates[row * 4 * H];
    double *dh = &dh_next[row % P * H], *dc = &dc_next[row % P * H];
    for (std::size_t j = 0; j < H; ++j) {
      const double i = gate[j], f = gate[H + j], g = gate[2 * H + j], o = gate[3 * H + j];
      const double before = row >= P ? layer.c[(row - P) * H + j] : 0;
      const double tanh_c = std::tanh(layer.c[row * H + j]);
      const double dh_all = above[row * H + j] + dh[j];
      const double dc_all = dc[j] + dh_all * o * (1 - tanh_c * tanh_c);
      da[j] = dc_all * g * i * (1 - i);
      da[H + j] = dc_all * before * f * (1 - f);
      da[2 * H + j] = dc_all * i * (1 - g * g);
      da[3 * H + j] = dh_all * tanh_c * o * (1 - o);
      dc[j] = dc_all * f;
      dh[j] = 0;
    }
    for (std::size_t r = 0; r < 4 * H; ++r) {
      db[r] += da[r];
      add_scaled(&dW[r * I], &layer.input[row * I], da[r], I);
      add_scaled(&dinput[row * I], &W[r * I], da[r], I);
      if (row >= P) add_scaled(&dR[r * H], &layer.h[(row - P) * H], da[r], H);
      add_scaled(dh, &R[r * H], da[r], H);
    }
  }
  return dinput;
}

}  // namespace

DoubleLstm double_lstm(const GpuShape& shape, int series, const Vector& weights, const Vector& x,
                       const Vector& dh) {
  const auto T = static_cast<std::size_t>(shape.T), P = static_cast<std::size_t>(series);
  const auto H = static_cast<std::size_t>(shape.H);
  std::vector<Layer> layers(static_cast<std::size_t>(shape.L));
  const Vector* input = &x;
  std::size_t offset = 0;
  for (Layer& layer : layers) {
    layer.inputs = input->size() / (T * P);
    layer.offset = offset;
    layer.input = *input;
    run_forward(layer, T, P, H, &weights[offset]);
    offset += 4 * H * (layer.inputs + H + 1);
    input = &layer.h;
  }
  DoubleLstm out;
  out.h = layers.back().h;
  if (dh.empty()) return out;
  out.dweights.assign(weights.size(), 0);
  out.dx = dh;
  for (std::size_t l = layers.size(); l-- > 0;) {
    const Layer& layer = layers[l];
    out.dx =
        run_backward(layer, T, P, H, &weights[layer.offset], out.dx, &out.dweights[layer.offset]);
  }
  return out;
}

double relative_error(const std::vector<float>& a, const Vector& b) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    error = std::max(error, difference);
    largest = std::max(largest, std::abs(b[i]));
  }
  return largest > 0 ? error / largest : error;
}

}  // namespace sluice::bench
