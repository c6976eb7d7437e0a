#include "data/catalog/crosstab.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>
#include <string_view>

#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
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
    const auto type = part.table->schema()->field(column)->type()->id();
    return type == arrow::Type::DATE32 || type == arrow::Type::DATE64;
  });
}

std::string what_to_write(const Cycle& cycle, std::string_view layout) {
  return fmt::format(
      "one series lies in rows and columns: write a row for each of the {}, with a column of times "
      "({}) and one of values. If each of the {} is to be a series of its own: --data.layout {}",
      cycle.parts, cycle.example, cycle.parts, layout);
}

void refuse_across(const Table::Impl& table, int time) {
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
    throw DataError(fmt::format(
        "{}: the columns {} to {} are the {} of the {} in {}; {}", table.source,
        table.names[static_cast<std::size_t>(*begin)],
        table.names[static_cast<std::size_t>(*begin + cycle.size - 1)], cycle.parts, cycle.whole,
        table.names[static_cast<std::size_t>(time)], what_to_write(cycle, "columns")));
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

void refuse_crosstab(const Table::Impl& table, const CatalogSpec& spec, std::optional<int> time) {
  if (!spec.targets.empty()) return;  // it is said which columns hold the values
  if (time) {
    refuse_across(table, *time);
  } else {
    refuse_down(table);
  }
}

}  // namespace sluice
