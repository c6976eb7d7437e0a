#include "engine/shared/slices.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/shared/reach.hpp"
#include "engine/shared/space_arrays.hpp"

namespace sluice {
namespace {

/// Bytes that are worth waking a thread for (chosen by arithmetic, not measured): slices are short
/// pieces far apart, and forecasts of streamed batches of 256 windows, 384 KB that one thread
/// packed, went at 1.7 GB/s beside an H200. At that rate these take 20 us.
constexpr std::int64_t kThreadBytes = 32 << 10;
/// Channels begin on a multiple of so many steps.
constexpr std::int64_t kStepBytes = sizeof(float);  // codes too
constexpr std::int64_t kStepAlignment = kArrayAlignment / kStepBytes;

}  // namespace

Slices::Slices(const ModelSpace& space, int threads, Purpose purpose)
    : space_(space.view()), threads_(threads), ahead_(space_.K) {
  if (purpose == Purpose::path) {
    space_.T = 1;
    ahead_ = beyond_ = space.horizon();
  }
  if (purpose == Purpose::drawn) space_.truth = space_.v;
  const Reach reach = reach_of(space.spec());
  lookback_ = reach.lookback;
  if (purpose != Purpose::window && space.spec().level == Level::mean) {
    lookback_ = std::max<std::int64_t>(lookback_, space.spec().level_window);
  }
  base_lookback_ = reach.base_lookback;
  walk_.assign(static_cast<std::size_t>(space_.series), 0);
  for (std::int64_t s = 0; s < space_.series; ++s) first_.push_back(space.first_step(s));
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t s = 0; s < space_.series; ++s) {
    const std::int64_t first = space.first_step(s);
    for (int m = 0; m < space_.M && base_lookback_ > 0; ++m) {
      std::int64_t& walk = walk_[static_cast<std::size_t>(s)];
      walk = std::max(walk, longest_walk(space_.v + (m * space_.total + space_.offset[s] + first),
                                         space.length(s) - first, reach.base_season));
    }
  }
  for (std::int64_t s = 0; s < space_.series; ++s) {
    longest_ = std::max(longest_, std::min(steps(s), lookback(s) + space_.T + ahead_));
  }
}

// Targets after the origin, and beyond the catalogue what is counted from a level: 0 is a value
// there.
void Slices::forget_horizon(const SpaceView& view, std::int64_t n, std::int64_t origin,
                            std::int64_t there) const {
  const std::int64_t begin = view.offset[n], end = begin + view.length[n];
  for (int m = 0; m < view.M; ++m) {
    float* v = const_cast<float*>(view.v) + m * view.total;
    std::fill(v + begin + origin + 1, v + end, missing_value());
  }
  for (int f = 0; f < view.future_channels && view.covariate_level != nullptr; ++f) {
    float* x = const_cast<float*>(view.covariates) + (view.past_channels + f) * view.total;
    std::fill(x + begin + there, x + end, missing_value());
  }
}

std::int64_t Slices::lookback(std::int64_t s) const {
  return std::max(lookback_, base_lookback_ + walk_[static_cast<std::size_t>(s)]);
}

Slices::Range Slices::range(const Window& window) const {
  const std::int64_t s = window.series;
  const std::int64_t begin =
      std::max(first_[static_cast<std::size_t>(s)], window.origin - space_.T + 1 - lookback(s));
  return {begin, std::max(begin, std::min(steps(s), window.origin + ahead_ + 1))};
}

Slices::Shape Slices::shape(std::int64_t batch) const {
  Shape shape;
  shape.batch = batch;
  shape.total = (batch * longest_ + kStepAlignment - 1) / kStepAlignment * kStepAlignment;
  SpaceView view = space_;
  view.series = batch;
  for_each_series_array(view, [&]<typename T>(const T*& pointer, std::int64_t elements) {
    if (pointer != nullptr) {
      shape.series_bytes += aligned(elements * static_cast<std::int64_t>(sizeof(T)));
    }
  });
  for_each_step_array(view, [&](const auto*& pointer, int channels) {
    if (pointer != nullptr) shape.channels += channels;
  });
  return shape;
}

SpaceView Slices::view(const Shape& shape, const SpaceView& from, std::byte* block) const {
  SpaceView view = space_;
  view.calendar = from.calendar, view.lags = from.lags, view.damped = from.damped;
  view.covariate_range = from.covariate_range, view.level_row = from.level_row;
  view.embedding_width = from.embedding_width, view.embedding_at = from.embedding_at;
  view.series = shape.batch, view.total = shape.total;
  for_each_series_array(view, [&]<typename T>(const T*& pointer, std::int64_t elements) {
    if (pointer == nullptr) return;
    pointer = reinterpret_cast<const T*>(block);
    block += aligned(elements * static_cast<std::int64_t>(sizeof(T)));
  });
  for_each_step_array(view, [&]<typename T>(const T*& pointer, int channels) {
    static_assert(sizeof(T) == kStepBytes);
    if (pointer == nullptr) return;
    pointer = reinterpret_cast<const T*>(block);
    block += channels * shape.total * kStepBytes;
  });
  return view;
}

std::int64_t Slices::pack(std::span<const Window> windows, const Shape& shape, std::byte* block,
                          std::span<Window> slots) const {
  const auto N = static_cast<std::int64_t>(windows.size());
  const SpaceView to = view(shape, space_, block);
  // The view's pointers are to const for those who read it; here is where they are written.
  const auto writable = []<typename T>(const T* pointer) { return const_cast<T*>(pointer); };
  std::int64_t* offset = writable(to.offset);
  std::int64_t in_use = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    const Range range = this->range(windows[static_cast<std::size_t>(n)]);
    offset[n] = in_use;
    in_use += writable(to.length)[n] = range.end - range.begin;
  }
  std::vector<const std::byte*> sources;  // [channels], in the order of the block
  SpaceView whole = space_;
  for_each_step_array(whole, [&](const auto* channel, int channels) {
    if (channel == nullptr) return;
    for (int c = 0; c < channels; ++c) {
      sources.push_back(reinterpret_cast<const std::byte*>(channel + c * space_.total));
    }
  });
  const std::int64_t bytes = in_use * shape.channels * kStepBytes;
  const int threads = static_cast<int>(std::clamp<std::int64_t>(bytes / kThreadBytes, 1, threads_));
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (std::int64_t n = 0; n < N; ++n) {
    const Window& window = windows[static_cast<std::size_t>(n)];
    const std::int64_t s = window.series, begin = range(window).begin;
    slots[static_cast<std::size_t>(n)] = {.origin = window.origin - begin,
                                          .series = static_cast<std::int32_t>(n),
                                          .continues = window.continues,
                                          .drawn = window.drawn,
                                          .dropped = window.dropped};
    const auto copy = [&](const auto* from, std::int64_t from_at, const auto* into,
                          std::int64_t into_at, std::int64_t count) {
      if (from == nullptr || count == 0) return;
      std::memcpy(writable(into) + into_at, from + from_at,
                  static_cast<std::size_t>(count) * sizeof *from);
    };
    writable(to.calendar_row)[n] = space_.calendar_row[s] + begin;
    copy(space_.statics, s * space_.static_count, to.statics, n * space_.static_count,
         space_.static_count);
    copy(space_.codes, s * space_.embedding_count, to.codes, n * space_.embedding_count,
         space_.embedding_count);
    writable(to.weight)[n] = space_.weight[s];
    for (int m = 0; m < space_.M; ++m) {
      const std::int64_t from = m * space_.series + s, into = m * to.series + n;
      writable(to.log_scale)[into] = space_.log_scale[from];
      writable(to.scale)[into] = space_.scale[from];
      writable(to.shift)[into] = space_.shift[from];
    }
    const std::int64_t count = to.length[n];
    const std::int64_t there = std::min(count, space_.length[s] - begin);
    std::byte* out = block + shape.series_bytes + offset[n] * kStepBytes;
    for (const std::byte* source : sources) {
      copy(source, (space_.offset[s] + begin) * kStepBytes, out, 0, there * kStepBytes);
      std::memset(out + there * kStepBytes, 0,
                  static_cast<std::size_t>(count - there) * kStepBytes);
      out += to.total * kStepBytes;
    }
    if (beyond_ > 0) forget_horizon(to, n, slots[static_cast<std::size_t>(n)].origin, there);
  }
  return in_use;
}

}  // namespace sluice
