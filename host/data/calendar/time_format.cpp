#include "data/calendar/time_format.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

constexpr std::string_view kWords[] = {"auto",     "epoch_s", "epoch_ms", "epoch_us",
                                       "epoch_ns", "excel",   "iso_week"};

/// The letters behind the % signs, without the modifiers E and O.
std::string letters_of(std::string_view pattern) {
  std::string letters;
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    ++i;
    while (i + 1 < pattern.size() && (pattern[i] == 'E' || pattern[i] == 'O')) ++i;
    letters += pattern[i];
  }
  return letters;
}

/// Whether the times lie on a grid at least half of whose steps have one: read by a wrong order of
/// year, month and day they hardly do.
bool has_regular_times(const std::vector<std::string>& texts, const std::string& pattern) {
  std::vector<Timestamp> times;
  for (const std::string& text : texts) times.push_back(parse_by_pattern(text, pattern)->wall);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  const auto grid = infer_frequency(times, false);
  const auto first = grid ? period_of(*grid, times.front()) : std::nullopt;
  const auto last = grid ? period_of(*grid, times.back()) : std::nullopt;
  return first && last && *last - *first < 2 * std::ssize(times);
}

/// "Mon 01.01.2024" for "Mo 01.01.2024" and "lun. 01.01.2024": the date tells the day, whose name
/// strptime takes in English only.
std::string with_english_weekday(const std::string& text) {
  constexpr std::string_view kOthers[] = {"Mo",  "Di",  "Mi",  "Do",  "Fr",  "Sa",  "So",
                                          "lun", "mar", "mer", "jeu", "ven", "sam", "dim",
                                          "ma",  "di",  "wo",  "do",  "vr",  "za",  "zo"};
  std::size_t end = 0;
  while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
  const std::string_view word = std::string_view(text).substr(0, end);
  if (std::find(std::begin(kOthers), std::end(kOthers), word) == std::end(kOthers)) return text;
  if (end < text.size() && text[end] == '.') ++end;
  return "Mon" + text.substr(end);
}

/// strptime from `text` on; the rest of the text, or nullptr.
const char* take_by(const char* text, const std::string& pattern, tm& fields) {
  return strptime(text, pattern.c_str(), &fields);
}

}  // namespace

bool is_pattern(std::string_view word) { return word.find('%') != std::string_view::npos; }

std::int64_t epoch_scale(std::string_view word) {
  constexpr std::array<std::string_view, 4> kEpochs = {"epoch_s", "epoch_ms", "epoch_us",
                                                       "epoch_ns"};
  std::int64_t scale = 1;
  for (const std::string_view epoch : kEpochs) {
    if (word == epoch) return scale;
    scale *= 1000;
  }
  return 0;
}

void check_time_format(const std::string& word) {
  if (std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords)) return;
  if (!is_pattern(word)) {
    throw ConfigError(fmt::format(
        "data.time_format: '{}' is no form of times; write strptime's words (%d.%m.%Y), epoch_s, "
        "epoch_ms, epoch_us, epoch_ns, excel, iso_week or auto",
        word));
  }
  const std::string letters = letters_of(word);
  const auto has = [&](std::string_view any) {
    return letters.find_first_of(any) != std::string::npos;
  };
  if (has("GgV")) {
    throw ConfigError(fmt::format(
        "data.time_format: '{}' has words of ISO weeks; write iso_week, which reads 2024-W05 and "
        "202405",
        word));
  }
  if (has("WU") && !has("aAuw")) {
    throw ConfigError(fmt::format(
        "data.time_format: '{}' has %W or %U, which say no day without its weekday (%u, %w, %a); "
        "ISO 8601's "
        "weeks (2024-W05, 2024/05, 05/2024, KW 05/2024) are the word iso_week; else write the "
        "first "
        "day of each week",
        word));
  }
  if (has("q")) {
    throw ConfigError(fmt::format(
        "data.time_format: '{}' has %q, which is no word of strptime; quarters are read without "
        "the "
        "setting (--data.time_format auto) where they are written 2024Q1, 2024-Q1, Q1 2024 or 1Q24",
        word));
  }
  if (has("s")) {
    throw ConfigError(
        fmt::format("data.time_format: '{}': seconds since 1970 are the word epoch_s", word));
  }
  if (!has("YyFDcxC+")) {
    throw ConfigError(fmt::format(
        "data.time_format: '{}' has no year (%Y with four digits, %y with two); give the times a "
        "year",
        word));
  }
}

namespace {

/// What times are named by strptime's letters: those of a time of day, of a day, of a month.
Unit named_by(const std::string& letters) {
  if (letters.find_first_of("HIklMSfTRrXpcs") != std::string::npos) return Unit::second;
  if (letters.find_first_of("deDFxjuw") != std::string::npos) return Unit::day;
  return letters.find_first_of("mbBh") != std::string::npos ? Unit::month : Unit::year;
}

}  // namespace

std::optional<Stamp> parse_by_pattern(const std::string& as_written, const std::string& pattern) {
  const std::string text =
      pattern.starts_with("%a") ? with_english_weekday(as_written) : as_written;
  tm fields{};
  fields.tm_mday = 1;
  Stamp stamp;
  const std::size_t fraction = pattern.find("%f");
  const char* rest = take_by(text.c_str(), pattern.substr(0, fraction), fields);
  if (rest != nullptr && fraction != std::string::npos) {
    int digits = 0;
    for (; *rest >= '0' && *rest <= '9'; ++rest, ++digits) {
      stamp.fraction = stamp.fraction || *rest != '0';
    }
    if (digits < 1 || digits > 9) return std::nullopt;
    rest = take_by(rest, pattern.substr(fraction + 2), fields);
  }
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const auto midnight = midnight_of(fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday);
  // strptime takes a second 60 and 61; no grid has one.
  if (!midnight || fields.tm_sec > 59) return std::nullopt;
  stamp.wall =
      *midnight + fields.tm_hour * civil::kHour + fields.tm_min * civil::kMinute + fields.tm_sec;
  const std::string letters = letters_of(pattern);
  if (letters.find('z') != std::string::npos) stamp.offset = fields.tm_gmtoff;
  stamp.names = named_by(letters);
  return stamp;
}

std::string write_by_pattern(const std::string& pattern, Timestamp wall, std::int64_t offset) {
  tm fields{};
  const time_t seconds = wall;
  gmtime_r(&seconds, &fields);
  fields.tm_gmtoff = offset;
  std::string whole = pattern;
  for (std::size_t at; (at = whole.find("%f")) != std::string::npos;) whole.replace(at, 2, "0");
  std::string text(pattern.size() * 16 + 64, '\0');
  text.resize(strftime(text.data(), text.size(), whole.c_str(), &fields));
  return text;
}

Timestamp time_of_day_number(double number) {
  constexpr double kUnixDay = 25569;
  return std::llround((number - kUnixDay) * civil::kDay);
}

std::vector<std::string> fitting_patterns(const std::vector<std::string>& texts) {
  constexpr const char* kDates[] = {
      "%d/%m/%Y",    "%m/%d/%Y",     "%d.%m.%Y",     "%m.%d.%Y", "%d-%m-%Y",    "%m-%d-%Y",
      "%Y.%m.%d",    "%Y/%m/%d",     "%d/%m/%y",     "%m/%d/%y", "%d.%m.%y",    "%d-%m-%y",
      "%m-%d-%y",    "%d %b %Y",     "%d-%b-%Y",     "%d-%b-%y", "%d/%b/%Y",    "%d. %b %Y",
      "%b %d, %Y",   "%b %d %Y",     "%Y-%b-%d",     "%d%b%Y",   "%d%b%y",      "%b %Y",
      "%b-%Y",       "%b-%y",        "%Y %b",        "%Y-%b",    "%m/%Y",       "%m.%Y",
      "%m-%Y",       "%Y/%m",        "%Y年%m月%d日", "%Y年%m月", "%a %d %b %Y", "%a, %d %b %Y",
      "%a %d.%m.%Y", "%a, %d.%m.%Y", "%y-%m-%d",     "%y/%m/%d", "%y.%m.%d"};
  constexpr const char* kClocks[] = {"",           " %H:%M",       " %H:%M:%S", " %H:%M:%S.%f",
                                     " %I:%M %p",  " %I:%M:%S %p", "T%H:%M:%S", " %H.%M",
                                     ", %H:%M:%S", ", %H:%M",      " %H"};
  std::vector<std::string> fitting;
  for (const char* clock : kClocks) {
    for (const char* date : kDates) fitting.push_back(std::string(date) + clock);
  }
  constexpr Timestamp kEarliest = -2208988800, kLatest = 4102444800;  // 1900 .. 2100
  for (const std::string& text : texts) {
    const auto blanks = std::count(text.begin(), text.end(), ' ');
    std::erase_if(fitting, [&](const std::string& pattern) {
      // To strptime a blank is also none: 02.01.2023 would be year 20 and hour 23.
      if (std::count(pattern.begin(), pattern.end(), ' ') > blanks) return true;
      const auto stamp = parse_by_pattern(text, pattern);
      return !stamp || stamp->wall < kEarliest || stamp->wall > kLatest;
    });
    if (fitting.empty()) break;
  }
  if (texts.empty()) fitting.clear();
  return fitting;
}

std::vector<std::string> patterns_of(const std::vector<std::string>& texts) {
  std::vector<std::string> fitting = fitting_patterns(texts);
  if (fitting.size() < 2) return fitting;
  std::vector<std::string> regular;
  for (const std::string& pattern : fitting) {
    if (has_regular_times(texts, pattern)) regular.push_back(pattern);
  }
  return regular.empty() ? fitting : regular;
}

}  // namespace sluice
