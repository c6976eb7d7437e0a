// Capture and graphs of the stand-in: a captured call becomes a node behind those that its stream
// has waited for; a launch runs the nodes in a random order that keeps only these waits.
#include <algorithm>

#include "standin/state.hpp"

namespace standin {

void spoil(Capture& capture) { capture.invalid = true; }

void refuse_in_capture() {
  bool refused = false;
  for (const auto& capture : state().captures) {
    if (capture->mode == cudaStreamCaptureModeGlobal ||
        (capture->mode == cudaStreamCaptureModeThreadLocal &&
         capture->thread == std::this_thread::get_id())) {
      spoil(*capture);
      refused = true;
    }
  }
  if (refused) throw Refusal{cudaErrorStreamCaptureUnsupported};
}

GraphRun::GraphRun(Nodes nodes)
    : nodes_(std::move(nodes)),
      moments_(nodes_->size()),
      done_(nodes_->size()),
      left_(nodes_->size()) {
  for (std::size_t i = 0; i < nodes_->size(); ++i) {
    CUevent_st* event = (*nodes_)[i].operation.event;
    if (event == nullptr) continue;
    moments_[i] = std::make_shared<Moment>();
    event->moment = moments_[i];
    event->capture.reset();
  }
}

bool GraphRun::step() {
  if (left_ == 0) return true;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < done_.size(); ++i) {
    const std::vector<std::size_t>& after = (*nodes_)[i].after;
    if (!done_[i] && std::all_of(after.begin(), after.end(), [&](auto k) { return done_[k]; })) {
      open.push_back(i);
    }
  }
  const std::size_t chosen = open[random_below(open.size())];
  const Operation& operation = (*nodes_)[chosen].operation;
  try {
    perform(operation);
  } catch (const std::logic_error& error) {
    throw std::logic_error(operation.what + ": " + error.what());
  }
  if (moments_[chosen]) *moments_[chosen] = {true, state().clock_ms};
  done_[chosen] = true;
  return --left_ == 0;
}

std::vector<Range> ranges_of(const std::vector<Node>& nodes) {
  std::vector<Range> ranges;
  for (const Node& node : nodes) {
    ranges.insert(ranges.end(), node.operation.ranges.begin(), node.operation.ranges.end());
  }
  return ranges;
}

namespace {

/// Marks the nodes that come before one of `from`, and these.
std::vector<bool> reached_from(const std::vector<Node>& nodes,
                               const std::vector<std::size_t>& from) {
  std::vector<bool> reached(nodes.size());
  for (const std::size_t node : from) reached[node] = true;
  for (std::size_t i = nodes.size(); i-- > 0;) {  // nodes come after what they wait for
    if (!reached[i]) continue;
    for (const std::size_t before : nodes[i].after) reached[before] = true;
  }
  return reached;
}

}  // namespace
}  // namespace standin

using namespace standin;

std::vector<std::string> standin::last_graph() {
  const std::lock_guard lock(mutex());
  std::vector<std::string> names;
  if (state().last_graph == nullptr) return names;
  for (const Node& node : *state().last_graph) {
    names.push_back(node.operation.what.substr(0, node.operation.what.find(" (")));
  }
  return names;
}

std::vector<std::int64_t> standin::last_graph_beside() {
  const std::lock_guard lock(mutex());
  if (state().last_graph == nullptr) return {};
  const std::vector<Node>& nodes = *state().last_graph;
  std::vector<std::int64_t> beside(nodes.size(), static_cast<std::int64_t>(nodes.size()) - 1);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::vector<bool> before = reached_from(nodes, nodes[i].after);
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      if (before[k]) --beside[i], --beside[k];
    }
  }
  return beside;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return framed("cudaStreamBeginCapture", [&] {
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;
    CUstream_st& s = stream_of(stream);
    if (s.capture != nullptr) {
      spoil(*s.capture);
      return cudaErrorIllegalState;
    }
    auto capture = std::make_shared<Capture>();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->origin = &s;
    s.capture = capture;
    s.frontier.clear();
    state().captures.push_back(std::move(capture));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  return framed("cudaStreamEndCapture", [&] {
    if (stream == nullptr) return cudaErrorIllegalState;
    CUstream_st& s = stream_of(stream);
    if (s.capture == nullptr) return cudaErrorIllegalState;
    const std::shared_ptr<Capture> capture = s.capture;
    if (capture->origin != &s) {
      spoil(*capture);
      return cudaErrorStreamCaptureUnmatched;
    }
    if (capture->mode != cudaStreamCaptureModeRelaxed &&
        capture->thread != std::this_thread::get_id()) {
      return cudaErrorStreamCaptureWrongThread;
    }
    const std::vector<bool> joined = reached_from(capture->nodes, s.frontier);
    capture->active = false;
    for (CUstream_st* other : all_streams()) {
      if (other->capture == capture) other->capture.reset();
    }
    std::erase(state().captures, capture);
    if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
    if (std::find(joined.begin(), joined.end(), false) != joined.end()) {
      return cudaErrorStreamCaptureUnjoined;
    }
    *graph = state().graphs.make();
    (*graph)->nodes = std::make_shared<const std::vector<Node>>(std::move(capture->nodes));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return framed("cudaStreamIsCapturing", [&] {
    const CUstream_st& s = stream_of(stream);
    *status = s.capture == nullptr ? cudaStreamCaptureStatusNone
              : s.capture->invalid ? cudaStreamCaptureStatusInvalidated
                                   : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  return framed("cudaGraphInstantiate", [&] {
    refuse_in_capture();
    const CUgraph_st& g = state().graphs.find(graph, "graph");
    *exec = state().execs.make();
    (*exec)->home = current_device();
    (*exec)->nodes = g.nodes;
    state().last_graph = g.nodes;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return framed("cudaGraphUpload", [&] {
    static_cast<void>(state().execs.find(exec, "graph"));
    static_cast<void>(stream_of(stream));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return framed("cudaGraphLaunch", [&] {
    CUgraphExec_st& e = state().execs.find(exec, "graph");
    CUstream_st& s = stream_of(stream);
    expect_current(e.home, "graph");
    const std::vector<Range> ranges = ranges_of(*e.nodes);
    if (s.capture != nullptr) {  // a graph in a graph
      const auto run = [nodes = e.nodes] {
        GraphRun whole(nodes);
        while (!whole.step()) continue;
      };
      return submit(s, {"cudaGraphLaunch", run, ranges});
    }
    auto finished = std::make_shared<Moment>();
    push(s, {.what = "cudaGraphLaunch",
             .ready = [before = e.last] { return before == nullptr || before->reached; },
             .step =
                 [run = std::make_shared<GraphRun>(e.nodes), finished] {
                   finished->reached = run->step();
                   return finished->reached;
                 },
             .ranges = ranges});
    e.last = std::move(finished);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return framed_release("cudaGraphDestroy", [&] {
    CUgraph_st& g = state().graphs.find(graph, "graph");
    g.live = false;
    g.nodes.reset();
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return framed_release("cudaGraphExecDestroy", [&] {
    CUgraphExec_st& e = state().execs.find(exec, "graph");
    e.live = false;
    e.nodes.reset();
    e.last.reset();
  });
}
