// A bit for each step of a catalogue: whether a row of the data stands there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

class Bits {
 public:
  explicit Bits(std::int64_t count) : words_(static_cast<std::size_t>(count / 64 + 1), 0) {}
  bool test(std::int64_t i) const { return (words_[index(i)] >> (i % 64) & 1u) != 0; }
  /// Sets the bit; true if it was set before.
  bool set(std::int64_t i) {
    const bool before = test(i);
    words_[index(i)] |= std::uint64_t{1} << (i % 64);
    return before;
  }

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i / 64); }
  std::vector<std::uint64_t> words_;
};

}  // namespace sluice
