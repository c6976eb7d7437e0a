// Forward kernels of fused_mma in bf16 that assemble x from windows.
#include "recurrence/fused_mma/forward.cuh"

namespace sluice::mma {

template <>
void launch_assembled<Precision::bf16>(const Forward<Element<Precision::bf16>>& layer,
                                       const WindowRows& windows, int first_step, int tiles,
                                       int ahead, cudaStream_t stream) {
  launch_forward_units<Precision::bf16, false>(
      layer, tiles, ahead, AssembledInput<Precision::bf16>{windows, first_step}, stream);
}

}  // namespace sluice::mma
