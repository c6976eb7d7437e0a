// Windows by arithmetic, and the order of an epoch by a Feistel network.
#include "sluice/data/window.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"

namespace sluice {
namespace {

/// Steps that a share (below 1) or a count takes from `history`.
std::int64_t steps_of(double share_or_steps, std::int64_t history) {
  const double steps =
      share_or_steps < 1 ? share_or_steps * static_cast<double>(history) : share_or_steps;
  return static_cast<std::int64_t>(std::llround(steps));
}

Philox4 draw(std::uint64_t seed, std::int64_t major, std::int64_t minor) {
  const auto use = static_cast<std::uint64_t>(RandomUse::order) << 56;
  return philox(seed, static_cast<std::uint64_t>(minor), static_cast<std::uint64_t>(major) | use);
}

}  // namespace

Split split_by_time(const Catalog& catalog, const SplitSpec& spec,
                    std::span<const std::int64_t> end) {
  if (!(spec.valid >= 0) || !(spec.test >= 0)) {
    throw ConfigError(fmt::format(
        "data.valid is {} and data.test is {}; both must be 0 or more (a share below 1, or steps)",
        spec.valid, spec.test));
  }
  Split split;
  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t history =
        end.empty() ? catalog.history(s) : end[static_cast<std::size_t>(s)];
    std::int64_t test = std::min(steps_of(spec.test, history), history);
    if (history > spec.test_at_least) test = std::max(test, spec.test_at_least);
    const std::int64_t valid = std::min(steps_of(spec.valid, history), history - test);
    split.test_end.push_back(history);
    split.valid_end.push_back(history - test);
    split.train_end.push_back(history - test - valid);
    longest = std::max(longest, split.train_end.back());
  }
  if (longest == 0) {
    throw ConfigError(fmt::format(
        "data.valid = {} and data.test = {} leave no training step in any of {} series; "
        "make them smaller",
        spec.valid, spec.test, catalog.series_count()));
  }
  return split;
}

EpochOrder::EpochOrder(std::uint64_t seed, std::int64_t epoch, std::int64_t n)
    : seed_(seed), epoch_(epoch), n_(n), half_bits_(1) {
  while ((std::int64_t{1} << (2 * half_bits_)) < n) ++half_bits_;
}

std::int64_t EpochOrder::operator()(std::int64_t index) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  auto value = static_cast<std::uint64_t>(index);
  do {  // cycle walking: the network permutes [0, 4^half_bits), under 4 n numbers
    std::uint64_t left = value >> half_bits_, right = value & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const Philox4 bits = draw(seed_, epoch_, static_cast<std::int64_t>(right | (round << 60)));
      const std::uint64_t mixed =
          left ^ (((static_cast<std::uint64_t>(bits.v[1]) << 32) | bits.v[0]) & mask);
      left = right;
      right = mixed;
    }
    value = (left << half_bits_) | right;
  } while (value >= static_cast<std::uint64_t>(n_));
  return static_cast<std::int64_t>(value);
}

TrainingPlan::TrainingPlan(const Catalog& catalog, std::span<const std::int64_t> end,
                           const PlanSpec& spec)
    : spec_(spec) {
  std::int64_t shortest = -1;
  std::int64_t shortest_series = 0;
  std::int64_t without_history = 0;
  starts_.push_back(0);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t last = end[static_cast<std::size_t>(s)];
    if (!is_trained_on(last, spec.min_history)) {
      ++skipped_;
      if (catalog.history(s) == 0) {
        ++without_history;
      } else if (shortest < 0 || last < shortest) {
        shortest = last;
        shortest_series = s;
      }
      continue;
    }
    // The last origin still has one target before the end. Windows reach back T steps; the first
    // one begins at the series' start, or, in a series shorter than a window, is padded.
    const std::int64_t last_origin = last - 2;
    std::int64_t first_origin = std::min<std::int64_t>(spec.T - 1, last_origin);
    std::int64_t windows = (last_origin - first_origin) / spec.stride + 1;
    if (spec.carry_state) {
      windows = std::max<std::int64_t>(1, (last_origin + 1) / spec.T);
      first_origin = std::min<std::int64_t>(spec.T - 1, last_origin);
    } else {
      first_origin = last_origin - (windows - 1) * spec.stride;
    }
    used_.push_back({static_cast<std::int32_t>(s), first_origin, last_origin});
    total_ += windows;
    starts_.push_back(total_);
  }
  if (skipped_ > 0) {
    skip_note_ = fmt::format("{} of {} series skipped: ", skipped_, catalog.series_count());
    if (without_history > 0) {
      skip_note_ += fmt::format("{} without any target value", without_history);
    }
    if (skipped_ > without_history) {
      skip_note_ += fmt::format("{}fewer than {} training steps (the shortest, {}, has {})",
                                without_history > 0 ? "; the others: " : "",
                                std::max<std::int64_t>(spec.min_history, 2),
                                catalog.id(shortest_series), shortest);
    }
  }
  if (total_ == 0) {
    const std::int64_t least = std::max<std::int64_t>(spec.min_history, 2);
    std::int64_t longest = 0;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      longest = std::max(longest, catalog.history(s));
    }
    const std::int64_t room = longest - least;  // for the parts that are held out
    std::string remedy = "give longer series";
    if (room >= 0) {
      remedy = fmt::format("set data.valid and data.test so that they leave as many ({})",
                           room > 0 ? fmt::format("they may have {} steps together", room)
                                    : "--data.valid 0 --data.test 0");
    }
    if (spec.min_history > 2) remedy += ", or lower data.min_history";
    throw DataError(
        fmt::format("no series has {} training steps, the least of a training (data.min_history): "
                    "the longest of {} has {} in all, {} of them to train on; {}",
                    least, catalog.series_count(), longest,
                    end.empty() ? std::int64_t{0} : std::ranges::max(end), remedy));
  }
}

Window TrainingPlan::window(std::int64_t index) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), index);
  const auto r = static_cast<std::size_t>(after - starts_.begin()) - 1;
  const Range& range = used_[r];
  const std::int64_t within = index - starts_[r];
  Window window;
  window.series = range.series;
  window.origin = range.first_origin + within * (spec_.carry_state ? spec_.T : spec_.stride);
  return window;
}

void TrainingPlan::batch(std::uint64_t seed, std::int64_t epoch, std::int64_t batch,
                         std::int64_t batch_size, std::vector<Window>& out) const {
  const EpochOrder order(seed, epoch, total_);
  const std::int64_t from = batch * batch_size;
  const std::int64_t to = std::min(total_, from + batch_size);
  out.clear();
  for (std::int64_t i = from; i < to; ++i) out.push_back(window(order(i)));
}

void TrainingPlan::batch_by_series(std::uint64_t seed, std::int64_t step, std::int64_t batch_size,
                                   std::vector<Window>& out) const {
  out.clear();
  for (std::int64_t i = 0; i < batch_size; ++i) {
    const Philox4 bits = draw(seed, step, i | (std::int64_t{1} << 62));
    const auto r = static_cast<std::size_t>(to_below(bits.v[0], bits.v[1], used_.size()));
    const auto windows = static_cast<std::uint64_t>(starts_[r + 1] - starts_[r]);
    out.push_back(
        window(starts_[r] + static_cast<std::int64_t>(to_below(bits.v[2], bits.v[3], windows))));
  }
}

// carry_state. The chains of an epoch: each used series, walked from its start in steps of T. Where
// there are fewer series than slots, a series gives several chains that begin at different phases
// (offsets below T), as the article's training does one after the other. Slot n takes chains n, n +
// slots, ... in turn.
namespace {

/// Phases per series so that all slots have work: at most T, at least 1.
std::int64_t phases_of(std::int64_t series, std::int64_t slots, std::int64_t T) {
  return std::clamp<std::int64_t>((slots + series - 1) / series, 1, T);
}

}  // namespace

std::int64_t TrainingPlan::batches_carried(std::int64_t batch_size) const {
  const std::int64_t series = series_used();
  const std::int64_t phases = phases_of(series, batch_size, spec_.T);
  const std::int64_t slots = std::min(batch_size, series * phases);
  std::int64_t longest = 0;
  for (std::int64_t slot = 0; slot < slots; ++slot) {
    std::int64_t batches = 0;
    for (std::int64_t chain = slot; chain < series * phases; chain += slots) {
      const auto r = static_cast<std::size_t>(chain % series);
      const std::int64_t phase = (chain / series) * (spec_.T / phases);
      batches += std::max<std::int64_t>(1, (used_[r].last_origin + 1 - phase) / spec_.T);
    }
    longest = std::max(longest, batches);
  }
  return longest;
}

void TrainingPlan::batch_carried(std::uint64_t seed, std::int64_t epoch, std::int64_t batch,
                                 std::int64_t batch_size, std::vector<Window>& out) const {
  const std::int64_t series = series_used();
  const std::int64_t phases = phases_of(series, batch_size, spec_.T);
  const std::int64_t slots = std::min(batch_size, series * phases);
  const EpochOrder order(seed, epoch, series * phases);
  out.clear();
  for (std::int64_t slot = 0; slot < slots; ++slot) {
    std::int64_t left = batch;
    for (std::int64_t place = slot;; place += slots) {
      if (place >= series * phases) place = slot;  // a slot that is done begins again
      const std::int64_t chain = order(place);
      const Range& range = used_[static_cast<std::size_t>(chain % series)];
      const std::int64_t phase = (chain / series) * (spec_.T / phases);
      const std::int64_t windows =
          std::max<std::int64_t>(1, (range.last_origin + 1 - phase) / spec_.T);
      if (left < windows) {
        Window w;
        w.series = range.series;
        w.origin = std::min(phase + left * spec_.T + spec_.T - 1, range.last_origin);
        w.continues = left > 0 ? 1 : 0;
        out.push_back(w);
        break;
      }
      left -= windows;
    }
  }
}

void drop_channels(std::uint64_t seed, std::int64_t step, double rate, int channels,
                   std::span<Window> windows) {
  constexpr int kBits = 16, kNumbers = 4;
  if (rate <= 0 || channels == 0) return;
  const int bits = std::min(channels, kBits);
  const auto use = static_cast<std::uint64_t>(RandomUse::channels) << 32;
  for (std::size_t n = 0; n < windows.size(); ++n) {
    std::uint32_t dropped = 0;
    for (int first = 0; first < bits; first += kNumbers) {
      const Philox4 random = philox(
          seed, static_cast<std::uint64_t>(step),
          use | static_cast<std::uint64_t>(n) << 2 | static_cast<std::uint64_t>(first / kNumbers));
      for (int i = 0; i < kNumbers && first + i < bits; ++i) {
        const bool hide = static_cast<double>(to_uniform(random.v[i])) < rate;
        dropped |= (hide ? 1u : 0u) << (first + i);
      }
    }
    windows[n].dropped = static_cast<std::uint16_t>(dropped);
  }
}

void draw_pasts(std::uint64_t seed, std::int64_t step, double share, std::span<Window> windows) {
  if (!(share > 0)) return;
  const auto use = static_cast<std::uint64_t>(RandomUse::pasts) << 32;
  for (std::size_t n = 0; n < windows.size(); ++n) {
    const Philox4 random =
        philox(seed, static_cast<std::uint64_t>(step), use | static_cast<std::uint64_t>(n));
    windows[n].drawn = static_cast<double>(to_uniform(random.v[0])) < share;
  }
}

std::vector<Window> thinned(std::span<const Window> windows, std::size_t most) {
  const std::size_t kept = std::min(windows.size(), most);
  std::vector<Window> out;
  out.reserve(kept);
  for (std::size_t i = 0; i < kept; ++i) out.push_back(windows[i * windows.size() / kept]);
  return out;
}

std::vector<Window> windows_at(std::span<const std::int64_t> cutoff) {
  std::vector<Window> windows;
  for (std::size_t s = 0; s < cutoff.size(); ++s) {
    if (cutoff[s] < 1) continue;
    Window w;
    w.series = static_cast<std::int32_t>(s);
    w.origin = cutoff[s] - 1;
    windows.push_back(w);
  }
  return windows;
}

}  // namespace sluice
