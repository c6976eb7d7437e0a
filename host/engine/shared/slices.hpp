// A catalogue that does not fit into a device's memory, batch by batch: of each window's series the
// slice that the window reads, put together in one block of a fixed shape, with a view in which
// window n is series n and steps count from the slice's begin. The functions of window_rows.hpp
// give the same bits on it as on the whole catalogue.
//
// What makes that true: a slice that does not begin at the series' own step 0 begins so far before
// the window that every test there of a step against 0, a lag or a season answers as it would on
// the whole; and it ends with the last step that the window's horizon reaches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/model_space.hpp"

namespace sluice {

class Slices {
 public:
  /// Takes what it needs to know from `space`, which outlives it. `threads` pack a block.
  Slices(const ModelSpace& space, int threads) : Slices(space, threads, Purpose::window) {}

  /// Slices that sample paths go on from: of windows of one step (their view's T is 1) with all
  /// that step_values.hpp looks back at, and space.horizon() steps after it, whether or not the
  /// catalogue has them. There nothing is known but what is known ahead.
  static Slices for_paths(const ModelSpace& space, int threads) {
    return {space, threads, Purpose::path};
  }

  /// Slices of training windows in which values can be drawn: with all that step_values.hpp looks
  /// back at, and with what the values are (SpaceView::truth) beside those that are drawn over.
  static Slices for_drawn_pasts(const ModelSpace& space, int threads) {
    return {space, threads, Purpose::drawn};
  }

  /// The steps [begin, end) of its series that a window reads.
  struct Range {
    std::int64_t begin = 0, end = 0;
  };
  Range range(const Window& window) const;
  /// Steps of the longest slice there can be.
  std::int64_t longest() const { return longest_; }

  /// Shape of a block for batches of up to `batch` windows: [bytes of small arrays], then step
  /// arrays as one [channels, total] of 4-byte numbers, channel after channel.
  struct Shape {
    std::int64_t batch = 0, total = 0, channels = 0;
    std::int64_t series_bytes = 0;
    std::int64_t bytes() const {
      return series_bytes + channels * total * static_cast<std::int64_t>(sizeof(float));
    }
  };
  Shape shape(std::int64_t batch) const;

  /// A view with that shape and its series and step arrays in `block`; `tables` are left as they
  /// are in `from`. Nothing is read: `block` may be device memory, aligned to kArrayAlignment.
  SpaceView view(const Shape& shape, const SpaceView& from, std::byte* block) const;

  /// Fills host memory `block` with the slices of a batch, and `slots` [windows] with the windows
  /// as they are in it. Gives the steps in use: the first so many of each channel.
  std::int64_t pack(std::span<const Window> windows, const Shape& shape, std::byte* block,
                    std::span<Window> slots) const;

 private:
  enum class Purpose { window, path, drawn };
  Slices(const ModelSpace& space, int threads, Purpose purpose);
  std::int64_t lookback(std::int64_t s) const;
  void forget_horizon(const SpaceView& view, std::int64_t n, std::int64_t origin,
                      std::int64_t there) const;
  /// Steps of series s that there are slices of.
  std::int64_t steps(std::int64_t s) const { return space_.length[s] + beyond_; }

  SpaceView space_;
  int threads_;
  std::int64_t ahead_, beyond_ = 0;  ///< steps after a window; of them past the catalogue's end
  std::int64_t lookback_ = 0;        ///< steps before a window's first that inputs and context read
  std::int64_t base_lookback_ = 0;   ///< and the base, where nothing is missing
  std::vector<std::int64_t> walk_;   ///< [S] further steps that the base goes back over gaps
  std::vector<std::int64_t> first_;  ///< [S] steps before it are not there
  std::int64_t longest_ = 0;
};

}  // namespace sluice
