// The stand-in itself: that it keeps CUDA's promises and no more, so that what only happened to
// work on it does not work.
#include "standin/standin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using sluice::testing::download;
using sluice::testing::upload;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr int kSeeds = 20;  // a race has to show in one of so many orders

/// The message of what `run` throws; empty if it throws nothing.
template <typename Run>
std::string failure(Run run) {
  try {
    run();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

class StandIn : public sluice::testing::DeviceTest {
 protected:
  DeviceMemory memory_;
};

/// Queues what a kernel of one thread would do.
void queue(const Stream& stream, std::function<void()> run) {
  standin::enqueue_kernel(stream.get(), std::move(run));
}

// ---- late and out of order ---------------------------------------------------------------------

TEST_F(StandIn, WorkRunsWhenSomebodyWaitsAndNotBefore) {
  const Stream stream = make_stream();
  int runs = 0;
  queue(stream, [&] { ++runs; });
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(standin::pending_work(), 1);
  check(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
  EXPECT_EQ(runs, 1);
}

TEST_F(StandIn, AStreamKeepsItsOrder) {
  const Stream stream = make_stream();
  std::vector<int> order;
  for (int i = 0; i < 8; ++i) queue(stream, [&order, i] { order.push_back(i); });
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

/// One stream writes, another reads; what the reader saw over many seeds.
std::set<int> values_seen(bool with_event) {
  std::set<int> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    const Stream writer = make_stream(), reader = make_stream();
    const Event written = make_event();
    int value = 0, read = -1;
    queue(writer, [&] { value = 1; });
    check(cudaEventRecord(written.get(), writer.get()), "cudaEventRecord");
    if (with_event) {
      check(cudaStreamWaitEvent(reader.get(), written.get(), 0), "cudaStreamWaitEvent");
    }
    queue(reader, [&] { read = value; });
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    seen.insert(read);
  }
  return seen;
}

TEST_F(StandIn, AMissingEventShowsAsAWrongNumber) {
  EXPECT_EQ(values_seen(false), (std::set<int>{0, 1}));
}

TEST_F(StandIn, AWaitedEventOrdersTwoStreams) { EXPECT_EQ(values_seen(true), (std::set<int>{1})); }

TEST_F(StandIn, SynchronizingOneStreamMayLeaveTheOthersUndone) {
  std::set<std::int64_t> left;
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    const Stream waited = make_stream(), other = make_stream();
    for (int i = 0; i < 3; ++i) queue(other, [] {});
    queue(waited, [] {});
    check(cudaStreamSynchronize(waited.get()), "cudaStreamSynchronize");
    left.insert(standin::pending_work());
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }
  EXPECT_THAT(left, AllOf(::testing::Contains(0), ::testing::Contains(3)));
}

TEST_F(StandIn, APinnedBufferRefilledTooEarlyShows) {
  const Stream stream = make_stream();
  const PinnedBuffer<int> staging(1, "a test");
  const DeviceBuffer<int> device(memory_, 1, "a test");
  staging.span()[0] = 1;
  copy_to_device(std::span<const int>(staging.span()), device.span(), stream.get());
  staging.span()[0] = 2;  // nobody waited for the copy
  EXPECT_EQ(download(device), std::vector<int>{2});
}

TEST_F(StandIn, ReRecordingAnEventDoesNotMoveAnEarlierWait) {
  const Stream writer = make_stream(), reader = make_stream();
  const Event event = make_event();
  int value = 0, read = 0;
  queue(writer, [&] { value = 1; });
  check(cudaEventRecord(event.get(), writer.get()), "cudaEventRecord");
  check(cudaStreamWaitEvent(reader.get(), event.get(), 0), "cudaStreamWaitEvent");
  queue(reader, [&] { read = value; });
  check(cudaEventRecord(event.get(), reader.get()), "cudaEventRecord");  // behind its own wait
  check(cudaEventSynchronize(event.get()), "cudaEventSynchronize");
  EXPECT_EQ(read, 1);
}

TEST_F(StandIn, TheDefaultStreamWaitsForBlockingStreamsOnly) {
  std::set<std::string> orders;
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    std::string order;
    cudaStream_t raw = nullptr;
    check(cudaStreamCreate(&raw), "cudaStreamCreate");
    const Stream blocking(raw), independent = make_stream();
    queue(blocking, [&] { order += 'a'; });
    standin::enqueue_kernel(nullptr, [&] { order += 'b'; });
    queue(blocking, [&] { order += 'c'; });
    queue(independent, [&] { order += 'x'; });
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"abcx", "abxc", "axbc", "xabc"}));
}

TEST_F(StandIn, QueryGoesOnUntilReady) {
  const Stream stream = make_stream();
  for (int i = 0; i < 5; ++i) queue(stream, [] {});
  int not_ready = 0;
  while (cudaStreamQuery(stream.get()) == cudaErrorNotReady) ++not_ready;
  EXPECT_GE(not_ready, 1);
  EXPECT_EQ(standin::pending_work(), 0);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);  // CUDA keeps this one too
}

TEST_F(StandIn, ElapsedTimeIsPositiveAndOfTimedEventsOnly) {
  const Stream stream = make_stream();
  const Event start = make_event(true), end = make_event(true), untimed = make_event();
  check(cudaEventRecord(start.get(), stream.get()), "cudaEventRecord");
  queue(stream, [] {});
  check(cudaEventRecord(end.get(), stream.get()), "cudaEventRecord");
  check(cudaEventRecord(untimed.get(), stream.get()), "cudaEventRecord");
  float ms = 0;
  EXPECT_EQ(cudaEventElapsedTime(&ms, start.get(), end.get()), cudaErrorNotReady);
  check(cudaEventSynchronize(end.get()), "cudaEventSynchronize");
  check(cudaEventElapsedTime(&ms, start.get(), end.get()), "cudaEventElapsedTime");
  EXPECT_GT(ms, 0);
  EXPECT_EQ(cudaEventElapsedTime(&ms, start.get(), untimed.get()), cudaErrorInvalidResourceHandle);
  sluice::testing::synchronize_device();
}

// ---- memory ------------------------------------------------------------------------------------

TEST_F(StandIn, FreshMemoryIsNaN) {
  const DeviceBuffer<float> device(memory_, 5, "a test");
  const PinnedBuffer<float> pinned(5, "a test");
  for (const float value : download(device)) EXPECT_TRUE(std::isnan(value));
  for (const float value : pinned.span()) EXPECT_TRUE(std::isnan(value));
}

/// Writes where AddressSanitizer would stop a test.
[[gnu::no_sanitize_address]] void write_at(float* pointer, std::ptrdiff_t index, float value) {
  pointer[index] = value;
}

TEST_F(StandIn, AWriteBesideABlockIsFound) {
  struct Case {
    std::ptrdiff_t index;
    const char* where;
  };
  for (const Case& wrong : {Case{-1, "before its beginning"}, Case{5, "behind its end"}}) {
    standin::reset();
    void* pointer = nullptr;
    check(cudaMalloc(&pointer, 5 * sizeof(float)), "cudaMalloc");
    auto* floats = static_cast<float*>(pointer);
    standin::check_memory();
    write_at(floats, wrong.index, 1);
    EXPECT_THAT(failure([] { standin::check_memory(); }),
                AllOf(HasSubstr("allocation #1 of 20 bytes"), HasSubstr(wrong.where)));
    static_cast<void>(cudaFree(pointer));
    EXPECT_THAT(failure([] { standin::check_memory(); }), HasSubstr(wrong.where));
  }
}

TEST_F(StandIn, AWriteAfterFreeIsFound) {
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, 8), "cudaMalloc");
  static_cast<void>(cudaFree(pointer));
  write_at(static_cast<float*>(pointer), 0, 1);
  EXPECT_THAT(failure([] { standin::finish(); }), HasSubstr("written after it was freed"));
  standin::reset();
}

TEST_F(StandIn, ACopyBeyondABlockNamesIt) {
  const DeviceBuffer<int> device(memory_, 4, "a test");
  std::vector<int> host(5);
  EXPECT_THAT(failure([&] {
                static_cast<void>(cudaMemcpyAsync(device.data(), host.data(), 5 * sizeof(int),
                                                  cudaMemcpyHostToDevice, nullptr));
              }),
              AllOf(HasSubstr("cudaMemcpyAsync"), HasSubstr("20 bytes from offset 0"),
                    HasSubstr("of 16 bytes")));
}

TEST_F(StandIn, ACopysKindMustBeTrue) {
  const DeviceBuffer<int> device(memory_, 4, "a test");
  const PinnedBuffer<int> pinned(4, "a test");
  const auto copy = [&](cudaMemcpyKind kind) {
    return cudaMemcpyAsync(device.data(), pinned.data(), 16, kind, nullptr);
  };
  EXPECT_EQ(copy(cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(copy(cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(copy(cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(copy(cudaMemcpyDefault), cudaSuccess);
  sluice::testing::synchronize_device();
}

TEST_F(StandIn, RowsOfTwoPitchesAreCopied) {
  const DeviceBuffer<int> device = upload(memory_, std::vector<int>(12, 0));
  PinnedBuffer<int> pinned(6, "a test");
  std::iota(pinned.span().begin(), pinned.span().end(), 1);
  check(cudaMemcpy2DAsync(device.data() + 1, 4 * sizeof(int), pinned.data(), 2 * sizeof(int),
                          2 * sizeof(int), 3, cudaMemcpyHostToDevice, nullptr),
        "cudaMemcpy2DAsync");
  EXPECT_EQ(download(device), (std::vector<int>{0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0}));
}

TEST_F(StandIn, AllocationBeyondTheLimitFails) {
  standin::set_memory_bytes(1000);
  void *first = nullptr, *second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 401), cudaErrorMemoryAllocation);
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  EXPECT_EQ(free, 400u);
  EXPECT_EQ(total, 1000u);
  EXPECT_EQ(standin::live_allocations(), 1);
  check(cudaFree(first), "cudaFree");
  EXPECT_EQ(standin::live_allocations(), 0);
}

TEST_F(StandIn, FreeingTwiceStopsTheNextCall) {
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, 8), "cudaMalloc");
  static_cast<void>(cudaFree(pointer));
  static_cast<void>(cudaFree(pointer));
  EXPECT_THAT(failure([] { static_cast<void>(cudaDeviceSynchronize()); }),
              AllOf(HasSubstr("cudaFree"), HasSubstr("freed twice")));
}

TEST_F(StandIn, PinnedMemoryFreedUnderACopyStopsTheNextCall) {
  const Stream stream = make_stream();
  const DeviceBuffer<int> device(memory_, 4, "a test");
  {
    const PinnedBuffer<int> pinned(4, "a test");
    copy_to_device(std::span<const int>(pinned.span()), device.span(), stream.get());
  }
  EXPECT_THAT(failure([] { static_cast<void>(cudaDeviceSynchronize()); }),
              HasSubstr("freed before this work has run: cudaMemcpyAsync"));
}

TEST_F(StandIn, DestroyingABusyStreamStopsTheNextCall) {
  {
    const Stream stream = make_stream();
    queue(stream, [] {});
  }
  EXPECT_THAT(failure([] { standin::check_memory(); }),
              HasSubstr("destroyed before this work has run"));
}

TEST_F(StandIn, WaitingForAnEventNeverRecordedIsRefused) {
  const Stream stream = make_stream();
  const Event event = make_event();
  EXPECT_THAT(
      failure([&] { static_cast<void>(cudaStreamWaitEvent(stream.get(), event.get(), 0)); }),
      HasSubstr("never recorded"));
}

// ---- errors ------------------------------------------------------------------------------------

TEST_F(StandIn, TheCallThatIsToFailFails) {
  int value = 0;
  standin::fail_after(2, cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetDevice(&value), cudaSuccess);
  EXPECT_EQ(cudaGetDevice(&value), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetDevice(&value), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorLaunchFailure);  // kept until it is taken
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(StandIn, AStickyErrorStays) {
  int value = 0;
  standin::fail_after(1, cudaErrorIllegalAddress, true);
  EXPECT_EQ(cudaGetDevice(&value), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  standin::reset();
}

TEST_F(StandIn, WhatWorkThrowsNamesTheCallThatQueuedIt) {
  const Stream stream = make_stream();
  queue(stream, [] { throw std::logic_error("broken"); });
  EXPECT_THAT(failure([&] { static_cast<void>(cudaStreamSynchronize(stream.get())); }),
              AllOf(HasSubstr("cudaStreamSynchronize"), HasSubstr("kernel (call 2): broken")));
}

TEST_F(StandIn, WithoutADeviceEveryCallSaysSo) {
  standin::set_device({.present = false});
  int count = 7;
  void* pointer = nullptr;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaErrorNoDevice);
  standin::reset();
}

}  // namespace
}  // namespace sluice
