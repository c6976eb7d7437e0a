// Windows, splits and the order of an epoch. A window is two integers; a million series with a
// thousand windows each cost no memory: window number i is found by arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Input steps origin-T+1 .. origin of one series; its horizon is origin+1 .. origin+K. `origin`
/// counts steps of the series. Steps before the series' start are padding.
struct Window {
  std::int64_t origin = 0;
  std::int32_t series = 0;
  /// The recurrent state starts from the final state of the window in the same slot of the previous
  /// batch (the article's continuous training); otherwise from zero.
  std::int8_t continues = 0;
  /// In training its last inputs are values that the model draws (training.sampled_pasts).
  bool drawn = false;
  /// Bit f % 16: future channel f is not shown (training.channel_dropout).
  std::uint16_t dropped = 0;

  bool operator==(const Window&) const = default;
};

/// Where each series' training, validation and test ranges end, in steps of the series:
/// [0, train_end), [train_end, valid_end), [valid_end, test_end). test_end is the history's end.
struct Split {
  std::vector<std::int64_t> train_end, valid_end, test_end;  ///< [S]
};

/// A share below 1 of the history, or 1 and more: whole steps; per series, from the history's end.
struct SplitSpec {
  double valid = 0;
  double test = 0;
  /// Steps of the test part at least, in every series that is longer.
  std::int64_t test_at_least = 0;
};

/// Cuts by time, per series. Throws ConfigError if a share is negative or leaves no training range
/// in any series.
/// `end` [S], if given, takes the place of each history's end.
Split split_by_time(const Catalog& catalog, const SplitSpec& spec,
                    std::span<const std::int64_t> end = {});

struct PlanSpec {
  int T = 1;                     ///< steps of a window
  int K = 1;                     ///< horizon
  int stride = 1;                ///< steps between neighbouring origins of a series
  std::int64_t min_history = 2;  ///< a series with fewer training steps is skipped
  bool carry_state = false;      ///< windows of a series follow each other without overlap
  bool operator==(const PlanSpec&) const = default;
};

/// Whether a series with so many training steps is trained on: a window needs an input and a
/// target.
constexpr bool is_trained_on(std::int64_t steps, std::int64_t min_history) {
  return steps >= (min_history > 2 ? min_history : 2);
}

/// All training windows of a catalogue: every origin with at least one target step before end[s],
/// the input beginning no earlier than needed (short series are padded). Series that are too short
/// are skipped and counted.
class TrainingPlan {
 public:
  /// `end` [S]: no target at or after end[s] is ever used.
  TrainingPlan(const Catalog& catalog, std::span<const std::int64_t> end, const PlanSpec& spec);

  std::int64_t size() const { return total_; }  ///< windows of an epoch
  std::int64_t series_used() const { return static_cast<std::int64_t>(used_.size()); }
  std::int64_t series_skipped() const { return skipped_; }
  /// "3 of 1,437 series skipped: fewer than 34 training steps (first: A/7 with 12)"; empty if none.
  const std::string& skip_note() const { return skip_note_; }
  Window window(std::int64_t index) const;  ///< 0 <= index < size(), series by series in time

  /// Batch number `batch` of epoch `epoch`: a pure function of (seed, epoch, batch). At most
  /// `batch_size` windows; the last batch of an epoch may be shorter. Every window comes once an
  /// epoch.
  void batch(std::uint64_t seed, std::int64_t epoch, std::int64_t batch, std::int64_t batch_size,
             std::vector<Window>& out) const;
  /// The same with series drawn uniformly and then an origin in it uniformly, with replacement.
  void batch_by_series(std::uint64_t seed, std::int64_t step, std::int64_t batch_size,
                       std::vector<Window>& out) const;
  /// carry_state: slot n of consecutive batches walks one series after the other from start to end;
  /// a slot's first window of a series does not continue. Slots differ in series, or in phase where
  /// there are fewer series.
  void batch_carried(std::uint64_t seed, std::int64_t epoch, std::int64_t batch,
                     std::int64_t batch_size, std::vector<Window>& out) const;
  std::int64_t batches_carried(std::int64_t batch_size) const;

 private:
  struct Range {
    std::int32_t series;
    std::int64_t first_origin, last_origin;
  };
  PlanSpec spec_;
  std::vector<Range> used_;
  std::vector<std::int64_t> starts_;  ///< [used+1], windows before each used series
  std::int64_t total_ = 0, skipped_ = 0;
  std::string skip_note_;
};

/// A bijection of [0, n) that is a pure function of (seed, epoch): a Feistel network over Philox,
/// walked until it falls inside [0, n). No memory, O(1) a number.
class EpochOrder {
 public:
  EpochOrder(std::uint64_t seed, std::int64_t epoch, std::int64_t n);
  std::int64_t operator()(std::int64_t index) const;

 private:
  std::uint64_t seed_;
  std::int64_t epoch_, n_;
  int half_bits_;
};

/// Hides each of `channels` future channels (in bits of Window::dropped, every 16th together) from
/// each window with probability `rate`: a pure function of (seed, step) and a window's place.
void drop_channels(std::uint64_t seed, std::int64_t step, double rate, int channels,
                   std::span<Window> windows);

/// Marks each window as `drawn` with probability `share`: a pure function of (seed, step) and a
/// window's place.
void draw_pasts(std::uint64_t seed, std::int64_t step, double share, std::span<Window> windows);

/// At most `most` of them, at even distances; all where they are no more.
std::vector<Window> thinned(std::span<const Window> windows, std::size_t most);

/// One window per series whose horizon begins at step `cutoff[s]` (origin cutoff[s]-1); series with
/// cutoff[s] below 1 are left out.
std::vector<Window> windows_at(std::span<const std::int64_t> cutoff);

}  // namespace sluice
