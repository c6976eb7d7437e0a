// Sums over a block in a fixed order, a tree in shared memory: the same bits each time.
#pragma once

#include "base/launch.cuh"

namespace sluice {

/// combine() of all threads' values, for every thread of the block. The block has a power of two of
/// threads and blockDim.x * sizeof(T) bytes of shared memory, which must not be in use otherwise
/// before the next barrier; all threads call it.
template <typename T, typename Combine>
__device__ inline T block_reduce(const T& value, Combine combine) {
  T* shared = shared_memory<T>();
  const unsigned thread = threadIdx.x;
  shared[thread] = value;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (thread < half) shared[thread] = combine(shared[thread], shared[thread + half]);
    __syncthreads();
  }
  return shared[0];
}

}  // namespace sluice
