// The rows that a training keeps of all layers, so that one product gives all gradients of a
// layer's weights: dA^T [h_{t-1} | 1 | x_t] = [dR | db | dW], which reads dA once.
//
// A row belongs to a step and a series. What would surprise: x of a layer above the first is the h
// of the layer below, and is not kept a second time. Layer l writes h_t into row t + l + 1, a step
// further down than the layer below, so that h^l_{t-1} stands beside h^{l-1}_t, in row t + l:
//
//     row r:  h^2_{r-3} | 1 | h^1_{r-2} | 1 | h^0_{r-1} | 1 | x_r
//
// With dropout between layers x is a copy, with columns of its own:
//
//     row r:  h^1_{r-2} | 1 | x^1_{r-1} | h^0_{r-1} | 1 | x_r
//
// Bytes of a series and step, bf16, of a layer with I inputs and Hp = H: products for dW and dR and
// sums for db would read dA three times, 24H, beside h and x; one product reads 8H. To copy h into
// the next layer's rows instead of staggering them would be 2H more to write; two products without
// a copy 8H more to read. The first layer's x is always copied here: in tf32 that costs 4I bytes to
// read and 4I to write where x, in whole 16 bytes a row, might have been read where it lies.
#pragma once

#include <cstdint>

#include "recurrence/fused_mma/layout.hpp"

namespace sluice::mma {

struct TrainingRows {
  int layers = 0, units = 0;
  int input = 0;        ///< elements of a row of the first layer's x: input_pitch()
  bool copies = false;  ///< whether each layer above the first has columns for its x
  int sector = 0;       ///< elements of 32 bytes: all parts begin on such

  /// Columns where parts of layer l begin, from the left: the h of its own step before, a 1 with
  /// zeros behind it, and its x.
  constexpr int h(int l) const { return (layers - 1 - l) * stagger(); }
  constexpr int one(int l) const { return h(l) + units; }
  constexpr int x(int l) const { return one(l) + sector; }
  /// Columns from h(l) to the end of layer l's x.
  constexpr int width(int l) const { return units + sector + (l == 0 ? input : units); }
  /// Elements between rows.
  constexpr int pitch() const {
    return (layers - 1) * stagger() + (width(0) + sector - 1) / sector * sector;
  }
  /// Columns between the ones of neighbouring layers.
  constexpr int stagger() const { return units + sector + (copies ? units : 0); }

  /// The first row of layer l at step t, where its x_t and its h_{t-1} are; h_t is N rows on.
  constexpr std::int64_t row(int l, std::int64_t t, std::int64_t N) const { return (t + l) * N; }
  constexpr std::int64_t rows(std::int64_t T, std::int64_t N) const { return (T + layers) * N; }
};

constexpr TrainingRows training_rows(Precision precision, int layers, int units, int inputs,
                                     bool copies) {
  return {.layers = layers,
          .units = units,
          .input = input_pitch(precision, inputs),
          .copies = copies,
          .sector = 32 / element_bytes(precision)};
}

}  // namespace sluice::mma
