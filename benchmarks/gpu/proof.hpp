// What a recurrence's results are beside those of `gemm` in fp32: all of h and of the gradients,
// over the whole batch, on the device; and whether two runs give the same bits. Double precision
// follows only a few series (problem.hpp); a tile in the middle that is wrong shows here.
#pragma once

#include <functional>
#include <vector>

#include "gpu/bench.hpp"
#include "gpu/problem.hpp"

namespace sluice::bench {

/// In fp32, as the last run left them; of a forecast h alone.
struct Results {
  DeviceSpan<const float> h;         ///< [T,B,H], or its last steps
  DeviceSpan<const float> dx;        ///< [T,B,I], or empty
  DeviceSpan<const float> dweights;  ///< [weight_count]
};

/// Of a recurrence's tolerance against double precision: gemm in fp32 has an error of its own.
constexpr double kBothSides = 2;

/// Runs `run` twice - all of a phase, backward from problem.dh() - and gemm in fp32 once. Facts,
/// for each of h, dx, dW:
///   "h max abs"   largest |difference|
///   "h max rel"   that of the largest |value| of gemm's
///   "h worst at"  "t 3, series 17, unit 5"
/// and "same bits" ("yes", "no"), "hash" of all results. Where gemm's arrays do not fit beside the
/// case's, "not compared" has the device's words instead. Throws InternalError if "max rel" is
/// above `tolerance` (or NaN). Blocks; allocates.
std::vector<Fact> prove(Problem& problem, Phase phase, double tolerance,
                        const std::function<void()>& run, const std::function<Results()>& results,
                        DeviceContext& context);

/// "layer 1, R[12,3]" of a place among the weights.
std::string weight_words(const GpuShape& shape, std::int64_t at);

}  // namespace sluice::bench
