// Which recurrence the CPU engine uses.
#pragma once

#include <memory>
#include <string>

#include "engine/cpu/selection.hpp"
#include "engine/recurrence.hpp"

namespace sluice {

/// By the name of engine.recurrence; "auto": the one that the benchmark found faster in training
/// for this H and L (selection_table.hpp). On `threads` threads. Throws ConfigError if the CPU
/// has none of that name.
std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads);
/// The same by another table.
std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads,
                                                std::span<const CpuSelectionRow> table);

}  // namespace sluice
