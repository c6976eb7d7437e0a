#include "app/next.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

std::string next_arguments(const Request& request, const Config& config) {
  std::string text;
  if (!request.settings.empty()) text += " " + shell_quoted(request.settings);
  text += " " + shell_quoted(config.path.model);
  for (const std::string& file : config.path.data) text += " " + shell_quoted(file);
  // Where results go is not the model's to say.
  for (const Override& override : request.overrides) {
    const std::string& key = override.key;
    if (!key.starts_with("path.") || key == "path.model" || key == "path.data" ||
        key == "path.future" || key == "path.statics") {
      continue;
    }
    text += fmt::format(" --{} {}", override.flag(), shell_quoted(override.value));
  }
  return text;
}

std::string too_short_to_evaluate(const Config& config, const Catalog& catalog) {
  const SplitSpec parts = split_spec(config, catalog);
  const Split split = split_by_time(catalog, parts);
  const std::int64_t scored = evaluated_steps(config, catalog.frequency());
  std::vector<std::int64_t> histories;
  bool covered = false, uncovered = false;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto at = static_cast<std::size_t>(s);
    histories.push_back(catalog.history(s));
    if (catalog.history(s) <= scored) continue;
    (split.test_end[at] - split.valid_end[at] >= scored ? covered : uncovered) = true;
  }
  if (covered && !uncovered) return {};
  const auto middle = histories.begin() + static_cast<std::ptrdiff_t>(histories.size() / 2);
  std::nth_element(histories.begin(), middle, histories.end());
  const std::string held_out =
      config.data.test ? fmt::format("data.test = {}", *config.data.test) : std::string("a tenth");
  std::string text = fmt::format(
      "to evaluate it, the last {} steps must be held out, and {} of {} steps (the median series) "
      "was",
      scored, held_out, *middle);
  // What a training needs, with a validation step where there is to be one.
  const std::int64_t least = std::max<std::int64_t>(config.data.min_history, 2) +
                             static_cast<std::int64_t>(has_validation(config));
  const std::int64_t most = std::ranges::max(histories) - least;
  const std::int64_t horizon = horizon_steps(config, catalog.frequency());
  const std::int64_t shorter = std::min(*middle - least, most) - (scored - horizon);
  std::vector<std::string> remedies;
  if (most >= scored) remedies.push_back(fmt::format("train with --data.test {}", scored));
  if (shorter >= 1 && shorter < horizon) {
    remedies.push_back(fmt::format("{}--horizon {} --data.test {}",
                                   remedies.empty() ? "train with " : "", shorter,
                                   shorter + scored - horizon));
  }
  if (most >= scored) remedies.push_back("evaluate with --evaluate.refit 1");
  if (remedies.empty()) {
    return text + fmt::format(
                      "; that leaves too little to train on: it takes longer series ({} "
                      "steps or more)",
                      scored + least);
  }
  return text + ": " + fmt::format("{}", fmt::join(remedies, " or "));
}

std::string same_arguments(const Request& request) {
  std::string text;
  if (!request.settings.empty()) text += " " + shell_quoted(request.settings);
  if (!request.model.empty()) text += " " + shell_quoted(request.model);
  for (const std::string& file : request.data) text += " " + shell_quoted(file);
  for (const Override& override : request.overrides) {
    if (override.key == "mode.resume") continue;
    text += fmt::format(" --{} {}", override.flag(), shell_quoted(override.value));
  }
  return text;
}

}  // namespace sluice
