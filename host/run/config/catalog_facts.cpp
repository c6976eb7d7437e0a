#include "run/config/catalog_facts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace sluice {

TargetFacts look_at_targets(const Catalog& catalog, std::span<const std::int64_t> end) {
  TargetFacts facts;
  std::int64_t intermittent = 0, selling = 0;
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      const auto values = catalog.values(m, s);
      const double offset = catalog.value_offset(m, s);
      const std::int64_t until = std::min(end[static_cast<std::size_t>(s)], catalog.history(s));
      std::int64_t known = 0, above_0 = 0;
      for (std::int64_t t = 0; t < until; ++t) {
        const float stored = values[static_cast<std::size_t>(t)];
        const double y = static_cast<double>(stored) + offset;
        if (std::isnan(y)) {
          facts.any_missing = true;
          continue;
        }
        ++known, above_0 += y > 0 ? 1 : 0;
        const auto note = [&](bool is_so, std::string& first) {
          if (!is_so || !first.empty()) return;
          first = fmt::format("series '{}', {}: {} is {}", catalog.id(s), catalog.date(s, t),
                              catalog.target(m).name,
                              // As the cell has it: a float has fewer digits than y.
                              offset == 0 ? fmt::format("{}", stored) : fmt::format("{}", y));
        };
        note(!(y > 0), facts.not_positive);
        note(y < 0, facts.negative);
        note(y != std::floor(y), facts.not_whole);
      }
      if (above_0 == 0) continue;  // what never sold says nothing of how the others sell
      ++selling;
      intermittent +=
          static_cast<double>(known) >= kIntermittent * static_cast<double>(above_0) ? 1 : 0;
    }
  }
  facts.are_rare = selling > 0 && 2 * intermittent >= selling;
  return facts;
}

bool holds_years(const Catalog& catalog, std::span<const std::int64_t> end) {
  constexpr double kYears = 2, kSecondsOfYear = 365.25 * 86400;
  const Frequency& frequency = catalog.frequency();
  if (frequency.unit == Unit::integer) return false;
  std::vector<double> spans;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t steps = end[static_cast<std::size_t>(s)];
    if (steps == 0) continue;
    spans.push_back(static_cast<double>(time_of(frequency, catalog.period(s, steps)) -
                                        time_of(frequency, catalog.period(s, 0))));
  }
  if (spans.empty()) return false;
  const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
  std::nth_element(spans.begin(), middle, spans.end());
  constexpr double kSlack = 0.99;  // a year of 52 weeks, two years without a leap day
  return *middle >= kSlack * kYears * kSecondsOfYear;
}

}  // namespace sluice
