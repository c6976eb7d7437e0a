// The report for programs. Rows are written only up to kMostRows; larger catalogues write them as a
// table (write_row_scores).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sluice/run/report.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 10'000;

/// JSON has no NaN and no infinity.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json metrics_json(const Metrics& metrics, const std::vector<double>& levels) {
  Json out;
  out["points"] = metrics.points;
  out["mae"] = number(metrics.mae);
  out["rmse"] = number(metrics.rmse);
  out["smape"] = number(metrics.smape);
  out["mase"] = number(metrics.mase);
  out["rmsse"] = number(metrics.rmsse);
  out["wape"] = number(metrics.wape);
  out["bias"] = number(metrics.bias);
  out["wql"] = number(metrics.wql);
  out["nmse"] = number(metrics.nmse);
  Json coverage = Json::object();
  for (std::size_t i = 0; i < levels.size() && i < metrics.coverage.size(); ++i)
    coverage[fmt::format("{:g}", levels[i])] = number(metrics.coverage[i]);
  out["coverage"] = std::move(coverage);
  return out;
}

Json left_out_json(const std::vector<LeftOut>& left_out) {
  Json series = Json::array();
  for (std::size_t i = 0; i < std::min(left_out.size(), kMostRows); ++i) {
    series.push_back({{"id", left_out[i].id}, {"reason", left_out[i].reason}});
  }
  return {{"count", left_out.size()}, {"series", std::move(series)}};
}

}  // namespace

std::string report_json(const EvaluationReport& report) {
  Json out;
  out["data"] = report.data;
  out["frequency"] = report.frequency;
  out["model"] = report.model;
  if (!report.provenance.empty()) out["provenance"] = Json::parse(to_json(report.provenance));
  out["series"] = report.series;
  out["windows"] = report.windows;
  out["horizon"] = report.K;
  out["season"] = report.season;
  out["levels"] = report.levels;
  out["cutoffs"] = Json::array();
  for (const WindowCutoffs& window : report.cutoffs) {
    out["cutoffs"].push_back({{"first", window.first},
                              {"last", window.last},
                              {"series", window.series},
                              {"at_last", window.at_last}});
  }
  out["left_out"] = left_out_json(report.left_out);
  out["train_seconds"] = report.train_seconds;
  out["forecast_seconds"] = report.forecast_seconds;
  const RowSkill row_skill = skill_over_better_naive(report);
  out["skill"] = {{"over_seasonal_naive", number(skill_over_seasonal_naive(report))},
                  {"of_means", number(skill_of_means(report))},
                  {"over_better_naive",
                   {{"mean", number(row_skill.mean)},
                    {"above_zero", row_skill.above_zero},
                    {"rows", row_skill.rows}}}};
  const bool with_rows = report.row_names.size() <= kMostRows;
  Json methods = Json::array();
  for (const MethodReport& method : report.methods) {
    Json entry;
    entry["name"] = method.name;
    if (method.processor_seconds > 0) entry["processor_seconds"] = method.processor_seconds;
    entry["total"] = metrics_json(method.total, report.levels);
    if (with_rows) {
      Json rows = Json::array();
      for (std::size_t r = 0; r < method.rows.size(); ++r) {
        Json row;
        row["name"] = r < report.row_names.size() ? report.row_names[r] : std::to_string(r);
        row.update(metrics_json(method.rows[r], report.levels));
        rows.push_back(std::move(row));
      }
      entry["rows"] = std::move(rows);
    }
    methods.push_back(std::move(entry));
  }
  out["methods"] = std::move(methods);
  for (const LevelReport& level : report.hierarchy) {
    Json entry{{"level", level.name}, {"series", level.series}};
    for (std::size_t m = 0; m < level.totals.size(); ++m) {
      entry["methods"].push_back({{"name", report.methods[m].name},
                                  {"wrmsse", number(level.wrmsse[m])},
                                  {"total", metrics_json(level.totals[m], report.levels)}});
    }
    out["hierarchy"].push_back(std::move(entry));
  }
  // A name that is not UTF-8 is written with U+FFFD in its place.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice
