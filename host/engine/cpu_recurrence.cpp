#include "engine/cpu_recurrence.hpp"

#include <fmt/format.h>

#include "engine/fused_recurrence.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {
namespace {

/// Up to this H `fused` was never slower than `onednn` (docs/kernels.md, "On the CPU"):
///   OMP_WAIT_POLICY=passive sluice-bench cpu --filter recurrence/ --threads 2
/// Vectors of four were not measured, nor were wider layers, whose weights leave the caches.
int largest_fused_h(int lanes) { return lanes >= 8 ? 512 : 0; }

}  // namespace

std::unique_ptr<Recurrence> make_cpu_recurrence(const std::string& name, int C, int H, int L,
                                                int threads) {
  const bool fused =
      name == "fused" || (name == "auto" && H <= largest_fused_h(fused_kernels().lanes));
  if (fused) return make_fused_recurrence(C, H, L);
  if (name == "auto" || name == "onednn") {
    return make_sharded_recurrence(C, H, L, threads,
                                   [=] { return make_onednn_recurrence(C, H, L); });
  }
  throw ConfigError(fmt::format(
      "engine.recurrence = \"{}\" does not exist on the CPU; choose auto, fused or onednn", name));
}

std::string cpu_vector_text() {
  const FusedKernels<float>& kernels = fused_kernels();
  return fmt::format("{}, {} floats at once", kernels.target, kernels.lanes);
}

}  // namespace sluice
