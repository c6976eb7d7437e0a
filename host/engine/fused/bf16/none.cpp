// In place of x86.cpp where the compiler knows no bf16 dot products.
#include "engine/fused/bf16/bf16.hpp"

namespace sluice {

const FusedKernels<Bf16>* fused_bf16_kernels() { return nullptr; }

std::string_view fused_bf16_needs() {
  return "an x86-64 processor with AVX-512 BF16, and a build by GCC for it";
}

}  // namespace sluice
