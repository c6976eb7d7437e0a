// The report for people: a table of at most 80 columns and two sentences about skill.
#include "sluice/run/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kWidth = 80;
constexpr int kLabelWidth = 10;
constexpr int kNameWidth = 24;
constexpr std::size_t kColumnsPerBlock = 6;
constexpr int kColumnWidth = 9;
static_assert(kNameWidth + static_cast<int>(kColumnsPerBlock) * kColumnWidth <= kWidth);

enum class Style { number, percent, signed_percent };

struct Column {
  std::string head;
  Style style;
  std::vector<double> values;  // one a method
};

std::string right(std::string_view text) { return fmt::format("{:>{}}", text, kColumnWidth); }

/// Decimals by the column's largest value, so that the points stand under each other.
std::string cell(const Column& column, double value) {
  if (std::isnan(value)) return right("-");
  if (std::isinf(value)) return right(value > 0 ? "inf" : "-inf");
  if (column.style == Style::percent) return in_column(100 * value, 1, kColumnWidth, "%");
  if (column.style == Style::signed_percent) {
    const std::string text = fmt::format("{:+.1f}%", 100 * value);
    return text.size() < kColumnWidth ? right(text) : in_column(100 * value, 1, kColumnWidth, "%");
  }
  double largest = 0;
  for (const double v : column.values) {
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  }
  if (largest >= 1e7) return right(fmt::format("{:.2e}", value));
  constexpr std::pair<double, int> kDecimals[] = {
      {1000, 0}, {100, 1}, {10, 2}, {0.1, 3}, {0.001, 5}};
  for (const auto& [least, decimals] : kDecimals) {
    if (largest >= least) return in_column(value, decimals, kColumnWidth);
  }
  return right(fmt::format("{:.1e}", value));
}

std::vector<Column> columns_of(const EvaluationReport& report) {
  std::vector<Column> columns;
  const auto add = [&](std::string head, Style style, auto&& value) {
    Column column{std::move(head), style, {}};
    for (const MethodReport& method : report.methods) column.values.push_back(value(method.total));
    if (!std::all_of(column.values.begin(), column.values.end(),
                     [](double v) { return std::isnan(v); }))
      columns.push_back(std::move(column));
  };
  add("MAE", Style::number, [](const Metrics& m) { return m.mae; });
  add("RMSE", Style::number, [](const Metrics& m) { return m.rmse; });
  add("sMAPE", Style::number, [](const Metrics& m) { return m.smape; });
  add("MASE", Style::number, [](const Metrics& m) { return m.mase; });
  add("RMSSE", Style::number, [](const Metrics& m) { return m.rmsse; });
  add("WAPE", Style::percent, [](const Metrics& m) { return m.wape; });
  add("bias", Style::signed_percent, [](const Metrics& m) { return m.bias; });
  add("wQL", Style::number, [](const Metrics& m) { return m.wql; });
  add("nMSE", Style::number, [](const Metrics& m) { return m.nmse; });
  for (std::size_t i = 0; i < report.levels.size(); ++i) {
    add(fmt::format("in {:g} %", report.levels[i]), Style::percent,
        [i](const Metrics& m) { return i < m.coverage.size() ? m.coverage[i] : kNan; });
  }
  return columns;
}

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

/// A label and its text; a longer one is cut unless it is wanted whole.
void add_line(std::string& out, std::string_view label, const std::string& text, bool whole) {
  if (text.empty()) return;
  out += pad_to_width(label, kLabelWidth) +
         (whole ? text : cut_to_width(text, kWidth - kLabelWidth)) + "\n";
}

/// A label and its text, broken at spaces unless it is wanted whole.
void add_paragraph(std::string& out, std::string_view label, const std::string& text, bool whole) {
  std::string lines = whole ? text : wrapped(text, kWidth - kLabelWidth - 2);
  for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; ++at) {
    lines.insert(at + 1, static_cast<std::size_t>(kLabelWidth), ' ');
  }
  if (!text.empty()) out += pad_to_width(label, kLabelWidth) + lines + "\n";
}

/// Every window's cutoff; one line a window where series end at different times.
void add_cutoffs(std::string& out, const std::vector<WindowCutoffs>& cutoffs, bool whole) {
  std::string dates;
  bool first = true;
  const bool counts_differ = std::any_of(
      cutoffs.begin(), cutoffs.end(),
      [&](const WindowCutoffs& window) { return window.series != cutoffs.front().series; });
  for (const WindowCutoffs& window : cutoffs) {
    const std::int64_t early = window.series - window.at_last;
    dates += (dates.empty() ? "" : ", ") + window.last;
    if (early == 0) {
      if (counts_differ) dates += fmt::format(" ({} series)", grouped(window.series));
      continue;
    }
    dates += fmt::format(" ({} of {} series end{} before the others, from {})", grouped(early),
                         grouped(window.series), early == 1 ? "s" : "", window.first);
    add_paragraph(out, first ? "cutoffs" : "", dates, whole);
    first = false;
    dates.clear();
  }
  add_paragraph(out, first ? "cutoffs" : "", dates, whole);
}

/// What the methods that are fitted to each series took; empty where there are none.
std::string method_times(const EvaluationReport& report) {
  std::string out;
  for (const MethodReport& method : report.methods) {
    if (method.processor_seconds > 0)
      out += fmt::format("{}{} {:.1f} s", out.empty() ? "" : ", ", method.name,
                         method.processor_seconds);
  }
  return out.empty() ? out : out + " of a processor";
}

std::string rows_word(const EvaluationReport& report) {
  return std::ssize(report.row_names) == report.series ? "series" : "rows (series x targets)";
}

std::string points_note(const EvaluationReport& report) {
  const auto& methods = report.methods;
  const bool same = std::all_of(methods.begin(), methods.end(), [&](const MethodReport& m) {
    return m.total.points == methods.front().total.points;
  });
  if (same) return "";
  std::string out = "scored on different numbers of points, so compare with care:\n";
  for (const MethodReport& method : methods)
    out += fmt::format("  {} {}\n", pad_to_width(method.name, kNameWidth),
                       grouped(method.total.points));
  return out;
}

}  // namespace

double skill_over_seasonal_naive(const EvaluationReport& report) {
  if (report.methods.size() < 2) return kNan;
  const double naive = report.methods[1].total.mae;
  return naive > 0 ? 1 - report.methods[0].total.mae / naive : kNan;
}

double skill_of_means(const EvaluationReport& report) {
  const bool has_medians = std::ranges::any_of(
      report.methods, [](const MethodReport& method) { return method.name == kMedianName; });
  if (!has_medians) return kNan;
  const double naive = report.methods[1].total.rmsse;
  return naive > 0 ? 1 - report.methods[0].total.rmsse / naive : kNan;
}

RowSkill skill_over_better_naive(const EvaluationReport& report) {
  RowSkill skill;
  if (report.methods.empty()) return {kNan, 0, 0};
  const MethodReport& model = report.methods.front();
  double sum = 0;
  for (std::size_t r = 0; r < model.rows.size(); ++r) {
    double naive = kNan;
    for (const MethodReport& method : report.methods) {
      const bool wanted =
          starts_with(method.name, "seasonal naive") || starts_with(method.name, "last value");
      if (wanted && r < method.rows.size()) naive = std::fmin(naive, method.rows[r].mae);
    }
    if (!(naive > 0) || std::isnan(model.rows[r].mae)) continue;
    const double value = 1 - model.rows[r].mae / naive;
    sum += value;
    ++skill.rows;
    if (value > 0) ++skill.above_zero;
  }
  skill.mean = skill.rows > 0 ? sum / static_cast<double>(skill.rows) : kNan;
  return skill;
}

std::string report_table(const EvaluationReport& report, bool whole) {
  std::string out;
  add_line(out, "data", report.data, whole);
  add_line(
      out, "",
      fmt::format("{} series, frequency {}, season {}, {} window{} of {} step{}",
                  grouped(report.series), report.frequency, report.season, grouped(report.windows),
                  report.windows == 1 ? "" : "s", report.K, report.K == 1 ? "" : "s"),
      whole);
  add_cutoffs(out, report.cutoffs, whole);
  add_paragraph(out, "", left_out_text(report.left_out), whole);
  add_line(out, "model", report.model, whole);
  if (report.train_seconds > 0 || report.forecast_seconds > 0) {
    add_line(out, "time",
             fmt::format("{:.1f} s training, {:.1f} s forecasting", report.train_seconds,
                         report.forecast_seconds),
             whole);
  }
  add_line(out, "methods", method_times(report), whole);

  const std::vector<Column> columns = columns_of(report);
  for (std::size_t begin = 0; begin < columns.size(); begin += kColumnsPerBlock) {
    const std::size_t end = std::min(begin + kColumnsPerBlock, columns.size());
    out += "\n" + std::string(static_cast<std::size_t>(kNameWidth), ' ');
    for (std::size_t c = begin; c < end; ++c)
      out += fmt::format("{:>{}}", columns[c].head, kColumnWidth);
    out += "\n";
    for (std::size_t m = 0; m < report.methods.size(); ++m) {
      out += pad_to_width(report.methods[m].name, kNameWidth);
      for (std::size_t c = begin; c < end; ++c) out += cell(columns[c], columns[c].values[m]);
      out += "\n";
    }
  }

  out += hierarchy_table(report);
  const std::string note = points_note(report);
  if (!note.empty()) out += "\n" + note;
  const double skill = skill_over_seasonal_naive(report);
  if (std::isnan(skill)) return out;
  const auto &model = report.methods[0].rows, &naive = report.methods[1].rows;
  out += fmt::format("\nskill over seasonal naive {:+.1f} %", 100 * skill);
  if (!model.empty() && model.size() == naive.size()) {
    std::int64_t better = 0, scored = 0;
    for (std::size_t r = 0; r < model.size(); ++r) {
      better += model[r].mae < naive[r].mae;
      scored += model[r].points > 0;
    }
    out += fmt::format(" (better in {} of {} {})", grouped(better), grouped(scored),
                       rows_word(report));
  }
  out += "\n";
  if (const double of_means = skill_of_means(report); std::isfinite(of_means)) {
    out += fmt::format("by RMSSE, since the points are means, {:+.1f} %\n", 100 * of_means);
  }
  const RowSkill row_skill = skill_over_better_naive(report);
  const bool has_last = std::any_of(
      report.methods.begin(), report.methods.end(),
      [](const MethodReport& method) { return starts_with(method.name, "last value"); });
  if (has_last && row_skill.rows > 0) {
    out +=
        fmt::format("skill over the better naive of each, mean {:+.1f} % (above 0 in {} of {})\n",
                    100 * row_skill.mean, grouped(row_skill.above_zero), grouped(row_skill.rows));
  }
  return out;
}

}  // namespace sluice
