// All layers walk a share of the steps, then all the next share: so nothing but what backward needs
// grows with T. A share is as many steps as the pre-activations' workspace takes, mostly all.
//
// Kept for backward, a layer: gates [T,N,4H] and h [T,N,H] as Element, c [T,N,H] in fp32; in fp32
// the top layer's h is the caller's. The pre-activations of a training step in fp32 are computed
// where the gates will be. Gradients of the pre-activations have a place of their own (a share of
// them), so that backward can be run again.
//
// Element is what the products read: float (fp32, tf32), or Bf16. Rows of Bf16 operands are padded
// to 16 bytes.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/matmul.hpp"
#include "recurrence/device_recurrence.hpp"
#include "recurrence/shared/cast.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice::gemm {

/// Throws InternalError that names the call and the array.
void check_size(const char* call, const char* what, std::int64_t size, std::int64_t expected);

template <typename T>
T* at_or_null(DeviceSpan<T> span, std::int64_t offset) {
  return span.empty() ? nullptr : span.data() + offset;
}

template <typename Element>
class GemmRecurrence : public DeviceRecurrence {
 public:
  GemmRecurrence(const RecurrenceSpec& spec, DeviceContext& context, std::int64_t workspace);

  std::string name() const override { return "gemm"; }
  bool tells_of_layers() const override { return true; }
  void prepare(int T, int N, bool training) override;
  void load(DeviceSpan<const float> weights) override;
  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override;
  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override;
  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override;

 private:
  static constexpr bool kIsFloat = std::is_same_v<Element, float>;
  static std::int64_t pitch(std::int64_t columns) {
    return kIsFloat ? columns : bf16_pitch(columns);
  }

  /// Steps [from, from + count) of the T of a call.
  struct Share {
    int T = 0, N = 0, from = 0, count = 0;
    std::int64_t rows() const { return std::int64_t{count} * N; }
    std::int64_t first_row() const { return std::int64_t{from} * N; }
    int end() const { return from + count; }
    bool last() const { return end() == T; }
  };
  /// A product's operand [rows, columns of the layer below].
  struct Operand {
    const Element* data = nullptr;
    std::int64_t pitch = 0;
  };
  /// Where the arrays of one layer lie in a share: of its first step, `*_step` elements on for the
  /// next (0: overwritten).
  struct LayerRun {
    Operand input;
    float* a = nullptr;               // [count,N,4H]
    Element* gates = nullptr;         // [count,N,4H], or null; in fp32 it is `a`
    const Element* h_prev = nullptr;  // [N,pitch] of the step before, or null: zero
    const float* c_prev = nullptr;
    Element* h = nullptr;
    float* c = nullptr;
    std::int64_t c_step = 0;
    float* h_full = nullptr;  // [count,N,H] or null
    float* h_last = nullptr;  // [N,H] or null, of the share's last step
    float* c_last = nullptr;
  };

  std::int64_t states(int N) const { return std::int64_t{N} * H_; }
  std::int64_t padded(int N) const { return N * pitch(H_); }
  int steps_a_share(int T, int N) const;
  const Element* W(int l) const { return weights_.data() + w_at_[static_cast<std::size_t>(l)]; }
  const Element* R(int l) const { return weights_.data() + r_at_[static_cast<std::size_t>(l)]; }
  const float* bias(int l) const;
  void product(const MatmulShape& shape, const Element* a, const Element* b, float* c);
  void check_ready(const char* call, int T, int N, bool training) const;
  void check_states(const char* call, DeviceStateIn in, DeviceStateOut out, int N) const;

  void take_initial(DeviceStateIn initial, int N, Element* h, float* c);
  Operand input_rows(const Share& share, DeviceSpan<const float> x);
  Operand layer_input(const Share& share, int l);
  void run_layer(const Share& share, int l, const LayerRun& run);

  Element* kept_h(int l) const;  // [T,N,pitch] of the last forward
  void walk_back(const Share& share, int l, const float* dh_above, DeviceStateIn dlast,
                 DeviceStateOut dinitial);
  void weight_gradients(const Share& share, int l, DeviceSpan<float> dweights);

  RecurrenceSpec spec_;
  int C_, H_, L_;
  DeviceContext& context_;
  std::int64_t workspace_;
  std::set<std::tuple<int, int, bool>> ready_;

  std::vector<std::int64_t> w_at_, r_at_;
  DeviceBuffer<Element> weights_;  // W and R of each layer; in fp32 the flat buffer as it is
  DeviceBuffer<float> bias_;       // [L,4H], bf16 only

  DeviceBuffer<float> a_;        // [share,N,4H] pre-activations; as Element their gradients
  DeviceBuffer<Element> input_;  // [share,N,I] x rounded, or h of the layer below after dropout
  DeviceBuffer<Element> infer_h_[2];  // [share,N,H] of layers by turns
  DeviceBuffer<Element> carry_h_;     // [L,N,H] from share to share of infer()
  DeviceBuffer<float> carry_c_;

  DeviceBuffer<Element> gates_, h_, h0_;  // [L,T,N,4H], [L,T,N,H] (fp32: without the top), [L,N,H]
  DeviceBuffer<float> c_, c0_;            // [L,T,N,H], [L,N,H]
  DeviceBuffer<float> dinput_;            // [share,N,H] gradient of the layer below's output
  DeviceBuffer<float> dh_, dc_;           // [L,N,H] gradients on their way to the step before
  DeviceBuffer<float> sums_;              // of column_sums

  struct Forward {  // what backward() has to know of the last forward()
    int T = 0, N = 0;
    bool from_h = false, from_c = false;  // initial states were given
    DeviceSpan<const float> x;
    float* h = nullptr;
    DeviceDropout dropout;
  } forward_;
};

}  // namespace sluice::gemm
