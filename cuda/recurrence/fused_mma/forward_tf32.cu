// Forward kernels of fused_mma in tf32 with x from memory, or with a finished input product.
#include "recurrence/fused_mma/forward.cuh"

namespace sluice::mma {

template <>
void launch_forward<Precision::tf32>(const Forward<Element<Precision::tf32>>& layer, int tiles,
                                     cudaStream_t stream) {
  launch_copied<Precision::tf32>(layer, tiles, stream);
}

}  // namespace sluice::mma
