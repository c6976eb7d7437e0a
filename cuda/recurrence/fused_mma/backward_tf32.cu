// Backward kernels of fused_mma in tf32; a file a kind, so that they compile side by side.
#include "recurrence/fused_mma/backward.cuh"

namespace sluice::mma {

template <>
void launch_backward<Precision::tf32>(const Backward<Element<Precision::tf32>>& layer,
                                      cudaStream_t stream) {
  launch_backward_units<Precision::tf32>(layer, stream);
}

}  // namespace sluice::mma
