// Captures and graphs of the stand-in: what CUDA's graphs promise, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using sluice::testing::download;
using sluice::testing::upload;
using ::testing::HasSubstr;

constexpr int kSeeds = 50;

class StandInGraph : public sluice::testing::DeviceTest {
 protected:
  void begin(const Stream& stream,
             cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) const {
    check(cudaStreamBeginCapture(stream.get(), mode), "cudaStreamBeginCapture");
  }
  /// Ends a capture that is in order.
  Graph end(const Stream& stream) const {
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream.get(), &graph), "cudaStreamEndCapture");
    return Graph(graph);
  }
  /// Ends a capture that is not: the error.
  cudaError_t end_spoilt(const Stream& stream) const {
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(stream.get(), &graph);
    EXPECT_EQ(graph, nullptr);
    cudaStreamCaptureStatus left = cudaStreamCaptureStatusActive;
    check(cudaStreamIsCapturing(stream.get(), &left), "cudaStreamIsCapturing");
    EXPECT_EQ(left, cudaStreamCaptureStatusNone);
    return status;
  }
  GraphExec instantiate(const Graph& graph) const {
    cudaGraphExec_t exec = nullptr;
    check(cudaGraphInstantiate(&exec, graph.get(), 0), "cudaGraphInstantiate");
    return GraphExec(exec);
  }
  void launch(const GraphExec& exec, const Stream& stream) const {
    check(cudaGraphLaunch(exec.get(), stream.get()), "cudaGraphLaunch");
  }
  /// `to` waits for what is in `from` so far.
  void order(const Stream& from, const Stream& to, const Event& event) const {
    check(cudaEventRecord(event.get(), from.get()), "cudaEventRecord");
    check(cudaStreamWaitEvent(to.get(), event.get(), 0), "cudaStreamWaitEvent");
  }
  void queue(const Stream& stream, std::function<void()> run) const {
    standin::enqueue_kernel(stream.get(), std::move(run));
  }

  DeviceMemory memory_;
};

TEST_F(StandInGraph, CapturedWorkRunsOnlyWhenLaunched) {
  const Stream stream = make_stream();
  int runs = 0;
  begin(stream);
  queue(stream, [&] { ++runs; });
  const GraphExec exec = instantiate(end(stream));
  sluice::testing::synchronize_device();
  EXPECT_EQ(runs, 0);
  launch(exec, stream);
  launch(exec, stream);
  EXPECT_EQ(runs, 0);
  sluice::testing::synchronize_device();
  EXPECT_EQ(runs, 2);
}

TEST_F(StandInGraph, AReplayReadsWhatMemoryHoldsThen) {
  const Stream stream = make_stream();
  const PinnedBuffer<int> in(1, "a test"), out(1, "a test");
  const DeviceBuffer<int> device(memory_, 1, "a test");
  begin(stream);
  copy_to_device(std::span<const int>(in.span()), device.span(), stream.get());
  copy_to_host(DeviceSpan<const int>(device.span()), out.span(), stream.get());
  const GraphExec exec = instantiate(end(stream));
  for (const int value : {3, 4}) {
    in.span()[0] = value;
    launch(exec, stream);
    sluice::testing::synchronize_device();
    EXPECT_EQ(out.span()[0], value);
  }
}

/// Two branches between a first and a last node; the orders in which they ran over many seeds.
TEST_F(StandInGraph, BranchesRunInAnyOrderBetweenForkAndJoin) {
  const Stream main = make_stream(), side = make_stream();
  const Event fork = make_event(), join = make_event();
  std::string order_run;
  begin(main);
  queue(main, [&] { order_run += 'a'; });
  order(main, side, fork);
  queue(side, [&] { order_run += 'x'; });
  queue(main, [&] { order_run += 'b'; });
  order(side, main, join);
  queue(main, [&] { order_run += 'c'; });
  const GraphExec exec = instantiate(end(main));
  std::set<std::string> orders;
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    order_run.clear();
    launch(exec, main);
    sluice::testing::synchronize_device();
    orders.insert(order_run);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"abxc", "axbc"}));
}

TEST_F(StandInGraph, OtherStreamsRunBetweenTheNodes) {
  const Stream stream = make_stream(), other = make_stream();
  std::string ran;
  begin(stream);
  queue(stream, [&] { ran += 'a'; });
  queue(stream, [&] { ran += 'b'; });
  const GraphExec exec = instantiate(end(stream));
  std::set<std::string> orders;
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    ran.clear();
    launch(exec, stream);
    queue(other, [&] { ran += 'x'; });
    sluice::testing::synchronize_device();
    orders.insert(ran);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"abx", "axb", "xab"}));
}

TEST_F(StandInGraph, LaunchesOfOneGraphDoNotOverlap) {
  const Stream first = make_stream(), second = make_stream();
  int open = 0, most = 0;
  begin(first);
  queue(first, [&] { most = std::max(most, ++open); });
  queue(first, [&] { --open; });
  const GraphExec exec = instantiate(end(first));
  for (int seed = 0; seed < kSeeds; ++seed) {
    standin::seed(static_cast<std::uint64_t>(seed));
    launch(exec, first);
    launch(exec, second);
    sluice::testing::synchronize_device();
  }
  EXPECT_EQ(most, 1);
}

TEST_F(StandInGraph, AGraphLaunchedInACaptureBecomesPartOfIt) {
  const Stream stream = make_stream();
  int runs = 0;
  begin(stream);
  queue(stream, [&] { ++runs; });
  const GraphExec inner = instantiate(end(stream));
  begin(stream);
  launch(inner, stream);
  launch(inner, stream);
  const GraphExec outer = instantiate(end(stream));
  launch(outer, stream);
  sluice::testing::synchronize_device();
  EXPECT_EQ(runs, 2);
}

TEST_F(StandInGraph, MemoryFreedBeforeAReplayIsFound) {
  const Stream stream = make_stream();
  GraphExec exec;
  {
    const DeviceBuffer<int> device(memory_, 4, "a test");
    begin(stream);
    set_zero(device.span(), stream.get());
    exec = instantiate(end(stream));
  }
  launch(exec, stream);
  std::string message;
  try {
    static_cast<void>(cudaStreamSynchronize(stream.get()));
  } catch (const std::logic_error& error) {
    message = error.what();
  }
  EXPECT_THAT(message, HasSubstr("used after it was freed"));
}

TEST_F(StandInGraph, CallsThatMayWaitAreRefusedAndSpoilTheCapture) {
  const Stream stream = make_stream(), other = make_stream();
  const Event event = make_event();
  const DeviceBuffer<int> device = upload(memory_, std::vector<int>(4));
  check(cudaEventRecord(event.get(), other.get()), "cudaEventRecord");
  std::vector<int> pageable(4);
  const PinnedBuffer<int> pinned(4, "a test");
  const auto copy = [&](auto function, void* to, auto... stream_argument) {
    return function(to, device.data(), 16, cudaMemcpyDeviceToHost, stream_argument...);
  };
  void* pointer = nullptr;
  const std::vector<std::pair<const char*, std::function<cudaError_t()>>> calls = {
      {"cudaMalloc", [&] { return cudaMalloc(&pointer, 4); }},
      {"cudaMallocHost", [&] { return cudaMallocHost(&pointer, 4); }},
      {"cudaMemcpy", [&] { return copy(cudaMemcpy, pinned.data()); }},
      {"cudaMemcpyAsync pageable",
       [&] { return copy(cudaMemcpyAsync, pageable.data(), stream.get()); }},
      {"cudaStreamSynchronize", [&] { return cudaStreamSynchronize(stream.get()); }},
      {"cudaStreamSynchronize other", [&] { return cudaStreamSynchronize(other.get()); }},
      {"cudaStreamQuery", [&] { return cudaStreamQuery(stream.get()); }},
      {"cudaEventSynchronize", [&] { return cudaEventSynchronize(event.get()); }},
      {"cudaEventQuery", [&] { return cudaEventQuery(event.get()); }},
      {"cudaDeviceSynchronize", [&] { return cudaDeviceSynchronize(); }},
  };
  for (const auto& [name, call] : calls) {
    SCOPED_TRACE(name);
    begin(stream);
    EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaMemsetAsync(device.data(), 0, 16, stream.get()),
              cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(end_spoilt(stream), cudaErrorStreamCaptureInvalidated);
  }
  sluice::testing::synchronize_device();
}

TEST_F(StandInGraph, ARelaxedCaptureAllowsAllocation) {
  const Stream stream = make_stream();
  begin(stream, cudaStreamCaptureModeRelaxed);
  const DeviceBuffer<int> device(memory_, 4, "a test");
  set_zero(device.span(), stream.get());
  const GraphExec exec = instantiate(end(stream));
}

TEST_F(StandInGraph, AnotherThreadMayAllocateUnlessTheCaptureIsGlobal) {
  const Stream stream = make_stream();
  for (const cudaStreamCaptureMode mode :
       {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    const bool global = mode == cudaStreamCaptureModeGlobal;
    void* pointer = nullptr;
    cudaError_t status = cudaSuccess;
    begin(stream, mode);
    std::thread([&] { status = cudaMalloc(&pointer, 4); }).join();
    EXPECT_EQ(status, global ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
    if (global) {
      EXPECT_EQ(end_spoilt(stream), cudaErrorStreamCaptureInvalidated);
    } else {
      const Graph graph = end(stream);
      check(cudaFree(pointer), "cudaFree");
    }
  }
}

TEST_F(StandInGraph, TheDefaultStreamIsRefusedInACapture) {
  const Stream stream = make_stream();
  begin(stream);
  standin::enqueue_kernel(nullptr, [] {});
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(end_spoilt(stream), cudaErrorStreamCaptureInvalidated);
}

TEST_F(StandInGraph, ABranchThatIsNotJoinedIsRefused) {
  const Stream main = make_stream(), side = make_stream();
  const Event fork = make_event();
  begin(main);
  order(main, side, fork);
  queue(side, [] {});
  EXPECT_EQ(end_spoilt(main), cudaErrorStreamCaptureUnjoined);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  check(cudaStreamIsCapturing(side.get(), &status), "cudaStreamIsCapturing");
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
}

TEST_F(StandInGraph, WaitingInACaptureForWorkOutsideIsRefused) {
  const Stream stream = make_stream(), other = make_stream();
  const Event outside = make_event();
  check(cudaEventRecord(outside.get(), other.get()), "cudaEventRecord");
  begin(stream);
  EXPECT_EQ(cudaStreamWaitEvent(stream.get(), outside.get(), 0), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(end_spoilt(stream), cudaErrorStreamCaptureInvalidated);
  sluice::testing::synchronize_device();
}

TEST_F(StandInGraph, TwoCapturesCannotBeMerged) {
  const Stream first = make_stream(), second = make_stream();
  const Event event = make_event();
  begin(first);
  begin(second);
  check(cudaEventRecord(event.get(), first.get()), "cudaEventRecord");
  EXPECT_EQ(cudaStreamWaitEvent(second.get(), event.get(), 0), cudaErrorStreamCaptureMerge);
  EXPECT_EQ(end_spoilt(first), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(end_spoilt(second), cudaErrorStreamCaptureInvalidated);
}

TEST_F(StandInGraph, AnEventOfACaptureCannotBeWaitedForOutside) {
  const Stream stream = make_stream();
  const Event event = make_event();
  begin(stream);
  check(cudaEventRecord(event.get(), stream.get()), "cudaEventRecord");
  const Graph graph = end(stream);
  EXPECT_EQ(cudaEventSynchronize(event.get()), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaStreamWaitEvent(stream.get(), event.get(), 0), cudaErrorCapturedEvent);
  check(cudaEventRecord(event.get(), stream.get()), "cudaEventRecord");  // good again
  EXPECT_EQ(cudaEventSynchronize(event.get()), cudaSuccess);
}

TEST_F(StandInGraph, ACaptureLeftOpenIsFound) {
  {
    const Stream stream = make_stream();
    begin(stream);
    EXPECT_THROW(standin::finish(), std::logic_error);
  }
  EXPECT_THROW(standin::check_memory(), std::logic_error);  // and the stream's end was noticed
}

}  // namespace
}  // namespace sluice
