// The large arrays of an engine's copy of a catalogue: on the heap, or, where that would take more
// memory than there is, in a file that is mapped. Of such a file the system keeps in memory what is
// in use, and writes the rest to the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

/// Memory of a file without a name, which is gone when this is, or the process.
class ScratchFile {
 public:
  ScratchFile() = default;
  /// Throws DataError where the folder has no room for it.
  ScratchFile(const std::filesystem::path& folder, std::size_t bytes);
  ~ScratchFile();
  ScratchFile(ScratchFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  ScratchFile& operator=(ScratchFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Where temporary files may be large: $TMPDIR, else /var/tmp.
std::filesystem::path scratch_folder();

/// An array of 0, as std::vector's resize() makes it, in one of the two places.
template <typename T>
requires std::is_trivially_copyable_v<T>
class StepArray {
 public:
  /// Once; `in_file` where it is to lie in a file of scratch_folder().
  void resize(std::size_t size, bool in_file) {
    size_ = size;
    if (in_file && size > 0) {
      file_ = ScratchFile(scratch_folder(), size * sizeof(T));
    } else {
      heap_.resize(size);
    }
  }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* data() { return file_.data() != nullptr ? static_cast<T*>(file_.data()) : heap_.data(); }
  const T* data() const {
    return file_.data() != nullptr ? static_cast<const T*>(file_.data()) : heap_.data();
  }

 private:
  std::size_t size_ = 0;
  std::vector<T> heap_;
  ScratchFile file_;
};

}  // namespace sluice
