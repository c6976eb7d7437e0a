#include "engine/cpu/choice.hpp"

#include <fmt/format.h>

#include "engine/cpu/selection_table.hpp"
#include "engine/fused/recurrence.hpp"
#include "sluice/base/error.hpp"
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

std::string cpu_vector_text() {
  const FusedKernels<float>& kernels = fused_kernels();
  return fmt::format("{}, {} floats at once", kernels.target, kernels.lanes);
}

}  // namespace sluice
