// What a captured graph is made of, and the driver's calls that name a kernel node's function. A
// kernel of ours is known here as "kernel", a call of cuBLAS by the call's name.
#include <algorithm>
#include <cstring>
#include <set>

#include "standin/state.hpp"

using namespace standin;

namespace {

cudaGraphNode_t handle_of(const Node& node) {
  return reinterpret_cast<cudaGraphNode_t>(const_cast<Node*>(&node));
}

/// Throws std::logic_error unless it is of a graph that is still there.
const Node& node_of(cudaGraphNode_t handle) {
  for (const auto& [raw, graph] : state().graphs.all) {
    if (!graph->live) continue;
    for (const Node& node : *graph->nodes) {
      if (handle_of(node) == handle) return node;
    }
  }
  throw std::logic_error("this node is of no graph, or its graph was destroyed");
}

bool begins(const std::string& text, const char* with) {
  return text.compare(0, std::strlen(with), with) == 0;
}

cudaGraphNodeType type_of(const Node& node) {
  const std::string& what = node.operation.what;
  if (begins(what, "cudaMemcpy")) return cudaGraphNodeTypeMemcpy;
  if (begins(what, "cudaMemset")) return cudaGraphNodeTypeMemset;
  if (begins(what, "cudaLaunchHostFunc")) return cudaGraphNodeTypeHost;
  if (begins(what, "cudaGraphLaunch")) return cudaGraphNodeTypeGraph;
  if (begins(what, "cudaEventRecord")) return cudaGraphNodeTypeEventRecord;
  return cudaGraphNodeTypeKernel;
}

/// CUDA_KERNEL_NODE_PARAMS_v2 of the driver's interface.
struct KernelNodeParams {
  const void* function;
  unsigned grid[3], block[3], shared_bytes;
  void **parameters, **extra;
  const void *kernel, *context;
};

constexpr int kSuccess = 0, kInvalidValue = 1;

int get_params(cudaGraphNode_t handle, KernelNodeParams* params) {
  const std::lock_guard lock(mutex());
  const Node& node = node_of(handle);
  if (type_of(node) != cudaGraphNodeTypeKernel) return kInvalidValue;
  *params = {};
  // A driver has a kernel of the program as a library's kernel, and an older library's as a
  // function.
  (begins(node.operation.what, "cublas") ? params->function : params->kernel) = &node;
  return kSuccess;
}

/// An operation's name without what the capture added to it; lasts, as a function's name does.
int get_name(const char** name, const void* function) {
  static std::set<std::string> known;
  const std::lock_guard lock(mutex());
  const std::string& what = static_cast<const Node*>(function)->operation.what;
  *name = known.insert(what.substr(0, what.find(' '))).first->c_str();
  return kSuccess;
}

}  // namespace

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return framed("cudaGraphGetNodes", [&] {
    const std::vector<Node>& all = *state().graphs.find(graph, "graph").nodes;
    if (nodes != nullptr) {
      *count = std::min(*count, all.size());
      std::transform(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(*count), nodes,
                     handle_of);
    } else {
      *count = all.size();
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return framed("cudaGraphNodeGetType", [&] {
    *type = type_of(node_of(node));
    return cudaSuccess;
  });
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  return framed("cudaGetDriverEntryPointByVersion", [&] {
    const std::string name = symbol;
    *function = name == "cuGraphKernelNodeGetParams" ? reinterpret_cast<void*>(get_params)
                : name == "cuFuncGetName" || name == "cuKernelGetName"
                    ? reinterpret_cast<void*>(get_name)
                    : nullptr;
    if (found != nullptr) {
      *found =
          *function != nullptr ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    }
    return cudaSuccess;
  });
}
