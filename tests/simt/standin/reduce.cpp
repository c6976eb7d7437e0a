// Takes the place of cuda/engine/reduce.cu: the same results by host loops, run when their stream
// gets to them.
#include "engine/reduce.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "standin/standin.hpp"

namespace sluice {

void PairSort::prepare(DeviceMemory& memory, std::int64_t count) {
  // Of a size that grows with the count, so that a sort of more than was asked for is found.
  workspace_.grow(memory, 16 * count, "the sort of a batch's categories");
}

void PairSort::sort(DeviceSpan<const std::uint64_t> keys, DeviceSpan<const std::int32_t> values,
                    DeviceSpan<std::uint64_t> sorted_keys, DeviceSpan<std::int32_t> sorted_values,
                    int key_bits, cudaStream_t stream) {
  if (workspace_.size() < 16 * keys.size()) {
    throw std::logic_error("PairSort::sort() of more pairs than prepare() was told of");
  }
  standin::enqueue_kernel(stream, [=] {
    const std::uint64_t mask =
        key_bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << key_bits) - 1;
    std::vector<std::int64_t> order(static_cast<std::size_t>(keys.size()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return (keys.data()[a] & mask) < (keys.data()[b] & mask);
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      sorted_keys.data()[i] = keys.data()[order[i]];
      sorted_values.data()[i] = values.data()[order[i]];
    }
    standin::check_memory();
  });
  check(cudaGetLastError(), "the sort of pairs");
}

}  // namespace sluice
