// Neighbouring elements that a kernel moves with one instruction, where all addresses and row
// lengths are multiples of the pack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace sluice {

template <typename T, int kWidth>
struct alignas(sizeof(T) * kWidth) Pack {
  T v[kWidth];
};

/// Whether every pointer (null counts as aligned) is a multiple of `bytes`.
inline bool aligned(std::initializer_list<const void*> pointers, std::size_t bytes) {
  for (const void* pointer : pointers) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0) return false;
  }
  return true;
}

}  // namespace sluice
