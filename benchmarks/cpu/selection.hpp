// `sluice-bench cpu --selection FILE`: measures fused against onednn over H, L and the instruction
// sets that this machine has, and writes the table by which `auto` chooses
// (engine/cpu/selection.hpp).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cpu/bench.hpp"
#include "engine/cpu/selection.hpp"

namespace sluice::bench {

/// The source of cpu/selection_table.hpp. `origin`: a line each on machine, date and settings.
std::string selection_source(const std::vector<std::string>& origin,
                             std::span<const CpuSelectionRow> rows);

/// The rows of results that were measured with vectors of so many lanes: ratios of the fastest
/// samples. Other work only makes slower, and a table that outlives the run must not depend on it.
std::vector<CpuSelectionRow> selection_rows(int lanes, std::span<const Result> results);

/// Each instruction set in a process of its own, both recurrences held to it, on the threads that
/// are set. To be called before any OpenMP region and any use of oneDNN. Throws DeviceError if
/// oneDNN cannot be held to a set or a process fails, DataError if the file cannot be written.
void write_selection(const std::filesystem::path& file, const RunSettings& settings);

}  // namespace sluice::bench
