// An array at a cache line's boundary, for vectors that are loaded and stored whole; a large one in
// large pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace sluice {

template <typename T>
class AlignedArray {
 public:
  T* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }

  /// Room for at least `size` elements. If it grows, its contents are lost; throws std::bad_alloc.
  void reserve(std::int64_t size) {
    if (size <= size_) return;
    std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T), boundary = 64;
    if (bytes >= 2 * kHugePage) {
      boundary = kHugePage;
      bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    }
    data_.reset();
    size_ = 0;
    data_ = std::unique_ptr<T[], Free>(
        static_cast<T*>(::operator new (bytes, std::align_val_t{boundary})), Free{boundary});
    size_ = size;
    // Advice, which a system may not take: a walk reads so many places of what was kept that its
    // small pages' addresses are looked up again and again.
    if (boundary == kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);
  }

 private:
  static constexpr std::size_t kHugePage = 2 << 20;
  struct Free {
    std::size_t boundary;
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{boundary}); }
  };
  std::unique_ptr<T[], Free> data_{nullptr, Free{64}};
  std::int64_t size_ = 0;
};

}  // namespace sluice
