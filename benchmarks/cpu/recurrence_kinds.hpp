// The recurrences of the CPU by themselves, ours beside others: h from x (forward), and load +
// forward + backward (train), which is what one training step asks of them. Work is counted as the
// products' floating point operations, 8 H (I + H) a layer, series and step, and three times that
// in training.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cpu/bench.hpp"
#include "cpu/torch_worker.hpp"
#include "engine/recurrence.hpp"

namespace sluice::bench {

/// One way to compute a recurrence.
struct RecurrenceKind {
  std::string name;
  /// For C, H, L, on the OpenMP threads that are set. Empty: PyTorch's, in a process of its own.
  std::function<std::unique_ptr<Recurrence>(int C, int H, int L)> make;
  /// Kinds beside which the table sets it; none: it has no table.
  std::vector<std::string> rivals;
  bool by_default = true;  ///< measured unless kinds are asked for
};

/// The phases, a group each.
constexpr const char *kForward = "forward", *kTrain = "train";

/// "fused", "fused_bf16" (where the processor has bf16 dot products), "onednn", "onednn-own"
/// (oneDNN threads each product, as PyTorch has it), "pytorch".
std::span<const RecurrenceKind> recurrence_kinds();

/// "1024,28,8,64,1" (B,T,I,H,L).
std::string shape_text(const RecurrenceShape& shape);

/// Forward and training of `kinds` on a shape, two groups. `torch` is used by PyTorch's kind.
std::vector<Benchmark> recurrence_benchmarks(const RecurrenceShape& shape,
                                             std::span<const RecurrenceKind> kinds,
                                             const std::shared_ptr<TorchWorker>& torch);

/// The grid of Sluice's users.
std::span<const RecurrenceShape> recurrence_shapes();

}  // namespace sluice::bench
