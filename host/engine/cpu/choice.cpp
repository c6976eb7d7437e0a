#include "engine/cpu/choice.hpp"

#include <fmt/format.h>

#include <optional>

#include "engine/cpu/precision.hpp"
#include "engine/cpu/selection_table.hpp"
#include "engine/fused/recurrence.hpp"
#include "engine/shared/checked.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads,
                                                std::span<const CpuSelectionRow> table) {
  const bool fused =
      name == "fused" || (name == "auto" && fused_is_chosen(table, fused_kernels().lanes, H, L));
  if (fused) return make_fused_recurrence(C, H, L);
  if (name == "auto" || name == "onednn") {
    return make_sharded_recurrence(C, H, L, threads,
                                   [=] { return make_onednn_recurrence(C, H, L); });
  }
  throw ConfigError(fmt::format(
      "engine.recurrence = \"{}\" does not exist on the CPU; choose auto, fused or onednn", name));
}

std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads) {
  return make_cpu_recurrence(name, C, H, L, threads, kCpuSelection);
}

std::unique_ptr<Recurrence> make_cpu_engine_recurrence(const std::string& name, Precision precision,
                                                       int C, int H, int L, int threads) {
  const auto make = [&](const std::string& one) {
    return precision == Precision::bf16 ? make_cpu_bf16_recurrence(one, C, H, L)
                                        : make_cpu_recurrence(one, C, H, L, threads);
  };
  const std::optional<RecurrencePair> pair = recurrence_pair(name);
  if (!pair) return make(name);
  return make_checked_recurrence(C, H, L, make(pair->used), make(pair->other), log_info);
}

std::string cpu_instructions() { return fused_kernels().target; }

std::string cpu_vector_text() {
  const FusedKernels<float>& kernels = fused_kernels();
  return fmt::format("{}, {} floats at once", kernels.target, kernels.lanes);
}

}  // namespace sluice
