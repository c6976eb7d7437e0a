// Where each series' forecast begins.
#include <fmt/core.h>

#include <optional>

#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {

std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from) {
  std::vector<std::int64_t> cutoffs;
  if (from.empty()) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) cutoffs.push_back(catalog.history(s));
    return cutoffs;
  }
  std::optional<Timestamp> time;
  if (catalog.integer_times()) {
    try {
      time = std::stoll(from);
    } catch (const std::logic_error&) {
      throw ConfigError(
          fmt::format("forecast.from = \"{}\" is not an integer, and the data's times are", from));
    }
  } else {
    time = parse_time(from);
  }
  const auto period = time ? period_of(catalog.frequency(), *time) : std::nullopt;
  if (!period) {
    throw ConfigError(
        fmt::format("forecast.from = \"{}\" is not a time of the data's grid ({}); give one, for "
                    "instance {}",
                    from, to_string(catalog.frequency()), catalog.date(0, catalog.history(0))));
  }
  bool any = false;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t t = *period - catalog.period(s, 0);
    const bool inside = t >= 1 && t <= catalog.history(s);
    cutoffs.push_back(inside ? t : -1);
    any = any || inside;
  }
  if (!any) {
    throw ConfigError(
        fmt::format("forecast.from = \"{}\": no series has data up to the step before it", from));
  }
  return cutoffs;
}

}  // namespace sluice
