// Sample paths on the CPU: step by step the head's distribution of every row's next value, a value
// drawn of it, and the recurrence over one step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cpu/head.hpp"
#include "engine/recurrence.hpp"
#include "engine/shared/gather.hpp"
#include "engine/shared/path_batch.hpp"

namespace sluice {

class PathWalk {
 public:
  /// `space` and `recurrence` outlive it.
  PathWalk(const ModelSpace& space, Recurrence& recurrence, int threads);

  /// Paths of N windows, whose states after their last step are `last` [L,N,H]; out
  /// [N, settings.count, K, M].
  void walk(std::span<const Window> windows, const PathSettings& settings,
            std::span<const float> params, StateIn last, std::span<float> out);

 private:
  void start(const PathPart& part, std::int64_t N, StateIn last);
  void walk_part(std::span<const float> params);

  ModelSpec spec_;  ///< of windows of one step
  int horizon_, threads_;
  Recurrence& recurrence_;
  PathBatch batch_;
  Head head_;
  std::vector<float> h_, c_, u_, out_;  ///< [L,R,H], [L,R,H], [R,M,Q], [R,K,M]
};

}  // namespace sluice
