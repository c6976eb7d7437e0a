// Each thread strides over the array, each block leaves one result, the host combines those: the
// same bits whatever the order.
#include <cuda_runtime.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/block_reduce.cuh"
#include "base/launch.cuh"
#include "gpu/compare.hpp"
#include "sluice/base/host_device.hpp"

namespace sluice::bench {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 1024;

__device__ std::int64_t first_element() {
  return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}
__device__ std::int64_t stride() { return static_cast<std::int64_t>(gridDim.x) * kThreads; }

/// As Difference, while it is found.
struct Found {
  float largest, reference;
  std::int64_t at;
};

SLUICE_HD inline Found worse(const Found& a, const Found& b) {
  const bool second = b.largest > a.largest || (b.largest == a.largest && b.at < a.at);
  return {second ? b.largest : a.largest, a.reference > b.reference ? a.reference : b.reference,
          second ? b.at : a.at};
}

__global__ void compare_kernel(const float* values, const float* reference, std::int64_t size,
                               Found* out) {
  Found mine{-1, 0, size};
  for (std::int64_t i = first_element(); i < size; i += stride()) {
    const float expected = reference[i];
    const float difference = fabsf(values[i] - expected);
    const bool finite = difference <= FLT_MAX;  // false for NaN, too
    mine = worse(mine, {finite ? difference : INFINITY, fabsf(expected), i});
  }
  const Found block = block_reduce(mine, worse);
  if (threadIdx.x == 0) out[blockIdx.x] = block;
}

/// The finaliser of SplitMix64: a bijection in which every bit depends on every bit.
__device__ std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct Sum {
  __device__ std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return a + b; }
};

__global__ void hash_kernel(const float* values, std::int64_t size, std::uint64_t* out) {
  std::uint64_t sum = 0;
  for (std::int64_t i = first_element(); i < size; i += stride()) {
    sum += mixed(mixed(static_cast<std::uint64_t>(i)) ^ __float_as_uint(values[i]));
  }
  sum = block_reduce(sum, Sum{});
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

LaunchShape shape_of(std::int64_t size, std::size_t element) {
  return {.blocks = std::min<std::int64_t>(kMostBlocks, blocks_for(size, kThreads)),
          .threads = kThreads,
          .shared_bytes = kThreads * element};
}

/// What the blocks left.
template <typename T, typename Combine>
T combined(const DeviceBuffer<T>& blocks, DeviceContext& context, Combine combine) {
  PinnedBuffer<T> host(blocks.size(), "results of a comparison");
  copy_to_host(DeviceSpan<const T>(blocks.span()), host.span(), context.stream());
  context.synchronize();
  T all = host.data()[0];
  for (const T& block : host.span().subspan(1)) all = combine(all, block);
  return all;
}

}  // namespace

Difference compare(DeviceSpan<const float> values, DeviceSpan<const float> reference,
                   DeviceContext& context) {
  const LaunchShape shape = shape_of(values.size(), sizeof(Found));
  const DeviceBuffer<Found> blocks(context.memory(), shape.blocks, "results of a comparison");
  launch(compare_kernel, shape, context.stream(), values.data(), reference.data(), values.size(),
         blocks.data());
  const Found all = combined(blocks, context, worse);
  return {all.largest, all.at, all.reference};
}

std::uint64_t hash_bits(DeviceSpan<const float> values, DeviceContext& context) {
  const LaunchShape shape = shape_of(values.size(), sizeof(std::uint64_t));
  const DeviceBuffer<std::uint64_t> blocks(context.memory(), shape.blocks, "results of a hash");
  launch(hash_kernel, shape, context.stream(), values.data(), values.size(), blocks.data());
  return combined(blocks, context, [](std::uint64_t a, std::uint64_t b) { return a + b; });
}

}  // namespace sluice::bench
