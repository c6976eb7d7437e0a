#include "data/catalog/time_cells.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "data/calendar/civil.hpp"
#include "data/calendar/named_period.hpp"
#include "data/calendar/time_format.hpp"
#include "data/catalog/digits.hpp"
#include "data/catalog/names.hpp"
#include "data/table/cells.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 2024-01-31, alone or before a time of day.
bool is_iso_date(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return false;
  }
  return text.size() == kShape.size() || text[kShape.size()] == 'T' || text[kShape.size()] == ' ';
}

/// By the form alone.
std::optional<Parsed> parse_by_form(const std::string& form, std::string_view text) {
  if (form == "auto") {
    if (const auto stamp = parse_stamp(text)) return Parsed{*stamp, Kind::date};
    if (const auto integer = parse_number<std::int64_t>(text)) return parse_integer(form, *integer);
  } else if (is_pattern(form)) {
    if (const auto stamp = parse_by_pattern(std::string(text), form)) {
      return Parsed{*stamp, Kind::date};
    }
  } else if (form == "iso_week") {
    if (const auto time = parse_iso_week(text)) return date(*time);
  } else if (const auto integer = parse_number<std::int64_t>(text)) {
    return parse_integer(form, *integer);
  } else if (const auto number = parse_number<double>(text)) {
    if (std::abs(*number) < kFarthest) return parse_real(form, *number);
  }
  return std::nullopt;
}

/// Whether each of the texts is a date by `form`. %Y takes 24 for the year 24: such a form is
/// another one.
bool fits_all(const std::vector<std::string>& texts, const std::string& form) {
  constexpr Timestamp kYear1000 = -30610224000;
  return std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
    const auto parsed = parse_cell(form, text);
    return parsed && (parsed->kind == Kind::integer || parsed->stamp.wall >= kYear1000);
  });
}

/// Of spans, which are written by their first and last day, the first one.
std::vector<std::string> first_days(const std::vector<std::string>& texts) {
  std::vector<std::string> days;
  for (const std::string& text : texts) {
    const auto span = first_and_last(text);
    if (!span) return texts;
    days.emplace_back(span->first);
  }
  return days;
}

/// What to write for 01/19, and for 3.1.-9.1.2022; empty: it is something else.
std::string say_short_date(const std::string& cell, const std::vector<std::string>& samples) {
  const auto shape_of = [](std::string_view text) {
    std::string shape;
    for (const char c : text) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit || shape.empty() || shape.back() != '#') shape += digit ? '#' : c;
    }
    return shape;
  };
  const auto all_have = [&](std::initializer_list<std::string_view> shapes) {
    return !samples.empty() &&
           std::all_of(samples.begin(), samples.end(), [&](const std::string& text) {
             const std::string shape = shape_of(without_blanks(text));
             return text.size() <= 32 &&
                    std::find(shapes.begin(), shapes.end(), shape) != shapes.end();
           });
  };
  const bool short_parts = std::all_of(samples.begin(), samples.end(), [](const auto& text) {
    return without_blanks(text).size() <= 5;
  });
  if (short_parts && all_have({"#/#", "#.#", "#-#"})) {
    const std::string_view sign = cell.find('/') != cell.npos   ? "/"
                                  : cell.find('-') != cell.npos ? "-"
                                                                : ".";
    return fmt::format(
        "'{}' may be a month and a year or a day without its year; of a month and a year of two "
        "digits set --data.time_format '%m{}%y'; to days add the year (2022-01-31)",
        cell, sign);
  }
  if (all_have({"#.#.-#.#.#", "#.#. - #.#.#", "#.-#.#.#", "#. - #.#.#", "#.#-#.#.#", "#/#-#/#/#",
                "#.#. \u2013 #.#.#", "#.#.\u2013#.#.#", "#/# - #/#/#"})) {
    return fmt::format(
        "'{}' is a span whose first day has no year; write the first day only (2022-01-03)", cell);
  }
  return {};
}

bool has_frequency_of(const std::vector<std::string>& texts, const std::string& pattern,
                      const TimeAxis& main) {
  std::vector<Timestamp> times;
  for (const std::string& text : texts) times.push_back(parse_by_pattern(text, pattern)->wall);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  const auto frequency = infer_frequency(times, false);
  return frequency && to_string(*frequency) == to_string(main.frequency);
}

}  // namespace

Parsed date(Timestamp wall) { return {{.wall = wall, .offset = {}}, Kind::date}; }

Parsed parse_integer(const std::string& form, std::int64_t value) {
  if (form == "auto") return {{.wall = value, .offset = {}}, Kind::integer};
  Parsed parsed = date(0);
  parsed.stamp.wall = *time_of_digits(form, value, parsed.stamp.fraction);
  if (epoch_scale(form) > 0) parsed.stamp.offset = 0;
  return parsed;
}

Parsed parse_real(const std::string& form, double value) {
  const std::int64_t scale = epoch_scale(form);
  if (scale == 0) return date(time_of_day_number(value));
  Parsed parsed = date(0);
  const double seconds = value / static_cast<double>(scale);
  parsed.stamp.wall = static_cast<Timestamp>(std::floor(seconds));
  parsed.stamp.fraction = seconds != std::floor(seconds);
  parsed.stamp.offset = 0;
  return parsed;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<Counted> counted(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (begin == text.size() || result.ec != std::errc()) return std::nullopt;
  return Counted{text.substr(0, begin), number};
}

bool numbers_steps(std::string_view column, std::string_view example) {
  const auto step = counted(without_blanks(example));
  if (!step || is_id_name(column)) return false;
  const auto letters_of = [](std::string_view text) {
    std::string letters;
    for (const char byte : text) {
      const auto c = static_cast<unsigned char>(byte);
      if (c >= 0x80 || std::isalpha(c) != 0) letters += static_cast<char>(std::tolower(c));
    }
    return letters;
  };
  const std::string stem = letters_of(step->stem);
  if (stem.empty()) return false;
  return is_time_name(column) || is_time_name(stem) ||
         (stem.size() == 1 && stem == letters_of(column));
}

std::optional<Parsed> parse_cell(const std::string& form, std::string_view text) {
  text = without_blanks(text);
  if (auto parsed = parse_by_form(form, text)) return parsed;
  if (is_pattern(form)) {
    // A week by its first and last day.
    if (const auto span = first_and_last(text)) {
      auto first = parse_by_form(form, span->first);
      const auto last = parse_by_form(form, span->second);
      if (first && last && last->stamp.wall >= first->stamp.wall) return first;
    }
  }
  if (form == "auto" || form.starts_with("%Y-%d") || !is_iso_date(text)) return std::nullopt;
  const auto stamp = parse_stamp(text);
  if (!stamp) return std::nullopt;
  return Parsed{*stamp, Kind::date, true};
}

std::string form_of_side_file(const std::vector<std::string>& texts, const std::string& form,
                              const TimeAxis& main) {
  if (fits_all(texts, form)) return form;
  if (std::all_of(texts.begin(), texts.end(),
                  [](const std::string& text) { return parse_stamp(text).has_value(); })) {
    return "auto";
  }
  const std::vector<std::string> patterns = fitting_patterns(texts);
  if (patterns.size() == 1) return patterns.front();
  std::vector<std::string> alike;
  for (const std::string& pattern : patterns) {
    if (form.starts_with(pattern)) return pattern;
    if (has_frequency_of(texts, pattern, main)) alike.push_back(pattern);
  }
  return alike.size() == 1 ? alike.front() : form;
}

std::string what_is_wrong(std::string_view text, const std::string& form,
                          const std::vector<std::string>& samples, bool beside) {
  const std::string cell = cells::visible(text.substr(0, 60));
  if (form == "auto" && text.find(":60") != std::string_view::npos) {
    return fmt::format("'{}' has a leap second, which no grid has; write :59", cell);
  }
  if (form == "auto" && text.find(" 24:00") != std::string_view::npos) {
    return fmt::format("'{}' is the midnight that follows; write the next day and 00:00", cell);
  }
  if (form == "auto") {
    const std::string why = say_short_date(cell, samples);
    if (!why.empty()) return why;
  }
  const std::vector<std::string> patterns = patterns_of(first_days(samples));
  if (form != "auto") {
    const std::string no_time =
        fmt::format("'{}' is no time by data.time_format = '{}'", cell, form);
    if (beside) {
      return fmt::format(
          "{}, and no other form fits all times here beyond doubt; write them as ISO 8601 has it "
          "(2024-01-31), which is read beside every data.time_format",
          no_time);
    }
    if (patterns.size() == 1) {
      return fmt::format("{}; all times here fit {}: set it by --data.time_format '{}'", no_time,
                         patterns.front(), patterns.front());
    }
    return no_time + "; correct the cell or the setting";
  }
  if (patterns.size() == 1) {
    return fmt::format(
        "'{}' is not a time in ISO 8601; all times here fit {}: set it by "
        "--data.time_format '{}'",
        cell, patterns.front(), patterns.front());
  }
  if (patterns.size() > 1) {
    const auto others = std::span(patterns).subspan(1);
    return fmt::format(
        "'{}' is not a time in ISO 8601; the times here fit {} as well as {}: say which it is, "
        "--data.time_format '{}' or '{}'",
        cell, patterns.front(), fmt::join(others, " and "), patterns.front(),
        fmt::join(others, "' or '"));
  }
  if (!samples.empty() && std::all_of(samples.begin(), samples.end(), [](const auto& sample) {
        return parse_iso_week(without_blanks(sample)).has_value();
      })) {
    return fmt::format(
        "'{}' is no month; all times here are weeks by ISO 8601: set it by --data.time_format "
        "iso_week",
        cell);
  }
  return fmt::format(
      "'{}' is not a time; write 2022-01-31, 2022/1/31, 20220131, 2022-01, 2022-01-31 13:15 or a "
      "plain integer, say how times are written in data.time_format (%d/%m/%Y), or choose another "
      "column by data.time",
      cell);
}

}  // namespace sluice
