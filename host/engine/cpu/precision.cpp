#include "engine/cpu/precision.hpp"

#include <fmt/format.h>

#include "engine/fused/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

Precision cpu_precision(const std::string& name) {
  if (name == "auto" || name == to_string(Precision::fp32)) return Precision::fp32;
  if (name == to_string(Precision::bf16)) return Precision::bf16;
  throw ConfigError(fmt::format(
      "engine.precision = \"{}\" does not exist on the CPU; choose auto, fp32 or bf16", name));
}

std::unique_ptr<Recurrence> make_cpu_bf16_recurrence(const std::string& name, int C, int H, int L,
                                                     const FusedKernels<Bf16>* kernels) {
  if (name != "fused" && name != "auto") {
    throw ConfigError(
        fmt::format("engine.recurrence = \"{}\" does not compute in bf16 on the CPU; set "
                    "engine.recurrence = \"fused\", or engine.precision = \"fp32\"",
                    name));
  }
  if (kernels == nullptr) {
    throw DeviceError(
        fmt::format("engine.precision = \"bf16\" on the CPU needs {}; set engine.precision = "
                    "\"fp32\"",
                    fused_bf16_needs()));
  }
  return make_fused_recurrence(C, H, L, *kernels);
}

std::string cpu_bf16_text(const FusedKernels<Bf16>* kernels) {
  if (kernels == nullptr) return fmt::format("none: it needs {}", fused_bf16_needs());
  return fmt::format("{}, {} pairs at once", kernels->target, kernels->lanes);
}

std::string cpu_bf16_text() { return cpu_bf16_text(fused_bf16_kernels()); }

}  // namespace sluice
