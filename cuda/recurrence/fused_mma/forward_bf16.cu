// Forward kernels of fused_mma in bf16 with x from memory, or with a finished input product.
#include "recurrence/fused_mma/forward.cuh"

namespace sluice::mma {

template <>
void launch_forward<Precision::bf16>(const Forward<Element<Precision::bf16>>& layer, int tiles,
                                     cudaStream_t stream) {
  launch_copied<Precision::bf16>(layer, tiles, stream);
}

}  // namespace sluice::mma
