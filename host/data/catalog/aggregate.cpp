#include "data/catalog/aggregate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "data/calendar/civil.hpp"
#include "data/catalog/ends.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::pair<std::string_view, Merge> kMerges[] = {
    {"sum", Merge::sum},     {"mean", Merge::mean}, {"min", Merge::min},    {"max", Merge::max},
    {"first", Merge::first}, {"last", Merge::last}, {"count", Merge::count}};

/// "price=mean" as its parts; a column's name may hold a sign of its own.
std::pair<std::string, Merge> parse_rule(const std::string& rule) {
  const std::size_t sign = rule.rfind('=');
  const std::string word = sign == std::string::npos ? "" : rule.substr(sign + 1);
  const auto* found = std::find_if(std::begin(kMerges), std::end(kMerges),
                                   [&](const auto& known) { return known.first == word; });
  if (found == std::end(kMerges)) {
    throw ConfigError(fmt::format(
        "data.aggregate_by: '{}' is not COLUMN=sum, mean, min, max, first, last or count", rule));
  }
  return {rule.substr(0, sign), found->second};
}

/// sum += number; what rounding takes off it is added to `lost` (Neumaier 1974). 10,000 times 0.1
/// is 1000 then, and not 1000.00000000016.
void add(double number, double& sum, double& lost) {
  const double more = sum + number;
  lost += std::abs(sum) >= std::abs(number) ? (sum - more) + number : (number - more) + sum;
  sum = more;
}

}  // namespace

Merge merge_of(const CatalogSpec& spec, const ChannelSource& source) {
  for (const std::string& rule : spec.aggregate_by) {
    const auto [name, merge] = parse_rule(rule);
    if (name == source.name) return merge;
  }
  return source.role == Role::target ? Merge::sum : Merge::mean;
}

void check_aggregation(const CatalogSpec& spec, const std::vector<ChannelSource>& sources,
                       const std::string& source) {
  if (spec.aggregate.empty()) {
    if (spec.aggregate_by.empty()) return;
    throw ConfigError(
        "data.aggregate_by says how rows are added up, but not to which steps; set data.aggregate "
        "(D, W-SUN, MS)");
  }
  if (spec.frequency != "auto" &&
      parse_frequency(spec.frequency) != parse_frequency(spec.aggregate)) {
    throw ConfigError(fmt::format(
        "data.aggregate is {} and data.frequency is {}; rows that are added up have the frequency "
        "of data.aggregate: remove the other one",
        spec.aggregate, spec.frequency));
  }
  for (const std::string& rule : spec.aggregate_by) {
    const std::string name = parse_rule(rule).first;
    const auto is_it = [&](const ChannelSource& channel) { return channel.name == name; };
    if (std::any_of(sources.begin(), sources.end(), is_it)) continue;
    std::vector<std::string> names;
    for (const ChannelSource& channel : sources) names.push_back(channel.name);
    throw ConfigError(
        fmt::format("data.aggregate_by: {} has no target or input column '{}'; they are: {}",
                    source, name, fmt::join(names, ", ")));
  }
}

std::vector<double> merged_rows(const Table::Impl& table, int column, Merge merge,
                                const Places& places, std::int64_t steps) {
  const bool sums = merge == Merge::sum || merge == Merge::mean;
  const auto size = static_cast<std::size_t>(steps);
  std::vector<double> values(size, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> lost(sums ? size : 0, 0);  // what rounding took off each sum
  std::vector<std::int32_t> counts(size, 0);
  read_exact(table, column, [&](std::int64_t row, std::span<const double> block) {
    places.each(row, std::ssize(block), [&](std::int64_t at, std::int64_t i) {
      const double cell = block[static_cast<std::size_t>(i)];
      if (std::isnan(cell)) return;
      const auto place = static_cast<std::size_t>(at);
      double& value = values[place];
      const bool first = counts[place]++ == 0;
      if (sums && !first) {
        add(cell, value, lost[place]);
      } else if (first || merge == Merge::last || (merge == Merge::min && cell < value) ||
                 (merge == Merge::max && cell > value)) {
        value = cell;
      }
    });
  });
  for (std::size_t i = 0; i < size; ++i) {
    if (counts[i] == 0) continue;
    if (merge == Merge::count) values[i] = counts[i];
    if (sums) values[i] += lost[i];
    if (merge == Merge::mean) values[i] /= counts[i];
  }
  return values;
}

namespace {

/// The grid that the rows of long steps are on; empty: rows lie on none, and the steps are days.
std::optional<Frequency> grid_of_rows(const Frequency& frequency,
                                      std::span<const Timestamp> distinct) {
  if (distinct.size() > 1) {
    const auto grid = infer_frequency(distinct, false);
    // Days that a few rows have in common are no grid of theirs.
    if (grid && (grid->unit != Unit::day || frequency.unit < Unit::week)) return grid;
  }
  if (frequency.unit < Unit::week) return std::nullopt;
  return parse_frequency("D");
}

std::string name_of_steps(const Frequency& grid) {
  if (grid == parse_frequency("D")) return "days";
  if (grid == parse_frequency("h")) return "hours";
  return fmt::format("steps of {}", to_string(grid));
}

/// The steps of `grid` in the period of `frequency` that holds the one of `row`.
struct Part {
  std::int64_t begin = 0, row = 0, end = 0;  ///< periods of `grid`; end: the first one after
};
Part part_of(const CatalogSpec& spec, const Frequency& frequency, const Frequency& grid,
             Timestamp row) {
  const auto period = period_for(spec, frequency, row);
  const auto is_inside = [&](std::int64_t step) {
    return period_for(spec, frequency, time_of(grid, step)) == period;
  };
  const std::int64_t at = period_containing(grid, row);
  Part part{at, at, at + 1};
  while (is_inside(part.begin - 1)) --part.begin;
  while (is_inside(part.end)) ++part.end;
  return part;
}

}  // namespace

void say_partial_steps(const CatalogSpec& spec, const Frequency& frequency,
                       std::span<const Timestamp> distinct, std::int64_t rows,
                       CatalogNotes& notes) {
  std::string text = fmt::format("{} {} added up to steps of {} (data.aggregate)", grouped(rows),
                                 rows == 1 ? "row was" : "rows were", to_string(frequency));
  const std::optional<Frequency> grid = grid_of_rows(frequency, distinct);
  if (grid) {
    const auto named = [&](Timestamp row) {
      return format_time(frequency, time_of(frequency, *period_for(spec, frequency, row)));
    };
    const auto shown = [&](std::int64_t step) { return time_text(time_of(*grid, step)); };
    const auto share = [&](std::int64_t part, const Part& whole) {
      return fmt::format("{} of its {} {}", grouped(part), grouped(whole.end - whole.begin),
                         name_of_steps(*grid));
    };
    const Part first = part_of(spec, frequency, *grid, distinct.front());
    const Part last = part_of(spec, frequency, *grid, distinct.back());
    const bool late = first.row > first.begin;
    // An end that is given decides for itself.
    const bool early = last.row + 1 < last.end && !has_end_date(spec);
    if (late) {
      text += fmt::format("; the first one, {}, has {}, from {} on", named(distinct.front()),
                          share(first.end - first.row, first), shown(first.row));
    }
    if (early) {
      text += fmt::format("{} the last one, {}, has {}, up to {}", late ? ", and" : ";",
                          named(distinct.back()), share(last.row + 1 - last.begin, last),
                          shown(last.row));
    }
    const bool both = late && early;
    if (late || early) {
      text += fmt::format("; {} as {}: leave {} out if that is not all of {} (",
                          both ? "both are taken" : "it is taken", both ? "they are" : "it is",
                          both ? "them" : "it", both ? "them" : "it");
    }
    if (late) text += "without its rows";
    if (early) {
      text += fmt::format("{}data.end = \"{}\"", late ? ", " : "", shown(last.begin - 1));
    }
    if (late || early) text += ")";
  }
  notes.remarks.push_back(std::move(text));
}

}  // namespace sluice
