#include "engine/reduce.hpp"

#include <cub/device/device_radix_sort.cuh>

namespace sluice {
namespace {

constexpr int kAllBits = 64;

/// CUB's call: with no workspace it only says how many bytes it wants.
void sort_pairs(void* workspace, std::size_t& bytes, const std::uint64_t* keys,
                std::uint64_t* sorted_keys, const std::int32_t* values, std::int32_t* sorted_values,
                std::int64_t count, int key_bits, cudaStream_t stream) {
  check(cub::DeviceRadixSort::SortPairs(workspace, bytes, keys, sorted_keys, values, sorted_values,
                                        count, 0, key_bits, stream),
        "cub::DeviceRadixSort::SortPairs");
}

}  // namespace

void PairSort::prepare(DeviceMemory& memory, std::int64_t count) {
  std::size_t bytes = 0;
  sort_pairs(nullptr, bytes, nullptr, nullptr, nullptr, nullptr, count, kAllBits, nullptr);
  workspace_.grow(memory, static_cast<std::int64_t>(bytes), "the sort of a batch's categories");
}

void PairSort::sort(DeviceSpan<const std::uint64_t> keys, DeviceSpan<const std::int32_t> values,
                    DeviceSpan<std::uint64_t> sorted_keys, DeviceSpan<std::int32_t> sorted_values,
                    int key_bits, cudaStream_t stream) {
  auto bytes = static_cast<std::size_t>(workspace_.size());
  sort_pairs(workspace_.data(), bytes, keys.data(), sorted_keys.data(), values.data(),
             sorted_values.data(), keys.size(), key_bits, stream);
}

}  // namespace sluice
