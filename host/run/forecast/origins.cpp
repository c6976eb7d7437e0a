// Where each series' forecast begins.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

std::vector<std::int64_t> ends_of(const Catalog& catalog, bool ended,
                                  std::vector<LeftOut>& left_out) {
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) == 0) continue;
    last = std::max(last, catalog.period(s, catalog.history(s) - 1));
  }
  std::vector<std::int64_t> cutoffs;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t history = catalog.history(s);
    const bool out = history > 0 && catalog.ended(s) && !ended;
    if (out) {
      left_out.push_back(
          {catalog.id(s),
           fmt::format("ended {}, {} before the others", catalog.date(s, history - 1),
                       steps_text(last - catalog.period(s, history - 1)))});
    }
    cutoffs.push_back(history == 0 || out ? -1 : history);
  }
  return cutoffs;
}

/// The time in forecast.from, which must be a step of some series.
Timestamp time_from(const Catalog& catalog, const std::string& from) {
  const TimeAxis& axis = catalog.axis();
  const auto time = axis.time_of_text(from);
  if (!time) {
    throw ConfigError(fmt::format(
        "forecast.from = \"{}\" is not a time; write it as the data have it, for instance {}", from,
        catalog.date(0, catalog.history(0))));
  }
  Timestamp before = std::numeric_limits<Timestamp>::min();
  Timestamp after = std::numeric_limits<Timestamp>::max();
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (axis.has_step_at(*time, s)) return *time;
    const std::int64_t next = axis.first_from(*time, s);
    before = std::max(before, axis.time(next - 1, s));
    after = std::min(after, axis.time(next, s));
    if (axis.shift.empty()) break;  // the others are on the same grid
  }
  throw ConfigError(fmt::format(
      "forecast.from = \"{}\" lies between two steps of the data's grid ({}); give {} or {}", from,
      to_string(axis.frequency), axis.text(before), axis.text(after)));
}

}  // namespace

std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from, bool ended,
                                       std::vector<LeftOut>* left_out) {
  std::vector<LeftOut> unused;
  std::vector<LeftOut>& reasons = left_out != nullptr ? *left_out : unused;
  if (from.empty()) return ends_of(catalog, ended, reasons);
  const Timestamp time = time_from(catalog, from);
  std::vector<std::int64_t> cutoffs;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    // A weekly series of another weekday begins with its own first day from there on.
    const std::int64_t t = catalog.axis().first_from(time, s) - catalog.period(s, 0);
    const std::int64_t history = catalog.history(s);
    cutoffs.push_back(t >= 1 && t <= history ? t : -1);
    if (history == 0 || cutoffs.back() >= 1) continue;
    std::string reason;
    if (t < 1) {
      reason = fmt::format("begins {}, with no step before {}", catalog.date(s, 0), from);
    } else {
      reason = fmt::format("ends {}, with {} missing before {}", catalog.date(s, history - 1),
                           steps_text(t - history), from);
    }
    reasons.push_back({catalog.id(s), std::move(reason)});
  }
  if (std::none_of(cutoffs.begin(), cutoffs.end(), [](std::int64_t t) { return t >= 1; })) {
    std::string text = left_out_text(reasons);
    throw ConfigError(
        fmt::format("forecast.from = \"{}\": no series has data up to the step "
                    "before it{}{}",
                    from, text.empty() ? "" : "; ", text));
  }
  return cutoffs;
}

std::vector<std::int64_t> earliest_cutoffs(std::span<const std::vector<std::int64_t>> cutoffs) {
  std::vector<std::int64_t> earliest;
  for (const std::vector<std::int64_t>& window : cutoffs) {
    earliest.resize(window.size(), -1);
    for (std::size_t s = 0; s < window.size(); ++s) {
      if (window[s] < 1) continue;
      earliest[s] = earliest[s] < 1 ? window[s] : std::min(earliest[s], window[s]);
    }
  }
  return earliest;
}

}  // namespace sluice
