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

/// Rows on their way, one step after the other.
class PathRowWalk {
 public:
  /// `space` and `recurrence` outlive it.
  PathRowWalk(const ModelSpace& space, Recurrence& recurrence, int threads);

  /// Makes ready for R rows, whose states h and c [L,R,H] are the caller's to fill.
  void prepare(std::int64_t R);
  std::span<float> h() { return h_; }
  std::span<float> c() { return c_; }

  /// Takes all rows through paths.horizon steps, with the weights that the recurrence was given.
  /// `windows` [R]: those of `paths`.
  void walk(const PathRows& paths, std::span<const Window> windows, std::span<const float> params);

 private:
  ModelSpec spec_;  ///< of windows of one step
  int threads_;
  Recurrence& recurrence_;
  Head head_;
  std::vector<float> h_, c_, u_;  ///< [L,R,H], [L,R,H], [R,M,Q]
};

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

  std::int64_t L_, H_, KM_;
  PathBatch batch_;
  PathRowWalk rows_;
  std::vector<float> out_;  ///< [R,K,M]
};

}  // namespace sluice
