#include "engine/fused/layers.hpp"

#include "engine/recurrence.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {
namespace {

/// Up to so many floats one thread moves them sooner than it could wake another.
constexpr std::int64_t kSerialFloats = 100'000;

}  // namespace

template <typename Number>
FusedLayers<Number>::FusedLayers(int C, int H, int L, int lanes)
    : layers_(static_cast<std::size_t>(L)) {
  constexpr int kNumbers = static_cast<int>(4 / sizeof(Number));
  for (int l = 0; l < L; ++l) {
    FusedLayer<Number>& layer = layers_[static_cast<std::size_t>(l)];
    layer.shape = {.C = l == 0 ? C : H, .H = H, .V = lanes, .P = kNumbers};
    layer.offset = recurrence_params(C, H, l);
    layer.packed = packed_size_;
    packed_size_ += layer.shape.dweights();
  }
}

template <typename Number>
void FusedLayers<Number>::pack(std::span<const float> weights, bool training, int threads) {
  for (FusedLayer<Number>& layer : layers_) {
    const FusedLayerShape& shape = layer.shape;
    layer.weights.reserve(shape.weights());
    layer.bias.reserve(shape.bias());
    if (training) {
      layer.dh_weights.reserve(shape.dh_weights());
      layer.dx_weights.reserve(shape.dx_weights());
    }
  }
  const int U = layers_[0].shape.blocks();
  // All layers' blocks in one region: a thread is woken once.
#pragma omp parallel for schedule(static) \
    num_threads(threads) if (packed_size_ > kSerialFloats / (training ? 2 : 1))
  for (int i = 0; i < count() * U; ++i) {
    FusedLayer<Number>& layer = layers_[static_cast<std::size_t>(i / U)];
    const float* from = weights.data() + layer.offset;
    pack_forward(layer.shape, i % U, from, layer.weights.data(), layer.bias.data());
    if (training) {
      pack_backward(layer.shape, i % U, from, layer.dh_weights.data(), layer.dx_weights.data());
    }
  }
}

template <typename Number>
void FusedLayers<Number>::reserve_kept(int T, int N) {
  const std::int64_t TN = std::int64_t{T} * N;
  for (FusedLayer<Number>& layer : layers_) {
    const std::int64_t width = std::int64_t{layer.shape.blocks()} * layer.shape.V;
    layer.gates.reserve(4 * TN * width);
    layer.cells.reserve(TN * width);
    if (&layer != &layers_.back()) {
      layer.output.reserve(TN * layer.shape.H);
      layer.dropped.reserve(TN * layer.shape.H);
    }
  }
}

template <typename Number>
void FusedLayers<Number>::sum_gradients(float* groups, std::int64_t group_count,
                                        std::span<float> dweights, int threads) const {
  const int U = layers_[0].shape.blocks();
#pragma omp parallel for schedule(static) \
    num_threads(threads) if (group_count * packed_size_ > kSerialFloats)
  for (int i = 0; i < count() * U; ++i) {
    const FusedLayer<Number>& layer = layers_[static_cast<std::size_t>(i / U)];
    const FusedLayerShape& shape = layer.shape;
    const std::int64_t size = shape.dweights() / U;
    float* sum = groups + layer.packed + i % U * size;
    for (std::int64_t group = 1; group < group_count; ++group) {
      const float* add = sum + group * packed_size_;
      for (std::int64_t k = 0; k < size; ++k) sum[k] += add[k];
    }
    unpack_gradient(shape, i % U, groups + layer.packed, dweights.data() + layer.offset);
  }
}

template class FusedLayers<float>;
template class FusedLayers<Bf16>;

}  // namespace sluice
