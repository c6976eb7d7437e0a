#include "run/training/state_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "run/config/setting_texts.hpp"
#include "run/provenance/settings.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

bool finite(const std::vector<float>& numbers) {
  return std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
}

/// `numbers` of `name` that are not the model's P finite ones, or empty.
std::string parameters_misfit(const char* name, const std::vector<float>& numbers, std::size_t P,
                              bool may_be_empty) {
  if (numbers.size() != P && !(numbers.empty() && may_be_empty)) {
    return fmt::format("'{}' has {} numbers where the model has {}", name, numbers.size(), P);
  }
  if (!finite(numbers)) return fmt::format("'{}' is not finite", name);
  return {};
}

bool is_time(double seconds) { return std::isfinite(seconds) && seconds >= 0; }

/// What in the state of one seed does not fit the model and the settings, or empty.
std::string member_misfit(const MemberState& state, const ModelSpec& spec,
                          const Config::Training& training) {
  const auto P = static_cast<std::size_t>(ParamLayout(spec).size());
  struct Part {
    const char* name;
    const std::vector<float>& numbers;
    bool may_be_empty;
  };
  const EngineState& engine = state.engine;
  const Part parts[] = {{"engine.params", engine.params, false},
                        {"engine.average", engine.average, true},
                        {"engine.m", engine.m, false},
                        {"engine.v", engine.v, false},
                        {"best_params", state.best_params, true}};
  for (const Part& part : parts) {
    const std::string what = parameters_misfit(part.name, part.numbers, P, part.may_be_empty);
    if (!what.empty()) return what;
  }
  const auto width = static_cast<std::size_t>(spec.L * spec.H);
  const std::size_t most = width * static_cast<std::size_t>(training.batch_size);
  for (const auto* carried : {&engine.carried_h, &engine.carried_c}) {
    if (carried->size() != engine.carried_h.size() || carried->size() % width != 0 ||
        carried->size() > (spec.carry_state ? most : 0) || !finite(*carried)) {
      return "its carried state is not that of a batch";
    }
  }
  if (std::ranges::any_of(engine.v, [](float x) { return x < 0; })) return "'engine.v' is negative";
  if (state.closed_step > engine.step || state.best_step > engine.step) {
    return "it knows of steps that were not made";
  }
  if (!is_time(state.seconds) || !(state.plateau_factor > 0) || state.plateau_factor > 1 ||
      (!state.best_params.empty() && !std::isfinite(state.best_loss))) {
    return "its numbers are impossible";
  }
  return {};
}

/// What in `state` does not fit the model and the settings, or empty.
std::string state_misfit(const TrainingState& state, const ModelSpec& spec,
                         const Config::Training& training) {
  const auto P = static_cast<std::size_t>(ParamLayout(spec).size());
  const auto seeds = static_cast<std::size_t>(training.seeds);
  std::vector<char> known(seeds, 0);
  if (state.done_members.size() > seeds) {
    return fmt::format("it has {} finished members of {}", state.done_members.size(), seeds);
  }
  for (std::size_t k = 0; k < state.done_members.size(); ++k) {
    if (state.done_members[k].empty()) continue;
    known[k] = 1;
    if (!parameters_misfit("done", state.done_members[k], P, false).empty()) {
      return "a finished member does not fit the model";
    }
  }
  // Without one it is of a training that ended, whose model could not be written.
  if (state.running.empty() && state.selected_params.empty()) return "it has no seed in training";
  for (const MemberState& member : state.running) {
    const auto k = static_cast<std::size_t>(member.member);
    if (k >= seeds || known[k] != 0) {
      return fmt::format("member {} of {}, or twice", member.member, seeds);
    }
    known[k] = 1;
    const std::string what = member_misfit(member, spec, training);
    if (!what.empty()) return what;
  }
  const std::string selected =
      parameters_misfit("selected_params", state.selected_params, P, !state.final_phase);
  if (!selected.empty()) return selected;
  // Which would be the length of a final fit.
  if (training.steps > 0 && state.selected_step > training.steps) {
    return fmt::format("it chose step {} of {}", state.selected_step, training.steps);
  }
  if (state.final_phase && (!training.final_fit || state.selected_step < 1)) {
    return "a final fit without a choice before it";
  }
  if (!is_time(state.seconds)) return "its numbers are impossible";
  return {};
}

/// The settings that `saved` by settings_to_keep says. ConfigError where this program has none of
/// them.
Config settings_of(const std::filesystem::path& path, const std::string& saved) {
  try {
    return parse_config(saved, path.string());
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format(
        "{}: it was saved by another version of this program ({}); resume it with that, or train "
        "without the state (mode.resume = false)",
        path.string(), e.what()));
  }
}

/// ConfigError that names each key whose value is another in `mine` than in `saved`, both of
/// settings_to_keep.
[[noreturn]] void refuse_settings(const std::filesystem::path& path, const std::string& saved,
                                  const std::string& mine) {
  const std::map<std::string, std::string> before = setting_texts(settings_of(path, saved));
  std::string differences;
  for (const auto& [key, now] : setting_texts(parse_config(mine, path.string()))) {
    if (before.at(key) == now) continue;
    differences += fmt::format("{}{} was {} and is {}", differences.empty() ? "" : ", ", key,
                               before.at(key), now);
  }
  throw ConfigError(fmt::format(
      "{}: it was saved with other settings: {}; give these as they were, or train without the "
      "state (mode.resume = false)",
      path.string(), differences));
}

}  // namespace

void check_state(const std::filesystem::path& path, const TrainingState& state,
                 const TrainingState& mine, const ModelSpec& spec,
                 const Config::Training& training) {
  if (!are_same_settings(path, state.config, mine.config)) {
    refuse_settings(path, state.config, mine.config);
  }
  if (state.catalog_checksum != mine.catalog_checksum) {
    throw DataError(fmt::format(
        "{}: it was saved with other data; give path.data, and what is read beside it, as they "
        "were then, or train without the state (mode.resume = false)",
        path.string()));
  }
  if (state.start_checksum != mine.start_checksum) {
    throw DataError(fmt::format(
        "{}: it began from another earlier model than there is now; give training.init_from that "
        "model again, or train without the state (mode.resume = false)",
        path.string()));
  }
  if (const std::string what = state_misfit(state, spec, training); !what.empty()) {
    throw DataError(
        fmt::format("{}: {}; the file is damaged: train again without it (mode.resume = false)",
                    path.string(), what));
  }
}

std::string settings_to_keep(const Config& config) {
  Config kept = deciding_settings(config);
  kept.path.data = config.path.data;
  kept.engine.threads = config.engine.threads;
  kept.forecast.sidecar = config.forecast.sidecar;
  return to_toml(kept);
}

bool are_same_settings(const std::filesystem::path& path, const std::string& saved,
                       const std::string& mine) {
  return saved == mine || settings_of(path, saved) == parse_config(mine, path.string());
}

bool leads_to(const std::filesystem::path& path, const TrainingState& state,
              const std::string& mine, const Config& trained) {
  const std::string& used = state.chosen.empty() ? state.config : state.chosen;
  return are_same_settings(path, state.config, mine) &&
         are_same_settings(path, used, settings_to_keep(trained));
}

}  // namespace sluice
