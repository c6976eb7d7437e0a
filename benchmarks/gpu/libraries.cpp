// Of cuBLAS and cuDNN, which are loaded when they are asked for: what was found.
#include "base/cublas.hpp"
#include "gpu/bench.hpp"
#include "recurrence/cudnn/recurrence.hpp"

namespace sluice::bench {

std::string cudnn_version() { return sluice::cudnn_version(); }

std::vector<std::string> library_listings() {
  std::vector<std::string> listings = {cublas().listing()};
  if (const std::string cudnn = cudnn_listing(); !cudnn.empty()) listings.push_back(cudnn);
  return listings;
}

}  // namespace sluice::bench
