// Forward kernels of fused_mma in bf16 with x from memory, or with a finished input product.
#include "recurrence/fused_mma/forward.cuh"

namespace sluice::mma {

template <>
void launch_forward<Precision::bf16>(const Forward<Element<Precision::bf16>>& layer, int tiles,
                                     cudaStream_t stream) {
  launch_forward_units<Precision::bf16>(layer, tiles, 1, CopiedInput<Precision::bf16>{}, stream);
}

}  // namespace sluice::mma
