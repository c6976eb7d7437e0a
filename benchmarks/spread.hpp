// Order statistics of samples, and which state of the sources was measured.
#pragma once

#include <string>
#include <vector>

namespace sluice::bench {

/// Order statistics of samples; `samples` is not empty.
struct Spread {
  double low = 0, median = 0, high = 0;
};
Spread spread(std::vector<double> samples);

/// "a07b5ee1c2d3" or "a07b5ee1c2d3-dirty"; empty outside a git checkout.
std::string git_commit();

}  // namespace sluice::bench
