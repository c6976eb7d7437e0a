// Takes the place of cuda/engine/reduce.cu, which only a device can run.
#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/reduce.hpp"
#include "standin.hpp"

namespace sluice {

void PairSort::prepare(DeviceMemory& memory, std::int64_t count) {
  workspace_.grow(memory, count, "sorting");
}

void PairSort::run(std::int64_t count, const std::int32_t* keys, const std::int32_t* values,
                   std::int32_t* sorted_keys, std::int32_t* sorted_values, cudaStream_t stream) {
  standin::enqueue_kernel(stream, [=] {
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return keys[a] < keys[b]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      sorted_keys[i] = keys[order[i]];
      sorted_values[i] = values[order[i]];
    }
  });
}

}  // namespace sluice
