// Where each series' forecast begins.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

std::string steps_text(std::int64_t steps) {
  return fmt::format("{} step{}", steps, steps == 1 ? "" : "s");
}

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

std::int64_t period_from(const Catalog& catalog, const std::string& from) {
  const auto time = catalog.axis().time_of_text(from);
  const auto period = time ? period_of(catalog.frequency(), *time) : std::nullopt;
  if (period) return *period;
  throw ConfigError(
      fmt::format("forecast.from = \"{}\" is not a time of the data's grid ({}); give one, for "
                  "instance {}",
                  from, to_string(catalog.frequency()), catalog.date(0, catalog.history(0))));
}

}  // namespace

std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from, bool ended,
                                       std::vector<LeftOut>* left_out) {
  std::vector<LeftOut> unused;
  std::vector<LeftOut>& reasons = left_out != nullptr ? *left_out : unused;
  if (from.empty()) return ends_of(catalog, ended, reasons);
  const std::int64_t period = period_from(catalog, from);
  std::vector<std::int64_t> cutoffs;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t t = period - catalog.period(s, 0), history = catalog.history(s);
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

}  // namespace sluice
