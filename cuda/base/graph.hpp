// A sequence of asynchronous work captured once and replayed with one launch.
#pragma once

#include "base/handles.hpp"

namespace sluice {

/// What `enqueue` puts on `stream` (and on streams that join it by events); nothing of it runs. If
/// `enqueue` throws, the capture is ended and the exception goes on. Throws DeviceError.
template <typename Enqueue>
Graph capture(cudaStream_t stream, Enqueue enqueue,
              cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
  /// Ends a capture that was not ended in order.
  struct Capture {
    Capture(cudaStream_t s, cudaStreamCaptureMode mode) : stream(s) {
      check(cudaStreamBeginCapture(s, mode), "cudaStreamBeginCapture");
    }
    ~Capture() {
      if (stream == nullptr) return;
      cudaGraph_t broken = nullptr;
      static_cast<void>(cudaStreamEndCapture(stream, &broken));
      static_cast<void>(Graph(broken));
      static_cast<void>(cudaGetLastError());
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    Graph end() {
      cudaGraph_t graph = nullptr;
      check(cudaStreamEndCapture(std::exchange(stream, nullptr), &graph), "cudaStreamEndCapture");
      return Graph(graph);
    }
    cudaStream_t stream;
  };
  Capture under_way(stream, mode);
  enqueue();
  return under_way.end();
}

/// The same, ready to be launched.
template <typename Enqueue>
GraphExec capture_graph(cudaStream_t stream, Enqueue enqueue,
                        cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
  const Graph graph = capture(stream, enqueue, mode);
  cudaGraphExec_t exec = nullptr;
  // Streams have priorities, which a graph's nodes keep only if they are asked to.
  check(cudaGraphInstantiate(&exec, graph.get(), cudaGraphInstantiateFlagUseNodePriority),
        "cudaGraphInstantiate");
  return GraphExec(exec);
}

}  // namespace sluice
