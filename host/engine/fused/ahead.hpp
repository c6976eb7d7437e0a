// What backward reads of a step and has not written itself, fetched while the step after it is
// multiplied: without that, its cells wait for memory and its products leave memory idle.
#pragma once

#include <cstdint>

#include "engine/fused/kernels.hpp"

namespace sluice {

class FusedAhead {
 public:
  /// Of step t (none if below 0), with vectors of so many floats.
  template <typename Number>
  FusedAhead(const FusedBackward<Number>& walk, int t, int lanes) : none_(at(walk.da)) {
    if (t < 0) return;
    const int U = (walk.H + lanes - 1) / lanes;
    const std::int64_t n = walk.n, rows = walk.kept_rows;
    add(walk.gates + t * walk.gates_step, rows * 4 * lanes, U, n * 4 * lanes);
    if (t > 0) add(walk.cells + (t - 1) * walk.cells_step, rows * lanes, U, n * lanes);
    add(walk.dh + t * walk.dh_step, 0, 1, n * walk.H);
    if (t > 0) add(walk.h + (t - 1) * walk.h_step, 0, 1, n * walk.H);
  }

  /// Where the next `lines` lines begin; when there are none left, where lines are in the cache.
  const char* next(int lines) {
    if (at_ == count_) return none_;
    const Stretch& s = stretches_[at_];
    const char* begin = s.from + block_ * s.block + offset_;
    offset_ += lines * kLine;
    if (offset_ >= s.bytes) {
      offset_ = 0;
      if (++block_ == s.blocks) {
        block_ = 0;
        ++at_;
      }
    }
    return begin;
  }

  /// Line `line` of them, into the second cache.
  static void fetch(const char* begin, int line) { __builtin_prefetch(begin + line * kLine, 0, 2); }

 private:
  static constexpr int kLine = 64;  // bytes
  struct Stretch {
    const char* from;
    std::int64_t block;  ///< bytes between blocks of units
    int blocks;
    std::int64_t bytes;  ///< of each block
  };

  template <typename T>
  static const char* at(const T* p) {
    return reinterpret_cast<const char*>(p);
  }
  template <typename T>
  void add(const T* from, std::int64_t block, int blocks, std::int64_t size) {
    constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
    stretches_[count_++] = {at(from), block * kSize, blocks, size * kSize};
  }

  Stretch stretches_[4];
  const char* none_;
  int count_ = 0, at_ = 0, block_ = 0;
  std::int64_t offset_ = 0;
};

}  // namespace sluice
