// The seeds of one phase of a training: one after another, or side by side, each on an engine of
// its own that shares the catalogue with the others.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "run/training/loop.hpp"
#include "run/training/phase.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

/// How the trainings of several seeds share a machine. With the same threads each, the weights are
/// the same bits.
struct Sharing {
  int at_once = 1;  ///< engines; 1: one after another, on the phase's own
  int turns = 1;    ///< of them compute at a time
  int threads = 0;  ///< of each; 0: engine.threads

  /// Seconds of all seeds, in those of one that has all threads, at most.
  double work(int seeds) const;
  int all_threads = 1;
};

/// By training.seeds, training.parallel_seeds and engine.threads. Where there are more seeds than
/// threads those left over are begun with the first round, so that no thread waits for the last
/// one.
Sharing sharing_of(const Config& config);

struct SeedsSetup {  ///< all outlive the call
  const Config* config = nullptr;
  const Catalog* catalog = nullptr;
  const Phase* phase = nullptr;
  const TrainOptions* options = nullptr;
  bool final_phase = false;
  std::span<const Window> validation;  ///< empty: none
  std::span<const std::int64_t> valid_limit;
  std::int64_t steps = 0;
  Sharing sharing;
  int passes_after = 0;  ///< LoopSetup's, of the seeds that end last
  /// What a seed begins with. Called by several threads at once.
  std::function<EngineState(int member)> start;
  // The others are called by the thread that trains the seeds.
  /// Seconds that are left for all; 0: not limited.
  std::function<double()> seconds_left;
  std::function<void(const MemberState& state)> save;  ///< empty: nothing is saved
  std::function<void(int member, const LoopResult& loop)> done;
};

struct SeedsResult {
  bool interrupted = false;
  bool out_of_time = false;  ///< of a final fit: before the steps of all were made
  struct Part {
    int member;
    LoopResult loop;
  };
  std::vector<Part> parts;  ///< interrupted, ascending by member
  std::int64_t windows = 0;
};

/// Trains `members` (ascending), those of `running` from there. The numbers of a seed are the same
/// however many are at once. One that fails ends all. Throws DataError as run_loop does, and what
/// the functions of `setup` throw; DeviceError where memory or threads do not suffice. Blocks.
SeedsResult train_seeds(const SeedsSetup& setup, std::span<const int> members,
                        std::vector<MemberState> running);

}  // namespace sluice
