// Looks at every target value of a catalogue once, and says what is there.
#include "sluice/data/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "data/catalog/uses.hpp"
#include "data/hierarchy/sums.hpp"
#include "sluice/data/covariates.hpp"

namespace sluice {
namespace {

constexpr int kLabelWidth = 12;

/// Counts of one target of one series.
struct ValueCounts {
  std::int64_t values = 0, zeros = 0, negatives = 0;
  bool constant = true;
};

ValueCounts count_values(std::span<const float> history, double offset) {
  ValueCounts counts;
  float first = 0;
  for (const float value : history) {
    if (std::isnan(value)) continue;
    if (counts.values == 0) first = value;
    ++counts.values;
    counts.zeros += static_cast<double>(value) == -offset;
    counts.negatives += static_cast<double>(value) < -offset;
    counts.constant = counts.constant && value == first;
  }
  return counts;
}

double median_of(std::vector<std::int64_t>& numbers) {
  if (numbers.empty()) return 0;
  std::sort(numbers.begin(), numbers.end());
  const std::size_t half = numbers.size() / 2;
  const auto upper = static_cast<double>(numbers[half]);
  return numbers.size() % 2 == 1 ? upper : (static_cast<double>(numbers[half - 1]) + upper) / 2;
}

/// A line break in a name would end the line.
void add_line(std::string& out, std::string_view label, const std::string& text) {
  out += pad_to_width(label, kLabelWidth);
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '\n';
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + listed(name);
  return text;
}

std::string share(std::int64_t part, std::int64_t whole) {
  if (part == 0) return "none";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  return fmt::format("{} ({} %)", grouped(part),
                     percent < 0.1 ? "under 0.1" : fmt::format("{:.1f}", percent));
}

std::string bytes_text(std::int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (number >= 1e9) return fmt::format("{:.2f} GB", number / 1e9);
  if (number >= 1e6) return fmt::format("{:.1f} MB", number / 1e6);
  return fmt::format("{:.1f} kB", number / 1e3);
}

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
}

std::string number_text(double number) {
  return number == std::floor(number) ? grouped(static_cast<std::int64_t>(number))
                                      : fmt::format("{:.1f}", number);
}

/// What past and future columns are to a model, as a training on all of the history would see them.
void add_encodings(std::string& out, const Catalog& catalog) {
  std::vector<std::string> names;
  for (const ChannelView& channel : catalog.channels()) {
    if (channel.role != Role::target) names.push_back(channel.name);
  }
  if (names.empty()) return;
  std::vector<std::int64_t> end;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.history(s));
  // The kinds do not depend on the level's window and the horizon, and nothing else is shown.
  add_line(out, "inputs as", encodings_text(names, fit_covariates(catalog, 1, 0, end)));
}

void add_columns(std::string& out, const Catalog& catalog, const CatalogNotes& notes) {
  if (!notes.id_columns.empty()) add_line(out, "id", joined(notes.id_columns));
  if (!notes.time_columns.empty()) add_line(out, "time", joined(notes.time_columns));
  std::vector<std::string> targets, past, future, fixed;
  for (const ChannelView& channel : catalog.channels()) {
    (channel.role == Role::target ? targets
     : channel.role == Role::past ? past
                                  : future)
        .push_back(channel.name);
  }
  const bool has_sums = !catalog.hierarchy().levels.empty();
  const auto with_kinds = [&](const auto& category) {
    std::ptrdiff_t kinds = std::max<std::ptrdiff_t>(0, std::ssize(category.vocabulary) - 1);
    // Of the sums, that their series have not the same one.
    if (has_sums && std::ranges::count(category.vocabulary, kSeveral) > 0) --kinds;
    return fmt::format("{} ({})", category.name, plural(kinds, "kind", "kinds"));
  };
  for (const CategoryChannelView& channel : catalog.categories()) {
    (channel.role == Role::past ? past : future).push_back(with_kinds(channel));
  }
  for (const StaticReal& real : catalog.static_reals()) fixed.push_back(real.name);
  for (const StaticCategory& category : catalog.static_categories())
    fixed.push_back(with_kinds(category));
  const auto add = [&](std::string_view label, const std::vector<std::string>& names) {
    if (names.empty()) return;
    add_line(out, label,
             names.size() > 1 ? fmt::format("{}: {}", names.size(), joined(names)) : joined(names));
  };
  // In layouts columns and rows the channel has a name of its own; the user knows the columns.
  add("target", notes.target_columns.empty() ? targets : notes.target_columns);
  add("past", past);
  add("future", future);
  add("static", fixed);
  add_encodings(out, catalog);
  if (!notes.future_coverage.empty()) {
    add_line(out, "path.future", "covers " + notes.future_coverage);
  }
  if (!notes.static_coverage.empty()) {
    add_line(out, "path.statics", " covers " + notes.static_coverage);
  }
}

/// Every column of the file: neighbours of one role on one line.
void add_uses(std::string& out, const CatalogNotes& notes) {
  constexpr std::size_t kFew = 4;
  std::string_view label = "columns";
  for (std::size_t begin = 0, end = 0; begin < notes.columns.size(); begin = end) {
    const ColumnUse& use = notes.columns[begin];
    while (end < notes.columns.size() && notes.columns[end].role == use.role &&
           notes.columns[end].reason == use.reason) {
      ++end;
    }
    const auto name = [&](std::size_t column) {
      const std::string& given = notes.columns[column].name;
      return given.empty() ? fmt::format("#{}", column) : listed(given);
    };
    std::string names = name(begin);
    if (end - begin > kFew) {
      names = fmt::format("{} .. {} ({})", names, name(end - 1), end - begin);
    } else {
      for (std::size_t column = begin + 1; column < end; ++column) names += ", " + name(column);
    }
    add_line(out, label,
             fmt::format("{}: {}", names,
                         use.role.empty() ? "not used, because " + use.reason : use.role));
    label = "";
  }
}

void add_findings(std::string& out, const Catalog& catalog, const CatalogNotes& notes,
                  const DataCheck& check) {
  const std::int64_t cells = check.values + check.missing;
  add_line(out, "values",
           fmt::format("{}; missing {}, zero {}, negative {}", grouped(check.values),
                       share(check.missing, cells), share(check.zeros, check.values),
                       share(check.negatives, check.values)));
  add_line(out, "gaps",
           notes.gap_steps == 0 ? "none"
                                : fmt::format("{} without a row in {} series, the first: {}",
                                              plural(notes.gap_steps, "step", "steps"),
                                              grouped(notes.gap_series), notes.example_gap));
  add_line(out, "duplicates",
           notes.duplicate_rows == 0
               ? "none"
               : fmt::format("{}, the first: {}", plural(notes.duplicate_rows, "row", "rows"),
                             notes.example_duplicate));
  add_line(out, "memory", bytes_text(check.catalog_bytes));
  const std::string in_a_target = catalog.count(Role::target) > 1 ? " in a target" : "";
  const auto note = [&](std::int64_t count, std::string_view one, std::string_view many) {
    if (count > 0) {
      add_line(out, "note", fmt::format("{} series {}", grouped(count), count == 1 ? one : many));
    }
  };
  note(notes.unsorted_series, "had rows out of order; they were sorted",
       "had rows out of order; they were sorted");
  note(check.empty_series - notes.new_series,
       "is without any target value: nothing to learn from or score",
       "are without any target value: nothing to learn from or score");
  note(check.constant_series, "never changes" + in_a_target, "never change" + in_a_target);
}

}  // namespace

DataCheck check_catalog(const Catalog& catalog) {
  DataCheck check;
  check.series = catalog.bottom_count();  // sums say nothing that their series do not
  check.catalog_bytes = catalog.bytes();
  const int M = catalog.count(Role::target);
  std::vector<std::int64_t> lengths;
  std::int64_t first_series = -1, last_series = -1;
  const auto last_period = [&](std::int64_t s) {
    return catalog.period(s, catalog.history(s) - 1);
  };
  for (std::int64_t s = 0; s < check.series; ++s) {
    const std::int64_t history = catalog.history(s);
    if (history == 0) {
      ++check.empty_series;
      continue;
    }
    lengths.push_back(history);
    check.steps += history;
    if (check.shortest == 0 || history < check.shortest) {
      check.shortest = history;
      check.shortest_id = catalog.id(s);
    }
    check.longest = std::max(check.longest, history);
    if (first_series < 0 || catalog.period(s, 0) < catalog.period(first_series, 0))
      first_series = s;
    if (last_series < 0 || last_period(s) > last_period(last_series)) last_series = s;
    bool constant = false;
    for (int m = 0; m < M; ++m) {
      const ValueCounts counts =
          count_values(catalog.values(m, s).first(static_cast<std::size_t>(history)),
                       catalog.value_offset(m, s));
      check.values += counts.values;
      check.missing += history - counts.values;
      check.zeros += counts.zeros;
      check.negatives += counts.negatives;
      constant = constant || (counts.constant && counts.values > 1);
    }
    check.constant_series += constant;
  }
  check.median_length = median_of(lengths);
  if (first_series < 0) return check;
  check.first_date = catalog.date(first_series, 0);
  check.last_date = catalog.date(last_series, catalog.history(last_series) - 1);
  return check;
}

std::string check_text(const Catalog& catalog, const CatalogNotes& notes, const DataCheck& check,
                       const std::string& source) {
  std::string out;
  add_line(out, "file", source);
  if (!notes.layout.empty()) add_line(out, "layout", notes.layout);
  add_columns(out, catalog, notes);
  add_uses(out, notes);
  add_line(out, "series",
           grouped(check.series - notes.new_series) +
               (notes.new_series > 0
                    ? fmt::format(", and {} only in path.future", grouped(notes.new_series))
                    : ""));
  std::string sums;
  for (const Hierarchy::Level& level : catalog.hierarchy().levels) {
    sums += fmt::format("{}{} ({})", sums.empty() ? "" : ", ", level.name, grouped(level.count));
  }
  if (!sums.empty()) add_line(out, "sums", sums);
  if (check.longest > 0) {
    add_line(out, "length",
             check.shortest == check.longest
                 ? plural(check.longest, "step", "steps") + " each"
                 : fmt::format("{} to {} steps, median {}; the shortest: {}",
                               grouped(check.shortest), grouped(check.longest),
                               number_text(check.median_length), check.shortest_id));
    add_line(out, "span", fmt::format("{} .. {}", check.first_date, check.last_date));
  }
  add_line(out, "frequency",
           fmt::format("{} ({})", to_string(catalog.frequency()),
                       notes.frequency_inferred ? "inferred" : "given"));
  add_findings(out, catalog, notes, check);
  return out;
}

}  // namespace sluice
