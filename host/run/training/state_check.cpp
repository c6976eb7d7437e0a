#include "run/training/state_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "sluice/model/params.hpp"

namespace sluice {
namespace {

bool finite(const std::vector<float>& numbers) {
  return std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
}

}  // namespace

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
  if (state.final_phase && (!training.final_fit || state.selected_step < 1)) {
    return "a final fit without a choice before it";
  }
  if (state.closed_step > engine.step || state.best_step > engine.step) {
    return "it knows of steps that were not made";
  }
  if (!std::isfinite(state.seconds) || state.seconds < 0 || !(state.plateau_factor > 0) ||
      state.plateau_factor > 1 || (!state.best_params.empty() && !std::isfinite(state.best_loss))) {
    return "its numbers are impossible";
  }
  return {};
}

// Fowler, Noll and Vo's hash (FNV-1a) of the parameters' bits.
std::int64_t checksum_of(const Model& model) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::vector<float>& member : model.members) {
    for (const float x : member) {
      hash = (hash ^ std::bit_cast<std::uint32_t>(x)) * 0x100000001b3u;
    }
  }
  return static_cast<std::int64_t>(hash >> 2 | 1);
}

}  // namespace sluice
