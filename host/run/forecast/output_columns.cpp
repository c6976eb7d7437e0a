#include "run/forecast/output_columns.hpp"

#include <fmt/core.h>

#include "sluice/run/resolve.hpp"

namespace sluice {

IntervalColumns::IntervalColumns(bool has_mean, const std::vector<double>& levels) {
  if (has_mean) {
    columns.push_back({.name = "sluice-median"});
    probabilities.push_back(0.5);
  }
  for (const double level : levels) {
    const std::vector<double> both = level_quantiles({level});
    columns.push_back({.name = fmt::format("sluice-lo-{:g}", level)});
    columns.push_back({.name = fmt::format("sluice-hi-{:g}", level)});
    probabilities.insert(probabilities.end(), {both.front(), both.back()});
  }
}

OutputColumn target_column(const Catalog& catalog) {
  OutputColumn target{.name = "target"};
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    target.text.push_back(catalog.target(m).name);
  }
  return target;
}

}  // namespace sluice
