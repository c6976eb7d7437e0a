// Values whose steps a float of 24 bits does not hold: a meter at 1,600,000,000 that grows by 3.
// Such a series is kept relative to an offset of its own (CatalogParts::value_offset).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// The numbers of a few series, in double, picked out of those of a whole channel.
class ExactSeries {
 public:
  /// The series `chosen` (sorted) of a channel whose series begin at `offsets` ([S+1]).
  ExactSeries(std::vector<std::size_t> chosen, std::span<const std::int64_t> offsets);

  /// `number` stands at `place` of the channel; other series' places are passed over. Fast where
  /// the places of a series come one after the other.
  void put(std::int64_t place, double number) {
    if (place < low_ || place >= high_) find_range(place);
    if (to_ != nullptr) to_[place - low_] = number;
  }

  const std::vector<std::size_t>& chosen() const { return chosen_; }
  /// Of the `c`th of the chosen; NaN where nothing was put.
  std::span<const double> of(std::size_t c) const {
    return std::span(exact_).subspan(static_cast<std::size_t>(starts_[c]),
                                     static_cast<std::size_t>(starts_[c + 1] - starts_[c]));
  }

 private:
  void find_range(std::int64_t place);

  std::vector<std::size_t> chosen_;
  std::vector<std::int64_t> begins_;  // [chosen] in the channel
  std::vector<std::int64_t> starts_;  // [chosen+1] in exact_
  std::vector<double> exact_;
  // Places of the channel around the last one, and where their numbers go: nowhere for nullptr.
  std::int64_t low_ = 0, high_ = 0;
  double* to_ = nullptr;
};

/// Gives the numbers of a target once more, in double, to ExactSeries::put.
using ReadAgain = std::function<void(ExactSeries& exact)>;

/// Steps of series s.
using StepsOf = std::function<std::int64_t(std::size_t s)>;

/// Where a series of target `m` has lost its steps to rounding, replaces its values by their
/// distance from an offset and notes that in parts.value_offset. Reads the numbers again only if
/// there may be such a series: one pass over the floats finds that out.
/// `steps`: how many of a series' steps, from its first one, are to count (empty: all of them).
void keep_steps(CatalogParts& parts, std::size_t m, const ReadAgain& read_again,
                const StepsOf& steps = {});

/// The series of channel `c` that have lost their steps likewise, and stay as they are.
std::vector<std::size_t> lost_steps(const CatalogParts& parts, std::size_t c,
                                    const ReadAgain& read_again, const StepsOf& steps = {});

}  // namespace sluice
