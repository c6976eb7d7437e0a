// Where a layer's W [4H,I], R [4H,H] and b [4H] lie in the LSTM's part of the flat buffer
// (model/params.hpp). All offsets are multiples of 4 elements: of 16 bytes, if the buffer is.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct LayerWeights {
  int inputs = 0;                    ///< I: C for layer 0, else H
  std::int64_t W = 0, R = 0, b = 0;  ///< offsets in elements
  SLUICE_HD std::int64_t end(int H) const { return b + 4 * std::int64_t{H}; }
};

SLUICE_HD inline LayerWeights layer_weights(int C, int H, int l) {
  const std::int64_t gates = 4 * std::int64_t{H};
  LayerWeights at;
  at.inputs = l == 0 ? C : H;
  at.W =
      l == 0 ? 0 : gates * (std::int64_t{C} + H + 1) + (l - 1) * gates * (2 * std::int64_t{H} + 1);
  at.R = at.W + gates * at.inputs;
  at.b = at.R + gates * H;
  return at;
}

/// Elements of all L layers.
SLUICE_HD inline std::int64_t lstm_weights(int C, int H, int L) {
  return layer_weights(C, H, L).W;  // where a further layer would begin
}

}  // namespace sluice
