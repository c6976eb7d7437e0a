// The benchmark's evidence, one JSON object a line with its "kind": what a worker tells its
// supervisor, what --jsonl keeps, and what the document of --json is built from. Both directions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gpu/report.hpp"

namespace sluice::bench {

using Line = nlohmann::json;

/// "machine": {"device", "driver", ..., "settings": {...}}, one a start of the program.
Line machine_line(const GpuMachine& machine, const GpuRunSettings& settings);
/// "rate": {"name", "unit", "work", "failed", "facts", "stream_seconds", "graph_seconds",
/// "no_graph"}.
Line rate_line(const RateRow& row);
/// "case": what is known of a row by itself: no roof and no ratio, which need the other rows.
Line case_line(const GpuRow& row);
/// "lost": a case that ended its worker: {"case", "reason"}.
Line lost_line(const std::string& name, const std::string& reason);

/// The way back. Throw nlohmann::json::exception for a line of another kind.
GpuMachine machine_of(const Line& line);
RateRow rate_of(const Line& line);
GpuRow case_of(const Line& line);

/// Without a newline. Bytes that are not UTF-8 (a driver's message) are replaced, never thrown at.
std::string text_of(const Line& line);

}  // namespace sluice::bench
