// What is known of one setting beside its member: name, meaning, and what values it takes.
#pragma once

#include <limits>
#include <string_view>
#include <vector>

namespace sluice {

/// Bounds of a number, or of every number of a list.
struct Range {
  double min = -std::numeric_limits<double>::max();
  double max = std::numeric_limits<double>::max();
  bool above = false;  ///< min itself is not allowed
  bool below = false;  ///< max itself is not allowed
};

/// What a text or a number stands for, beyond its type.
enum class Form {
  plain,
  column,          ///< a column's name, or its 0-based place (an integer n becomes "#n")
  share_or_steps,  ///< a share below 1, or a whole number of steps
  path,            ///< of a file or a folder: not empty
  one_character,   ///< a single byte; "tab" is the tabulator
  percent          ///< 80; a share of 0.8 is refused with the percentage that it means
};

/// A family of texts that a key takes beside its choices: "cuda:N".
struct Pattern {
  std::string_view text;
  bool (*fits)(std::string_view value);
};

/// cuda:N, N a number.
inline constexpr Pattern kCudaDevice{
    "cuda:N", [](std::string_view value) {
      constexpr std::string_view kPrefix = "cuda:";
      return value.size() > kPrefix.size() && value.starts_with(kPrefix) &&
             value.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
    }};

/// What follows the colon is for the engine, which knows the names: it answers with those there
/// are.
inline constexpr Pattern kCheck{"check:A,B",
                                [](std::string_view value) { return value.starts_with("check:"); }};

struct Key {
  std::string_view name;         ///< "section.key"
  std::string_view meaning;      ///< one sentence, with the unit
  std::string_view automatic{};  ///< what "auto" becomes, where the member is optional
  std::vector<std::string_view> choices{};
  std::vector<Pattern> patterns{};  ///< beside choices
  Range range{};
  Form form = Form::plain;
};

}  // namespace sluice
