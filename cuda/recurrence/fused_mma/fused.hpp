// The recurrence fused_mma as a class: recurrence.cpp has its memory and its walks forward,
// backward.cpp its walk backward with the products after it.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/matmul.hpp"
#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/fused_mma/recurrence.hpp"
#include "recurrence/fused_mma/rows.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

template <Precision kPrecision>
class FusedMma final : public DeviceRecurrence {
 public:
  using E = mma::Element<kPrecision>;

  FusedMma(const RecurrenceSpec& spec, DeviceContext& context, const FusedMmaChoices& choices);

  std::string name() const override { return "fused_mma"; }
  bool tells_of_layers() const override { return true; }
  bool assembles_input() const override { return !layers_[0].hoisted; }
  void prepare(int T, int N, bool training) override;
  void load(DeviceSpan<const float> weights) override;
  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override;
  TrainingInput training_input() override {
    if (rows_.empty()) return {};
    return {rows_.data() + layout_.x(0), kPrecision == Precision::bf16, layout_.pitch()};
  }
  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override;
  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override;

 private:
  struct Layer {
    LayerWeights at;
    int pitch = 0, x_steps = 0;
    bool hoisted = false;  // x W^T is made before the kernel
    DeviceBuffer<std::uint32_t> forward, backward;
    DeviceBuffer<float> bias;
    DeviceBuffer<E> W;
    // Kept for backward, beside rows_.
    DeviceBuffer<mma::KeptGate<E>> gates;
    DeviceBuffer<float> c;
  };
  /// Windows that the first layer's x is assembled from.
  struct Assembly {
    const WindowRows* rows;
    int first_step;
  };

  void run(const Layer& layer, mma::Forward<E> call, const Assembly* assembly = nullptr);
  void run_in_parts(const Layer& layer, const mma::Forward<E>& call);
  E* rows_of(int l) { return rows_.data() + layout_.row(l, 0, last_.N) * layout_.pitch(); }
  const E* operand(std::int64_t rows, const float* x, DeviceBuffer<E>& copy);
  /// Where layer l's part of states [L,N,H] begins; null for an empty span.
  template <typename T>
  T* part(DeviceSpan<T> states, int l, std::int64_t N) const {
    return states.empty() ? nullptr : states.data() + l * N * H_;
  }
  std::int64_t product_bytes() const { return 4 * std::int64_t{units_} * 4; }  // of a row
  int infer_steps(int T, int N) const;
  int product_steps(int T, int N) const;
  void multiply(const MatmulShape& shape, const E* a, const E* b, float* c) const;
  void check_size(const char* call, const char* what, std::int64_t size,
                  std::int64_t expected) const;
  void prepare_training(int T, int N);
  template <typename Fill>
  void grow_filled(DeviceBuffer<E>& buffer, std::int64_t size, const char* purpose, Fill fill);
  void weight_gradients(int l, DeviceSpan<float> dweights);
  void input_gradient(DeviceSpan<float> dx);

  int C_, H_, L_, units_;
  mma::TrainingRows layout_;
  DeviceContext& context_;
  FusedMmaChoices choices_;
  bool any_hoisted_ = false;
  std::vector<Layer> layers_;

  DeviceBuffer<E> infer_x_, infer_h_[2];
  DeviceBuffer<float> carry_h_, carry_c_, product_;

  DeviceBuffer<E> rows_, da_;
  DeviceBuffer<float> dinput_, dx_, gradients_;
  struct {  // of the last forward()
    int T = 0, N = 0;
    DeviceDropout dropout;
  } last_;
};

template <Precision kPrecision>
void FusedMma<kPrecision>::check_size(const char* call, const char* what, std::int64_t size,
                                      std::int64_t expected) const {
  if (size == expected) return;
  throw InternalError(
      fmt::format("fused_mma, {}: {} has {} elements, not {}", call, what, size, expected));
}

template <Precision kPrecision>
void FusedMma<kPrecision>::multiply(const MatmulShape& shape, const E* a, const E* b,
                                    float* c) const {
  if constexpr (kPrecision == Precision::bf16) {
    matmul(context_.blas(), shape, a, b, c);
  } else {
    matmul(context_.blas(), shape, kPrecision, a, b, c);
  }
}

}  // namespace sluice
