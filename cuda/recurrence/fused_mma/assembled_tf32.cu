// Forward kernels of fused_mma in tf32 that assemble x from windows.
#include "recurrence/fused_mma/forward.cuh"

namespace sluice::mma {

template <>
void launch_assembled<Precision::tf32>(const Forward<Element<Precision::tf32>>& layer,
                                       const WindowRows& windows, int first_step, int tiles,
                                       int ahead, cudaStream_t stream) {
  launch_forward_units<Precision::tf32, false>(
      layer, tiles, ahead, AssembledInput<Precision::tf32>{windows, first_step}, stream);
}

}  // namespace sluice::mma
