// An array at a cache line's boundary, for vectors that are loaded and stored whole.
#pragma once

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
    constexpr std::align_val_t kLine{64};
    data_.reset();
    size_ = 0;
    data_.reset(static_cast<T*>(::operator new(static_cast<std::size_t>(size) * sizeof(T), kLine)));
    size_ = size;
  }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<T[], Free> data_;
  std::int64_t size_ = 0;
};

}  // namespace sluice
