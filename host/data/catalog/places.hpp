// Where rows of a table lie in the channels of a catalogue.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice {

/// Rows that lie behind each other, as those of a sorted file do, take no memory each.
class Places {
 public:
  Places() = default;
  /// A place for each row; below 0: none, since another row counts.
  explicit Places(std::vector<std::int64_t> of_rows);

  /// Calls put(place, i) for the rows row + i, i from 0 to `count` - 1, that have a place.
  template <typename Put>
  void each(std::int64_t row, std::int64_t count, Put put) const {
    if (stretches_.empty()) {
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t place = of_rows_[static_cast<std::size_t>(row + i)];
        if (place >= 0) put(place, i);
      }
      return;
    }
    auto next = std::upper_bound(stretches_.begin(), stretches_.end(), row,
                                 [](std::int64_t at, const Stretch& s) { return at < s.row; });
    for (std::int64_t i = 0; i < count;) {
      const Stretch& stretch = *(next - 1);
      const std::int64_t end = next == stretches_.end() ? count : std::min(count, next->row - row);
      if (stretch.place >= 0) {
        const std::int64_t ahead = stretch.place - stretch.row + row;
        for (std::int64_t k = i; k < end; ++k) put(ahead + k, k);
      }
      i = end;
      if (next != stretches_.end()) ++next;
    }
  }

  bool by_stretches() const { return !stretches_.empty(); }

 private:
  struct Stretch {
    std::int64_t row, place;  ///< of its first row
  };
  std::vector<std::int64_t> of_rows_;
  std::vector<Stretch> stretches_;  ///< in the order of rows, the first one at row 0
};

}  // namespace sluice
