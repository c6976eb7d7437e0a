// Values as written against keys: type, range, choices, and what to say when they do not fit.
#include "run/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/text.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// A number as a person writes it: 1000000, not 1e+06; 0.5.
std::string number_text(double number) {
  if (number == std::floor(number) && std::fabs(number) < 1e16) {
    return fmt::format("{}", static_cast<std::int64_t>(number));
  }
  return fmt::format("{}", number);
}

/// What a message shows of a text.
constexpr int kMostColumns = 100;

std::string written(const Value& value) {
  if (const auto* boolean = std::get_if<bool>(&value.data)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
    return fmt::format("{}", *integer);
  }
  if (const auto* number = std::get_if<double>(&value.data)) {
    const std::string text = fmt::format("{}", *number);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
  }
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    return is_utf8(*text) ? fmt::format("\"{}\"", cut_to_width(*text, kMostColumns))
                          : "bytes that are not UTF-8";
  }
  if (std::holds_alternative<ValueList>(value.data)) return "a list";
  return std::get<Value::Other>(value.data).what;
}

[[noreturn]] void refuse(const Value& value, const Key& key, MemberType whole,
                         const std::string& where) {
  std::string message =
      fmt::format("{} must be {}, got {}", where, expected_text(key, whole), written(value));
  if (whole.list) message += " in it";
  if (const auto* text = std::get_if<std::string>(&value.data); text && !key.choices.empty()) {
    // "gpu" is a letter away from "cpu".
    const bool of_cuda = key.name == "engine.device" && text->starts_with("gpu");
    const std::string_view near = of_cuda ? "cuda" : nearest_name(*text, key.choices);
    if (!near.empty()) message += fmt::format("; did you mean \"{}\"?", near);
  } else if (!text && whole.kind == Kind::text && !whole.list &&
             (key.form == Form::plain || key.form == Form::path) &&
             !std::holds_alternative<ValueList>(value.data) &&
             !std::holds_alternative<Value::Other>(value.data)) {
    message += "; write it in quotes";
  }
  throw ConfigError(message);
}

bool in_range(double number, const Range& range) {
  return (range.above ? number > range.min : number >= range.min) &&
         (range.below ? number < range.max : number <= range.max);
}

std::string scalar_text(const Key& key, Kind kind) {
  if (!key.choices.empty()) {
    std::string text = fmt::format("one of {}", fmt::join(key.choices, ", "));
    for (const Pattern& pattern : key.patterns) text += fmt::format(", {}", pattern.text);
    return text;
  }
  const std::string range = range_text(key.range);
  const std::string tail = range.empty() ? "" : " " + range;
  switch (kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "an integer" + tail;
    case Kind::number:
      return key.form == Form::share_or_steps
                 ? "a share from 0 to below 1, or a whole number of steps"
                 : "a number" + tail;
    case Kind::text:
      if (key.form == Form::column) return "a column's name or its 0-based place";
      if (key.form == Form::path) return "a path";
      return key.form == Form::one_character ? "one character, \"tab\" or \"auto\"" : "text";
  }
  return {};
}

std::string list_text(const Key& key, Kind kind) {
  const std::string range = range_text(key.range);
  const std::string tail = range.empty() ? "" : " " + range;
  if (!key.choices.empty()) return fmt::format("a list of {}", fmt::join(key.choices, ", "));
  if (kind == Kind::integer) return "a list of integers" + tail;
  if (kind == Kind::number) return "a list of numbers" + tail;
  if (key.form == Form::path) return "a list of paths";
  return key.form == Form::column ? "a list of columns' names or 0-based places"
                                  : "a list of texts";
}

/// Letters inserted, left out, replaced or exchanged with their neighbour ("optimal string
/// alignment").
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({above[j + 1] + 1, row[j] + 1, above[j] + (a[i] == b[j] ? 0u : 1u)});
      const bool exchanged = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
      if (exchanged) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}

/// Names farther away than this are not what was meant.
std::size_t allowed_distance(std::string_view written) {
  return std::clamp<std::size_t>(written.size() / 3, 1, 5);
}

/// Whether a key's meaning says that the article calls it `name`.
bool article_calls_it(const Key& key, std::string_view name) {
  const std::size_t article = key.meaning.find("the article's ");
  return article != std::string_view::npos && name.size() >= 4 &&
         key.meaning.substr(article).find(name) != std::string_view::npos;
}

std::string_view last_part(std::string_view key) { return key.substr(key.find('.') + 1); }

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Value scalar_from_text(const std::string& text, const Key& key, MemberType type) {
  if (type.kind == Kind::boolean) {
    if (text == "true") return {true};
    if (text == "false") return {false};
  } else if (type.kind != Kind::text || key.form == Form::column) {
    if (const auto integer = number_in<std::int64_t>(text)) return {*integer};
    if (type.kind != Kind::text) {
      if (const auto number = number_in<double>(text)) return {*number};
    }
  }
  return {text};
}

}  // namespace

std::string range_text(const Range& range) {
  const double far = std::numeric_limits<double>::max();
  if (range.min == -far && range.max == far) return {};
  if (!range.above && !range.below) {
    return fmt::format("from {} to {}", number_text(range.min), number_text(range.max));
  }
  return fmt::format("{} {} {} {}", range.above ? "above" : "from", number_text(range.min),
                     range.below ? "to below" : (range.above ? "up to" : "to"),
                     number_text(range.max));
}

std::string expected_text(const Key& key, MemberType type) {
  std::string text = type.list ? list_text(key, type.kind) : scalar_text(key, type.kind);
  if (type.optional) text += ", or \"auto\"";
  return text;
}

std::string without_brackets(const std::string& value) {
  if (value.size() < 2 || value.front() != '[' || value.back() != ']') return value;
  const std::string inner = value.substr(1, value.size() - 2);
  if (inner.find_first_of("[]") != std::string::npos) return value;
  std::string list;
  for (const char c : inner) {
    const bool between = c == '"' || (c == ' ' && (list.empty() || list.back() == ','));
    if (!between) list += c;
  }
  return list;
}

Value value_from_text(const std::string& given, const Key& key, MemberType type) {
  if (type.optional && given == "auto") return {given};
  if (!type.list) return scalar_from_text(given, key, type);
  const std::string text = without_brackets(given);
  ValueList list;
  if (!text.empty()) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      list.push_back(scalar_from_text(text.substr(begin, comma - begin), key, type));
      begin = comma + 1;
    }
  }
  return {std::move(list)};
}

bool as_boolean(const Value& value, const Key& key, MemberType whole, const std::string& where) {
  const auto* boolean = std::get_if<bool>(&value.data);
  if (!boolean) refuse(value, key, whole, where);
  return *boolean;
}

double as_number(const Value& value, const Key& key, MemberType whole, const std::string& where) {
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
    number = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value.data)) {
    number = *real;
  } else {
    refuse(value, key, whole, where);
  }
  if (!std::isfinite(number) || !in_range(number, key.range)) refuse(value, key, whole, where);
  if (key.form == Form::share_or_steps && number >= 1 && number != std::floor(number)) {
    refuse(value, key, whole, where);
  }
  return number;
}

void refuse_shares(const Value& value, const std::string& where) {
  std::vector<std::string> got, meant;
  bool shares = false;
  for (const Value& element : list_of(value)) {
    const auto* number = std::get_if<double>(&element.data);
    const bool share = number != nullptr && *number > 0 && *number < 1;
    got.push_back(written(element));
    meant.push_back(share ? fmt::format("{:g}", *number * 100) : got.back());
    shares = shares || share;
  }
  if (!shares) return;
  throw ConfigError(fmt::format("{} are percent: {} (got {})", where, fmt::join(meant, ","),
                                fmt::join(got, ",")));
}

std::int64_t as_integer(const Value& value, const Key& key, MemberType whole,
                        const std::string& where) {
  const auto* integer = std::get_if<std::int64_t>(&value.data);
  if (!integer || !in_range(static_cast<double>(*integer), key.range)) {
    refuse(value, key, whole, where);
  }
  return *integer;
}

std::string as_text(const Value& value, const Key& key, MemberType whole,
                    const std::string& where) {
  if (const auto* place = std::get_if<std::int64_t>(&value.data);
      place && key.form == Form::column && *place >= 0) {
    return fmt::format("#{}", *place);
  }
  const auto* text = std::get_if<std::string>(&value.data);
  if (!text || !is_utf8(*text)) refuse(value, key, whole, where);
  if (key.form == Form::path && text->empty()) refuse(value, key, whole, where);
  if (text->find('\0') != std::string::npos) {
    throw ConfigError(fmt::format(
        "{}: the text has the character NUL (\\u0000), which no name can have; leave it out",
        where));
  }
  if (!key.choices.empty() && std::ranges::find(key.choices, *text) == key.choices.end() &&
      std::ranges::none_of(key.patterns, [&](const Pattern& p) { return p.fits(*text); })) {
    refuse(value, key, whole, where);
  }
  if (key.form == Form::one_character) {
    if (*text == "tab" || *text == "\\t") return "\t";
    if (text->size() != 1 && *text != "auto") refuse(value, key, whole, where);
  }
  return *text;
}

ValueList list_of(const Value& value) {
  if (const auto* list = std::get_if<ValueList>(&value.data)) return *list;
  return {value};
}

void check_length(const ValueList& list, const std::string& where) {
  constexpr std::size_t kMost = 1000;  // levels, lags: each is an output or an input of the model
  if (list.size() <= kMost) return;
  throw ConfigError(fmt::format("{} has {} numbers, and {} are the most; name fewer of them", where,
                                list.size(), kMost));
}

void refuse_twice(const std::vector<std::string>& list, const std::string& where) {
  for (auto word = list.begin(); word != list.end(); ++word) {
    if (std::find(list.begin(), word, *word) == word) continue;
    throw ConfigError(fmt::format("{} names {} twice; name it once", where, *word));
  }
}

ValueList paths_of(const Value& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  return text != nullptr && text->empty() ? ValueList() : list_of(value);
}

bool is_auto(const Value& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  return text && *text == "auto";
}

bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
    if (first < 0xC2 || first > 0xF4 || i + length > text.size()) return false;
    std::uint32_t point = first & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0u) != 0x80u) return false;
      point = (point << 6) | (byte(i + k) & 0x3Fu);
    }
    const bool overlong = point < (length == 4 ? 0x10000u : (length == 3 ? 0x800u : 0x80u));
    const bool surrogate = point >= 0xD800u && point <= 0xDFFFu;
    if (overlong || surrogate || point > 0x10FFFFu) return false;
    i += length;
  }
  return true;
}

std::string_view nearest_name(std::string_view written,
                              const std::vector<std::string_view>& names) {
  std::string_view best;
  std::size_t least = allowed_distance(written) + 1;
  for (const std::string_view name : names) {
    const std::size_t distance = edit_distance(written, name);
    if (distance == std::max(written.size(), name.size())) continue;  // they have nothing in common
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

std::string_view nearest_key(std::string_view written) {
  static const Config defaults;
  const std::string_view part = last_part(written);
  std::string_view best;
  std::size_t least = allowed_distance(part) + 1;
  visit_keys(defaults, [&](const Key& key, const auto&) {
    // The right name in another section is nearer than a wrong name in this one.
    std::size_t distance =
        std::min(edit_distance(written, key.name), edit_distance(part, last_part(key.name)) * 2);
    if (article_calls_it(key, part)) distance = std::min<std::size_t>(distance, 1);
    if (distance < least) {
      least = distance;
      best = key.name;
    }
  });
  return best;
}

}  // namespace sluice
