#include "data/catalog/aggregate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
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
  constexpr std::pair<Unit, std::string_view> kNames[] = {
      {Unit::second, "seconds"}, {Unit::minute, "minutes"},   {Unit::hour, "hours"},
      {Unit::day, "days"},       {Unit::week, "weeks"},       {Unit::business_day, "business days"},
      {Unit::month, "months"},   {Unit::quarter, "quarters"}, {Unit::year, "years"}};
  for (const auto& [unit, name] : kNames) {
    if (grid.unit == unit && grid.multiple == 1) return std::string(name);
  }
  return fmt::format("steps of {}", to_string(grid));
}

/// The least n > 0 for which `is_in` is false, where it is true for 0 and for none after a false
/// one. By doubling and halving: a year has 31 million seconds.
template <typename IsIn>
std::int64_t count_while(IsIn is_in) {
  std::int64_t known = 0, step = 1;
  for (; is_in(known + step); step *= 2) known += step;
  for (step /= 2; step > 0; step /= 2) {
    if (is_in(known + step)) known += step;
  }
  return known + 1;
}

/// The steps of `grid` in a period of `frequency`, and those of its first and its last row.
struct Part {
  std::int64_t begin = 0, first = 0, last = 0, end = 0;  ///< steps of `grid`; end: the one after
  std::int64_t before() const { return first - begin; }
  std::int64_t after() const { return end - 1 - last; }
};

/// Those of every period that has rows, in their order.
std::vector<Part> parts_of(const CatalogSpec& spec, const Frequency& frequency,
                           const Frequency& grid, std::span<const Timestamp> distinct) {
  std::vector<Part> parts;
  const auto count = std::ssize(distinct);
  for (std::int64_t row = 0; row < count;) {
    const Timestamp* from = &distinct[static_cast<std::size_t>(row)];
    const auto period = period_for(spec, frequency, *from);
    const std::int64_t rows = count_while([&](std::int64_t n) {
      return row + n < count && period_for(spec, frequency, from[n]) == period;
    });
    const std::int64_t first = period_containing(grid, *from);
    const std::int64_t last = period_containing(grid, from[rows - 1]);
    const auto is_inside = [&](std::int64_t step) {
      return period_for(spec, frequency, time_of(grid, step)) == period;
    };
    parts.push_back(
        {.begin = first + 1 - count_while([&](std::int64_t n) { return is_inside(first - n); }),
         .first = first,
         .last = last,
         .end = last + count_while([&](std::int64_t n) { return is_inside(last + n); })});
    row += rows;
  }
  return parts;
}

/// Whether `steps` without a row at the edge of a period are more than others have there, but for
/// fewer than one in ten: closed hours, closed days, the stamp of longer steps are in all of them.
template <typename Edge>
bool is_cut(std::int64_t steps, std::span<const Part> others, Edge edge) {
  const auto alike = std::ranges::count_if(
      others, [&](const Part& other) { return std::invoke(edge, other) >= steps; });
  return 10 * alike < std::ssize(others);
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
    const std::vector<Part> parts = parts_of(spec, frequency, *grid, distinct);
    const std::span<const Part> all = parts;
    const Part &first = parts.front(), &last = parts.back();
    const bool late = is_cut(first.before(), all.subspan(1), &Part::before);
    // An end that is given decides for itself.
    const bool early =
        !has_end_date(spec) && is_cut(last.after(), all.first(all.size() - 1), &Part::after);
    if (late) {
      text += fmt::format("; the first one, {}, has {}, from {} on", named(distinct.front()),
                          share(first.end - first.first, first), shown(first.first));
    }
    if (early) {
      text += fmt::format("{} the last one, {}, has {}, up to {}", late ? ", and" : ";",
                          named(distinct.back()), share(last.last + 1 - last.begin, last),
                          shown(last.last));
    }
    const bool both = late && early;
    if (late || early) {
      text += fmt::format("; {} as {}: leave {} out if that is not all of {} (",
                          both ? "both are taken" : "it is taken", both ? "they are" : "it is",
                          both ? "them" : "it", both ? "them" : "it");
    }
    if (late) text += fmt::format("remove the rows before {}", shown(first.end));
    if (early) {
      text += fmt::format("{}set data.end = \"{}\"", late ? ", " : "", shown(last.begin - 1));
    }
    if (late || early) text += ")";
  }
  notes.remarks.push_back(std::move(text));
}

}  // namespace sluice
