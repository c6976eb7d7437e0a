// CUB's radix sort (stable, the same bits each time). The interpreter cannot run it: it is built
// from inline PTX and warp-wide idioms of its own, and has tests of its own. The tests put a plain
// sort in its place (tests/simt/reduce_standin.cpp).
#include "engine/reduce.hpp"

#include <cub/device/device_radix_sort.cuh>

namespace sluice {

void PairSort::prepare(DeviceMemory& memory, std::int64_t count) {
  std::size_t bytes = 0;
  check(cub::DeviceRadixSort::SortPairs(nullptr, bytes, static_cast<const std::int32_t*>(nullptr),
                                        static_cast<std::int32_t*>(nullptr),
                                        static_cast<const std::int32_t*>(nullptr),
                                        static_cast<std::int32_t*>(nullptr), count),
        "cub::DeviceRadixSort's size");
  workspace_.grow(memory, static_cast<std::int64_t>(bytes), "sorting");
}

void PairSort::run(std::int64_t count, const std::int32_t* keys, const std::int32_t* values,
                   std::int32_t* sorted_keys, std::int32_t* sorted_values, cudaStream_t stream) {
  auto bytes = static_cast<std::size_t>(workspace_.size());
  check(cub::DeviceRadixSort::SortPairs(workspace_.data(), bytes, keys, sorted_keys, values,
                                        sorted_values, count, 0, 32, stream),
        "cub::DeviceRadixSort");
}

}  // namespace sluice
