#include <cudnn.h>
#include <fmt/format.h>

#include "gpu/bench.hpp"

namespace sluice::bench {

std::string cudnn_version() {
  const std::size_t version = cudnnGetVersion();  // 92400 for 9.24.0
  return fmt::format("{}.{}.{}", version / 10'000, version / 100 % 100, version % 100);
}

}  // namespace sluice::bench
