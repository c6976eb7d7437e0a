#include "data/catalog/crosstab.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <string_view>

#include "base/text.hpp"
#include "data/calendar/civil.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/odd_rows.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

// How the names of months and weekdays begin in English, German, French, Spanish, Portuguese,
// Italian and Dutch, in lower case.
constexpr std::string_view kMonths[] = {
    "jan|ene|gen",  "feb|fév|fev",    "mar|mär|mrz|mrt|mae", "apr|avr|abr", "may|mai|mag|mei",
    "jun|juin|giu", "jul|juil|lug",   "aug|aoû|aou|ago",     "sep|set",     "oct|okt|ott|out",
    "nov",          "dec|dez|déc|dic"};
constexpr std::string_view kWeekdays[] = {
    "mon|lun|seg|maa",         "tue|die|mar|ter|din",     "wed|mit|mer|mié|mie|qua|woe",
    "thu|don|jeu|jue|qui|gio", "fri|fre|ven|vie|sex|vri", "sat|sam|sáb|sab|zat",
    "sun|son|dim|dom|zon"};

/// In lower case (of ASCII letters), without spaces round it.
std::string plain(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
  return out;
}

/// Whether the text begins with one of the words, which are separated by '|'.
bool begins_with_one(std::string_view text, std::string_view words) {
  for (;;) {
    const std::size_t end = words.find('|');
    if (text.starts_with(words.substr(0, end))) return true;
    if (end == words.npos) return false;
    words.remove_prefix(end + 1);
  }
}

/// The number at the end of a word behind one of the `stems`; -1: it is another word.
int number_of(std::string_view word, std::span<const std::string_view> stems) {
  std::size_t begin = word.size();
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(word[begin - 1])) != 0) --begin;
  std::string_view stem = word.substr(0, begin);
  while (!stem.empty() && (stem.back() == ' ' || stem.back() == '_')) stem.remove_suffix(1);
  int number = -1;
  std::from_chars(word.data() + begin, word.data() + word.size(), number);
  return std::find(stems.begin(), stems.end(), stem) == stems.end() ? -1 : number;
}

/// Parts of a period, in their order.
struct Cycle {
  std::string_view parts, whole;  ///< "months", "years"
  std::string_view example;       ///< how the times of the parts are written
  int size;
  bool (*is_part)(const std::string& word, int place);
};

bool is_month(const std::string& word, int place) {
  constexpr std::string_view kStems[] = {"m", "month", "monat"};
  return begins_with_one(word, kMonths[place]) || word == fmt::format("{}月", place + 1) ||
         number_of(word, kStems) == place + 1;
}
bool is_quarter(const std::string& word, int place) {
  constexpr std::string_view kStems[] = {"q", "qtr", "quarter", "quartal", "t"};
  return number_of(word, kStems) == place + 1 || word == fmt::format("{}q", place + 1) ||
         word == fmt::format("{}. quartal", place + 1);
}
bool is_weekday(const std::string& word, int place) {
  return begins_with_one(word, kWeekdays[place]);
}
/// 0 to 23 or 1 to 24, or times of the day.
bool is_hour(const std::string& word, int place, int first) {
  constexpr std::string_view kStems[] = {"", "h", "hr", "he", "hour", "stunde", "std", "hora"};
  const auto is_clock = [&](std::string_view end) {
    return word == fmt::format("{:02}{}", place + first, end) ||
           word == fmt::format("{}{}", place + first, end);
  };
  return number_of(word, kStems) == place + first || is_clock(":00") || is_clock(":00:00") ||
         is_clock("h");
}
bool is_hour_from_0(const std::string& word, int place) { return is_hour(word, place, 0); }
bool is_hour_from_1(const std::string& word, int place) { return is_hour(word, place, 1); }

constexpr Cycle kOfYears[] = {{"months", "years", "2000-01, 2000-02, ...", 12, is_month},
                              {"quarters", "years", "2000-Q1, 2000-Q2, ...", 4, is_quarter}};
constexpr Cycle kOfDates[] = {
    {"weekdays", "weeks", "2024-01-01, 2024-01-02, ...", 7, is_weekday},
    {"hours", "days", "2024-01-01 00:00, 2024-01-01 01:00, ...", 24, is_hour_from_0},
    {"hours", "days", "2024-01-01 00:00, 2024-01-01 01:00, ...", 24, is_hour_from_1}};

/// Where in `words` all parts of the cycle stand one after the other; nullopt: nowhere.
std::optional<int> place_of_cycle(const std::vector<std::string>& words, const Cycle& cycle) {
  for (int begin = 0; begin + cycle.size <= static_cast<int>(words.size()); ++begin) {
    int place = 0;
    while (place < cycle.size &&
           cycle.is_part(plain(words[static_cast<std::size_t>(begin + place)]), place)) {
      ++place;
    }
    if (place == cycle.size) return begin;
  }
  return std::nullopt;
}

bool is_year(std::string_view text) {
  int year = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), year);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && year >= 1800 &&
         year < 2200;
}

bool holds_years(const Table::Impl& table, int column) {
  if (contents_of(table, column).holds != Holds::integers) return false;
  const std::vector<std::string> words = read_codes(table, column).words;
  return !words.empty() && std::all_of(words.begin(), words.end(), is_year);
}

/// Dates without a time of day.
bool holds_days(const Table::Impl& table, int column) {
  return std::all_of(table.parts.begin(), table.parts.end(), [&](const TablePart& part) {
    const auto type = part.table.type(column).id();
    return type == arrow::Type::DATE32 || type == arrow::Type::DATE64;
  });
}

/// Whether the days of a column lie whole weeks apart: then a row may be a week. Beside other days
/// columns for each weekday say which one a row's day is.
bool holds_weeks(const Table::Impl& table, int column, const CatalogSpec& spec) {
  const std::vector<Timestamp> times = read_times_as(table, column, spec).values;
  return std::all_of(times.begin(), times.end(), [&](Timestamp time) {
    return civil::weekday(civil::day_of(time)) == civil::weekday(civil::day_of(times.front()));
  });
}

/// Whether the column has values, and all of them are 0 or 1 (or true and false).
bool holds_flags(const Table::Impl& table, int column) {
  const Holds holds = contents_of(table, column).holds;
  if (holds == Holds::booleans) return true;
  if (holds != Holds::integers && holds != Holds::reals) return false;
  const std::vector<float> values = read_numbers(table, column);
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return value == 0 || value == 1 || std::isnan(value); });
}

/// The columns of a cycle that begins at `begin`.
std::vector<int> columns_of(const Cycle& cycle, int begin) {
  std::vector<int> columns(static_cast<std::size_t>(cycle.size));
  std::iota(columns.begin(), columns.end(), begin);
  return columns;
}

bool are_flags(const Table::Impl& table, const std::vector<int>& columns) {
  return std::all_of(columns.begin(), columns.end(),
                     [&](int column) { return holds_flags(table, column); });
}

/// The first column of numbers beside those of a cycle that may be what is to be forecast; nullopt:
/// there is none.
std::optional<int> value_beside(const Table::Impl& table, int time, const std::vector<int>& cycle) {
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    const std::string& name = table.names[static_cast<std::size_t>(column)];
    const bool other = column == time ||
                       std::find(cycle.begin(), cycle.end(), column) != cycle.end() ||
                       is_total(name) || is_id_name(name) || is_calendar_name(name) ||
                       is_position_name(name) || is_unnamed(name) || is_row_number_name(name);
    if (!other && is_number(contents_of(table, column).holds)) return column;
  }
  return std::nullopt;
}

/// Whether a setting says that one of the columns is something else than values.
bool is_input(const Table::Impl& table, const CatalogSpec& spec, const std::vector<int>& columns) {
  const Header header = header_of(table);
  for (const auto* words :
       {&spec.past, &spec.future, &spec.past_categories, &spec.future_categories}) {
    for (const std::string& word : *words) {
      if (!has_column(header, word) && !word.starts_with('#')) continue;  // of path.future
      for (const int column : find_columns(header, {word}, "data")) {
        if (std::find(columns.begin(), columns.end(), column) != columns.end()) return true;
      }
    }
  }
  return false;
}

/// Where in the cycle a column of that name stands, by its whole name or by what follows the last
/// '_' or blank of it (is_monday), and what is in front of that.
struct Place {
  std::string prefix;
  int place;
};
std::optional<Place> place_in(const Cycle& cycle, const std::string& name) {
  const std::string word = plain(name);
  const std::size_t cut = word.find_last_of("_ ");
  const std::string end = cut == word.npos ? "" : word.substr(cut + 1);
  for (int place = 0; place < cycle.size; ++place) {
    if (cycle.is_part(word, place)) return Place{"", place};
    // A number alone names no month: item_5.
    const bool letters = !end.empty() && std::isdigit(static_cast<unsigned char>(end.back())) == 0;
    if (letters && cycle.is_part(end, place)) return Place{word.substr(0, cut), place};
  }
  return std::nullopt;
}

/// Columns of 0 and 1 that are named by the parts of a cycle in any order, one of which may be left
/// out, as it is for a regression.
std::vector<int> flags_of(const Table::Impl& table, const Cycle& cycle) {
  std::map<std::string, std::map<int, int>> columns;  // by what is in front, and by their place
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    const auto found = place_in(cycle, table.names[static_cast<std::size_t>(column)]);
    if (found) columns[found->prefix].try_emplace(found->place, column);
  }
  std::vector<int> flags;
  for (const auto& [prefix, of_place] : columns) {
    if (static_cast<int>(of_place.size()) + 1 < cycle.size) continue;
    std::vector<int> all;
    for (const auto& [place, column] : of_place) all.push_back(column);
    if (are_flags(table, all)) flags.insert(flags.end(), all.begin(), all.end());
  }
  return flags;
}

std::string what_to_write(const Cycle& cycle, std::string_view layout) {
  return fmt::format(
      "one series lies in rows and columns: write a row for each of the {}, with a column of times "
      "({}) and one of values. If each of the {} is to be a series of its own: --data.layout {}",
      cycle.parts, cycle.example, cycle.parts, layout);
}

void refuse_across(const Table::Impl& table, const CatalogSpec& spec, int time) {
  std::span<const Cycle> cycles;
  if (holds_years(table, time)) {
    cycles = kOfYears;
  } else if (holds_days(table, time) &&
             std::none_of(table.names.begin(), table.names.end(), is_target_name)) {
    cycles = kOfDates;  // beside a target, columns for each weekday are inputs
  }
  for (const Cycle& cycle : cycles) {
    const auto begin = place_of_cycle(table.names, cycle);
    if (!begin) continue;
    const std::vector<int> columns = columns_of(cycle, *begin);
    if (is_input(table, spec, columns) || are_flags(table, columns)) continue;
    if (cycle.is_part == is_weekday && !holds_weeks(table, time, spec)) continue;
    const auto beside = value_beside(table, time, columns);
    const std::string or_target =
        beside ? fmt::format(
                     "; if they say something of another column, which is to be forecast: "
                     "--data.targets {}",
                     shell_quoted(setting_text(header_of(table), {&*beside, 1})))
               : "";
    throw DataError(fmt::format(
        "{}: the columns {} to {} are the {} of the {} in {}; {}{}", table.source,
        table.names[static_cast<std::size_t>(columns.front())],
        table.names[static_cast<std::size_t>(columns.back())], cycle.parts, cycle.whole,
        table.names[static_cast<std::size_t>(time)], what_to_write(cycle, "columns"), or_target));
  }
}

void refuse_down(const Table::Impl& table) {
  std::vector<std::string> years;
  std::copy_if(table.names.begin(), table.names.end(), std::back_inserter(years), is_year);
  if (years.size() < 2) return;
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    const Holds holds = contents_of(table, column).holds;
    if (holds != Holds::text) continue;
    const std::vector<std::string> words = read_codes(table, column).words;
    for (const Cycle& cycle : kOfYears) {
      if (std::ssize(words) != cycle.size || !place_of_cycle(words, cycle)) continue;
      throw DataError(fmt::format(
          "{}: the rows {} to {} of {} are the {} of the years {} to {}; {}", table.source,
          words.front(), words.back(), table.names[static_cast<std::size_t>(column)], cycle.parts,
          years.front(), years.back(), what_to_write(cycle, "rows")));
    }
  }
}

}  // namespace

std::vector<int> flags_of_periods(const Table::Impl& table) {
  std::vector<int> flags;
  for (const auto cycles : {std::span<const Cycle>(kOfYears), std::span<const Cycle>(kOfDates)}) {
    for (const Cycle& cycle : cycles) {
      const auto begin = place_of_cycle(table.names, cycle);
      if (!begin) continue;
      const std::vector<int> columns = columns_of(cycle, *begin);
      if (are_flags(table, columns)) flags.insert(flags.end(), columns.begin(), columns.end());
    }
  }
  for (const Cycle& cycle : {kOfYears[0], kOfDates[0]}) {  // months and weekdays have names
    const std::vector<int> named = flags_of(table, cycle);
    flags.insert(flags.end(), named.begin(), named.end());
  }
  std::ranges::sort(flags);
  flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  return flags;
}

void refuse_crosstab(const Table::Impl& table, const CatalogSpec& spec, std::optional<int> time) {
  if (!spec.targets.empty()) return;  // it is said which columns hold the values
  if (time) {
    refuse_across(table, spec, *time);
  } else {
    refuse_down(table);
  }
}

}  // namespace sluice
