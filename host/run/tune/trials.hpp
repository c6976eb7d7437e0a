// The settings of a search's trials: a pure function of the settings given, the space and the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "run/config/space.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Keys with their values as TOML, by key.
using TrialSettings = std::vector<std::pair<std::string, std::string>>;

struct Trial {
  Config config;
  TrialSettings settings;  ///< what was drawn; of trial 0, the settings as given: nothing
};

/// Why a trial's settings do not go together; empty: they do.
using Misfit = std::function<std::string(const Config&)>;

struct DrawnTrials {
  std::vector<Trial> trials;  ///< trial 0, then those drawn
  std::int64_t misfits = 0;   ///< draws that were left out since their settings do not go together
  std::string misfit;         ///< of the first of them
  bool exhausted = false;     ///< the space has no more
};

/// Trial 0 and `count` trials, no two alike; those of a smaller count come first. Random search
/// (Bergstra and Bengio 2012): every key is drawn by itself. Throws ConfigError where trial 0, or
/// no draw at all, goes together.
DrawnTrials draw_trials(const Config& given, const TuneSpace& space, std::int64_t count,
                        const Misfit& misfit);

}  // namespace sluice
