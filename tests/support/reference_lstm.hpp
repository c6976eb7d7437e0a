// The LSTM stack in double, written from its formulas for the tests; it shares no code with the
// product, so that an error there cannot be here too. Plain on purpose; compiled for speed and
// without sanitizers (tests/CMakeLists.txt), as it is not what is tested and most of a parity
// test's time.
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

LstmTrace lstm_forward(const LstmShape& s, const LstmInput& in);

/// Gradients of sum(dh * h) + sum(dh_last * h_last) + sum(dc_last * c_last) by back-propagation
/// through time. dh [T,N,H]; dh_last, dc_last [L,N,H].
LstmGradients lstm_backward(const LstmShape& s, const LstmInput& in, const LstmTrace& trace,
                            const Vector& dh, const Vector& dh_last, const Vector& dc_last);

}  // namespace sluice::reference
