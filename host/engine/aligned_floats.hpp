// An array of floats at a cache line's boundary, for vectors that are loaded and stored whole.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace sluice {

class AlignedFloats {
 public:
  float* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }

  /// Room for at least `size` floats. If it grows, its contents are lost; throws std::bad_alloc.
  void reserve(std::int64_t size) {
    if (size <= size_) return;
    constexpr std::align_val_t kLine{64};
    data_.reset();
    size_ = 0;
    data_.reset(
        static_cast<float*>(::operator new(static_cast<std::size_t>(size) * sizeof(float), kLine)));
    size_ = size;
  }

 private:
  struct Free {
    void operator()(float* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> data_;
  std::int64_t size_ = 0;
};

}  // namespace sluice
