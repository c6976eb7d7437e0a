// The scores of a hierarchy level by level: where reconciliation helps, and where it costs.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "sluice/run/report.hpp"

namespace sluice {
namespace {

constexpr int kLevelWidth = 22, kSeriesWidth = 8, kColumnWidth = 12;

std::string cell(double value, bool percent) {
  if (!std::isfinite(value)) return fmt::format("{:>{}}", "-", kColumnWidth);
  return percent ? in_column(100 * value, 2, kColumnWidth, "%") : in_column(value, 3, kColumnWidth);
}

}  // namespace

// No more than fit in 80 columns.
std::vector<std::pair<std::size_t, std::string_view>> hierarchy_methods(
    const EvaluationReport& report) {
  std::vector<std::pair<std::size_t, std::string_view>> shown = {{0, "sluice"}};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kHeads = {
      {{"sluice base", "base"}, {"sluice bottom-up", "bottom-up"}, {"seasonal naive", "s. naive"}}};
  for (const auto& [prefix, head] : kHeads) {
    const auto found = std::ranges::find_if(
        report.methods, [&, start = prefix](const auto& m) { return m.name.starts_with(start); });
    if (found == report.methods.end()) continue;
    shown.emplace_back(static_cast<std::size_t>(found - report.methods.begin()), head);
  }
  return shown;
}

std::string hierarchy_table(const EvaluationReport& report) {
  if (report.hierarchy.empty()) return {};
  struct Metric {
    const char* name;
    double (*value)(const LevelReport& level, std::size_t method);
    bool percent;
  };
  static constexpr Metric kMetrics[] = {
      {"WRMSSE", [](const LevelReport& level, std::size_t m) { return level.wrmsse[m]; }, false},
      {"RMSSE", [](const LevelReport& level, std::size_t m) { return level.totals[m].rmsse; },
       false},
      {"MASE", [](const LevelReport& level, std::size_t m) { return level.totals[m].mase; }, false},
      {"WAPE", [](const LevelReport& level, std::size_t m) { return level.totals[m].wape; }, true}};
  const auto shown = hierarchy_methods(report);
  std::string out;
  for (const Metric& metric : kMetrics) {
    out += "\n" + pad_to_width(fmt::format("{} by level", metric.name), kLevelWidth) +
           fmt::format("{:>{}}", "series", kSeriesWidth);
    for (const auto& [method, head] : shown) out += fmt::format("{:>{}}", head, kColumnWidth);
    out += "\n";
    std::vector<double> sum(shown.size(), 0);
    for (const LevelReport& level : report.hierarchy) {
      out += pad_to_width(cut_to_width(level.name, kLevelWidth - 1), kLevelWidth) +
             fmt::format("{:>{}}", grouped(level.series), kSeriesWidth);
      for (std::size_t i = 0; i < shown.size(); ++i) {
        const double value = metric.value(level, shown[i].first);
        sum[i] += value;
        out += cell(value, metric.percent);
      }
      out += "\n";
    }
    out += pad_to_width("mean of the levels", kLevelWidth + kSeriesWidth);
    for (const double total : sum) {
      const double mean = total / static_cast<double>(report.hierarchy.size());
      out += cell(mean, metric.percent);
    }
    out += "\n";
  }
  return out;
}

}  // namespace sluice
