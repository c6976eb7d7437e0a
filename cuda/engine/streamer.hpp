// Brings batches of windows to the device, and results back, beside the computing.
//
// Where the catalogue fits, it is resident, and a batch is its list of windows. Where it does not,
// a batch brings what it reads: for each window the slice of its series from the first step that
// any input looks back to, up to the horizon's end, packed by the host into one pinned block.
// Window n is then series n of a small catalogue of its own, with the same row functions
// (window_rows.hpp) and the same numbers, whatever order the windows come in. Blocks form a ring:
// block n+1 is packed and copied while block n is computed with.
//
// What kernels get of a slot are always the same addresses, so that a captured graph can be
// replayed with the slot's next batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/handles.hpp"
#include "engine/device_context.hpp"
#include "engine/device_space.hpp"
#include "engine/window_rows.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class Streamer {
 public:
  static constexpr int kSlots = 3;

  enum class LimitUse { none, training, evaluation };

  struct Batch {
    WindowRows rows;                   ///< device pointers; params is the caller's to set
    int slot = 0;                      ///< 0 .. kSlots-1
    const std::byte* extra = nullptr;  ///< the caller's bytes, on the device
  };

  /// For batches of at most `batch` windows of `space` (host pointers, which stay), with
  /// `extra_bytes` of the caller's beside each. Resident if the catalogue takes at most half of the
  /// device memory that is left, else streamed. Blocks. Throws DeviceError if not even that fits.
  Streamer(const SpaceView& space, WindowScaling scaling, DeviceContext& context,
           std::int64_t batch, std::size_t extra_bytes);

  bool streamed() const { return streamed_; }

  /// No target at or after limit[s] is seen by batches of this use; [S].
  void set_limit(LimitUse use, std::span<const std::int64_t> limit);

  /// Packs the batch and puts its copy under way; what is enqueued on the context's stream
  /// afterwards sees it. Blocks only while the device is kSlots batches behind. `extra` may be
  /// shorter than extra_bytes.
  Batch stage(std::span<const Window> windows, LimitUse use, std::span<const std::byte> extra);
  /// Where a batch's window_affine lies, [N,M], for the kernel that writes it.
  DeviceSpan<Affine> affine(const WindowRows& rows) const;
  /// All that reads the batch is enqueued: its slot may be filled again when that has run.
  void release(const Batch& batch);

 private:
  struct Slot {
    PinnedBuffer<std::byte> host_head;
    PinnedBuffer<float> host_steps;
    DeviceBuffer<std::byte> head;  ///< windows, per-window arrays, the caller's bytes
    DeviceBuffer<float> steps;     ///< [channels, capacity]
    DeviceBuffer<Affine> affine;   ///< [batch,M] with window scaling
    Event copied, read;
    bool used = false;
  };
  /// Byte offsets into a slot's head.
  struct Layout {
    std::int64_t windows = 0, limit = 0, extra = 0, offset = 0, calendar_row = 0, statics = 0,
                 codes = 0, weight = 0, log_scale = 0, scale = 0, shift = 0, size = 0;
  };

  void plan_slices();
  std::int64_t limit_of(LimitUse use, std::int64_t s) const;
  std::int64_t slice_begin(const Window& window) const;
  std::int64_t slice_end(const Window& window) const;
  void make_slots();
  void pack(std::span<const Window> windows, LimitUse use, std::byte* head, float* steps) const;
  WindowRows rows_of(const Slot& slot, std::int64_t N) const;

  SpaceView space_;  ///< host pointers
  WindowScaling scaling_;
  DeviceContext& context_;
  std::int64_t batch_;
  std::size_t extra_bytes_;
  bool streamed_;
  DeviceSpace device_space_;
  std::int64_t lookback_ = 0;           ///< steps before a window that its inputs may read
  std::vector<std::int32_t> walk_;      ///< [S] and how much further the base may, over gaps
  std::vector<const float*> channels_;  ///< host arrays of [total] that a block takes along
  std::int64_t capacity_ = 0;           ///< steps of a block
  Layout layout_;
  std::vector<std::int64_t> training_limit_, evaluation_limit_;
  Stream copy_;
  std::vector<Slot> slots_;
  int next_ = 0;
};

/// Results on their way back: device blocks and pinned blocks in turn, so that the copy of one
/// batch runs beside the computing of the next.
class ResultReturn {
 public:
  ResultReturn(DeviceContext& context, std::int64_t most_floats);

  /// A block of `size` floats for kernels on the context's stream to write. Blocks while both
  /// blocks are on their way.
  DeviceSpan<float> begin(std::int64_t size);
  /// Everything that writes the block of begin() is enqueued; it will be in `to` after drain().
  void finish(std::span<float> to);
  /// Blocks until all is where it was to go.
  void drain();

 private:
  struct Slot {
    DeviceBuffer<float> device;
    PinnedBuffer<float> host;
    Event written, copied;
    std::span<float> to;  ///< empty: nothing under way
  };
  void deliver(Slot& slot);

  DeviceContext& context_;
  Stream copy_;
  std::vector<Slot> slots_;
  std::size_t current_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace sluice
