// The parts of a model that are text in its file: specification and frequency as JSON, and texts of
// any bytes as lines of UTF-8.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/data/calendar.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

nlohmann::json spec_json(const ModelSpec& spec);
nlohmann::json frequency_json(const Frequency& frequency);

/// Read what the functions above wrote; every field must be there and possible. `where` begins
/// messages ("runs/model.safetensors: metadata 'spec'"). Throw DataError.
ModelSpec spec_from_json(const nlohmann::json& json, const std::string& where);
Frequency frequency_from_json(const nlohmann::json& json, const std::string& where);

/// Counts what a parser meets: JSON of brackets takes dozens of times its bytes as values, and
/// names take more. To be called by the parser's callback; `refuse` throws.
class JsonLimits {
 public:
  using Refuse = std::function<void(const std::string& what)>;
  JsonLimits(int most_depth, std::int64_t most_values, Refuse refuse)
      : most_depth_(most_depth), most_values_(most_values), refuse_(std::move(refuse)) {}
  bool operator()(int depth, nlohmann::json::parse_event_t event);

 private:
  int most_depth_;
  std::int64_t most_values_, values_ = 0;
  Refuse refuse_;
};

/// JSON text into an object; DataError if it is none.
nlohmann::json parse_object(const std::string& text, const std::string& where);
std::int64_t integer_field(const nlohmann::json& json, std::string_view name, std::int64_t low,
                           std::int64_t high, const std::string& where);
std::string text_field(const nlohmann::json& json, std::string_view name, const std::string& where);
/// A number, or "nan", "inf", "-inf", which JSON has not.
double number_field(const nlohmann::json& json, std::string_view name, const std::string& where);
nlohmann::json number_json(double number);

/// Any bytes as one line of UTF-8: a backslash is "\\", a line break "\n", a byte that is not UTF-8
/// "\xHH". unescaped() is its inverse; a text that escaped() does not write is a DataError.
std::string escaped(std::string_view bytes);
std::string unescaped(std::string_view text, const std::string& where);
/// An array of escaped texts.
nlohmann::json escaped_list(const std::vector<std::string>& texts);
/// Texts as escaped lines, each with its line break; and back.
std::string to_lines(const std::vector<std::string>& texts);
std::vector<std::string> from_lines(std::string_view lines, const std::string& where);

}  // namespace sluice
