// Which kernels a piece of work really launches, by the names of their functions: a library chooses
// its kernels, and the arithmetic in them, by itself.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "gpu/bench.hpp"

namespace sluice::bench {

/// A function's name as the driver has it, and how many of a graph's nodes run it.
struct KernelUse {
  std::string name;
  int nodes = 0;
};

/// Captures `run` and walks the graph; nothing of it runs. Facts:
///   "graph nodes", "kernel nodes"  how many
///   "kernels"  names(), "math"  math_of(); both absent if the driver does not tell names
/// No facts if the work cannot be captured, which the case's samples say.
std::vector<Fact> kernel_facts(const std::function<void()>& run, const DeviceContext& context);

/// "12x gemm<float>; cell (and 3 more)": a few, those with most nodes first, demangled, without
/// parameters and cut where they are long.
std::string names(std::vector<KernelUse> kernels);

/// What multiplies, as the names say: "HMMA" (tensor cores), "FFMA", "HMMA and FFMA", or "unknown".
/// Names of kernels that are not made of products say nothing.
std::string math_of(std::span<const KernelUse> kernels);

}  // namespace sluice::bench
