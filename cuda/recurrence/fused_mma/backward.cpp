// The host's side of fused_mma's backward walk: the kernel, and after it the products for dx and
// for the gradients of the weights.
#include "recurrence/fused_mma/fused.hpp"
#include "recurrence/shared/cast.hpp"
#include "recurrence/shared/dropout.hpp"

namespace sluice {

/// dR, db and dW of layer l out of da_, in one product.
template <Precision kPrecision>
void FusedMma<kPrecision>::weight_gradients(int l, DeviceSpan<float> dweights) {
  const LayerWeights& at = layers_[static_cast<std::size_t>(l)].at;
  const std::int64_t rows = std::int64_t{last_.T} * last_.N, columns = 4 * std::int64_t{units_};
  const int width = layout_.width(l);
  const float* gradients = gradients_.data();
  multiply({.m = columns,
            .n = width,
            .k = rows,
            .transpose_a = true,
            .lda = columns,
            .ldb = layout_.pitch(),
            .ldc = width},
           da_.data(), rows_of(l) + layout_.h(l), gradients_.data());
  mma::unpack({.H = H_,
               .inputs = at.inputs,
               .pitch = width,
               .dR = gradients,
               .db = gradients + (layout_.one(l) - layout_.h(l)),
               .dW = gradients + (layout_.x(l) - layout_.h(l))},
              dweights.data() + at.W, dweights.data() + at.R, dweights.data() + at.b,
              context_.stream());
}

/// dx [rows,C] out of da_. For rows of 15 floats cuBLAS 13 took cutlass_75_..._align1 on an H200,
/// and dx was 688 of a training's 2521 us (bf16, 32768 series, 24 steps, H 128): its 805 MB of da_
/// are 0.2 ms. So the product goes by whole rows of W, whose padding is 0, and its columns are
/// copied: 232 us, measured.
template <Precision kPrecision>
void FusedMma<kPrecision>::input_gradient(DeviceSpan<float> dx) {
  const Layer& layer = layers_[0];
  const std::int64_t rows = std::int64_t{last_.T} * last_.N, columns = 4 * std::int64_t{units_};
  const bool direct = layer.pitch == C_;
  float* to = direct ? dx.data() : dx_.data();
  multiply({.m = rows,
            .n = layer.pitch,
            .k = columns,
            .lda = columns,
            .ldb = layer.pitch,
            .ldc = layer.pitch},
           da_.data(), layer.W.data(), to);
  if (direct) return;
  cast({.rows = rows, .columns = C_, .from_pitch = layer.pitch, .to_pitch = C_}, to, dx.data(),
       context_.stream());
}

template <Precision kPrecision>
void FusedMma<kPrecision>::backward(DeviceSpan<const float> dh, DeviceStateIn dlast,
                                    DeviceSpan<float> dx, DeviceSpan<float> dweights,
                                    DeviceStateOut dinitial) {
  const std::int64_t N = last_.N, rows = last_.T * N, columns = 4 * std::int64_t{units_};
  check_size("backward", "dh", dh.size(), rows * H_);
  check_size("backward", "dweights", dweights.size(), lstm_weights(C_, H_, L_));
  if (!dx.empty()) check_size("backward", "dx", dx.size(), rows * C_);
  const cudaStream_t stream = context_.stream();
  for (int l = L_; l-- > 0;) {
    const Layer& layer = layers_[static_cast<std::size_t>(l)];
    const bool top = l + 1 == L_;
    mma::Backward<E> call{.steps = last_.T, .H = H_, .units = units_, .N = N};
    call.dh = top ? dh.data() : dinput_.data();
    call.dh_pitch = top ? H_ : units_;
    call.fragments = layer.backward.data();
    call.gates = layer.gates.data();
    call.c_sequence = layer.c.data();
    call.dh_last = part(dlast.h, l, N);
    call.dc_last = part(dlast.c, l, N);
    call.dh_first = part(dinitial.h, l, N);
    call.dc_first = part(dinitial.c, l, N);
    call.da = da_.data();
    mma::launch_backward<kPrecision>(call, stream);

    if (l == 0 && dx.empty()) {
      weight_gradients(l, dweights);
      complete(l);
      return;
    }
    // Both read da_, and few rows fill the device with neither.
    context_.beside([&] {
      weight_gradients(l, dweights);
      complete(l);
    });
    if (l == 0) {
      input_gradient(dx);
    } else {
      multiply(
          {.m = rows, .n = units_, .k = columns, .lda = columns, .ldb = layer.pitch, .ldc = units_},
          da_.data(), layer.W.data(), dinput_.data());
    }
    if (l > 0 && last_.dropout.rate > 0) {
      apply_dropout(last_.dropout, l - 1,
                    {.rows = rows, .H = H_, .from_pitch = units_, .to_pitch = units_},
                    dinput_.data(), dinput_.data(), stream);
    }
    context_.join();  // da_ is the next layer's
  }
}

template void FusedMma<Precision::bf16>::backward(DeviceSpan<const float>, DeviceStateIn,
                                                  DeviceSpan<float>, DeviceSpan<float>,
                                                  DeviceStateOut);
template void FusedMma<Precision::tf32>::backward(DeviceSpan<const float>, DeviceStateIn,
                                                  DeviceSpan<float>, DeviceSpan<float>,
                                                  DeviceStateOut);

}  // namespace sluice
