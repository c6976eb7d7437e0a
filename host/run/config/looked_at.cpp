#include "run/config/looked_at.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::ranges::find(keys, key) != keys.end();
}

/// Keys of [path] that are read whatever the command is.
constexpr std::array<std::string_view, 5> kAlways = {"path.data", "path.future", "path.statics",
                                                     "path.model", "path.log"};
/// How the data are parted for a training.
constexpr std::array<std::string_view, 3> kParts = {"data.valid", "data.test", "data.min_history"};
/// What a training neither uses nor leaves to its model.
constexpr std::array<std::string_view, 5> kOfOneRun = {
    "forecast.from", "forecast.replace", "explanation.series", "evaluate.show", "mode.figures"};

bool forecast_looks_at(std::string_view key, std::string_view section) {
  if (section == "path") {
    constexpr std::array<std::string_view, 4> kWritten = {"path.forecast", "path.sums",
                                                          "path.samples", "path.explanation"};
    return is_one_of(key, kWritten);
  }
  return section == "forecast" || section == "explanation";
}

bool evaluation_looks_at(std::string_view command, std::string_view key, std::string_view section,
                         const Config& used) {
  if (section == "path") {
    constexpr std::array<std::string_view, 3> kPage = {"path.report", "path.html",
                                                       "path.figure_language"};
    constexpr std::array<std::string_view, 2> kBeside = {"path.scores", "path.figures"};
    return is_one_of(key, kPage) || (command == "evaluate" && is_one_of(key, kBeside));
  }
  if (section == "explanation") {  // of the series that the page features
    const bool page = command == "report" || !used.path.html.empty();
    return page && used.evaluate.refit == 0 && key != "explanation.series";
  }
  if (key == "forecast.samples") return used.network.decoding == "recursive";
  constexpr std::array<std::string_view, 7> kAhead = {
      "forecast.from",    "forecast.strict",      "forecast.sums",   "forecast.new_items",
      "forecast.replace", "forecast.part_series", "forecast.sidecar"};
  return section == "evaluate" || (section == "forecast" && !is_one_of(key, kAhead)) ||
         (key == "mode.figures" && command == "evaluate");
}

}  // namespace

bool looks_at(std::string_view command, std::string_view key, const Config& used) {
  const std::string_view section = key.substr(0, key.find('.'));
  const bool evaluates = command == "evaluate" || command == "report";
  if (command == "train") return section != "tune" && !is_one_of(key, kOfOneRun);
  if (command != "forecast" && !evaluates) return true;
  const bool trains = evaluates && used.evaluate.refit > 0;
  if (is_one_of(key, kAlways) || section == "engine") return true;
  if (section == "network") return true;  // compared with the model's where that is given
  if (section == "training") return trains;
  // A refit ends where its window begins.
  if (is_one_of(key, kParts)) return trains && key != "data.test";
  if (section == "data") return true;
  if (key == "mode.incremental") return trains;
  if (section == "mode" && key != "mode.figures") return key != "mode.resume";
  return evaluates ? evaluation_looks_at(command, key, section, used)
                   : forecast_looks_at(key, section);
}

std::string unused_flags(std::string_view command, const std::vector<Override>& flags,
                         const Config& used) {
  std::vector<std::string> names;
  bool of_training = false;
  const bool by_epochs =
      std::ranges::any_of(flags, [](const Override& flag) { return flag.written == "epochs"; });
  for (const Override& flag : flags) {
    if (looks_at(command, flag.key, used)) continue;
    // --epochs stands for it, too (app/arguments).
    if (by_epochs && flag.key == "training.steps" && flag.value == "0") continue;
    names.push_back("--" + flag.flag());
    of_training = of_training || flag.key.starts_with("training.") || is_one_of(flag.key, kParts);
  }
  if (names.empty()) return {};
  const bool one = names.size() == 1;
  return fmt::format("{} {} no effect: {} does not look at {}{}", fmt::join(names, ", "),
                     one ? "has" : "have", command, one ? "it" : "them",
                     !of_training || command == "train" ? ""
                     : used.evaluate.refit > 0 ? ", as each training ends where its window begins"
                     : command == "forecast"
                         ? "; the model is as it was trained, by sluice train"
                         : "; the model is as it was trained (evaluate.refit trains anew)");
}

}  // namespace sluice
