// The arrays behind a SpaceView, listed once: whoever copies, counts or places them walks this
// list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/shared/window_rows.hpp"

namespace sluice {

/// Arrays of a view lie on multiples of this in a block: a line of a device's cache.
inline constexpr std::int64_t kArrayAlignment = 128;

constexpr std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kArrayAlignment - 1) / kArrayAlignment * kArrayAlignment;
}

/// use(pointer, elements) for each array that does not belong to a series. An array that is not
/// there has a null pointer or no elements.
template <typename Use>
void for_each_table(SpaceView& view, Use use) {
  use(view.calendar, view.calendar_rows * view.calendar_terms);
  use(view.lags, std::int64_t{view.lag_count});
  use(view.damped, std::int64_t{view.K});
  use(view.covariate_range, std::int64_t{2} * view.future_channels);
  use(view.level_row, std::int64_t{view.future_channels});
  use(view.embedding_width, std::int64_t{view.embedding_count + view.step_embedding_count});
  use(view.embedding_at, std::int64_t{view.embedding_count + view.step_embedding_count});
}

/// The same for arrays with a number or a row a series.
template <typename Use>
void for_each_series_array(SpaceView& view, Use use) {
  const std::int64_t S = view.series, MS = view.M * S;
  use(view.offset, S);
  use(view.length, S);
  use(view.calendar_row, S);
  use(view.statics, S * view.static_count);
  use(view.codes, S * view.embedding_count);
  use(view.weight, S);
  use(view.log_scale, MS);
  use(view.scale, MS);
  use(view.shift, MS);
}

/// The same for arrays with a number of 4 bytes a step: use(pointer, channels), `channels` times
/// view.total elements.
template <typename Use>
void for_each_step_array(SpaceView& view, Use use) {
  use(view.v, view.M);
  use(view.truth, view.M);
  use(view.s, view.M);
  use(view.o, view.M);
  use(view.smoothed, view.M);
  use(view.drift, view.M);
  use(view.covariates, view.past_channels + view.future_channels);
  use(view.covariate_level, view.level_channels);
  use(view.step_codes, view.step_embedding_count);
}

}  // namespace sluice
