// tanh.approx.f32 beside tanh in double precision: the error that a cell's gates have where they
// are made of it (recurrence/fused_mma in tf32 and bf16). PTX promises 2^-11 relative; what a card
// gives is asked of the card, over all inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/context.hpp"

namespace sluice::bench {

/// |x| in [from, to), or to infinity and with it; `words` for tables: "1e-3..1e-2".
struct TanhRange {
  std::string words;
  float from = 0, to = 0;
};
/// All finite inputs and infinity, by decades of |x| where tanh is neither x nor 1.
std::span<const TanhRange> tanh_ranges();

struct TanhError {
  float absolute = 0, absolute_at = 0;  ///< largest, and the x of it
  float relative = 0, relative_at = 0;  ///< to |tanh x|; at 0 any error is infinite
};

/// Finds the largest errors over a range. Every `step`-th float is tried, with both signs, and the
/// range's last; NaN counts as infinite.
class TanhProbe {
 public:
  /// Allocates a little. The context outlives it.
  explicit TanhProbe(DeviceContext& context);
  /// Asynchronous.
  void run(const TanhRange& range, std::int64_t step);
  /// Of the last run. Blocks.
  TanhError result() const;
  /// That a run tries.
  static std::int64_t inputs(const TanhRange& range, std::int64_t step);

 private:
  DeviceContext* context_;
  DeviceBuffer<TanhError> blocks_;
};

}  // namespace sluice::bench
