// Results for people (a table of at most 80 columns) and for programs (JSON with every sample and
// the machine).
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "cpu/bench.hpp"
#include "spread.hpp"

namespace sluice::bench {

/// Of a run.
struct RunFacts {
  std::string torch;       ///< TorchWorker::description(); "" without PyTorch
  double load_before = 0;  ///< load_average() at its begin: other work, if there is any
};
/// Of the last minute.
double load_average();

/// The machine's, as /proc/cpuinfo has it.
std::string cpu_model();
std::string onednn_version();

/// How long a run takes, from its samples: "47 benchmarks, about 60 s". A guess where a single run
/// is longer than a sample has to be.
std::string estimate(std::span<const Benchmark> benchmarks, const RunSettings& settings);

/// One line a result: median of the rate in its unit, its lowest and highest sample. At most 80
/// columns.
std::string table_header();
std::string table_row(const Result& result);

/// For each group with a "whole", a "recurrence" and "products": the parts' time over the whole's,
/// median and range over samples taken together. Empty if there is none.
std::string shares(std::span<const Result> results);

/// For each result of a recipe, how long it takes at the measured pace: "engine/hourly/train/whole:
/// 64000 windows in 5.8 s (5.6..6.1)".
std::string recipes(std::span<const Result> results);

/// JSON lines for a file that is worth having when a run is cut, with parts as write_json() has
/// them: {"kind": "machine", "machine", "settings"} (PyTorch is not known yet), {"kind": "result",
/// "result"} and {"kind": "end", "done", "machine"}.
std::string machine_line(const RunSettings& settings, const RunFacts& facts);
std::string result_line(const Result& result);
std::string end_line(std::size_t results, const RunFacts& facts);

/// {"machine": {...}, "settings": {...}, "results": [{"name", "group", "kind", "recurrence",
/// "parameters", "unit", "work", "items", "seconds": [...]}]}. Throws DataError if the file cannot
/// be written.
void write_json(const std::filesystem::path& file, std::span<const Result> results,
                const RunSettings& settings, const RunFacts& facts);

}  // namespace sluice::bench
