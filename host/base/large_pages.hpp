// Room in large pages.
#pragma once

#include <cstddef>
#include <vector>

namespace sluice {

/// Advice that [data, data + bytes), which nobody has written to, is worth large pages. A system
/// may not take it.
void prefer_large_pages(void* data, std::size_t bytes);

/// An empty vector's resize(): of a large one, in large pages, as pages cost more than what is
/// written to them once.
template <typename T>
void resize_in_large_pages(std::vector<T>& vector, std::size_t size) {
  vector.reserve(size);
  prefer_large_pages(vector.data(), size * sizeof(T));
  vector.resize(size);
}

}  // namespace sluice
