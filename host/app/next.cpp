#include "app/next.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "run/config/carried.hpp"
#include "run/config/config_of.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/config/looked_at.hpp"
#include "run/config/setting_texts.hpp"
#include "run/forecast/left_out.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

namespace {

/// " --flag value". A value that looks like a flag itself is joined to its own.
std::string flag_text(const Override& override) {
  return fmt::format(" --{}{}{}", override.flag(), override.value.starts_with("--") ? "=" : " ",
                     shell_quoted(override.value));
}

/// Whether `command` reads the settings of `key` again. The network is the model's own.
bool is_read_again(std::string_view command, std::string_view key, const Config& used) {
  return !key.starts_with("network.") && looks_at(command, key, used);
}

}  // namespace

std::string next_arguments(std::string_view command, const Request& request,
                           const std::string& file, const Config& written, const Config& trained) {
  const Config carried = carried_settings(trained, written);
  const auto of_model = setting_texts(carried);
  const auto without = setting_texts(config_of(file, request.settings, {}, carried));
  const Config used = config_of(file, request.settings, request.overrides, carried);
  const auto with = setting_texts(used);
  const auto defaults = setting_texts(Config());
  std::string text;
  if (!request.settings.empty()) text += " " + shell_quoted(request.settings);
  text += " " + shell_quoted(written.path.model);
  for (const std::string& data : written.path.data) text += " " + shell_quoted(data);
  for (const Override& override : request.overrides) {
    const std::string& key = override.key;
    if (key == "path.model" || key == "path.data" || !is_read_again(command, key, used)) {
      continue;
    }
    if (without.at(key) == with.at(key)) continue;
    // What is not of the file but of the model: that it was left to it, or is of one run alone.
    const bool by_file = without.at(key) != of_model.at(key);
    const bool of_one_run =
        key == "forecast.from" || key == "explanation.series" || key.starts_with("evaluate.");
    if (!by_file && (with.at(key) == defaults.at(key) || of_one_run)) continue;
    text += flag_text(override);
  }
  return text;
}

std::string needed_ahead(const Model& model, const Catalog& catalog, const CatalogNotes& notes) {
  const std::optional<Catalog> reduced = reduced_catalog(catalog, model.config.data);
  const Catalog& used = reduced ? *reduced : catalog;
  const WithoutAhead without = without_ahead(used, model.spec.K);
  if (without.count == 0) return {};
  log_warning(fmt::format(
      "values that must be known ahead do not reach over the {} of a forecast in {} of {} series "
      "({}{}), "
      "which it leaves out; give them in path.future (columns: {})",
      steps_text(model.spec.K), without.count, without.of,
      without.count > 1 ? "the first one, " : "", without.first, future_columns(used, notes)));
  return without.count == without.of ? " --path.future FILE" : "";
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
      "to evaluate it, the last {} must be held out, and {} of {} (the median series) was",
      steps_text(scored), held_out, steps_text(*middle));
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
    return text +
           fmt::format("; that leaves too little to train on: it takes longer series ({} or more)",
                       steps_text(scored + least));
  }
  return text + ": " + fmt::format("{}", fmt::join(remedies, " or "));
}

std::string same_arguments(const Request& request) {
  std::string text;
  if (!request.settings.empty()) text += " " + shell_quoted(request.settings);
  if (!request.model.empty()) text += " " + shell_quoted(request.model);
  for (const std::string& file : request.data) text += " " + shell_quoted(file);
  for (const Override& override : request.overrides) {
    if (override.key != "mode.resume") text += flag_text(override);
  }
  return text;
}

std::string check_arguments(const Request& request, const Settings& settings) {
  Request check = request;
  if (settings.model) {
    check.model = settings.config.path.model;
    std::erase_if(check.overrides, [](const Override& o) { return o.key == "path.model"; });
  }
  return same_arguments(check);
}

}  // namespace sluice
