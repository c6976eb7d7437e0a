// A build without cuDNN: nothing of it can be measured.
#include "gpu/bench.hpp"

namespace sluice::bench {

std::vector<GpuCase> cudnn_own_cases(const GpuShape&) { return {}; }
std::vector<GpuCase> cudnn_grid_cases(bool) { return {}; }

}  // namespace sluice::bench
