// The LSTM stack of a few series in double precision, with its gradients: what every case of the
// GPU benchmark is compared with before it is timed. Zero initial states, no dropout, gate order
// i, f, g, o. Loops run along rows of the (transposed) weights, so that the compiler can use
// vectors without changing the order of any sum.
#pragma once

#include <vector>

#include "gpu/bench.hpp"

namespace sluice::bench {

struct DoubleLstm {
  std::vector<double> h;         ///< [T,P,H] of the top layer
  std::vector<double> dx;        ///< [T,P,I]
  std::vector<double> dweights;  ///< per layer W [4H,I], R [4H,H], b [4H]
};

/// x [T,P,I] of P series, dh [T,P,H], weights as dweights. Gradients only if dh is not empty.
DoubleLstm double_lstm(const GpuShape& shape, int P, const std::vector<double>& weights,
                       const std::vector<double>& x, const std::vector<double>& dh);

/// max |a - b| over max |b|; NaN in a gives infinity. Same sizes.
double relative_error(const std::vector<float>& a, const std::vector<double>& b);

}  // namespace sluice::bench
