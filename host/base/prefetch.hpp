// Asking for memory before it is looked at.
#pragma once

#include <cstddef>
#include <span>

namespace sluice {

/// What is looked at so many rounds later, where each round looks at a few values far from those
/// of the one before, which no processor foresees.
inline constexpr std::size_t kRoundsAhead = 8;

/// Asks for the lines of `values` and waits for none.
template <typename T>
void prefetch(std::span<const T> values) {
  // Asking changes nothing, so that GCC takes a function which only asks for one that does nothing.
  asm volatile("");
  constexpr std::size_t kLine = 64 / sizeof(T);
  for (std::size_t i = 0; i < values.size(); i += kLine) __builtin_prefetch(&values[i]);
  if (!values.empty()) __builtin_prefetch(&values.back());
}

}  // namespace sluice
