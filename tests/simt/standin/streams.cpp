// Streams and events of the stand-in: calls queue, and whoever waits runs the queues.
#include <algorithm>
#include <array>

#include "standin/state.hpp"

namespace standin {

std::size_t random_below(std::size_t count) { return state().random() % count; }

std::vector<CUstream_st*> all_streams() {
  State& s = state();
  std::vector<CUstream_st*> streams{&s.legacy};
  for (const auto& [raw, stream] : s.streams.all) {
    if (stream->live) streams.push_back(stream.get());
  }
  return streams;
}

CUstream_st& stream_of(cudaStream_t stream) {
  State& s = state();
  if (stream != nullptr) {
    CUstream_st& found = s.streams.find(stream, "stream");
    expect_current(found.home, "stream");
    return found;
  }
  // CUDA allows this if no blocking stream captures; the work would then not be in the graph.
  for (const auto& capture : s.captures) {
    spoil(*capture);
    throw Refusal{cudaErrorStreamCaptureImplicit};
  }
  return s.legacy;
}

void push(CUstream_st& stream, Item item) {
  item.order = ++state().order;
  ++state().enqueued[item.what];
  item.what += " (call " + std::to_string(state().calls) + ")";
  stream.items.push_back(std::move(item));
}

void perform(const Operation& operation) {
  expect_live(operation.ranges);
  operation.run();
  constexpr double kShortest = 0.002, kSpread = 0.001;  // fake milliseconds
  state().clock_ms += kShortest + kSpread * static_cast<double>(random_below(8));
}

cudaError_t submit(CUstream_st& stream, Operation operation) {
  if (&stream != &state().legacy) expect_home(operation.ranges, stream.home);
  if (stream.capture != nullptr) {
    Capture& capture = *stream.capture;
    if (capture.invalid) return cudaErrorStreamCaptureInvalidated;
    operation.what += " (captured by call " + std::to_string(state().calls) + ")";
    capture.nodes.push_back({std::move(operation), stream.frontier});
    stream.frontier = {capture.nodes.size() - 1};
    return cudaSuccess;
  }
  Item item{
      .what = operation.what, .ready = operation.ready, .step = {}, .ranges = operation.ranges};
  item.step = [operation = std::move(operation)] {
    perform(operation);
    return true;
  };
  push(stream, std::move(item));
  return cudaSuccess;
}

namespace {

/// Whether the default stream and the blocking ones keep their order.
bool in_turn(const CUstream_st& stream) {
  const State& s = state();
  const std::int64_t order = stream.items.front().order;
  const auto before = [&](const CUstream_st& other) {
    return !other.items.empty() && other.items.front().order < order;
  };
  if (&stream != &s.legacy) return !stream.blocking || !before(s.legacy);
  for (const CUstream_st* other : all_streams()) {
    if (other != &stream && other->blocking && before(*other)) return false;
  }
  return true;
}

bool runnable(const CUstream_st& stream) {
  if (stream.items.empty() || !in_turn(stream)) return false;
  const Item& item = stream.items.front();
  return !item.ready || item.ready();
}

std::vector<CUstream_st*> runnable_streams() {
  std::vector<CUstream_st*> streams = all_streams();
  std::erase_if(streams, [](const CUstream_st* stream) { return !runnable(*stream); });
  return streams;
}

/// While work runs: it may not call the runtime itself.
struct Running {
  Running() { state().running = true; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { state().running = false; }
};

void run_front(CUstream_st& stream) {
  Item item = std::move(stream.items.front());
  stream.items.pop_front();
  const Running running;
  try {
    if (!item.step()) stream.items.push_front(std::move(item));
  } catch (const std::logic_error& error) {
    throw std::logic_error(item.what + ": " + error.what());
  }
}

/// For other ranks, if there are: longer than the slowest of their steps here.
constexpr std::chrono::seconds kPatience{30};

void check_lost() {
  if (state().lost != cudaSuccess) throw Refusal{state().lost};
}

}  // namespace

bool give_way(std::chrono::steady_clock::time_point deadline) {
  if (state().communicators.live() == 0) return false;
  if (std::chrono::steady_clock::now() > deadline) return false;
  mutex().unlock();  // of the one call that this thread is in
  std::this_thread::sleep_for(std::chrono::microseconds(100));
  mutex().lock();
  return true;
}

void run_until(const std::function<bool()>& done, const CUstream_st* target) {
  check_lost();
  // How the device happens to be busy this time: with what is waited for, with everything, or with
  // everything else first.
  enum class Mood { target_first, mixed, target_last };
  constexpr std::array kMoods = {Mood::target_first, Mood::mixed, Mood::target_last};
  const Mood mood = kMoods[random_below(kMoods.size())];
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    std::vector<CUstream_st*> streams = runnable_streams();
    if (streams.empty() && give_way(deadline)) continue;
    if (streams.empty()) throw std::logic_error("waits for work that nothing can let run");
    const auto of_target =
        std::find_if(streams.begin(), streams.end(), [&](auto* each) { return each == target; });
    if (of_target != streams.end() && mood == Mood::target_first) {
      run_front(**of_target);
      continue;
    }
    if (of_target != streams.end() && mood == Mood::target_last && streams.size() > 1) {
      streams.erase(of_target);
    }
    run_front(*streams[random_below(streams.size())]);
  }
}

void run_all() {
  if (state().lost != cudaSuccess) return;
  run_until([] { return runnable_streams().empty(); }, nullptr);
  for (const CUstream_st* stream : all_streams()) {
    if (!stream->items.empty()) {
      throw std::logic_error(stream->items.front().what + ": nothing can let it run");
    }
  }
}

void run_device(int device) {
  if (state().lost != cudaSuccess) return;
  const auto left = [device]() -> const CUstream_st* {
    for (const CUstream_st* stream : all_streams()) {
      if (stream->home == device && !stream->items.empty()) return stream;
    }
    return nullptr;
  };
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    run_until([&] { return left() == nullptr || runnable_streams().empty(); }, nullptr);
  } while (left() != nullptr && give_way(deadline));
  if (const CUstream_st* stream = left()) {
    throw std::logic_error(stream->items.front().what + ": nothing can let it run");
  }
}

void run_some() {
  constexpr std::size_t kMost = 4;
  for (std::size_t left = random_below(kMost); left > 0; --left) {
    const std::vector<CUstream_st*> streams = runnable_streams();
    if (streams.empty()) return;
    run_front(*streams[random_below(streams.size())]);
  }
}

void enqueue_kernel(cudaStream_t stream, std::function<void()> run) {
  // Refusals are kept for cudaGetLastError(), as those of <<<>>>.
  static_cast<void>(framed("launch of a kernel", [&] {
    return submit(stream_of(stream), {"kernel", std::move(run), {}});
  }));
}

}  // namespace standin

using namespace standin;

namespace {

void refuse_capturing(CUstream_st& stream) {
  if (stream.capture == nullptr) return;
  spoil(*stream.capture);
  throw Refusal{cudaErrorStreamCaptureUnsupported};
}

void expect_outside_capture(const CUevent_st& event) {
  if (event.capture == nullptr) return;
  spoil(*event.capture);
  throw Refusal{cudaErrorCapturedEvent};
}

void expect_recorded(const CUevent_st& event) {
  if (event.moment == nullptr && event.capture == nullptr) {
    throw std::logic_error("waits for an event that was never recorded");
  }
}

}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return framed("cudaStreamCreateWithFlags", [&] {
    if ((flags & ~cudaStreamNonBlocking) != 0) return cudaErrorInvalidValue;
    *stream = state().streams.make();
    (*stream)->home = current_device();
    (*stream)->blocking = (flags & cudaStreamNonBlocking) == 0;
    return cudaSuccess;
  });
}

// Work runs in a random order, whatever its priority.
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return framed("cudaDeviceGetStreamPriorityRange", [&] {
    *least = 0, *greatest = -5;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return framed_release("cudaStreamDestroy", [&] {
    CUstream_st& s = state().streams.find(stream, "stream");
    std::string wrong;
    if (s.capture != nullptr) {
      wrong = "a stream is destroyed while it captures";
      spoil(*s.capture);
      for (CUstream_st* other : all_streams()) {
        if (other->capture == s.capture && other != &s) other->capture.reset();
      }
      std::erase(state().captures, s.capture);
      s.capture.reset();
    } else if (!s.items.empty()) {
      wrong = "a stream is destroyed before this work has run: " + s.items.front().what;
      if (state().lost == cudaSuccess) run_until([&] { return s.items.empty(); }, &s);
    }
    s.live = false;
    s.items.clear();
    if (!wrong.empty() && state().lost == cudaSuccess) throw std::logic_error(wrong);
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return framed("cudaStreamSynchronize", [&] {
    CUstream_st& s = stream_of(stream);
    refuse_capturing(s);
    refuse_in_capture();
    run_until([&] { return s.items.empty(); }, &s);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return framed("cudaStreamQuery", [&] {
    CUstream_st& s = stream_of(stream);
    refuse_capturing(s);
    refuse_in_capture();
    run_some();
    return s.items.empty() ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return framed("cudaDeviceSynchronize", [&] {
    for (const auto& capture : state().captures) spoil(*capture);
    if (!state().captures.empty()) return cudaErrorStreamCaptureUnsupported;
    run_all();
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* user_data) {
  return framed("cudaLaunchHostFunc", [&] {
    if (function == nullptr) return cudaErrorInvalidValue;
    return submit(stream_of(stream),
                  {"cudaLaunchHostFunc", [function, user_data] { function(user_data); }, {}});
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return framed("cudaStreamWaitEvent", [&] {
    if (flags != 0) return cudaErrorNotSupported;
    CUstream_st& s = stream_of(stream);
    const CUevent_st& e = state().events.find(event, "event");
    expect_recorded(e);
    if (e.capture != nullptr) {
      if (!e.capture->active) return cudaErrorCapturedEvent;
      if (e.capture->invalid) return cudaErrorStreamCaptureInvalidated;
      if (s.capture == nullptr) {
        s.capture = e.capture;
        s.frontier.clear();
      }
      if (s.capture != e.capture) {
        spoil(*s.capture);
        spoil(*e.capture);
        return cudaErrorStreamCaptureMerge;
      }
      for (const std::size_t node : e.frontier) {
        if (std::find(s.frontier.begin(), s.frontier.end(), node) == s.frontier.end()) {
          s.frontier.push_back(node);
        }
      }
      return cudaSuccess;
    }
    if (s.capture != nullptr) {
      spoil(*s.capture);
      return cudaErrorStreamCaptureIsolation;
    }
    push(s, {.what = "cudaStreamWaitEvent",
             .ready = [moment = e.moment] { return moment->reached; },
             .step = [] { return true; },
             .ranges = {}});
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return framed("cudaEventCreateWithFlags", [&] {
    if ((flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) != 0) {
      return cudaErrorInvalidValue;
    }
    *event = state().events.make();
    (*event)->home = current_device();
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return framed_release("cudaEventDestroy", [&] {
    CUevent_st& e = state().events.find(event, "event");
    e.live = false;
    e.moment.reset();
    e.capture.reset();
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return framed("cudaEventRecord", [&] {
    CUstream_st& s = stream_of(stream);
    CUevent_st& e = state().events.find(event, "event");
    expect_current(e.home, "event");
    if (s.capture != nullptr) {
      if (s.capture->invalid) return cudaErrorStreamCaptureInvalidated;
      e.moment.reset();
      e.capture = s.capture;
      e.frontier = s.frontier;
      return cudaSuccess;
    }
    e.capture.reset();
    e.moment = std::make_shared<Moment>();
    push(s, {.what = "cudaEventRecord",
             .ready = {},
             .step =
                 [moment = e.moment] {
                   *moment = {true, state().clock_ms};
                   return true;
                 },
             .ranges = {}});
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  if (flags == cudaEventRecordDefault) return cudaEventRecord(event, stream);
  return framed("cudaEventRecordWithFlags", [&] {
    CUstream_st& s = stream_of(stream);
    CUevent_st& e = state().events.find(event, "event");
    expect_current(e.home, "event");
    if (flags != cudaEventRecordExternal || s.capture == nullptr) return cudaErrorInvalidValue;
    Operation record{"cudaEventRecord", [] {}, {}};
    record.event = &e;
    return submit(s, std::move(record));
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return framed("cudaEventSynchronize", [&] {
    const CUevent_st& e = state().events.find(event, "event");
    expect_recorded(e);
    expect_outside_capture(e);
    refuse_in_capture();
    run_until([moment = e.moment] { return moment->reached; }, nullptr);
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return framed("cudaEventQuery", [&] {
    const CUevent_st& e = state().events.find(event, "event");
    expect_outside_capture(e);
    refuse_in_capture();
    if (e.moment == nullptr) return cudaSuccess;
    run_some();
    return e.moment->reached ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  return framed("cudaEventElapsedTime", [&] {
    const CUevent_st& from = state().events.find(start, "event");
    const CUevent_st& to = state().events.find(end, "event");
    if (!from.timed || !to.timed || from.moment == nullptr || to.moment == nullptr) {
      return cudaErrorInvalidResourceHandle;
    }
    if (!from.moment->reached || !to.moment->reached) return cudaErrorNotReady;
    *ms = static_cast<float>(to.moment->at_ms - from.moment->at_ms);
    return cudaSuccess;
  });
}
