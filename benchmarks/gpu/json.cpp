#include "gpu/lines.hpp"
#include "gpu/report.hpp"

namespace sluice::bench {
namespace {

using nlohmann::json;

json or_null(const std::optional<double>& value) { return value ? json(*value) : json(); }

json peak(const Peak& p) {
  return {{"rate", p.rate}, {"source", p.source.empty() ? json() : json(p.source)}};
}

/// A line as a member of the document, where its place says the kind.
json without_kind(Line line) {
  line.erase("kind");
  return line;
}

json row_json(const GpuRow& row, const GpuReport& report) {
  json out = without_kind(case_line(row));
  const Ratios ratios = ratios_of(row, report.rows);
  out["times_as_fast_as_cudnn"] = {{"best_16_bit", or_null(ratios.half)},
                                   {"same_type", or_null(ratios.same)}};
  out["roof"] = json();
  if (row.samples.empty()) return out;
  const double seconds = row.samples.best();
  if (const auto roof = roof_of(row.demand, row.number, report.peaks)) {
    out["roof"] = {{"binding", roof->binding},
                   {"seconds", roof->seconds},
                   {"share", seconds > 0 ? json(roof->seconds / seconds) : json()}};
  }
  return out;
}

}  // namespace

json to_json(const GpuReport& report) {
  json rates = json::array(), rows = json::array();
  for (const RateRow& rate : report.rates) rates.push_back(without_kind(rate_line(rate)));
  for (const GpuRow& row : report.rows) rows.push_back(row_json(row, report));
  json machine = without_kind(machine_line(report.machine, report.settings));
  json settings = std::move(machine.at("settings"));
  machine.erase("settings");
  const Peaks& p = report.peaks;
  return {{"machine", std::move(machine)},
          {"settings", std::move(settings)},
          {"peaks",
           {{"fp32", peak(p.fp32)},
            {"tf32", peak(p.tf32)},
            {"16_bit", peak(p.half)},
            {"special", peak(p.special)},
            {"memory", peak(p.memory)}}},
          {"rates", std::move(rates)},
          {"results", std::move(rows)}};
}

}  // namespace sluice::bench
