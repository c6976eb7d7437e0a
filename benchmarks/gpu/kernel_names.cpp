// The driver is asked through the runtime (cudaGetDriverEntryPointByVersion), so that nothing links
// libcuda.
#include "gpu/kernel_names.hpp"

#include <cuda_runtime_api.h>
#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/graph.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

/// The driver's calls that name a kernel node's function; see cuda.h, whose interface is fixed.
class Driver {
 public:
  Driver()
      : params_(find<GetParams>("cuGraphKernelNodeGetParams")),
        function_name_(find<GetName>("cuFuncGetName")),
        kernel_name_(find<GetName>("cuKernelGetName")) {}

  std::optional<std::string> name_of(cudaGraphNode_t node) const {
    Params params{};
    if (params_ == nullptr || params_(node, &params) != kSuccess) return {};
    // A node has one of the two, by how its kernel was loaded.
    for (const auto& [name_of, of] :
         {std::pair{function_name_, params.function}, std::pair{kernel_name_, params.kernel}}) {
      const char* name = nullptr;
      if (name_of == nullptr || of == nullptr || name_of(&name, of) != kSuccess) continue;
      if (name != nullptr) return name;
    }
    return {};
  }

 private:
  /// CUDA_KERNEL_NODE_PARAMS_v2.
  struct Params {
    void* function;
    unsigned grid[3], block[3], shared_bytes;
    void **parameters, **extra;
    void *kernel, *context;
  };
  using GetParams = int (*)(cudaGraphNode_t, Params*);
  using GetName = int (*)(const char**, void*);
  static constexpr int kSuccess = 0;
  static constexpr unsigned kVersion = 12'030;  ///< of CUDA, that has all three

  /// Null if the driver does not have it.
  template <typename Function>
  static Function find(const char* symbol) {
    void* address = nullptr;
    cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
    check(cudaGetDriverEntryPointByVersion(symbol, &address, kVersion, cudaEnableDefault, &found),
          "cudaGetDriverEntryPointByVersion");
    if (found != cudaDriverEntryPointSuccess) return nullptr;
    Function function = nullptr;
    static_assert(sizeof function == sizeof address);
    std::memcpy(&function, &address, sizeof address);
    return function;
  }

  GetParams params_;
  GetName function_name_, kernel_name_;
};

std::vector<cudaGraphNode_t> nodes_of(const Graph& graph) {
  std::size_t count = 0;
  check(cudaGraphGetNodes(graph.get(), nullptr, &count), "cudaGraphGetNodes");
  std::vector<cudaGraphNode_t> nodes(count);
  if (count > 0) check(cudaGraphGetNodes(graph.get(), nodes.data(), &count), "cudaGraphGetNodes");
  return nodes;
}

bool is_kernel(cudaGraphNode_t node) {
  cudaGraphNodeType type = cudaGraphNodeTypeMemcpy;
  check(cudaGraphNodeGetType(node, &type), "cudaGraphNodeGetType");
  return type == cudaGraphNodeTypeKernel;
}

std::string demangled(const std::string& name) {
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && plain ? std::string(plain.get()) : name;
}

/// "void gemm<float, 4>(float*, int)" -> "gemm<float, 4>".
std::string shortened(std::string name) {
  constexpr std::string_view kVoid = "void ", kUnnamed = "(anonymous namespace)::";
  if (name.starts_with(kVoid)) name.erase(0, kVoid.size());
  for (std::size_t at; (at = name.find(kUnnamed)) != std::string::npos;) {
    name.erase(at, kUnnamed.size());
  }
  int angles = 0;  // a "(" within <> is a value's type, not the parameters
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++angles;
    if (name[i] == '>') --angles;
    if (name[i] == '(' && angles == 0) {
      name.erase(i);
      break;
    }
  }
  constexpr std::size_t kLongest = 120;
  if (name.size() > kLongest) name = name.substr(0, kLongest - 3) + "...";
  return name;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool has_one(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

}  // namespace

std::string names(std::vector<KernelUse> kernels) {
  constexpr std::size_t kMost = 8;
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const KernelUse& a, const KernelUse& b) { return a.nodes > b.nodes; });
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, kernels.size()); ++i) {
    const std::string name = shortened(demangled(kernels[i].name));
    if (!text.empty()) text += "; ";
    text += kernels[i].nodes > 1 ? fmt::format("{}x {}", kernels[i].nodes, name) : name;
  }
  if (kernels.size() > kMost) text += fmt::format(" (and {} more)", kernels.size() - kMost);
  return text;
}

// The shapes of instructions ("s16816": sums in fp32, 16 x 8 x 16) and the words of CUTLASS, xmma,
// cuBLAS on Hopper ("nvjet") and cuDNN's recurrences.
std::string math_of(std::span<const KernelUse> kernels) {
  bool tensor = false, plain = false;
  for (const KernelUse& kernel : kernels) {
    const std::string name = lower(kernel.name);
    if (has_one(name, {"hmma", "gmma", "wmma", "tensorop", "tensor16x8", "warpgroupsize", "nvjet",
                       "16816", "161616", "s1688", "h1688", "s884", "h884"})) {
      tensor = true;
    } else if (has_one(name, {"ffma", "simt", "_sgemm"})) {
      plain = true;
    }
  }
  if (tensor && plain) return "HMMA and FFMA";
  return tensor ? "HMMA" : plain ? "FFMA" : "unknown";
}

std::vector<Fact> kernel_facts(const std::function<void()>& run, const DeviceContext& context) {
  Graph graph;
  try {
    graph = capture(context.stream(), run, cudaStreamCaptureModeRelaxed);
  } catch (const DeviceError&) {
    return {};
  }
  const Driver driver;
  const std::vector<cudaGraphNode_t> nodes = nodes_of(graph);
  std::vector<KernelUse> kernels;
  double kernel_nodes = 0;
  for (const cudaGraphNode_t node : nodes) {
    if (!is_kernel(node)) continue;
    ++kernel_nodes;
    const std::optional<std::string> name = driver.name_of(node);
    if (!name) continue;
    const auto known = std::find_if(kernels.begin(), kernels.end(),
                                    [&](const KernelUse& k) { return k.name == *name; });
    if (known == kernels.end()) {
      kernels.push_back({*name, 1});
    } else {
      ++known->nodes;
    }
  }
  std::vector<Fact> facts{{"graph nodes", static_cast<double>(nodes.size())},
                          {"kernel nodes", kernel_nodes}};
  if (kernels.empty()) return facts;
  facts.push_back({"kernels", names(kernels)});
  facts.push_back({"math", math_of(kernels)});
  return facts;
}

}  // namespace sluice::bench
