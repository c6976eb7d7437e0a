// Neighbouring elements that a kernel moves with one instruction, where all addresses and row
// lengths are multiples of the pack. nvcc 13 makes one store of a pack only if nothing branches
// between its load and the store, which a 64-bit division does: kernels divide 32-bit numbers, and
// their launchers cut what is larger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "sluice/base/host_device.hpp"

namespace sluice {

template <typename T, int kWidth>
struct alignas(sizeof(T) * static_cast<std::size_t>(kWidth)) Pack {
  T v[static_cast<std::size_t>(kWidth)];
};

// may_alias: they carry floats and 16-bit numbers alike.
template <std::size_t kBytes>
struct PackWords;
template <>
struct [[gnu::may_alias]] PackWords<2> {
  std::uint16_t a;
};
template <>
struct [[gnu::may_alias]] PackWords<4> {
  std::uint32_t a;
};
template <>
struct [[gnu::may_alias]] alignas(8) PackWords<8> {
  std::uint32_t a, b;
};
template <>
struct [[gnu::may_alias]] alignas(16) PackWords<16> {
  std::uint32_t a, b, c, d;
};

/// `from` is aligned to the pack's size: 2, 4, 8 or 16 bytes.
template <int kWidth, typename T>
SLUICE_HD inline Pack<T, kWidth> load_pack(const T* from) {
  using Words = PackWords<sizeof(Pack<T, kWidth>)>;
  const Words words = *reinterpret_cast<const Words*>(from);
  Pack<T, kWidth> pack;
  __builtin_memcpy(&pack, &words, sizeof pack);
  return pack;
}

template <int kWidth, typename T>
SLUICE_HD inline void store_pack(T* to, const Pack<T, kWidth>& pack) {
  using Words = PackWords<sizeof(Pack<T, kWidth>)>;
  Words words;
  __builtin_memcpy(&words, &pack, sizeof pack);
  *reinterpret_cast<Words*>(to) = words;
}

/// Whether every pointer (null counts as aligned) is a multiple of `bytes`.
inline bool aligned(std::initializer_list<const void*> pointers, std::size_t bytes) {
  for (const void* pointer : pointers) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0) return false;
  }
  return true;
}

/// Calls run(first_row, rows) for shares of `rows` that have fewer than 2^31 items each.
template <typename Run>
void for_row_shares(std::int64_t rows, std::int64_t items_a_row, Run run) {
  const std::int64_t most = (std::int64_t{1} << 31) / (items_a_row > 0 ? items_a_row : 1);
  const std::int64_t share = most > 1 ? most - 1 : 1;
  for (std::int64_t row = 0; row < rows; row += share) {
    run(row, row + share < rows ? share : rows - row);
  }
}

}  // namespace sluice
