// One linear layer of the head, y = W x + b, as its matrix products want it. Its rows may stand in
// another order than in the flat buffer, and W is kept beside its transpose: oneDNN's product runs
// at 99 % of the FMA peak where both factors are read along rows, at 91 % where one is not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/aligned_array.hpp"

namespace sluice {

class HeadLayer {
 public:
  /// Where the layer lies in the flat buffer, W [out, in] and b [out]. Row r of the layer is row
  /// order[r] there.
  struct Place {
    std::int64_t weight = 0, bias = 0, in = 0;
    std::vector<std::int64_t> order;  ///< [out]
  };
  explicit HeadLayer(Place place);

  std::int64_t in() const { return place_.in; }
  std::int64_t out() const { return static_cast<std::int64_t>(place_.order.size()); }
  const float* bias() const { return bias_.data(); }  ///< [out], in the layer's order

  /// Takes new weights from the flat buffer.
  void load(std::span<const float> params);

  /// Has oneDNN make the code of its products, once a process, where it has room for it and no
  /// other thread runs: it crashes where there is none. To be called before any of forward,
  /// backward and weight_gradient. Throws std::bad_alloc.
  static void ready_products();

  // The products run on the calling thread, inside a parallel region or not. Arrays are row-major;
  // x has `x_stride` >= in floats from row to row.

  /// y [rows, out] = x W^T; the bias is left to who reads y.
  void forward(std::int64_t rows, const float* x, std::int64_t x_stride, float* y) const;
  /// The same for few rows, without oneDNN: making its code takes 30 ms, a service's first forecast
  /// of a series less than one.
  void forward_few(std::int64_t rows, const float* x, std::int64_t x_stride, float* y) const;
  /// dx [rows, count] = dy [rows, out] times columns [from, from + count) of W.
  void backward(std::int64_t rows, const float* dy, std::int64_t from, std::int64_t count,
                float* dx) const;
  /// dW [out, in] = dy^T x, or, with `add`, dW += dy^T x.
  void weight_gradient(std::int64_t rows, const float* dy, const float* x, std::int64_t x_stride,
                       bool add, float* dW) const;

  /// Floats of one gradient of the layer: [out, in], then [out] of the bias.
  std::int64_t gradient_size() const { return out() * (in() + 1); }
  template <typename Float>
  Float* bias_gradient(Float* gradient) const {
    return gradient + out() * in();
  }
  /// The layer's row `row` of the flat buffer's gradient = the sum over `count` gradients of the
  /// layer that begin `stride` floats behind each other, in that order.
  void sum_gradients(std::int64_t row, const float* gradients, std::int64_t stride,
                     std::int64_t count, std::span<float> gradient) const;

 private:
  Place place_;
  AlignedArray<float> weight_, transposed_, bias_;  ///< [out, in], [in, out], [out]
};

}  // namespace sluice
