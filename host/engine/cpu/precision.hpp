// In which numbers the CPU engine computes, and what it says where it cannot.
#pragma once

#include <memory>
#include <string>

#include "engine/fused/bf16/bf16.hpp"
#include "engine/recurrence.hpp"
#include "sluice/model/precision.hpp"

namespace sluice {

/// By the name of engine.precision; "auto" is fp32. Throws ConfigError if the CPU has none of that
/// name.
Precision cpu_precision(const std::string& name);

/// In bf16, by the name of engine.recurrence: "fused", which "auto" is then. Throws ConfigError for
/// another one, DeviceError if there are no `kernels` (null).
std::unique_ptr<Recurrence> make_cpu_bf16_recurrence(
    const std::string& name, int C, int H, int L,
    const FusedKernels<Bf16>* kernels = fused_bf16_kernels());

/// As in sluice/engine/engine.hpp, with these `kernels` (null: none).
std::string cpu_bf16_text(const FusedKernels<Bf16>* kernels);

}  // namespace sluice
