// Results for people (a table of at most 80 columns) and for programs (JSON with every sample and
// the machine).
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "bench.hpp"
#include "spread.hpp"

namespace sluice::bench {

/// One line a result: median of the rate, its lowest and highest sample, items a second.
std::string table(std::span<const Result> results);

/// For each NAME/whole that has its parts in the same results (NAME/recurrence, NAME/products): the
/// parts' time over the whole's, from medians, with the range over samples taken together. Empty if
/// there is none.
std::string shares(std::span<const Result> results);

/// {"machine": {...}, "settings": {...}, "results": [{"name", "parameters", "unit", "work",
/// "items", "seconds": [...]}]}. Throws DataError if the file cannot be written.
void write_json(const std::filesystem::path& file, std::span<const Result> results,
                const RunSettings& settings);

}  // namespace sluice::bench
