#include "gpu/report.hpp"

namespace sluice::bench {
namespace {

using nlohmann::json;

json or_null(const std::string& text) { return text.empty() ? json() : json(text); }
json or_null(const std::optional<double>& value) { return value ? json(*value) : json(); }

json clocks(const ClockReading& c) {
  return {{"multiprocessor_mhz", c.multiprocessor}, {"memory_mhz", c.memory}};
}

json samples(const Samples& s) {
  return {
      {"stream_seconds", s.stream}, {"graph_seconds", s.graph}, {"no_graph", or_null(s.no_graph)}};
}

json machine(const GpuMachine& m) {
  return {{"device", m.device.name},
          {"compute_capability", m.device.compute_capability},
          {"multiprocessors", m.device.multiprocessors},
          {"memory_bytes", m.device.memory_bytes},
          {"shared_bytes", m.device.shared_bytes},
          {"driver", or_null(m.driver)},
          {"cuda_driver", m.device.driver},
          {"cuda_runtime", m.device.runtime},
          {"cudnn", or_null(m.cudnn)},
          {"commit", or_null(m.commit)},
          {"compiler", m.compiler},
          {"date", m.date},
          {"highest_clocks", clocks(m.highest_clocks)}};
}

json peak(const Peak& p) { return {{"rate", p.rate}, {"source", or_null(p.source)}}; }

json row_json(const GpuRow& row, const GpuReport& report) {
  const GpuShape& s = row.shape;
  json out = samples(row.samples);
  out["name"] = row.name;
  out["section"] = row.section;
  out["method"] = row.method;
  out["type"] = to_string(row.number);
  out["phase"] = to_string(row.phase);
  out["parameters"] = {{"B", s.B}, {"T", s.T}, {"I", s.I}, {"H", s.H}, {"L", s.L}};
  out["refused"] = or_null(row.refused);
  out["failed"] = or_null(row.failed);
  out["error"] = or_null(row.error);
  out["tolerance"] = row.tolerance;
  out["flops"] = row.demand.flops;
  out["model_bytes"] = row.demand.bytes;
  out["special_functions"] = row.demand.special;
  out["clocks"] = row.clocks ? clocks(*row.clocks) : json();
  const Ratios ratios = ratios_of(row, report.rows);
  out["times_as_fast_as_cudnn"] = {{"best_16_bit", or_null(ratios.half)},
                                   {"same_type", or_null(ratios.same)}};
  out["roof"] = json();
  if (row.samples.empty()) return out;
  const double seconds = row.samples.best();
  out["best_seconds"] = seconds;
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
  for (const RateRow& r : report.rates) {
    json rate = samples(r.samples);
    rate["name"] = r.name, rate["unit"] = r.unit, rate["work"] = r.work;
    rate["failed"] = or_null(r.failed);
    rates.push_back(std::move(rate));
  }
  for (const GpuRow& row : report.rows) rows.push_back(row_json(row, report));
  const Peaks& p = report.peaks;
  return {
      {"machine", machine(report.machine)},
      {"settings",
       {{"repeat", report.settings.repeat}, {"sample_seconds", report.settings.sample_seconds}}},
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
