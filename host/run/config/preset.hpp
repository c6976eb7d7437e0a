// training.preset: what a training costs, as defaults of its steps, choice and seeds.
#pragma once

#include <cstdint>
#include <string_view>

#include "sluice/run/config.hpp"

namespace sluice {

struct Preset {
  std::string_view name;
  std::int64_t steps;
  double choice;
  int seeds;
};

/// The middle one is the defaults of Config. Steps of all trainings at most, choice and final fits
/// among them: 1,050, 3,500 and 14,000.
inline constexpr Preset kPresets[] = {
    {.name = "fast", .steps = 350, .choice = 1, .seeds = 1},
    {.name = "balanced", .steps = 1400, .choice = 0.5, .seeds = 1},
    {.name = "best", .steps = 2800, .choice = 1, .seeds = 3}};

/// Sets what config.training.preset stands for.
inline void apply_preset(Config& config) {
  for (const Preset& preset : kPresets) {
    if (preset.name != config.training.preset) continue;
    config.training.steps = preset.steps;
    config.training.choice = preset.choice;
    config.training.seeds = preset.seeds;
  }
}

}  // namespace sluice
