// What the fused recurrence of the CPU owns for each layer: weights in the order in which the walks
// read them, what forward keeps for backward, and the weights' gradients of groups of series.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/fused/pack.hpp"
#include "engine/shared/aligned_array.hpp"

namespace sluice {

template <typename Number>
struct FusedLayer {
  FusedLayerShape shape;
  std::int64_t offset;  ///< of its first weight in the flat buffer
  std::int64_t packed;  ///< of its first packed gradient in a group's
  AlignedArray<Number> weights, dh_weights, dx_weights;
  AlignedArray<float> bias;
  // Training.
  AlignedArray<Number> gates;
  AlignedArray<float> cells;
  AlignedArray<float> output, dropped;  ///< [T,N,H]; of layers below the top
};

template <typename Number>
class FusedLayers {
 public:
  FusedLayers(int C, int H, int L, int lanes);

  int count() const { return static_cast<int>(layers_.size()); }
  FusedLayer<Number>& operator[](int l) { return layers_[static_cast<std::size_t>(l)]; }
  const FusedLayer<Number>& operator[](int l) const { return layers_[static_cast<std::size_t>(l)]; }
  /// Floats of all layers' packed gradients.
  std::int64_t packed_size() const { return packed_size_; }

  /// Packs the flat buffer of weights; `training`: backward's layouts, too. Throws std::bad_alloc.
  void pack(std::span<const float> weights, bool training, int threads);
  /// Room for what forward keeps of T steps of N series. Throws std::bad_alloc.
  void reserve_kept(int T, int N);
  /// `groups` packed gradients, behind each other, summed in their order into the flat buffer. The
  /// first group's is overwritten.
  void sum_gradients(float* groups, std::int64_t group_count, std::span<float> dweights,
                     int threads) const;

 private:
  std::vector<FusedLayer<Number>> layers_;
  std::int64_t packed_size_ = 0;
};

}  // namespace sluice
