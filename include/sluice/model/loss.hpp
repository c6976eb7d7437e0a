// Losses of one number, and their derivatives with respect to the forecast. Means and weights are
// the caller's. Those of a distribution, which has several, are in likelihood.hpp.
#pragma once

#include <string_view>

#include "sluice/base/host_device.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

struct LossValue {
  float value, gradient;
};

/// `error` is forecast - target. `parameter`: the quantile for Loss::quantile, delta for
/// Loss::huber, else unused.
///   mse       error^2
///   mae       |error|                                   (gradient 0 at 0)
///   huber     error^2/2 inside delta, delta(|error| - delta/2) outside      (Huber 1964)
///   quantile  max(q (y - f), (q - 1)(y - f)) * 2        (Koenker and Bassett 1978; at q = .5 it is
///   |error|)
///   a distribution has none: 0
SLUICE_HD inline LossValue loss_value(Loss loss, float error, float parameter) {
  const float sign = error > 0 ? 1.0f : (error < 0 ? -1.0f : 0.0f);
  const float size = error * sign;
  switch (loss) {
    case Loss::mse:
      return {error * error, 2.0f * error};
    case Loss::mae:
      return {size, sign};
    case Loss::huber:
      return size <= parameter ? LossValue{0.5f * error * error, error}
                               : LossValue{parameter * (size - 0.5f * parameter), parameter * sign};
    case Loss::quantile:
      return error > 0 ? LossValue{2.0f * (1.0f - parameter) * error, 2.0f * (1.0f - parameter)}
                       : LossValue{-2.0f * parameter * error, error < 0 ? -2.0f * parameter : 0.0f};
    default:
      return {0, 0};
  }
}

}  // namespace sluice
