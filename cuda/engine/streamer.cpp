#include "engine/streamer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kAlign = 256;
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// Takes `count` elements of T at the end of a layout, aligned.
template <typename T>
std::int64_t take(std::int64_t& size, std::int64_t count) {
  const std::int64_t at = size;
  size += (count * static_cast<std::int64_t>(sizeof(T)) + kAlign - 1) / kAlign * kAlign;
  return at;
}

template <typename T>
T* at(std::byte* head, std::int64_t offset) {
  return reinterpret_cast<T*>(head + offset);
}

bool fits_resident(const SpaceView& space, const DeviceContext& context) {
  return DeviceSpace::bytes(space, SpacePart::whole) <= context.available_memory() / 2;
}

}  // namespace

Streamer::Streamer(const SpaceView& space, WindowScaling scaling, DeviceContext& context,
                   std::int64_t batch, std::size_t extra_bytes)
    : space_(space),
      scaling_(scaling),
      context_(context),
      batch_(batch),
      extra_bytes_(extra_bytes),
      streamed_(!fits_resident(space, context)),
      device_space_(space, streamed_ ? SpacePart::shared : SpacePart::whole, context),
      copy_(make_stream()) {
  if (streamed_) plan_slices();
  make_slots();
}

// How far a slice must reach back so that every row function gives what it gives on the whole
// series: the lags and contexts, and, for a base that walks back over missing values in whole
// seasons, the longest such walk that ends at a value. (A walk that ends before the series' start
// gives "none" on the slice too.)
void Streamer::plan_slices() {
  lookback_ = std::max({space_.context, space_.seasonal_context, 1}) - 1;
  for (int i = 0; i < space_.lag_count; ++i) {
    lookback_ = std::max<std::int64_t>(lookback_, space_.lags[i]);
  }
  if (space_.level_change || space_.base == Base::seasonal) {
    lookback_ = std::max<std::int64_t>(lookback_, space_.base_season);
  }
  walk_.assign(static_cast<std::size_t>(space_.series), 0);
  const bool walks = space_.base == Base::seasonal || space_.base == Base::last;
  const std::int64_t season = space_.base == Base::seasonal ? space_.base_season : 1;
  std::int64_t longest = 1;
#pragma omp parallel for schedule(dynamic, 64) reduction(max : longest)
  for (std::int64_t s = 0; s < space_.series; ++s) {
    const std::int64_t length = space_.offset[s + 1] - space_.offset[s];
    std::int64_t walk = 0;
    for (int m = 0; walks && m < space_.M; ++m) {
      const float* v = space_.v + m * space_.total + space_.offset[s];
      // Missing steps in a row at distance `season`, behind a value: the walk from the last of
      // them.
      for (std::int64_t t = season; t < length; ++t) {
        if (!std::isnan(v[t]) || std::isnan(v[t - season])) continue;
        std::int64_t end = t;
        while (end + season < length && std::isnan(v[end + season])) end += season;
        walk = std::max(walk, end - (t - season));
      }
    }
    walk_[static_cast<std::size_t>(s)] = static_cast<std::int32_t>(walk);
    longest = std::max(longest, std::min(length, lookback_ + walk + space_.T + space_.K));
  }
  capacity_ = batch_ * longest;
  // Array by array, as a view strides over them.
  for (const float* array : {space_.v, space_.s, space_.o, space_.smoothed}) {
    for (int m = 0; array != nullptr && m < space_.M; ++m) {
      channels_.push_back(array + m * space_.total);
    }
  }
  for (int c = 0; c < space_.past_channels + space_.future_channels; ++c) {
    channels_.push_back(space_.covariates + c * space_.total);
  }
}

void Streamer::make_slots() {
  std::int64_t size = 0;
  layout_.windows = take<Window>(size, batch_);
  layout_.limit = take<std::int64_t>(size, batch_);
  layout_.extra = take<std::byte>(size, static_cast<std::int64_t>(extra_bytes_));
  if (streamed_) {
    layout_.offset = take<std::int64_t>(size, batch_ + 1);
    layout_.calendar_row = take<std::int64_t>(size, batch_);
    layout_.statics = take<float>(size, batch_ * space_.static_count);
    layout_.codes = take<std::int32_t>(size, batch_ * space_.embedding_count);
    layout_.weight = take<float>(size, batch_);
    layout_.log_scale = take<float>(size, batch_ * space_.M);
    layout_.scale = take<float>(size, batch_ * space_.M);
    layout_.shift = take<float>(size, batch_ * space_.M);
  }
  layout_.size = size;
  const std::int64_t floats = capacity_ * static_cast<std::int64_t>(channels_.size());
  const std::int64_t needed = kSlots * (size + floats * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t left = context_.available_memory();
  if (needed > left) {
    throw DeviceError(fmt::format(
        "{} blocks of {} windows need {} bytes of device memory, and {} bytes are left; lower "
        "training.batch_size or engine.forecast_batch, or set engine.device_memory_limit to at "
        "least "
        "{} MiB",
        kSlots, batch_, needed, left,
        (context_.memory().used() + needed + (std::int64_t{1} << 20) - 1) >> 20));
  }
  for (int i = 0; i < kSlots; ++i) {
    Slot slot;
    slot.host_head = PinnedBuffer<std::byte>(size, "the ring of batches");
    slot.head = DeviceBuffer<std::byte>(context_.memory(), size, "the ring of batches");
    if (floats > 0) {
      slot.host_steps = PinnedBuffer<float>(floats, "the ring of batches");
      slot.steps = DeviceBuffer<float>(context_.memory(), floats, "the ring of batches");
    }
    if (scaling_ != WindowScaling::none) {
      slot.affine =
          DeviceBuffer<Affine>(context_.memory(), batch_ * space_.M, "the scaling of windows");
    }
    slot.copied = make_event();
    slot.read = make_event();
    slots_.push_back(std::move(slot));
  }
}

void Streamer::set_limit(LimitUse use, std::span<const std::int64_t> limit) {
  (use == LimitUse::training ? training_limit_ : evaluation_limit_)
      .assign(limit.begin(), limit.end());
}

std::int64_t Streamer::limit_of(LimitUse use, std::int64_t s) const {
  if (use == LimitUse::none) return kNoLimit;
  return (use == LimitUse::training ? training_limit_
                                    : evaluation_limit_)[static_cast<std::size_t>(s)];
}

std::int64_t Streamer::slice_begin(const Window& window) const {
  const std::int64_t reach = lookback_ + walk_[static_cast<std::size_t>(window.series)];
  return std::max<std::int64_t>(0, window.origin - space_.T + 1 - reach);
}

std::int64_t Streamer::slice_end(const Window& window) const {
  const std::int64_t length = space_.offset[window.series + 1] - space_.offset[window.series];
  return std::min(length, window.origin + space_.K + 1);
}

// The batch as a small catalogue: window n is series n.
void Streamer::pack(std::span<const Window> windows, LimitUse use, std::byte* head,
                    float* steps) const {
  const auto N = static_cast<std::int64_t>(windows.size());
  auto* packed = at<Window>(head, layout_.windows);
  auto* offset = at<std::int64_t>(head, layout_.offset);
  offset[0] = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    const Window& w = windows[static_cast<std::size_t>(n)];
    offset[n + 1] = offset[n] + slice_end(w) - slice_begin(w);
  }
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < N; ++n) {
    const Window& w = windows[static_cast<std::size_t>(n)];
    const std::int64_t s = w.series, begin = slice_begin(w), count = offset[n + 1] - offset[n];
    packed[n] = {w.origin - begin, static_cast<std::int32_t>(n), w.continues};
    at<std::int64_t>(head, layout_.calendar_row)[n] = space_.calendar_row[s] + begin;
    at<std::int64_t>(head, layout_.limit)[n] = limit_of(use, s) - begin;
    std::copy_n(space_.statics + s * space_.static_count, space_.static_count,
                at<float>(head, layout_.statics) + n * space_.static_count);
    std::copy_n(space_.codes + s * space_.embedding_count, space_.embedding_count,
                at<std::int32_t>(head, layout_.codes) + n * space_.embedding_count);
    at<float>(head, layout_.weight)[n] = space_.weight[s];
    for (std::int64_t m = 0; m < space_.M; ++m) {
      const std::int64_t from = m * space_.series + s, to = m * batch_ + n;
      at<float>(head, layout_.log_scale)[to] = space_.log_scale[from];
      at<float>(head, layout_.scale)[to] = space_.scale[from];
      at<float>(head, layout_.shift)[to] = space_.shift[from];
    }
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      std::copy_n(channels_[c] + space_.offset[s] + begin, count,
                  steps + static_cast<std::int64_t>(c) * capacity_ + offset[n]);
    }
  }
}

// The slot's addresses; they do not depend on what the batch holds.
WindowRows Streamer::rows_of(const Slot& slot, std::int64_t N) const {
  WindowRows rows;
  std::byte* head = slot.head.data();
  rows.space = device_space_.view();
  rows.N = N;
  rows.windows = at<Window>(head, layout_.windows);
  rows.window_affine = slot.affine.data();
  rows.limit = at<std::int64_t>(head, layout_.limit);
  if (!streamed_) return rows;
  SpaceView& space = rows.space;
  space.series = batch_;
  space.total = capacity_;
  space.offset = at<std::int64_t>(head, layout_.offset);
  space.calendar_row = at<std::int64_t>(head, layout_.calendar_row);
  space.statics = at<float>(head, layout_.statics);
  space.codes = at<std::int32_t>(head, layout_.codes);
  space.weight = at<float>(head, layout_.weight);
  space.log_scale = at<float>(head, layout_.log_scale);
  space.scale = at<float>(head, layout_.scale);
  space.shift = at<float>(head, layout_.shift);
  const float* next = slot.steps.data();
  const auto place = [&](const float* host, int count) -> const float* {
    if (host == nullptr || count == 0) return nullptr;
    const float* here = next;
    next += count * capacity_;
    return here;
  };
  space.v = place(space_.v, space_.M);
  space.s = place(space_.s, space_.M);
  space.o = place(space_.o, space_.M);
  space.smoothed = place(space_.smoothed, space_.M);
  space.covariates = place(space_.covariates, space_.past_channels + space_.future_channels);
  return rows;
}

Streamer::Batch Streamer::stage(std::span<const Window> windows, LimitUse use,
                                std::span<const std::byte> extra) {
  const auto N = static_cast<std::int64_t>(windows.size());
  if (N > batch_ || extra.size() > extra_bytes_) {
    throw InternalError(fmt::format("a batch of {} windows in a ring for {}", N, batch_));
  }
  Slot& slot = slots_[static_cast<std::size_t>(next_)];
  cudaStream_t copy = copy_.get();
  if (slot.used) {
    check(cudaEventSynchronize(slot.copied.get()), "cudaEventSynchronize of a batch's copy");
    check(cudaStreamWaitEvent(copy, slot.read.get(), 0), "cudaStreamWaitEvent of a batch's slot");
  }
  std::byte* head = slot.host_head.data();
  if (streamed_) {
    pack(windows, use, head, slot.host_steps.data());
  } else {
    std::copy(windows.begin(), windows.end(), at<Window>(head, layout_.windows));
    for (std::int64_t n = 0; n < N; ++n) {
      at<std::int64_t>(head, layout_.limit)[n] =
          limit_of(use, windows[static_cast<std::size_t>(n)].series);
    }
  }
  if (!extra.empty()) std::memcpy(head + layout_.extra, extra.data(), extra.size());
  copy_to_device(std::span<const std::byte>(slot.host_head.span()), slot.head.span(), copy);
  if (streamed_) {
    const auto pitch = static_cast<std::size_t>(capacity_) * sizeof(float);
    const std::int64_t used = at<std::int64_t>(head, layout_.offset)[N];
    if (used > 0) {
      check(cudaMemcpy2DAsync(slot.steps.data(), pitch, slot.host_steps.data(), pitch,
                              static_cast<std::size_t>(used) * sizeof(float), channels_.size(),
                              cudaMemcpyHostToDevice, copy),
            "cudaMemcpy2DAsync of a batch's steps");
    }
  }
  check(cudaEventRecord(slot.copied.get(), copy), "cudaEventRecord of a batch's copy");
  check(cudaStreamWaitEvent(context_.stream(), slot.copied.get(), 0),
        "cudaStreamWaitEvent of a batch's copy");
  Batch batch{rows_of(slot, N), next_, slot.head.data() + layout_.extra};
  next_ = (next_ + 1) % kSlots;
  return batch;
}

DeviceSpan<Affine> Streamer::affine(const WindowRows& rows) const {
  for (const Slot& slot : slots_) {
    if (slot.affine.data() == rows.window_affine) return slot.affine.first(rows.N * space_.M);
  }
  throw InternalError("a batch of another ring");
}

void Streamer::release(const Batch& batch) {
  Slot& slot = slots_[static_cast<std::size_t>(batch.slot)];
  check(cudaEventRecord(slot.read.get(), context_.stream()), "cudaEventRecord of a batch's slot");
  slot.used = true;
}

ResultReturn::ResultReturn(DeviceContext& context, std::int64_t most_floats)
    : context_(context), copy_(make_stream()) {
  for (int i = 0; i < 2; ++i) {
    Slot slot;
    slot.device = DeviceBuffer<float>(context.memory(), most_floats, "the results of a batch");
    slot.host = PinnedBuffer<float>(most_floats, "the results of a batch");
    slot.written = make_event();
    slot.copied = make_event();
    slots_.push_back(std::move(slot));
  }
}

void ResultReturn::deliver(Slot& slot) {
  if (slot.to.empty()) return;
  check(cudaEventSynchronize(slot.copied.get()), "cudaEventSynchronize of results");
  std::copy_n(slot.host.data(), slot.to.size(), slot.to.data());
  slot.to = {};
}

DeviceSpan<float> ResultReturn::begin(std::int64_t size) {
  current_ = 1 - current_;
  deliver(slots_[current_]);
  size_ = size;
  return slots_[current_].device.first(size);
}

void ResultReturn::finish(std::span<float> to) {
  Slot& slot = slots_[current_];
  check(cudaEventRecord(slot.written.get(), context_.stream()), "cudaEventRecord of results");
  check(cudaStreamWaitEvent(copy_.get(), slot.written.get(), 0), "cudaStreamWaitEvent of results");
  copy_to_host(DeviceSpan<const float>(slot.device.first(size_)), slot.host.span().first(to.size()),
               copy_.get());
  check(cudaEventRecord(slot.copied.get(), copy_.get()), "cudaEventRecord of results' copy");
  slot.to = to;
}

void ResultReturn::drain() {
  for (Slot& slot : slots_) deliver(slot);
}

}  // namespace sluice
