// The large arrays of an engine's copy of a catalogue: in memory, or, where that would take more of
// it than there is, in a file that is mapped. Of such a file the system keeps in memory what is in
// use, and writes the rest to the disk.
//
// Large ones are pages of 0 that the system gives when they are first written to, by the threads
// that fill them and in large pages where it has some: setting them to 0 here would take one thread
// as long as all of them take to fill them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

/// Pages of the system's, all 0.
class MappedPages {
 public:
  MappedPages() = default;
  /// Of memory. Throws std::bad_alloc.
  explicit MappedPages(std::size_t bytes);
  /// Of a file without a name, which is gone when this is, or the process. Throws DataError where
  /// the folder has no room for it.
  MappedPages(const std::filesystem::path& folder, std::size_t bytes);
  ~MappedPages();
  MappedPages(MappedPages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  MappedPages& operator=(MappedPages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Advice to the system on pages of a mapped file [data, data + bytes): that what is read of them
/// lies anywhere, so that nothing beside it is worth reading along; that they will be read soon, so
/// that it may begin now, many at once.
void advise_scattered(const void* data, std::size_t bytes);
void advise_needed(const void* data, std::size_t bytes);

/// Where temporary files may be large: $TMPDIR, else /var/tmp.
std::filesystem::path scratch_folder();

/// An array of 0, as std::vector's resize() makes it, in one of these places.
template <typename T>
requires std::is_trivially_copyable_v<T>
class StepArray {
 public:
  /// Once; `in_file` where it is to lie in a file of scratch_folder().
  void resize(std::size_t size, bool in_file) {
    constexpr std::size_t kLarge = std::size_t{4} << 20;  // bytes: two large pages
    size_ = size;
    const std::size_t bytes = size * sizeof(T);
    if (in_file && size > 0) {
      pages_ = MappedPages(scratch_folder(), bytes);
    } else if (bytes >= kLarge) {
      pages_ = MappedPages(bytes);
    } else {
      heap_.resize(size);
    }
  }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* data() { return pages_.data() != nullptr ? static_cast<T*>(pages_.data()) : heap_.data(); }
  const T* data() const {
    return pages_.data() != nullptr ? static_cast<const T*>(pages_.data()) : heap_.data();
  }

 private:
  std::size_t size_ = 0;
  std::vector<T> heap_;
  MappedPages pages_;
};

}  // namespace sluice
