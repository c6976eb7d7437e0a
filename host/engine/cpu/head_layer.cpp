#include "engine/cpu/head_layer.hpp"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// C [m,n] = A B + beta C, row-major; ta = 't': `a` holds A's transpose.
void gemm(char ta, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
          const float* b, std::int64_t ldb, float beta, float* c, std::int64_t ldc) {
  if (m == 0 || n == 0 || k == 0) return;
  const dnnl_status_t status = dnnl_sgemm(ta, 'N', m, n, k, 1.0f, a, lda, b, ldb, beta, c, ldc);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success) throw InternalError("oneDNN refused a matrix product of the head");
}

void add_to(float* sum, const float* term, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) sum[i] += term[i];
}

/// to [columns, rows] = the transpose of from [rows, columns].
void transpose(std::int64_t rows, std::int64_t columns, const float* from, float* to) {
  constexpr std::int64_t kBlock = 16;  // a cache line of `to` is written whole
  for (std::int64_t begin = 0; begin < rows; begin += kBlock) {
    const std::int64_t end = std::min(rows, begin + kBlock);
    for (std::int64_t column = 0; column < columns; ++column) {
      for (std::int64_t row = begin; row < end; ++row) {
        to[column * rows + row] = from[row * columns + column];
      }
    }
  }
}

}  // namespace

void HeadLayer::ready_products() {
  constexpr std::size_t kRoom = std::size_t{32} << 20;
  constexpr std::int64_t kSide = 64;
  static const bool ready = [] {
    ::operator delete(::operator new(kRoom));  // more than the allocator has at hand
    const std::vector<float> a(kSide * kSide);
    std::vector<float> c(kSide * kSide);
    for (const char transposed : {'N', 'T'}) {
      gemm(transposed, kSide, kSide, kSide, a.data(), kSide, a.data(), kSide, 0, c.data(), kSide);
    }
    return true;
  }();
  static_cast<void>(ready);
}

HeadLayer::HeadLayer(Place place) : place_(std::move(place)) {
  weight_.reserve(out() * in());
  transposed_.reserve(out() * in());
  bias_.reserve(out());
}

void HeadLayer::load(std::span<const float> params) {
  const float *weight = params.data() + place_.weight, *bias = params.data() + place_.bias;
  for (std::int64_t row = 0; row < out(); ++row) {
    const std::int64_t from = place_.order[static_cast<std::size_t>(row)];
    std::copy_n(weight + from * in(), in(), weight_.data() + row * in());
    bias_.data()[row] = bias[from];
  }
  transpose(out(), in(), weight_.data(), transposed_.data());
}

void HeadLayer::forward(std::int64_t rows, const float* x, std::int64_t x_stride, float* y) const {
  gemm('N', rows, out(), in(), x, x_stride, transposed_.data(), out(), 0, y, out());
}

void HeadLayer::forward_few(std::int64_t rows, const float* x, std::int64_t x_stride,
                            float* y) const {
  for (std::int64_t row = 0; row < rows; ++row, x += x_stride, y += out()) {
    std::fill_n(y, out(), 0.0f);
    const float* weights = transposed_.data();
    for (std::int64_t i = 0; i < in(); ++i, weights += out()) {
      const float factor = x[i];
#pragma omp simd
      for (std::int64_t j = 0; j < out(); ++j) y[j] += factor * weights[j];
    }
  }
}

void HeadLayer::backward(std::int64_t rows, const float* dy, std::int64_t from, std::int64_t count,
                         float* dx) const {
  gemm('N', rows, count, out(), dy, out(), weight_.data() + from, in(), 0, dx, count);
}

void HeadLayer::weight_gradient(std::int64_t rows, const float* dy, const float* x,
                                std::int64_t x_stride, bool add, float* dW) const {
  gemm('T', out(), in(), rows, dy, out(), x, x_stride, add ? 1.0f : 0.0f, dW, in());
}

void HeadLayer::sum_gradients(std::int64_t row, const float* gradients, std::int64_t stride,
                              std::int64_t count, std::span<float> gradient) const {
  const std::int64_t to = place_.order[static_cast<std::size_t>(row)];
  const float *weights = gradients + row * in(), *biases = bias_gradient(gradients) + row;
  float* sum = gradient.data() + place_.weight + to * in();
  std::copy_n(weights, in(), sum);
  float bias = *biases;
  for (std::int64_t i = 1; i < count; ++i) {
    add_to(sum, weights + i * stride, in());
    bias += biases[i * stride];
  }
  gradient[static_cast<std::size_t>(place_.bias + to)] = bias;
}

}  // namespace sluice
