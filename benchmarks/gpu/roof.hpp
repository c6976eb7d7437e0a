// How fast a recurrence could at best be: the least time that a device needs for the products, for
// the special functions and for the memory traffic of a shape, each as if it were alone. The
// largest of the three is the binding roof. Plain arithmetic, no device.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gpu/bench.hpp"

namespace sluice::bench {

/// A peak rate, a second, and where it is from: "nominal", "measured in this run". 0: not known.
struct Peak {
  double rate = 0;
  std::string source;
};

struct Peaks {
  Peak fp32;     ///< FLOP/s of fused multiply-adds
  Peak tf32;     ///< FLOP/s of tensor cores, dense
  Peak half;     ///< FLOP/s of tensor cores, bf16 and fp16, dense
  Peak special;  ///< tanh (or exp, or reciprocal) a second
  Peak memory;   ///< bytes a second, read and written together
};

/// What is known of a device by its name, without measuring: nothing for most.
Peaks known_peaks(std::string_view device_name);
/// Rates that were measured in this run; 0: not measured.
struct MeasuredRates {
  double fma_flops = 0, tf32_flops = 0, bf16_flops = 0, tanh = 0, copy_bytes = 0;
};
/// Special functions and memory as measured, where they were. Products: as known, because
/// mma.sync alone does not reach the peak of newer tensor cores; as measured where nothing is
/// known.
Peaks with_measured(Peaks peaks, const MeasuredRates& measured);

/// What a run does, by the model of an LSTM, not by what a kernel happens to do.
struct Demand {
  double flops = 0;    ///< 8 H (I + H) a layer, series and step; backward twice, training 3 times
  double special = 0;  ///< 5 a unit: four gates and tanh c; none in backward: they are kept
  double bytes = 0;
};
/// Bytes, e an element's (2, or 4 in fp32 and tf32), a layer, series and step:
///   forward                 e (H + I)
///   training, H <= 64       forward e (2 H + I), backward e (6.5 H + 2 I): gates recomputed, dW in
///                           the kernel
///   training, H > 64        forward e (6 H + I), backward e (15 H + 2 I): gates kept, dG written
///                           for one product afterwards
Demand demand_of(const GpuShape& shape, Phase phase, Number number);

struct Roof {
  double seconds = 0;        ///< of the binding one
  std::string_view binding;  ///< "tensor" ("fp32" for fp32), "special" or "memory"
};
/// Nothing if a peak is not known.
std::optional<Roof> roof_of(const Demand& demand, Number number, const Peaks& peaks);

}  // namespace sluice::bench
