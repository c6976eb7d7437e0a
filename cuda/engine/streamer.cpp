#include "engine/streamer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/shared/space_arrays.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
/// Steps of a channel of a block: CUDA's copies of rows take pitches below 2^31 bytes.
constexpr std::int64_t kMostSteps = ((std::int64_t{1} << 31) - 1) / sizeof(float);

void record(const Event& event, cudaStream_t stream) {
  check(cudaEventRecord(event.get(), stream), "cudaEventRecord");
}
/// What is put on `stream` from now on waits for the event.
void wait_on_device(cudaStream_t stream, const Event& event) {
  check(cudaStreamWaitEvent(stream, event.get(), 0), "cudaStreamWaitEvent");
}
void wait_on_host(const Event& event) {
  check(cudaEventSynchronize(event.get()), "cudaEventSynchronize");
}

}  // namespace

Streamer::Streamer(const ModelSpace& space, const DeviceSpace& resident, DeviceContext& context,
                   int threads, bool drawn)
    : resident_(resident), context_(context), copies_(make_stream()) {
  if (drawn) {
    slices_ = Slices::for_drawn_pasts(space, threads);
  } else if (resident.resident() == Resident::tables) {
    slices_.emplace(space, threads);
  }
  for (Slot& slot : slots_) {
    slot.copied = make_event();
    slot.computed = make_event();
  }
}

Streamer::~Streamer() {
  // A copy must not outlive its buffers; an error here was, or will be, somebody else's to report.
  static_cast<void>(cudaStreamSynchronize(copies_.get()));
  static_cast<void>(cudaStreamSynchronize(context_.stream()));
}

void Streamer::drain() {
  check(cudaStreamSynchronize(copies_.get()), "cudaStreamSynchronize");
  context_.synchronize();
}

Streamer::Front Streamer::front(std::int64_t batch, std::int64_t extra_bytes) {
  Front front;
  front.windows = aligned(extra_bytes);
  front.limit = front.windows + aligned(batch * static_cast<std::int64_t>(sizeof(Window)));
  front.series = front.limit + aligned(batch * static_cast<std::int64_t>(sizeof(std::int64_t)));
  front.bytes = front.series + aligned(batch * static_cast<std::int64_t>(sizeof(std::int32_t)));
  return front;
}

std::int64_t Streamer::block_bytes(std::int64_t batch, std::int64_t extra_bytes) const {
  return front(batch, extra_bytes).bytes + (slices_ ? slices_->shape(batch).bytes() : 0);
}

std::int64_t Streamer::bytes(std::int64_t batch, std::int64_t extra_bytes) const {
  return kBlocks * block_bytes(batch, extra_bytes);
}

void Streamer::prepare(std::int64_t batch, std::int64_t extra_bytes) {
  if (batch <= batch_ && extra_bytes <= extra_bytes_) return;
  batch = std::max(batch, batch_);
  extra_bytes = std::max(extra_bytes, extra_bytes_);
  if (slices_ && slices_->shape(batch).total > kMostSteps) {
    throw DeviceError(fmt::format(
        "batches of {} windows with slices of up to {} steps are more than the {} steps that a "
        "block of the ring can have; lower training.batch_size or engine.forecast_batch",
        batch, slices_->longest(), kMostSteps));
  }
  drain();
  batch_ = extra_bytes_ = 0;
  for (Slot& slot : slots_) {
    slot.device = {};
    slot.pinned = {};
    slot.staged = false;
  }
  DeviceMemory& memory = context_.memory();
  const std::int64_t block = block_bytes(batch, extra_bytes), needed = kBlocks * block;
  const std::int64_t available = memory.available();
  if (needed > available) {
    const std::string longest =
        slices_ ? fmt::format(", with slices of up to {} steps", slices_->longest()) : "";
    throw DeviceError(
        fmt::format("the ring of {} blocks for batches of {} windows{} needs {} bytes of device "
                    "memory, and {} bytes are left; set engine.device_memory_limit to {} or more "
                    "on a device that has them, or lower training.batch_size or "
                    "engine.forecast_batch",
                    kBlocks, batch, longest, needed, available, memory.used() + needed));
  }
  front_ = front(batch, extra_bytes);
  if (slices_) shape_ = slices_->shape(batch);
  for (Slot& slot : slots_) {
    slot.device = DeviceBuffer<std::byte>(memory, block, "the ring of batches");
    slot.pinned = PinnedBuffer<std::byte>(block, "the ring of batches");
    std::byte* at = slot.device.data();
    slot.rows.space =
        slices_ ? slices_->view(shape_, resident_.view(), at + front_.bytes) : resident_.view();
    slot.rows.windows = reinterpret_cast<const Window*>(at + front_.windows);
    slot.rows.limit = reinterpret_cast<const std::int64_t*>(at + front_.limit);
    slot.rows.catalogue_series = reinterpret_cast<const std::int32_t*>(at + front_.series);
    record(slot.copied, copies_.get());  // nothing has been copied or read yet: both are past
    record(slot.computed, context_.stream());
  }
  batch_ = batch;
  extra_bytes_ = extra_bytes;
}

void Streamer::wait() const { wait_on_host(slots_[static_cast<std::size_t>(next_)].copied); }

StagedBatch Streamer::stage(std::span<const Window> windows, std::span<const std::int64_t> limit,
                            std::span<const std::byte> extra) {
  const auto N = static_cast<std::int64_t>(windows.size());
  Slot& slot = slots_[static_cast<std::size_t>(next_)];
  if (N > batch_ || static_cast<std::int64_t>(extra.size()) > extra_bytes_) {
    throw InternalError(fmt::format("a batch of {} windows and {} bytes in a ring for {} and {}", N,
                                    extra.size(), batch_, extra_bytes_));
  }
  if (slot.staged)
    throw InternalError("a batch was staged before the one in its slot was released");

  wait();
  std::byte* block = slot.pinned.data();
  if (!extra.empty()) std::memcpy(block, extra.data(), extra.size());
  const std::span slots(reinterpret_cast<Window*>(block + front_.windows), windows.size());
  std::int64_t front_bytes = front_.bytes, steps = 0;
  if (slices_) {
    steps = slices_->pack(windows, shape_, block + front_.bytes, slots);
    front_bytes += shape_.series_bytes;
  } else {
    std::copy(windows.begin(), windows.end(), slots.begin());
  }
  auto* const limits = reinterpret_cast<std::int64_t*>(block + front_.limit);
  auto* const series = reinterpret_cast<std::int32_t*>(block + front_.series);
  for (std::size_t n = 0; n < windows.size(); ++n) {
    series[n] = windows[n].series;
    const std::int64_t begin = windows[n].origin - slots[n].origin;  // of the slice
    limits[n] =
        limit.empty() ? kNoLimit : limit[static_cast<std::size_t>(windows[n].series)] - begin;
  }

  wait_on_device(copies_.get(), slot.computed);
  std::byte* device = slot.device.data();
  copy_to_device(std::span<const std::byte>(block, static_cast<std::size_t>(front_bytes)),
                 DeviceSpan<std::byte>(device, front_bytes), copies_.get());
  if (steps > 0) {  // the steps in use of every channel
    constexpr std::size_t kStep = sizeof(float);
    const std::size_t pitch = static_cast<std::size_t>(shape_.total) * kStep;
    check(cudaMemcpy2DAsync(device + front_bytes, pitch, block + front_bytes, pitch,
                            static_cast<std::size_t>(steps) * kStep,
                            static_cast<std::size_t>(shape_.channels), cudaMemcpyHostToDevice,
                            copies_.get()),
          "cudaMemcpy2DAsync of a batch's slices");
  }
  record(slot.copied, copies_.get());
  wait_on_device(context_.stream(), slot.copied);

  slot.staged = true;
  StagedBatch batch{.slot = next_, .rows = slot.rows, .extra = device};
  batch.rows.N = N;
  next_ = (next_ + 1) % kBlocks;
  return batch;
}

void Streamer::release(const StagedBatch& batch) {
  Slot& slot = slots_[static_cast<std::size_t>(batch.slot)];
  if (!slot.staged) throw InternalError("a batch was released that is not staged");
  record(slot.computed, context_.stream());
  slot.staged = false;
}

ResultRing::ResultRing(DeviceContext& context) : context_(context), copies_(make_stream()) {
  for (Slot& slot : slots_) {
    slot.computed = make_event();
    slot.copied = make_event();
  }
}

ResultRing::~ResultRing() {
  // As in ~Streamer().
  static_cast<void>(cudaStreamSynchronize(context_.stream()));
  static_cast<void>(cudaStreamSynchronize(copies_.get()));
}

void ResultRing::drain() {
  context_.synchronize();
  check(cudaStreamSynchronize(copies_.get()), "cudaStreamSynchronize");
}

std::int64_t ResultRing::bytes(std::int64_t size) {
  return kBlocks * size * static_cast<std::int64_t>(sizeof(float));
}

void ResultRing::begin(std::int64_t size) {
  drain();
  for (Slot& slot : slots_) slot.to = {};
  if (size <= size_) return;
  size_ = 0;
  for (Slot& slot : slots_) {
    slot.device = {};
    slot.pinned = {};
  }
  for (Slot& slot : slots_) {
    slot.device = DeviceBuffer<float>(context_.memory(), size, "the ring of results");
    slot.pinned = PinnedBuffer<float>(size, "the ring of results");
  }
  size_ = size;
}

void ResultRing::fetch(Slot& slot) {
  if (slot.to.empty()) return;
  wait_on_host(slot.copied);
  std::copy_n(slot.pinned.data(), slot.to.size(), slot.to.data());
  slot.to = {};
}

DeviceSpan<float> ResultRing::block(int slot, std::int64_t size) {
  if (size > size_) {
    throw InternalError(fmt::format("a result of {} numbers in a ring for {}", size, size_));
  }
  Slot& at = slots_[static_cast<std::size_t>(slot)];
  fetch(at);
  return at.device.first(size);
}

void ResultRing::send(int slot, std::span<float> to) {
  const auto size = static_cast<std::int64_t>(to.size());
  if (size > size_) {
    throw InternalError(fmt::format("a result of {} numbers in a ring for {}", size, size_));
  }
  Slot& at = slots_[static_cast<std::size_t>(slot)];
  record(at.computed, context_.stream());
  wait_on_device(copies_.get(), at.computed);
  copy_to_host(DeviceSpan<const float>(at.device.first(size)), at.pinned.span().first(to.size()),
               copies_.get());
  record(at.copied, copies_.get());
  at.to = to;
}

void ResultRing::finish() {
  for (Slot& slot : slots_) fetch(slot);
}

}  // namespace sluice
