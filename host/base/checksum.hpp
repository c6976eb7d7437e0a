// Whether bits are still, or again, the same ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

/// A number of what was added, in this order. Of two inputs that differ in one place only it is
/// never the same, of others hardly ever; it protects from accidents, not from forgery.
class Checksum {
 public:
  void add(std::string_view bytes);
  void add(std::uint64_t number) { mix(number); }
  template <typename Number>
  void add(std::span<const Number> numbers) {
    add({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()});
  }
  std::uint64_t value() const { return hash_; }

  /// Adds texts[i] to sums[i]. As far as all texts go that takes less time, as each sum
  /// waits for its own products and not for the others'.
  static constexpr std::size_t kTogether = 4;
  static void add_each(std::span<Checksum, kTogether> sums,
                       const std::array<std::string_view, kTogether>& texts);

 private:
  // Fowler, Noll and Vo's hash (FNV-1a) with its constants for 64 bits, a word instead of a byte at
  // a time; the shift brings high bits down, which a product alone never does. Each of the three
  // operations can be undone, therefore one changed word always changes the result.
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x100000001b3u;
    hash_ ^= hash_ >> 32;
  }
  /// What add() does behind the length.
  void add_words(std::string_view bytes);
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace sluice
