#include "run/report/html/sample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sluice/base/error.hpp"

namespace sluice::html {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kEnds = 10;  ///< of a ranking, always shown
/// What bounds the file: steps of all shown rows, and those of one.
constexpr std::int64_t kMostSteps = 60'000, kMostStepsOfRow = 4'000;
constexpr std::size_t kFewestRows = 24, kMostRows = 300;

/// Kept forecasts by row of the report: those of rows[r] are order[begin[r] .. begin[r + 1]), in
/// the order in which they came.
struct ByRow {
  std::vector<std::size_t> order, begin;
};

ByRow by_row(const Tally& tally, std::size_t rows) {
  const auto& kept = tally.kept();
  const auto key = [&](std::size_t i) { return std::pair(kept[i].series, kept[i].target); };
  ByRow out;
  out.order.resize(kept.size());
  std::iota(out.order.begin(), out.order.end(), std::size_t{0});
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i == 0 || key(out.order[i]) != key(out.order[i - 1])) out.begin.push_back(i);
  }
  if (out.begin.size() != rows)
    throw InternalError(fmt::format("HTML report: {} rows came, and the evaluation has {}",
                                    out.begin.size(), rows));
  out.begin.push_back(kept.size());
  return out;
}

std::int64_t history_shown(const Tally& tally, const EvaluationReport& report) {
  const std::int64_t wanted = std::max({60, 3 * tally.horizon(), 2 * report.season});
  return std::min<std::int64_t>(wanted, 400);
}

ShownRow shown_row(const Catalog& catalog, const Tally& tally, std::span<const std::size_t> windows,
                   std::int64_t history) {
  const std::vector<Kept>& kept = tally.kept();
  const int K = tally.horizon();
  ShownRow out;
  out.series = kept[windows.front()].series;
  out.target = kept[windows.front()].target;
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = 0;
  for (const std::size_t i : windows) {
    first = std::min(first, kept[i].cutoff);
    last = std::max(last, kept[i].cutoff + K);
  }
  out.forecast_from = std::max(first, last - kMostStepsOfRow);
  out.from = std::max<std::int64_t>({0, out.forecast_from - history, last - kMostStepsOfRow});
  const auto values = catalog.values(out.target, out.series);
  const double offset = catalog.value_offset(out.target, out.series);
  for (std::int64_t t = out.from; t < last; ++t) {
    const auto at = static_cast<std::size_t>(t);
    out.actual.push_back(at < values.size() ? static_cast<double>(values[at]) + offset : kNone);
  }
  out.forecast.assign(static_cast<std::size_t>(last - out.forecast_from), kNone);
  out.lower = out.upper = out.forecast;
  for (const std::size_t i : windows) {
    for (int k = 0; k < K; ++k) {
      const std::int64_t step = kept[i].cutoff + k - out.forecast_from;
      if (step < 0 || !std::isnan(out.forecast[static_cast<std::size_t>(step)])) continue;
      const auto at = static_cast<std::size_t>(step);
      out.forecast[at] = tally.forecast(i, k);
      out.lower[at] = tally.lower(i, k);
      out.upper[at] = tally.upper(i, k);
    }
  }
  return out;
}

}  // namespace

Ranking ranking_of(const EvaluationReport& report) {
  const std::vector<Metrics>& rows = report.methods.at(0).rows;
  const auto have = std::count_if(rows.begin(), rows.end(),
                                  [](const Metrics& m) { return std::isfinite(m.mase); });
  const bool by_mase = 2 * have >= std::ssize(rows);
  const auto error = [&](std::size_t r) { return by_mase ? rows[r].mase : rows[r].wape; };
  Ranking ranking{by_mase ? "mase" : "wape", {}};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (std::isfinite(error(r))) ranking.rows.push_back(r);
  }
  std::stable_sort(ranking.rows.begin(), ranking.rows.end(),
                   [&](std::size_t a, std::size_t b) { return error(a) < error(b); });
  return ranking;
}

std::vector<std::size_t> sampled_places(std::size_t count, std::size_t most) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < std::min(count, most); ++i) {
    if (count <= most) {
      places.push_back(i);
    } else if (2 * kEnds + 2 > most) {  // too few for ends of their own
      places.push_back(i * (count - 1) / std::max<std::size_t>(most - 1, 1));
    } else if (i < kEnds) {
      places.push_back(i);
    } else if (i >= most - kEnds) {
      places.push_back(count - (most - i));
    } else {
      const std::size_t inner = most - 2 * kEnds;
      places.push_back(kEnds + (i - kEnds + 1) * (count - 2 * kEnds) / (inner + 1));
    }
  }
  return places;
}

std::vector<ShownRow> shown_rows(const Catalog& catalog, const Tally& tally,
                                 const EvaluationReport& report, const Ranking& ranking,
                                 std::span<const std::int64_t> wanted) {
  const ByRow windows = by_row(tally, report.row_names.size());
  const std::int64_t history = history_shown(tally, report);
  const std::int64_t steps_of_row =
      std::min(kMostStepsOfRow, history + report.K * std::ssize(report.cutoffs));
  const std::size_t most =
      std::clamp(static_cast<std::size_t>(kMostSteps / std::max<std::int64_t>(1, steps_of_row)),
                 kFewestRows, kMostRows);
  std::vector<char> shown(report.row_names.size(), 0);
  for (const std::size_t place : sampled_places(ranking.rows.size(), most))
    shown[ranking.rows[place]] = 1;
  std::vector<char> ranked(shown.size(), 0);
  for (const std::size_t row : ranking.rows) ranked[row] = 1;
  std::size_t room = most - std::min(most, ranking.rows.size());
  for (std::size_t r = 0; r < shown.size(); ++r) {
    if (!ranked[r] && room > 0) shown[r] = 1, --room;
    const std::int64_t series = tally.kept()[windows.order[windows.begin[r]]].series;
    if (std::find(wanted.begin(), wanted.end(), series) != wanted.end()) shown[r] = 1;
  }
  std::vector<std::size_t> chosen;
  for (const std::size_t row : ranking.rows) {
    if (shown[row]) chosen.push_back(row);
  }
  for (std::size_t r = 0; r < shown.size(); ++r) {
    if (shown[r] && !ranked[r]) chosen.push_back(r);
  }
  std::vector<ShownRow> out;
  for (const std::size_t row : chosen) {
    const std::size_t begin = windows.begin[row], end = windows.begin[row + 1];
    out.push_back(
        shown_row(catalog, tally, std::span(windows.order).subspan(begin, end - begin), history));
    out.back().row = row;
  }
  return out;
}

std::vector<std::int64_t> explained_series(const Catalog& catalog, const Tally& tally,
                                           const EvaluationReport& report,
                                           std::span<const std::int64_t> wanted) {
  const Ranking ranking = ranking_of(report);
  const std::vector<ShownRow> shown = shown_rows(catalog, tally, report, ranking, wanted);
  std::vector<std::int64_t> series(wanted.begin(), wanted.end());
  // The ranked ones come first.
  const std::size_t ranked = std::min(shown.size(), ranking.rows.size());
  const auto is_ranked = [&](const ShownRow& row) {
    return std::ranges::find(ranking.rows, row.row) != ranking.rows.end();
  };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(
      shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(ranked), is_ranked));
  if (count > 0) {
    for (const std::size_t at : {std::size_t{0}, (count - 1) / 2, count - 1}) {
      series.push_back(shown[at].series);
    }
  }
  std::ranges::sort(series);
  series.erase(std::unique(series.begin(), series.end()), series.end());
  return series;
}

}  // namespace sluice::html
