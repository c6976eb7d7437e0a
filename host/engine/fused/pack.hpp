// Weights into the layouts that the fused recurrence's walks read (kernels.hpp), and their
// gradient back.
#pragma once

#include <cstdint>

namespace sluice {

/// One layer: C inputs, H units, V lanes of a vector, P numbers in 32 bits.
struct FusedLayerShape {
  int C, H, V, P;
  int blocks() const { return (H + V - 1) / V; }  ///< of units: U
  std::int64_t gates() const { return std::int64_t{4} * V; }
  int padded(int width) const { return (width + P - 1) / P * P; }
  /// Elements of each packed array.
  std::int64_t weights() const { return blocks() * gates() * (padded(C) + padded(H)); }
  std::int64_t bias() const { return blocks() * gates(); }
  std::int64_t dh_weights() const { return blocks() * gates() * blocks() * V; }
  std::int64_t dx_weights() const { return blocks() * gates() * ((C + V - 1) / V) * V; }
  std::int64_t dweights() const { return blocks() * gates() * (C + H + 1); }

  /// Numbers of a row of h and x, rounded for products, in whole vectors.
  int rounded_row() const { return (blocks() + (C + V - 1) / V) * V; }
  /// Numbers of a walk's scratch for n rows: two steps' rounded rows; floats need none.
  std::int64_t forward_scratch(std::int64_t n) const { return P == 1 ? 0 : 2 * n * rounded_row(); }
  /// Gradients of the pre-activations, [U][steps*n][4][V]. If P > 1 these are [U][n][4][V] of one
  /// step, [U][steps][ceil(n/P)][4][V][P] for products along rows, and the inputs of these,
  /// [steps][ceil(n/P)][C+H][P] and a vector.
  std::int64_t backward_scratch(std::int64_t n, std::int64_t steps) const {
    if (P == 1) return blocks() * gates() * steps * n;
    const std::int64_t waiting = steps * ((n + P - 1) / P * P);
    return blocks() * gates() * (n + waiting) + waiting * (C + H) + P * V;
  }
};

/// Packs what one block of units, `u`, has of `weights` (W [4H,C], R [4H,H], b [4H]).
template <typename Number>
void pack_forward(const FusedLayerShape& shape, int u, const float* weights, Number* packed,
                  float* bias);
template <typename Number>
void pack_backward(const FusedLayerShape& shape, int u, const float* weights, Number* dh_weights,
                   Number* dx_weights);
/// The gradient of one block of units from its packed form.
void unpack_gradient(const FusedLayerShape& shape, int u, const float* packed, float* dweights);

}  // namespace sluice
