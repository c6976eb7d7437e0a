#include "run/training/state_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/checksum.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

bool finite(const std::vector<float>& numbers) {
  return std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
}

/// As JSON's readers hold it, and not 0.
std::int64_t positive(const Checksum& sum) {
  return static_cast<std::int64_t>(sum.value() >> 1 | 1);
}

/// What in `state` does not fit the model and the settings, or empty.
std::string state_misfit(const TrainingState& state, const ModelSpec& spec,
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
                        {"best_params", state.best_params, true},
                        {"selected_params", state.selected_params, !state.final_phase}};
  for (const Part& part : parts) {
    if (part.numbers.size() != P && !(part.numbers.empty() && part.may_be_empty)) {
      return fmt::format("'{}' has {} numbers where the model has {}", part.name,
                         part.numbers.size(), P);
    }
    if (!finite(part.numbers)) return fmt::format("'{}' is not finite", part.name);
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
  const auto done = static_cast<int>(state.done_members.size());
  if (done >= training.seeds || state.member != done) {
    return fmt::format("member {} of {}, {} done", state.member, training.seeds, done);
  }
  for (const std::vector<float>& member : state.done_members) {
    if (member.size() != P || !finite(member)) return "a finished member does not fit the model";
  }
  // Which would be the length of a final fit.
  if (training.steps > 0 && state.selected_step > training.steps) {
    return fmt::format("it chose step {} of {}", state.selected_step, training.steps);
  }
  if (state.final_phase && (!training.final_fit || state.selected_step < 1)) {
    return "a final fit without a choice before it";
  }
  if (state.closed_step > engine.step || state.best_step > engine.step) {
    return "it knows of steps that were not made";
  }
  const auto is_time = [](double seconds) { return std::isfinite(seconds) && seconds >= 0; };
  if (!is_time(state.seconds) || !is_time(state.seconds_before) || !(state.plateau_factor > 0) ||
      state.plateau_factor > 1 || (!state.best_params.empty() && !std::isfinite(state.best_loss))) {
    return "its numbers are impossible";
  }
  return {};
}

}  // namespace

void check_state(const std::filesystem::path& path, const TrainingState& state,
                 const TrainingState& mine, const ModelSpec& spec,
                 const Config::Training& training) {
  if (state.config != mine.config) {
    throw ConfigError(
        fmt::format("{}: it was saved with other settings; a resumed training must keep them all "
                    "(only [mode], [path] "
                    "and training.checkpoint_seconds may change)",
                    path.string()));
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
  Config kept = config;
  kept.mode = {};
  kept.path = {};
  kept.tune = {};
  kept.path.data = config.path.data;
  kept.training.checkpoint_seconds = 0;
  return to_toml(kept);
}

std::int64_t checksum_of(const Model& model) {
  Checksum sum;
  for (const std::vector<float>& member : model.members) sum.add(std::span<const float>(member));
  return positive(sum);
}

std::int64_t checksum_of(const Catalog& catalog) {
  Checksum sum;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    sum.add(catalog.id(s));
    sum.add(static_cast<std::uint64_t>(catalog.period(s, 0)));
    sum.add(static_cast<std::uint64_t>(catalog.history(s)));
  }
  sum.add(catalog.offsets());
  for (const Channel& channel : catalog.channels()) {
    sum.add(channel.name);
    sum.add(std::span<const float>(channel.values));
  }
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      sum.add(std::bit_cast<std::uint64_t>(catalog.value_offset(m, s)));
    }
  }
  for (const StaticReal& real : catalog.static_reals()) {
    sum.add(real.name);
    sum.add(std::span<const float>(real.values));
  }
  const auto add_words = [&](const auto& categories) {
    for (const auto& category : categories) {
      sum.add(category.name);
      for (const std::string& word : category.vocabulary) sum.add(word);
      sum.add(std::span(std::as_const(category.codes)));
    }
  };
  add_words(catalog.static_categories());
  add_words(catalog.categories());
  return positive(sum);
}

}  // namespace sluice
