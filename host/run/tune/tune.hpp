// sluice tune: settings searched by trainings that are scored on the validation part, as the choice
// by validation does it (run/choice/trial.hpp). The test part is not read.
#pragma once

#include <cstdint>
#include <string>

#include "run/config/space.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct TuneResult {
  std::string table;         ///< for a terminal of 80 columns; empty: no trial has ended
  std::int64_t trial = -1;   ///< the best one; 0: the settings as given; -1: none has a score
  Config config;             ///< its settings
  bool interrupted = false;  ///< by a signal; the journal is good, and goes on
};

/// Searches `space` around `config` by [tune], and writes the settings found to path.tuned and
/// every trial to its journal; one that is there already is gone on with. Obeys SIGINT, SIGTERM and
/// SIGHUP. Throws ConfigError where the search cannot be: no end of a training, nothing to score, a
/// loss whose outputs no trial scores, a journal of another search; DataError.
TuneResult tune(const Config& config, const TuneSpace& space, const Catalog& catalog);

/// The parts that a trial is scored on: the validation part, and those of its length before it,
/// `fold` of them back. A series too short for that is left out there.
Split split_of_fold(const Split& split, int fold);

}  // namespace sluice
