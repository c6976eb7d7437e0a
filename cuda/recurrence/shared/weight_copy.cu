// One thread an element. Weights: a fixed number of thread blocks to a weight block, so that a
// small one (a bias) leaves most of its threads idle; all of them together are a few megabytes.
#include "recurrence/shared/weight_copy.hpp"

#include "base/fp16.hpp"
#include "base/launch.cuh"
#include "sluice/base/bf16.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

__device__ inline void convert(float from, float& to) { to = from; }
__device__ inline void convert(float from, Bf16& to) { to = to_bf16(from); }
__device__ inline void convert(float from, Fp16& to) { to = to_fp16(from); }
__device__ inline void convert(Bf16 from, float& to) { to = to_float(from); }
__device__ inline void convert(Fp16 from, float& to) { to = to_float(from); }

template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    convert_elements(std::int64_t size, const From* from, To* to) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < size) convert(from[i], to[i]);
}

/// Thread block b works on weight block b / chunks, from element (b % chunks) * kThreads on.
template <bool kScatter, typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    move_weights(const WeightBlock* blocks, std::int64_t chunks, const From* from, To* to) {
  const WeightBlock block = blocks[blockIdx.x / chunks];
  const std::int64_t i = (blockIdx.x % chunks) * kThreads + threadIdx.x;
  if (i >= block.count) return;
  if (kScatter) {
    convert(from[block.flat + i], to[block.space + i]);
  } else {
    convert(from[block.space + i], to[block.flat + i]);
  }
}

template <typename From, typename To>
void convert_all(std::int64_t size, const From* from, To* to, cudaStream_t stream) {
  launch(convert_elements<From, To>, {.blocks = blocks_for(size, kThreads), .threads = kThreads},
         stream, size, from, to);
}

template <bool kScatter, typename From, typename To>
void move_all(const WeightMap& map, const From* from, To* to, cudaStream_t stream) {
  const std::int64_t chunks = blocks_for(map.largest, kThreads);
  launch(move_weights<kScatter, From, To>,
         {.blocks = map.blocks.size() * chunks, .threads = kThreads}, stream, map.blocks.data(),
         chunks, from, to);
}

}  // namespace

void copy_as(ElementType type, std::int64_t size, const float* from, void* to,
             cudaStream_t stream) {
  switch (type) {
    case ElementType::fp32:
      return convert_all(size, from, static_cast<float*>(to), stream);
    case ElementType::bf16:
      return convert_all(size, from, static_cast<Bf16*>(to), stream);
    case ElementType::fp16:
      return convert_all(size, from, static_cast<Fp16*>(to), stream);
  }
}

void copy_from(ElementType type, std::int64_t size, const void* from, float* to,
               cudaStream_t stream) {
  switch (type) {
    case ElementType::fp32:
      return convert_all(size, static_cast<const float*>(from), to, stream);
    case ElementType::bf16:
      return convert_all(size, static_cast<const Bf16*>(from), to, stream);
    case ElementType::fp16:
      return convert_all(size, static_cast<const Fp16*>(from), to, stream);
  }
}

void scatter_weights(const WeightMap& map, ElementType type, const float* flat, void* space,
                     cudaStream_t stream) {
  switch (type) {
    case ElementType::fp32:
      return move_all<true>(map, flat, static_cast<float*>(space), stream);
    case ElementType::bf16:
      return move_all<true>(map, flat, static_cast<Bf16*>(space), stream);
    case ElementType::fp16:
      return move_all<true>(map, flat, static_cast<Fp16*>(space), stream);
  }
}

void gather_weights(const WeightMap& map, ElementType type, const void* space, float* flat,
                    cudaStream_t stream) {
  switch (type) {
    case ElementType::fp32:
      return move_all<false>(map, static_cast<const float*>(space), flat, stream);
    case ElementType::bf16:
      return move_all<false>(map, static_cast<const Bf16*>(space), flat, stream);
    case ElementType::fp16:
      return move_all<false>(map, static_cast<const Fp16*>(space), flat, stream);
  }
}

}  // namespace sluice
