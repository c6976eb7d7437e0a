// JSON of specification and frequency. visit_spec names every field once; its structured binding
// does not compile when ModelSpec has a field more.
#include "run/checkpoint/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "run/checkpoint/spec_names.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

/// Names of an enumeration's values, in their order.
constexpr std::array<std::string_view, 10> names_of(Unit) {
  return {"integer",      "second", "minute", "hour",    "day",
          "business_day", "week",   "month",  "quarter", "year"};
}

template <typename Spec, typename Visitor>
void visit_spec(Spec& spec, Visitor&& visit) {
  auto& [T, H, L, K, M, patch, decoding, dropout, space, window_scaling, level, level_window,
         smoothing_alpha, base, base_season, trend_damping, lags, context, seasonal_context,
         forking, warmup, head_hidden, head_starts_at_zero, carry_state, level_input, level_change,
         missing_indicator, past_channels, future_channels, calendar, static_reals, embeddings,
         step_embeddings, loss, quantiles, huber_delta, tweedie_power, level_weight] = spec;
  visit("T", T);
  visit("H", H);
  visit("L", L);
  visit("K", K);
  visit("M", M);
  visit("patch", patch);
  visit("decoding", decoding);
  visit("dropout", dropout);
  visit("space", space);
  visit("window_scaling", window_scaling);
  visit("level", level);
  visit("level_window", level_window);
  visit("smoothing_alpha", smoothing_alpha);
  visit("base", base);
  visit("base_season", base_season);
  visit("trend_damping", trend_damping);
  visit("lags", lags);
  visit("context", context);
  visit("seasonal_context", seasonal_context);
  visit("forking", forking);
  visit("warmup", warmup);
  visit("head_hidden", head_hidden);
  visit("head_starts_at_zero", head_starts_at_zero);
  visit("carry_state", carry_state);
  visit("level_input", level_input);
  visit("level_change", level_change);
  visit("missing_indicator", missing_indicator);
  visit("past_channels", past_channels);
  visit("future_channels", future_channels);
  visit("calendar", calendar);
  visit("static_reals", static_reals);
  visit("embeddings", embeddings);
  visit("step_embeddings", step_embeddings);
  visit("loss", loss);
  visit("quantiles", quantiles);
  visit("huber_delta", huber_delta);
  visit("tweedie_power", tweedie_power);
  visit("level_weight", level_weight);
}

/// No size of a model is larger: products of a few of them stay far inside 63 bits.
constexpr std::int64_t kMaxSize = 10'000'000;

[[noreturn]] void bad_field(std::string_view name, std::string_view expected,
                            const std::string& where) {
  throw DataError(fmt::format("{}: '{}' must be {}; the file is damaged or not Sluice's", where,
                              name, expected));
}

const Json& field(const Json& json, std::string_view name, const std::string& where) {
  const auto found = json.find(name);
  if (found == json.end()) bad_field(name, "there", where);
  return *found;
}

const Json& list_field(const Json& json, std::string_view name, const std::string& where) {
  const Json& list = field(json, name, where);
  if (!list.is_array()) bad_field(name, "a list", where);
  return list;
}

std::optional<std::int64_t> integer_of(const Json& value, std::int64_t low, std::int64_t high) {
  if (!value.is_number_integer()) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost) return std::nullopt;
  const auto integer = value.get<std::int64_t>();
  return integer >= low && integer <= high ? std::optional(integer) : std::nullopt;
}

/// A float that was stored as the double it is.
std::optional<float> float_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  if (!(std::fabs(number) <= static_cast<double>(std::numeric_limits<float>::max()))) {
    return std::nullopt;
  }
  return static_cast<float>(number);
}

template <typename Enum>
Enum enum_field(const Json& json, std::string_view name, const std::string& where) {
  constexpr auto names = names_of(Enum{});
  const auto found = std::ranges::find(names, text_field(json, name, where));
  if (found == names.end()) {
    bad_field(name, fmt::format("one of {}", fmt::join(names, ", ")), where);
  }
  return static_cast<Enum>(found - names.begin());
}

template <typename Enum>
std::string enum_name(Enum value) {
  return std::string(names_of(value)[static_cast<std::size_t>(value)]);
}

void read_field(const Json& json, std::string_view name, const std::string& where, int& out) {
  out = static_cast<int>(integer_field(json, name, 0, kMaxSize, where));
}

void read_field(const Json& json, std::string_view name, const std::string& where, bool& out) {
  const Json& value = field(json, name, where);
  if (!value.is_boolean()) bad_field(name, "true or false", where);
  out = value.get<bool>();
}

void read_field(const Json& json, std::string_view name, const std::string& where, float& out) {
  const auto number = float_of(field(json, name, where));
  if (!number) bad_field(name, "a number", where);
  out = *number;
}

void read_field(const Json& json, std::string_view name, const std::string& where,
                std::vector<int>& out) {
  for (const Json& element : list_field(json, name, where)) {
    const auto integer = integer_of(element, 0, kMaxSize);
    if (!integer) bad_field(name, "a list of sizes", where);
    out.push_back(static_cast<int>(*integer));
  }
}

void read_field(const Json& json, std::string_view name, const std::string& where,
                std::vector<float>& out) {
  for (const Json& element : list_field(json, name, where)) {
    const auto number = float_of(element);
    if (!number) bad_field(name, "a list of numbers", where);
    out.push_back(*number);
  }
}

void read_field(const Json& json, std::string_view name, const std::string& where,
                std::vector<ModelSpec::Embedding>& out) {
  for (const Json& element : list_field(json, name, where)) {
    const auto inner = fmt::format("{} in '{}'", where, name);
    if (!element.is_object()) bad_field(name, "a list of objects", where);
    out.push_back({.cardinality = static_cast<int>(
                       integer_field(element, "cardinality", 1, 2'000'000'000, inner)),
                   .width = static_cast<int>(integer_field(element, "width", 1, kMaxSize, inner))});
  }
}

/// Files of format 1 have no such field.
void read_field(const Json& json, std::string_view name, const std::string& where,
                std::vector<ModelSpec::StepEmbedding>& out) {
  if (!json.contains(name)) return;
  for (const Json& element : list_field(json, name, where)) {
    const auto inner = fmt::format("{} in '{}'", where, name);
    if (!element.is_object()) bad_field(name, "a list of objects", where);
    auto& e = out.emplace_back();
    e.cardinality =
        static_cast<int>(integer_field(element, "cardinality", 1, 2'000'000'000, inner));
    e.width = static_cast<int>(integer_field(element, "width", 1, kMaxSize, inner));
    read_field(element, "future", inner, e.future);
  }
}

template <typename Enum>
requires std::is_enum_v<Enum>
void read_field(const Json& json, std::string_view name, const std::string& where, Enum& out) {
  out = enum_field<Enum>(json, name, where);
}

template <typename Value>
Json value_json(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return enum_name(value);
  } else if constexpr (std::is_same_v<Value, std::vector<ModelSpec::Embedding>>) {
    Json list = Json::array();
    for (const auto& e : value)
      list.push_back({{"cardinality", e.cardinality}, {"width", e.width}});
    return list;
  } else if constexpr (std::is_same_v<Value, std::vector<ModelSpec::StepEmbedding>>) {
    Json list = Json::array();
    for (const auto& e : value) {
      list.push_back({{"cardinality", e.cardinality}, {"width", e.width}, {"future", e.future}});
    }
    return list;
  } else {
    return value;
  }
}

/// Sizes that follow from a specification must fit an int, and P 63 bits, before anyone computes
/// them with ints.
bool sizes_fit(const ModelSpec& s) {
  double embedding = 0;
  for (const auto& e : s.embeddings) embedding += e.width;
  double steps = 0;
  for (const auto& e : s.step_embeddings) steps += e.width;
  const double M = s.M;
  const double Q =
      s.loss == Loss::quantile ? static_cast<double>(s.quantiles.size()) : parameter_count(s.loss);
  const double beside = s.calendar + s.static_reals + embedding;
  const double of_step = M * (5.0 + static_cast<double>(s.lags.size())) + s.past_channels +
                         static_cast<double>(s.future_channels) + steps;
  const double inputs = s.patch * of_step + beside;
  const double context =
      M * s.context + M * s.K + static_cast<double>(s.K) * (s.future_channels + steps) + beside;
  const double outputs = s.K * M * Q;
  return inputs < 1e7 && context < 1e8 && outputs < 1e8;
}

std::size_t utf8_length(std::string_view text) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(4, text.size()); ++n) {
    if (is_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

bool JsonLimits::operator()(int depth, Json::parse_event_t event) {
  using Event = Json::parse_event_t;
  if (depth > most_depth_) refuse_("is nested too deep");
  const bool is_value = event == Event::value || event == Event::key ||
                        event == Event::array_start || event == Event::object_start;
  if (is_value && ++values_ > most_values_) {
    refuse_(fmt::format("has more than {} values", grouped(most_values_)));
  }
  return true;
}

nlohmann::json parse_object(const std::string& text, const std::string& where) {
  constexpr int kMostDepth = 8;
  constexpr std::int64_t kMostValues = 1'000'000;  // names of channels are the most
  JsonLimits limits(kMostDepth, kMostValues, [&](const std::string& what) {
    throw DataError(fmt::format("{} {}; the file is damaged or not Sluice's", where, what));
  });
  const auto watch = [&](int depth, Json::parse_event_t event, Json&) {
    return limits(depth, event);
  };
  const Json json = Json::parse(text, watch, false);
  if (!json.is_object()) {
    throw DataError(where + " is not a JSON object; the file is damaged or not Sluice's");
  }
  return json;
}

std::int64_t integer_field(const Json& json, std::string_view name, std::int64_t low,
                           std::int64_t high, const std::string& where) {
  const auto integer = integer_of(field(json, name, where), low, high);
  if (!integer) bad_field(name, fmt::format("an integer from {} to {}", low, high), where);
  return *integer;
}

std::string text_field(const Json& json, std::string_view name, const std::string& where) {
  const Json& value = field(json, name, where);
  if (!value.is_string()) bad_field(name, "text", where);
  return value.get<std::string>();
}

double number_field(const Json& json, std::string_view name, const std::string& where) {
  const Json& value = field(json, name, where);
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  bad_field(name, "a number", where);
}

nlohmann::json number_json(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number;
}

nlohmann::json spec_json(const ModelSpec& spec) {
  Json json = Json::object();
  visit_spec(spec, [&](const char* name, const auto& value) { json[name] = value_json(value); });
  return json;
}

ModelSpec spec_from_json(const Json& json, const std::string& where) {
  ModelSpec spec;
  visit_spec(spec, [&](std::string_view name, auto& value) {
    // Files of formats 1 and 2 have no tweedie_power, those of formats 1 to 4 no trend_damping,
    // those of formats 1 to 5 no decoding, and files of before patches no patch.
    const bool newer =
        name == "tweedie_power" || name == "trend_damping" || name == "decoding" || name == "patch";
    if (newer && !json.contains(name)) return;
    read_field(json, name, where, value);
  });
  if (!sizes_fit(spec)) throw DataError(where + " describes a model that is too large to exist");
  try {
    check_spec(spec);
  } catch (const ConfigError& e) {
    throw DataError(fmt::format("{} is not possible: {}", where, e.what()));
  }
  return spec;
}

nlohmann::json frequency_json(const Frequency& frequency) {
  return {{"unit", enum_name(frequency.unit)},
          {"multiple", frequency.multiple},
          {"anchor", frequency.anchor},
          {"phase", frequency.phase}};
}

Frequency frequency_from_json(const Json& json, const std::string& where) {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  Frequency frequency;
  frequency.unit = enum_field<Unit>(json, "unit", where);
  // Integer times may have any distance; nothing else has a step of a billion units.
  const std::int64_t most = frequency.unit == Unit::integer ? kFar : 1'000'000'000;
  frequency.multiple = integer_field(json, "multiple", 1, most, where);
  frequency.anchor = static_cast<int>(integer_field(json, "anchor", 0, 6, where));
  frequency.phase = integer_field(json, "phase", 0, kFar, where);
  return frequency;
}

std::string escaped(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (bytes[0] == '\\') {
      out += "\\\\";
    } else if (bytes[0] == '\n') {
      out += "\\n";
    } else if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

nlohmann::json escaped_list(const std::vector<std::string>& texts) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& text : texts) list.push_back(escaped(text));
  return list;
}

std::string unescaped(std::string_view text, const std::string& where) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char kind = i + 1 < text.size() ? text[i + 1] : '\0';
    if (kind == '\\' || kind == 'n') {
      out += kind == 'n' ? '\n' : '\\';
      i += 1;
      continue;
    }
    const int high = kind == 'x' && i + 3 < text.size() ? hex_digit(text[i + 2]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 3]) : -1;
    if (low < 0) {
      throw DataError(fmt::format("{} has an unknown escape; the file is damaged", where));
    }
    out += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return out;
}

std::string to_lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += escaped(text) + '\n';
  return out;
}

std::vector<std::string> from_lines(std::string_view lines, const std::string& where) {
  std::vector<std::string> texts;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) {
      throw DataError(fmt::format("{} does not end with a line break; the file is damaged", where));
    }
    texts.push_back(unescaped(lines.substr(0, end), where));
    lines.remove_prefix(end + 1);
  }
  return texts;
}

}  // namespace sluice
