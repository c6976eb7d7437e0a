// Which recurrence the CPU engine uses.
#pragma once

#include <memory>
#include <string>

#include "engine/cpu/selection.hpp"
#include "engine/recurrence.hpp"
#include "sluice/model/precision.hpp"

namespace sluice {

/// By the name of engine.recurrence; "auto": the one that the benchmark found faster in training
/// for this H and L (selection_table.hpp). On `threads` threads. Throws ConfigError if the CPU
/// has none of that name.
std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads);
/// What the CPU engine runs: that, in bf16 make_cpu_bf16_recurrence(), or for "check:A,B" two of
/// these, compared on the log. Throws ConfigError, DeviceError.
std::unique_ptr<Recurrence> make_cpu_engine_recurrence(const std::string& name, Precision precision,
                                                       int C, int H, int L, int threads);
/// The same as the first by another table.
std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads,
                                                std::span<const CpuSelectionRow> table);

}  // namespace sluice
