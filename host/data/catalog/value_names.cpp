#include "data/catalog/value_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "data/calendar/time_format.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/odd_rows.hpp"
#include "data/catalog/time_cells.hpp"
#include "data/catalog/uses.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// So few names may count down by accident.
constexpr int kLeastDown = 3;
/// So few names may fit a pattern by accident.
constexpr int kLeastByPattern = 3;

/// Months of a year as one integer: 202401 after 202312.
bool is_next_month(const Counted& before, const Counted& after) {
  const std::int64_t year = before.number / 100, month = before.number % 100;
  if (!before.stem.empty() || !after.stem.empty() || year < 1800 || year > 2199) return false;
  return month == 12 && after.number == (year + 1) * 100 + 1;
}

bool follows(const std::string& name, const std::string& before) {
  const auto time = parse_time(name), time_before = parse_time(before);
  if (time && time_before) return *time > *time_before;
  const auto a = counted(before), b = counted(name);
  if (!a || !b) return false;
  return (a->stem == b->stem && b->number == a->number + 1) || is_next_month(*a, *b);
}

/// Whether a plain number can only be a year, or a year and a month: 2023, 202312.
bool is_year(std::int64_t number) {
  const auto within = [](std::int64_t year) { return year >= 1800 && year <= 2199; };
  return within(number) || (within(number / 100) && number % 100 >= 1 && number % 100 <= 12);
}

/// 2024-01-30 after 2024-01-31: a time, and the one before it.
bool follows_down(const std::string& name, const std::string& before) {
  const auto time = parse_time(name), time_before = parse_time(before);
  if (time && time_before) return *time < *time_before;
  const auto a = counted(before), b = counted(name);
  if (!a || !b || !a->stem.empty() || !b->stem.empty()) return false;
  return is_year(a->number) && is_year(b->number) && b->number < a->number;
}

/// Where the names begin that, up to `end`, are times by one pattern, each later than the one
/// before, or each earlier.
int begin_by_pattern(const std::vector<std::string>& names, int end) {
  const auto name = [&](int column) { return names[static_cast<std::size_t>(column)]; };
  int least = end;
  if (end == 0) return 0;
  for (const std::string& pattern : patterns_of({name(end - 1)})) {
    for (const int direction : {1, -1}) {
      int begin = end - 1;
      auto after = parse_by_pattern(name(begin), pattern);
      while (begin > 0) {
        const auto before = parse_by_pattern(name(begin - 1), pattern);
        if (!before || direction * (after->wall - before->wall) <= 0) break;
        after = before;
        --begin;
      }
      least = std::min(least, begin);
    }
  }
  return end - least < kLeastByPattern ? end : least;
}

/// A way to read names as times, and how many of them can be read so.
struct Fit {
  std::string format;  // of data.time_format
  bool integers = false;
  std::vector<char> fits;  // a name each
  std::int64_t count = 0;
};

template <typename IsTime>
Fit fit_of(const std::string& format, const std::vector<std::string>& names, IsTime is_time) {
  Fit fit;
  fit.format = format;
  for (const std::string& name : names) fit.fits.push_back(is_time(name) ? 1 : 0);
  fit.count = std::count(fit.fits.begin(), fit.fits.end(), 1);
  return fit;
}

bool is_integer(const std::string& name) {
  std::int64_t number = 0;
  const auto* end = name.data() + name.size();
  const auto result = std::from_chars(name.data(), end, number);
  return !name.empty() && result.ec == std::errc() && result.ptr == end && !parse_time(name);
}

/// Patterns that fit one of a few names that are neither dates nor integers.
std::vector<std::string> patterns_of_some(const std::vector<std::string>& names) {
  constexpr int kSome = 3;
  std::vector<std::string> patterns;
  int seen = 0;
  for (auto name = names.rbegin(); name != names.rend() && seen < kSome; ++name) {
    if (parse_time(*name) || is_integer(*name)) continue;
    ++seen;
    for (std::string& pattern : patterns_of({*name})) {
      if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) {
        patterns.push_back(std::move(pattern));
      }
    }
  }
  return patterns;
}

/// The ways that fit most of the names, and at least two; several only where they are patterns.
std::vector<Fit> best_fits(const std::vector<std::string>& names, const std::string& format) {
  std::vector<Fit> fits;
  const auto add_pattern = [&](const std::string& pattern) {
    fits.push_back(fit_of(pattern, names, [&](const std::string& name) {
      return parse_by_pattern(name, pattern).has_value();
    }));
  };
  if (is_pattern(format)) {
    add_pattern(format);
  } else {
    fits.push_back(fit_of("auto", names,
                          [](const std::string& name) { return parse_time(name).has_value(); }));
    fits.push_back(fit_of("auto", names, is_integer));
    fits.back().integers = true;
    for (const std::string& pattern : patterns_of_some(names)) add_pattern(pattern);
  }
  std::int64_t most = 0;
  for (const Fit& fit : fits) most = std::max(most, fit.count);
  std::erase_if(fits, [&](const Fit& fit) { return fit.count < most; });
  if (most < 2 || 2 * most <= std::ssize(names)) return {};
  if (!is_pattern(fits.front().format)) fits.resize(1);
  return fits;
}

/// Whether the names are times by the pattern that follow each other by one step.
bool are_steps(const std::vector<std::string>& names, const std::string& pattern) {
  std::vector<Timestamp> times;
  for (const std::string& name : names) {
    times.push_back(parse_by_pattern(name, pattern)->wall);
    if (times.size() > 1 && times.back() <= times[times.size() - 2]) return false;
  }
  const auto frequency = infer_frequency(times, false);
  const auto first = frequency ? period_of(*frequency, times.front()) : std::nullopt;
  const auto last = frequency ? period_of(*frequency, times.back()) : std::nullopt;
  return first && last && *last - *first + 1 == std::ssize(times);
}

class NameReader {
 public:
  NameReader(const Table::Impl& table, const CatalogSpec& spec, const std::vector<int>& columns,
             CatalogNotes& notes)
      : table_(table), spec_(spec), names_(names_of(header_of(table), columns)), notes_(notes) {}

  std::string read() {
    if (spec_.time_format != "auto" && !is_pattern(spec_.time_format)) return spec_.time_format;
    std::vector<Fit> fits = best_fits(names_, spec_.time_format);
    if (fits.empty()) return spec_.time_format == "auto" ? "" : spec_.time_format;
    if (fits.front().count < std::ssize(names_)) refuse_odd(fits.front());
    if (fits.size() > 1) choose(fits);
    const std::string& format = fits.front().format;
    if (is_pattern(format) && spec_.time_format == "auto") {
      notes_.remarks.push_back(
          fmt::format("the names of the value columns, {} .. {}, are read as times by {} "
                      "(data.time_format)",
                      names_.front(), names_.back(), format));
    }
    return format;
  }

 private:
  /// Leaves the one pattern by which the names follow each other by a step.
  void choose(std::vector<Fit>& fits) const {
    std::vector<Fit> steps;
    for (const Fit& fit : fits) {
      if (are_steps(names_, fit.format)) steps.push_back(fit);
    }
    if (steps.size() > 1) {
      throw DataError(fmt::format(
          "{}: the names of the value columns, {} .. {}, fit {} as well as {}: say which it is, "
          "--data.time_format '{}' or '{}'",
          table_.source, names_.front(), names_.back(), steps[0].format, steps[1].format,
          steps[0].format, steps[1].format));
    }
    if (!steps.empty()) fits = steps;
  }

  [[noreturn]] void refuse_odd(const Fit& fit) const {
    std::vector<std::string> odd, times;
    for (std::size_t i = 0; i < names_.size(); ++i)
      (fit.fits[i] ? times : odd).push_back(names_[i]);
    const bool in_front =
        std::is_sorted(fit.fits.begin(), fit.fits.end());  // first those that are no times
    const std::string begin = shell_quoted(times.front());
    throw DataError(fmt::format(
        "{}: the value {} {} {} named by no time, and {} others are ({} .. {}); {}", table_.source,
        odd.size() == 1 ? "column" : "columns", some_names(odd), odd.size() == 1 ? "is" : "are",
        times.size(), times.front(), times.back(),
        in_front ? fmt::format("the values begin with {}: --data.first_value {}", begin, begin)
                 : "rename what holds a step, and remove what holds none (a sum, a mean)"));
  }

  const Table::Impl& table_;
  const CatalogSpec& spec_;
  const std::vector<std::string> names_;
  CatalogNotes& notes_;
};

/// So many names that count on tell what stands in front of them.
constexpr std::size_t kLeastCounted = 3;

/// Names that the reading of times takes care of.
bool is_time_like(const std::string& name) {
  return parse_time(name) || is_integer(name) || !patterns_of({name}).empty();
}

/// Where the names begin that are, up to the last one, numbers behind the same word, and before
/// which none is; their number where there is no such place (2020_1 .. 2020_12, 2021_1, ...).
std::size_t begin_of_count(const std::vector<std::string>& names) {
  const auto last = counted(names.back());
  if (!last) return names.size();
  const auto is_alike = [&](const std::string& name) {
    const auto here = counted(name);
    return here && here->stem == last->stem;
  };
  std::size_t begin = names.size();
  while (begin > 0 && is_alike(names[begin - 1])) --begin;
  // Numbers elsewhere in a word that counts: years before months.
  const auto digits_left_out = [](std::string_view stem) {
    std::string rest(stem);
    std::erase_if(rest, [](unsigned char c) { return std::isdigit(c) != 0; });
    return rest;
  };
  const bool others =
      std::any_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(begin),
                  [&](const std::string& name) {
                    const auto here = counted(name);
                    return here && digits_left_out(here->stem) == digits_left_out(last->stem);
                  });
  return others ? names.size() : begin;
}

/// For each row the sum of the columns, and of their sizes; a missing value is 0.
struct RowSums {
  std::vector<double> sum, size;
};
RowSums sums_of(const Table::Impl& table, const std::vector<int>& columns) {
  RowSums sums;
  for (const int column : columns) {
    const std::vector<float> values = read_numbers(table, column);
    sums.sum.resize(values.size());
    sums.size.resize(values.size());
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row])) continue;
      sums.sum[row] += values[row];
      sums.size[row] += std::abs(values[row]);
    }
  }
  return sums;
}

}  // namespace

NamedSteps named_steps(const Header& header) {
  const auto name = [&](int column) { return header.names[static_cast<std::size_t>(column)]; };
  const int all = static_cast<int>(header.names.size());
  int end = all;
  while (end > 0 && (is_unnamed(name(end - 1)) || is_total(name(end - 1)))) --end;
  int begin = end - 1;
  while (begin > 0 && follows(name(begin), name(begin - 1))) --begin;
  if (end - begin < 2) {
    while (begin > 0 && follows_down(name(begin), name(begin - 1))) --begin;
    if (end - begin < kLeastDown) begin = end - 1;
  }
  if (end - begin < 2) begin = begin_by_pattern(header.names, end);
  return end - begin < 2 ? NamedSteps{all, all} : NamedSteps{begin, end};
}

NamedSteps names_down(const Header& header) {
  const int end = static_cast<int>(header.names.size());
  int begin = end;
  for (; begin > 0; --begin) {
    const auto here = counted(header.names[static_cast<std::size_t>(begin - 1)]);
    if (!here) break;
    if (begin == end) continue;
    const auto after = counted(header.names[static_cast<std::size_t>(begin)]);
    if (here->stem != after->stem || here->number != after->number + 1) break;
  }
  return end - begin < kLeastDown ? NamedSteps{end, end} : NamedSteps{begin, end};
}

std::string down_remedy(const std::string& first, const std::string& last) {
  // Plain numbers would be taken for times, which do not count down.
  const bool plain = is_integer(first);
  return fmt::format(
      "{} to {} count down: if {} is the oldest value of a row (so many steps ago), {}; if it is "
      "the newest, turn the columns round",
      first, last, first,
      plain ? "name them 1, 2, ... as they stand, with --data.layout rows" : "--data.layout rows");
}

namespace {

/// sales_1 .. sales_12 in front of price_1 .. price_12, which begin at `begin`.
void refuse_two_counts(const Table::Impl& table, const std::vector<std::string>& names,
                       std::size_t begin) {
  const std::size_t before =
      begin_of_count({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(begin)});
  if (before + kLeastCounted > begin) return;
  throw DataError(fmt::format(
      "{}: {} to {} and {} to {} count steps of two things, and in this layout a row has those of "
      "one: take the columns of the other out of the file; if all of them are steps of one thing: "
      "--data.first_value {}",
      table.source, names[before], names[begin - 1], names[begin], names.back(),
      shell_quoted(names[before])));
}

}  // namespace

void check_counted_names(const Table::Impl& table, const std::vector<int>& columns,
                         bool first_chosen, CatalogNotes& notes) {
  const std::vector<std::string> names = names_of(header_of(table), columns);
  if (is_time_like(names.back()) || is_time_like(names.front())) return;
  const std::size_t begin = begin_of_count(names);
  if (names.size() - begin < kLeastCounted) return;
  if (begin > 0 && first_chosen) {
    notes.remarks.push_back(
        fmt::format("the value columns are not named alike: {} follows {}; each is taken for one "
                    "step more",
                    names[begin], names[begin - 1]));
  }
  if (begin > 0 && !first_chosen) {
    refuse_two_counts(table, names, begin);
    const std::string first = shell_quoted(names[begin]);
    throw DataError(fmt::format(
        "{}: the value {} {} not named as the {} behind {} ({} .. {}); the values begin with {}: "
        "--data.first_value {}; what belongs to the series is named in data.static_reals",
        table.source, begin == 1 ? "column" : "columns",
        some_names({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(begin)}) +
            (begin == 1 ? " is" : " are"),
        names.size() - begin, begin == 1 ? "it" : "them", names[begin], names.back(), first,
        first));
  }
  const auto number = [&](std::size_t i) { return counted(names[i])->number; };
  const std::int64_t step = number(begin + 1) - number(begin);
  for (std::size_t i = begin + 1; i < names.size(); ++i) {
    if (step != 0 && number(i) - number(i - 1) == step) continue;
    throw DataError(fmt::format(
        "{}: the value column {} does not follow {} as {} follows {}; add the columns that are "
        "left out, without values, or name the columns one step apart",
        table.source, names[i], names[i - 1], names[begin + 1], names[begin]));
  }
  if (step < 0) {
    notes.remarks.push_back(
        fmt::format("the names of the value columns count down: {} is taken for the oldest value "
                    "of a row, {} for the newest",
                    names[begin], names.back()));
  }
}

bool count_down(const Table::Impl& table, const std::vector<int>& columns, const Times& times) {
  const std::vector<Timestamp>& values = times.values;
  if (values.size() < 2 || !std::is_sorted(values.rbegin(), values.rend())) return false;
  if (!times.axis.integers || std::all_of(values.begin(), values.end(), is_year)) return true;
  const std::vector<std::string> names = names_of(header_of(table), columns);
  throw DataError(fmt::format(
      "{}: the names of the value columns, {} .. {}, count down, which does not say whether {} is "
      "the newest value or the oldest one (so many steps ago); name them from the oldest to the "
      "newest, 1, 2, ...",
      table.source, names.front(), names.back(), names.front()));
}

std::vector<int> without_totals(const Table::Impl& table, const std::vector<int>& columns,
                                CatalogNotes& notes) {
  std::vector<int> totals, steps;
  for (const int column : columns) {
    const bool total = is_total(table.names[static_cast<std::size_t>(column)]);
    (total ? totals : steps).push_back(column);
  }
  if (totals.empty() || steps.size() < 2) return columns;
  const RowSums sums = sums_of(table, steps);
  for (const int column : totals) {
    const std::vector<float> values = read_numbers(table, column);
    std::int64_t known = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row])) continue;
      ++known;
      if (!is_sum_of_parts(values[row], sums.sum[row], sums.size[row])) {
        throw DataError(fmt::format(
            "{}: {} is named as a total, and is not the sum of the {} other values of its row, "
            "{}; remove this column, or name it by what it holds",
            place_of_row(table, static_cast<std::int64_t>(row), column), values[row], steps.size(),
            sums.sum[row]));
      }
    }
    leave_out(notes, column,
              known > 0 ? "it is the sum of the other value columns"
                        : "it has the name of a total, and no value");
  }
  remark_left_out(table, totals, notes);
  return steps;
}

std::string time_format_of_names(const Table::Impl& table, const CatalogSpec& spec,
                                 const std::vector<int>& columns, CatalogNotes& notes) {
  check_time_format(spec.time_format);
  return NameReader(table, spec, columns, notes).read();
}

}  // namespace sluice
