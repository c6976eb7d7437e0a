// The GPU benchmark's rows for people (a table of at most 80 columns) and for programs (JSON with
// every sample).
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "gpu/roof.hpp"
#include "gpu/rows.hpp"
#include "gpu/run.hpp"

namespace sluice::bench {

/// What was measured on: written into the JSON as it is.
struct GpuMachine {
  DeviceInfo device;
  std::string driver;           ///< "580.65.06", or empty
  std::string cudnn;            ///< or empty
  std::string commit;           ///< of the sources
  std::string compiler;         ///< of the host
  std::string date;             ///< "2027-01-31T12:00:00Z"
  ClockReading highest_clocks;  ///< that the device can have; 0: not known
};

struct GpuReport {
  GpuMachine machine;
  GpuRunSettings settings;
  Peaks peaks;
  std::vector<RateRow> rates;
  std::vector<GpuRow> rows;
};

/// Rates, peaks with their source, then a block for each shape and phase: microseconds in a graph
/// and as a stream of launches, spread, FLOP/s, bytes/s, share of the binding roof, ratios.
std::string table(const GpuReport& report);

nlohmann::json to_json(const GpuReport& report);

}  // namespace sluice::bench
