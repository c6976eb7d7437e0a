// Backward kernels of fused_mma in bf16; a file a kind, so that they compile side by side.
#include "recurrence/fused_mma/backward.cuh"

namespace sluice::mma {

template <>
void launch_backward<Precision::bf16>(const Backward<Element<Precision::bf16>>& layer,
                                      cudaStream_t stream) {
  launch_backward_units<Precision::bf16>(layer, stream);
}

}  // namespace sluice::mma
