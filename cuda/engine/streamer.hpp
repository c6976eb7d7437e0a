// Batches on their way to the device and results on their way back, each through a ring of blocks:
// while the device computes one batch, the next is being put together and copied.
//
// Nothing here knows whether the catalogue is resident or streamed but what a block holds: the
// windows alone, or the windows and the slices of the series that they read
// (host/engine/shared/slices.hpp). The kernels, and their numbers, are the same.
//
// All device addresses and all numbers in a batch's WindowRows, N apart, are fixed for a slot of
// the ring: a captured graph can be kept for each (slot, N).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "engine/context.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/shared/slices.hpp"
#include "engine/shared/window_rows.hpp"
#include "engine/space.hpp"

namespace sluice {

/// Blocks of a ring: one being packed, one being copied, one being read.
inline constexpr int kBlocks = 3;

struct StagedBatch {
  int slot = 0;
  /// Device pointers; `params` and `window_affine` are null: the caller sets them.
  WindowRows rows;
  std::byte* extra = nullptr;  ///< device memory, aligned to kArrayAlignment
};

class Streamer {
 public:
  /// Streams the series if `resident` holds tables only; `drawn`: in slices in which values can be
  /// drawn, which are then always streamed. All three outlive it. `threads` pack.
  Streamer(const ModelSpace& space, const DeviceSpace& resident, DeviceContext& context,
           int threads, bool drawn = false);
  ~Streamer();
  Streamer(const Streamer&) = delete;
  Streamer& operator=(const Streamer&) = delete;

  /// Device memory of the ring for batches of up to `batch` windows; as much page-locked memory.
  std::int64_t bytes(std::int64_t batch, std::int64_t extra_bytes) const;

  /// Makes ready for batches of up to `batch` windows and `extra_bytes`. If the ring has to grow
  /// all its addresses change. Blocks. Throws DeviceError, with the bytes that are needed and
  /// those that there are, if it does not fit.
  void prepare(std::int64_t batch, std::int64_t extra_bytes);

  /// Waits until there is a block for the next batch: what stage() waits for, and it for nothing
  /// else. Throws DeviceError.
  void wait() const;
  /// Takes the next batch: when work that is put on the compute stream after this call runs, the
  /// batch and `extra` are in device memory. Targets at or after limit[series] are missing (empty:
  /// all that exist are used). The arguments may go when it returns. Not to be captured. Waits
  /// only for the copy of the batch kBlocks before. Throws DeviceError; InternalError if that
  /// batch was not released, or if there are more windows or bytes than prepare() was told of.
  StagedBatch stage(std::span<const Window> windows, std::span<const std::int64_t> limit,
                    std::span<const std::byte> extra);
  /// Says that all work that reads the batch is on the compute stream. Its block may be
  /// overwritten once that work is done.
  void release(const StagedBatch& batch);

 private:
  struct Slot {
    PinnedBuffer<std::byte> pinned;
    DeviceBuffer<std::byte> device;
    Event copied, computed;
    WindowRows rows;
    bool staged = false;
  };
  /// The front of a block, before the slices; offsets in bytes.
  struct Front {
    std::int64_t windows = 0, limit = 0, series = 0, bytes = 0;
  };
  static Front front(std::int64_t batch, std::int64_t extra_bytes);
  std::int64_t block_bytes(std::int64_t batch, std::int64_t extra_bytes) const;
  void drain();

  const DeviceSpace& resident_;
  DeviceContext& context_;
  std::optional<Slices> slices_;  ///< if streamed
  Stream copies_;
  Slices::Shape shape_;
  Front front_;
  std::int64_t batch_ = 0, extra_bytes_ = 0;
  std::array<Slot, kBlocks> slots_;
  int next_ = 0;
};

/// The way back. Use: begin(); for each batch block(slot), work that writes it, send(slot, to);
/// finish(). The slot is that of the batch.
class ResultRing {
 public:
  /// The context outlives it.
  explicit ResultRing(DeviceContext& context);
  ~ResultRing();
  ResultRing(const ResultRing&) = delete;
  ResultRing& operator=(const ResultRing&) = delete;

  /// Device memory for results of up to `size` floats; as much page-locked memory.
  static std::int64_t bytes(std::int64_t size);
  /// Makes ready for results of up to `size` floats, and forgets those that were not fetched (of a
  /// forecast that failed). If the ring has to grow its addresses change. Blocks. Throws
  /// DeviceError.
  void begin(std::int64_t size);
  /// Where the batch's result goes, [size] in device memory; the address is the slot's own. Brings
  /// the slot's result of before to where it was sent: waits for that copy.
  DeviceSpan<float> block(int slot, std::int64_t size);
  /// Says that all work that writes the result is on the compute stream. `to`, as long as the
  /// result, stays where it is until finish() or the slot's next block().
  void send(int slot, std::span<float> to);
  /// All results are where they were sent. Blocks.
  void finish();

 private:
  struct Slot {
    PinnedBuffer<float> pinned;
    DeviceBuffer<float> device;
    Event computed, copied;
    std::span<float> to;
  };
  void fetch(Slot& slot);
  void drain();

  DeviceContext& context_;
  Stream copies_;
  std::int64_t size_ = 0;
  std::array<Slot, kBlocks> slots_;
};

}  // namespace sluice
