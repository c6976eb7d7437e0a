// What the GPU benchmark found, one row a case, and the arithmetic between rows. No device needed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gpu/bench.hpp"
#include "gpu/roof.hpp"

namespace sluice::bench {

/// MHz, as the driver reports them just after a row's samples.
struct ClockReading {
  int multiprocessor = 0, memory = 0;
};

struct Samples {
  std::vector<double> stream;  ///< seconds of one run, launched one by one, in order of measurement
  std::vector<double> graph;   ///< replayed from a graph; empty: not measured
  std::string no_graph;        ///< why it was not

  bool empty() const { return stream.empty() && graph.empty(); }
  /// The smaller of the two medians; not for empty samples.
  double best() const;
};

struct GpuRow {
  std::string name;  ///< name_of(GpuCase)
  std::string section, method;
  Number number = Number::fp32;
  Phase phase = Phase::forward;
  GpuShape shape;
  Demand demand;
  std::string refused;          ///< why this method cannot run that; no samples then
  std::string failed;           ///< what went wrong: an error above the tolerance, a lost device
  std::vector<Fact> facts;      ///< what the case tells of itself
  std::optional<double> error;  ///< largest, relative to double precision
  double tolerance = 0;
  Samples samples;
  std::optional<ClockReading> clocks;
};

/// A row with nothing measured yet.
GpuRow row_of(const GpuCase& gpu_case);

struct RateRow {
  std::string name, unit;
  double work = 0;
  std::string failed;
  Samples samples;
  std::vector<Fact> facts = {};  ///< what the rate tells of itself

  double rate() const { return samples.empty() ? 0 : work / samples.best(); }
};

/// How often faster than cuDNN's best algorithm on the same shape and phase (an engine: than an
/// engine with it), by best medians; above 1: faster. Nothing where there is no such row.
struct Ratios {
  std::optional<double> half;  ///< of bf16 and fp16
  std::optional<double> same;  ///< of the row's own type
};
Ratios ratios_of(const GpuRow& row, std::span<const GpuRow> rows);

/// The rates that a roof is made of, by the names in section_rates.cpp.
MeasuredRates measured_rates(std::span<const RateRow> rates);

}  // namespace sluice::bench
