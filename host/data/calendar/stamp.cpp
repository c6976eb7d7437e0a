#include "data/calendar/stamp.hpp"

#include <algorithm>

#include "data/calendar/civil.hpp"
#include "data/calendar/named_period.hpp"

namespace sluice {
namespace {

/// Reads digits and separators of one text from left to right.
struct Scanner {
  std::string_view text;

  bool done() const { return text.empty(); }
  bool take(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  std::size_t digits_ahead() const {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    return n;
  }
  /// Between `least` and `most` digits, as many as there are.
  std::optional<int> digits(std::size_t least, std::size_t most) {
    const std::size_t n = std::min(digits_ahead(), most);
    if (n < least) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value * 10 + (text[i] - '0');
    text.remove_prefix(n);
    return value;
  }
};

/// "Z", "UTC", "+01:00", "-0530", "+01"; nothing at all is no offset.
bool take_offset(Scanner& scan, Stamp& stamp) {
  scan.take(' ');
  if (scan.done()) return true;
  if (scan.text == "UTC" || scan.text == "GMT") {
    stamp.offset = 0;
    stamp.zulu = true;
    return true;
  }
  if (scan.take('Z') || scan.take('z')) {
    stamp.offset = 0;
    stamp.zulu = true;
    return scan.done();
  }
  const bool west = scan.take('-');
  if (!west && !scan.take('+')) return false;
  const auto hours = scan.digits(2, 2);
  if (!hours) return false;
  scan.take(':');
  const auto minutes = scan.done() ? std::optional(0) : scan.digits(2, 2);
  if (!minutes || !scan.done() || *hours > 15 || *minutes > 59) return false;
  stamp.offset = (west ? -1 : 1) * (*hours * civil::kHour + *minutes * civil::kMinute);
  return true;
}

bool take_fraction(Scanner& scan, Stamp& stamp) {
  if (!scan.take('.') && !scan.take(',')) return true;
  const std::size_t n = scan.digits_ahead();
  if (n == 0 || n > 9) return false;
  stamp.fraction = *scan.digits(n, n) != 0;
  return true;
}

/// "13:15[:00[.000]]", "1315[00]" (ISO 8601's basic form, also "13") or Monash's "12-00-00", and an
/// offset behind them, added to the day's midnight.
bool take_clock(Scanner scan, bool basic, Stamp& stamp) {
  const auto hour = scan.digits(basic ? 2 : 1, 2);
  if (!hour) return false;
  int minute = 0, second = 0;
  if (basic) {
    if (scan.digits_ahead() > 0) {
      const auto digits = scan.digits(2, 2);
      if (!digits) return false;
      minute = *digits;
    }
    if (scan.digits_ahead() > 0) {
      const auto digits = scan.digits(2, 2);
      if (!digits || !take_fraction(scan, stamp)) return false;
      second = *digits;
    }
  } else {
    const char separator = scan.take('-') ? '-' : ':';
    if (separator == ':' && !scan.take(':')) return false;
    const auto digits = scan.digits(2, 2);
    if (!digits) return false;
    minute = *digits;
    if (scan.take(separator)) {
      const auto seconds = scan.digits(2, 2);
      if (!seconds || !take_fraction(scan, stamp)) return false;
      second = *seconds;
    }
  }
  if (*hour > 23 || minute > 59 || second > 59) return false;
  stamp.wall += *hour * civil::kHour + minute * civil::kMinute + second;
  return take_offset(scan, stamp);
}

std::optional<Stamp> at(std::optional<Timestamp> time, Unit names) {
  if (!time) return std::nullopt;
  return Stamp{.wall = *time, .offset = {}, .names = names};
}

std::optional<Stamp> named_period(std::string_view text) {
  const bool quarter = text.find_first_of("Qq") != std::string_view::npos;
  return at(parse_named_period(text), quarter ? Unit::quarter : Unit::week);
}

/// What follows four digits of a year: "Q1", "-Q1", "W05", "-W05", "-W05-3".
std::optional<Stamp> quarter_or_week(Scanner scan, int year) {
  scan.take('-');
  if (scan.take('Q') || scan.take('q')) {
    const auto quarter = scan.digits(1, 1);
    if (!quarter || !scan.done() || *quarter < 1 || *quarter > 4) return std::nullopt;
    return at(midnight_of(year, *quarter * 3 - 2, 1), Unit::quarter);
  }
  if (!scan.take('W') && !scan.take('w')) return std::nullopt;
  const auto week = scan.digits(2, 2);
  if (!week) return std::nullopt;
  scan.take('-');
  const Unit names = scan.done() ? Unit::week : Unit::day;
  const auto weekday = scan.done() ? std::optional(1) : scan.digits(1, 1);
  if (!weekday || !scan.done()) return std::nullopt;
  return at(time_of_iso_week(year, *week, *weekday), names);
}

}  // namespace

std::optional<Timestamp> midnight_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) {
    return std::nullopt;
  }
  const auto date = std::chrono::year(static_cast<int>(year)) /
                    std::chrono::month(static_cast<unsigned>(month)) /
                    std::chrono::day(static_cast<unsigned>(day));
  if (!date.ok()) return std::nullopt;
  return civil::day_of_date(date) * civil::kDay;
}

std::optional<Timestamp> time_of_iso_week(std::int64_t year, std::int64_t week,
                                          std::int64_t weekday) {
  const auto fourth = midnight_of(year, 1, 4);
  if (!fourth || week < 1 || week > 53 || weekday < 1 || weekday > 7) return std::nullopt;
  // 4 January lies in week 1.
  const std::int64_t day = civil::day_of(*fourth);
  const std::int64_t monday = day - civil::weekday(day) + (week - 1) * 7;
  // Week 53 exists where its Thursday lies in the year.
  if (week == 53 && static_cast<int>(civil::date_of_day(monday + 3).year()) != year) {
    return std::nullopt;
  }
  return (monday + weekday - 1) * civil::kDay;
}

namespace {

/// From the first one to the end of what the last one names; of times of a day (05:00 - 06:00) up
/// to the last one. nullopt: one of them is no time, or they stand the wrong way round.
std::optional<Stamp> span_between(std::optional<Stamp> first, const std::optional<Stamp>& last) {
  if (!first || !last || last->wall < first->wall) return std::nullopt;
  first->last =
      last->names == Unit::second ? std::max(first->wall, last->wall - 1) : last_of(*last);
  return first;
}

/// No span but that of pandas.
std::optional<Stamp> parse_one(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  // pandas' weekly period: "2024-01-01/2024-01-07".
  if (text.size() > 16) {
    const std::size_t slash = text.find('/', 8);
    if (slash != std::string_view::npos && slash + 1 < text.size()) {
      return span_between(parse_one(text.substr(0, slash)), parse_one(text.substr(slash + 1)));
    }
  }
  Scanner scan{text};
  const auto year = scan.digits(4, 4);
  if (!year) return named_period(text);
  Stamp stamp;
  if (const auto rest = scan.digits(4, 4)) {
    const auto midnight = midnight_of(*year, *rest / 100, *rest % 100);
    if (!midnight) return std::nullopt;
    stamp.wall = *midnight;
    if (scan.done()) return at(midnight, Unit::day);
    if (!scan.take('T') && !scan.take(' ')) return std::nullopt;
    const std::size_t hour = scan.digits_ahead();
    const bool basic = hour > 2 || (hour == 2 && !scan.text.substr(2).starts_with(':'));
    if (!take_clock(scan, basic, stamp)) return std::nullopt;
    return stamp;
  }
  if (const auto period = quarter_or_week(scan, *year)) return period;
  const char separator = scan.take('/') ? '/' : '-';
  if (separator == '-' && !scan.take('-')) return named_period(text);
  const auto month = scan.digits(1, 2);
  if (!month) return named_period(text);
  if (scan.done()) return at(midnight_of(*year, *month, 1), Unit::month);
  if (!scan.take(separator)) return std::nullopt;
  const auto day = scan.digits(1, 2);
  if (!day) return std::nullopt;
  const auto midnight = midnight_of(*year, *month, *day);
  if (!midnight || scan.done()) return at(midnight, Unit::day);
  if (!scan.take(' ') && !scan.take('T')) return std::nullopt;
  stamp.wall = *midnight;
  if (!take_clock(scan, false, stamp)) return std::nullopt;
  return stamp;
}

}  // namespace

std::optional<std::pair<std::string_view, std::string_view>> first_and_last(std::string_view text) {
  for (const std::string_view mark : {" - ", " \u2013 ", " to ", " bis "}) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) continue;
    return std::pair(text.substr(0, at), text.substr(at + mark.size()));
  }
  constexpr std::size_t kShortest = 13;  // 3.1.22-9.1.22
  const std::size_t half = text.size() / 2;
  if (text.size() < kShortest || text.size() % 2 == 0 || text[half] != '-') return std::nullopt;
  return std::pair(text.substr(0, half), text.substr(half + 1));
}

Timestamp last_of(const Stamp& stamp) {
  if (stamp.last) return *stamp.last;
  const Frequency named{.unit = stamp.names};
  return time_of(named, period_containing(named, stamp.wall) + 1) - 1;
}

std::optional<Stamp> parse_stamp(std::string_view text) {
  if (const auto stamp = parse_one(text)) return stamp;
  const auto span = first_and_last(text);
  if (!span) return std::nullopt;
  return span_between(parse_one(span->first), parse_one(span->second));
}

std::optional<Timestamp> parse_time(std::string_view text) {
  const auto stamp = parse_stamp(text);
  if (!stamp || stamp->fraction || stamp->offset.value_or(0) != 0) return std::nullopt;
  return stamp->wall;
}

}  // namespace sluice
