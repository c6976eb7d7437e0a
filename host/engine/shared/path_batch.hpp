// The rows of sample paths (path_rows.hpp) in host memory: what their windows' series hold, copied
// once a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/aligned_array.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/shared/path_rows.hpp"
#include "engine/shared/slices.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

/// Some windows of those that are asked for, and some of the paths of each.
struct PathPart {
  std::int64_t first_window = 0, windows = 0;
  std::int64_t first_path = 0, paths = 0;  ///< as PathSettings counts, from 0
  std::int64_t rows() const { return windows * paths; }
};

/// Of a part: rows, enough for products over them, and bytes of block().
struct PathLimits {
  std::int64_t rows = 0, bytes = 0;
};

class PathBatch {
 public:
  /// `space` outlives it. `threads` copy.
  PathBatch(const ModelSpace& space, int threads, const PathLimits& limits);

  std::int64_t most_rows() const { return most_rows_; }  ///< of a part
  /// `windows` x `paths` in parts of at most most_rows().
  std::vector<PathPart> parts(std::int64_t windows, std::int64_t paths) const;

  /// Makes the rows of a part of `windows`: row w * part.paths + p. Throws std::bad_alloc.
  void begin(std::span<const Window> windows, const PathSettings& settings, const PathPart& part);

  // Of that part.
  const Slices::Shape& shape() const { return shape_; }
  std::span<const std::byte> block() const {
    return {block_.data(), static_cast<std::size_t>(shape_.bytes())};
  }
  std::span<Window> rows() { return slots_; }                          ///< [R]
  std::span<StepState> states() { return states_; }                    ///< [R,M]
  std::span<const std::uint64_t> streams() const { return streams_; }  ///< [windows, M]
  const Slices& slices() const { return slices_; }
  /// All of it in host memory, `out` [R,K,M].
  PathRows path_rows(std::span<const float> params, std::span<float> out);
  /// The same but for pointers, as begin() left it.
  const PathRows& numbers() const { return numbers_; }

 private:
  const ModelSpace& space_;
  int threads_;
  Slices slices_;
  std::int64_t most_rows_;
  Slices::Shape shape_;
  AlignedArray<std::byte> block_;
  std::vector<Window> repeated_, slots_;
  std::vector<StepState> states_;
  std::vector<std::uint64_t> streams_;
  PathRows numbers_;
};

/// What the paths of a model have in common.
PathRows path_numbers(const ModelSpace& space);

/// The writable arrays of a view over memory that its caller owns.
PathArrays path_arrays(const SpaceView& view, Window* windows);

}  // namespace sluice
