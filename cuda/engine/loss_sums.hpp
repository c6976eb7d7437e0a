// Sums over the valid targets of one pass, as they lie in device memory.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct DeviceLossSums {
  double loss = 0;               ///< weighted
  std::int64_t targets = 0;      ///< valid target values
  std::int64_t bad_series = -1;  ///< the first series whose loss is not finite, or -1
};

SLUICE_HD inline void add_to(DeviceLossSums& sums, const DeviceLossSums& term) {
  sums.loss += term.loss;
  sums.targets += term.targets;
  if (sums.bad_series < 0) sums.bad_series = term.bad_series;
}

}  // namespace sluice
