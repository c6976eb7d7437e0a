#include "gpu/roof.hpp"

namespace sluice::bench {
namespace {

struct KnownDevice {
  std::string_view name;  ///< is part of the device's name
  double fp32, tf32, half, special, memory;
};

// NVIDIA's data sheets (dense, boost clock), SXM modules; special functions: 16 a clock and
// multiprocessor at boost clock.
constexpr KnownDevice kKnown[] = {
    {"H200", 66.9e12, 494.7e12, 989.4e12, 132 * 16 * 1.83e9, 4.8e12},
    {"H100 80GB HBM3", 66.9e12, 494.7e12, 989.4e12, 132 * 16 * 1.83e9, 3.35e12},
    {"H100 PCIe", 51.2e12, 378e12, 756e12, 114 * 16 * 1.755e9, 2.0e12},
    {"A100-SXM4-80GB", 19.5e12, 156e12, 312e12, 108 * 16 * 1.41e9, 2.039e12},
    {"A100-SXM4-40GB", 19.5e12, 156e12, 312e12, 108 * 16 * 1.41e9, 1.555e12},
};

const Peak& product_peak(const Peaks& peaks, Number number) {
  if (number == Number::fp32) return peaks.fp32;
  return number == Number::tf32 ? peaks.tf32 : peaks.half;
}

}  // namespace

Peaks known_peaks(std::string_view device_name) {
  for (const KnownDevice& d : kKnown) {
    if (device_name.find(d.name) == std::string_view::npos) continue;
    const auto nominal = [](double rate) { return Peak{rate, "nominal"}; };
    return {nominal(d.fp32), nominal(d.tf32), nominal(d.half), nominal(d.special),
            nominal(d.memory)};
  }
  return {};
}

Peaks with_measured(Peaks peaks, const MeasuredRates& measured) {
  const auto take = [](Peak& peak, double rate, bool also_if_known) {
    if (rate > 0 && (also_if_known || peak.rate == 0)) peak = {rate, "measured in this run"};
  };
  take(peaks.fp32, measured.fma_flops, false);
  take(peaks.tf32, measured.tf32_flops, false);
  take(peaks.half, measured.bf16_flops, false);
  take(peaks.special, measured.tanh, true);
  take(peaks.memory, measured.copy_bytes, true);
  return peaks;
}

Demand demand_of(const GpuShape& shape, Phase phase, Number number) {
  const double element = number == Number::bf16 || number == Number::fp16 ? 2 : 4;
  const double H = shape.H;
  const bool recompute = shape.H <= 64;
  Demand demand;
  for (int l = 0; l < shape.L; ++l) {
    const double I = l == 0 ? shape.I : shape.H;
    const double product = 8 * H * (I + H);
    const double kept = element * ((recompute ? 2 : 6) * H + I);
    const double back = element * ((recompute ? 6.5 : 15) * H + 2 * I);
    switch (phase) {
      case Phase::forward:
        demand.flops += product, demand.special += 5 * H, demand.bytes += element * (H + I);
        break;
      case Phase::backward:
        demand.flops += 2 * product, demand.bytes += back;
        break;
      case Phase::train:
        demand.flops += 3 * product, demand.special += 5 * H, demand.bytes += kept + back;
        break;
    }
  }
  const double series_steps = static_cast<double>(shape.B) * shape.T;
  demand.flops *= series_steps, demand.special *= series_steps, demand.bytes *= series_steps;
  return demand;
}

std::optional<Roof> roof_of(const Demand& demand, Number number, const Peaks& peaks) {
  const Peak& products = product_peak(peaks, number);
  if (products.rate == 0 || peaks.special.rate == 0 || peaks.memory.rate == 0) return {};
  Roof roof{demand.flops / products.rate, number == Number::fp32 ? "fp32" : "tensor"};
  const auto raise = [&](double seconds, std::string_view name) {
    if (seconds > roof.seconds) roof = {seconds, name};
  };
  raise(demand.special / peaks.special.rate, "special");
  raise(demand.bytes / peaks.memory.rate, "memory");
  return roof;
}

}  // namespace sluice::bench
