// How much of a simple method belongs into a forecast: a weight of a convex mean, from errors on
// forecasts that neither has seen. No engine, no catalogue: numbers in, numbers out.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice {

/// By how much a partner with this weight moves a forecast of the network. One that has no forecast
/// there (NaN) leaves its part to the network.
inline double partner_part(double weight, double point, double network) {
  return std::isnan(point) ? 0 : weight * (point - network);
}

/// N forecasts of K steps, each of one series (and target): a row.
struct MixProblem {
  int K = 1;
  std::vector<double> actual;                   ///< [N, K], NaN: missing
  std::vector<double> own;                      ///< [N, K] the network's
  std::vector<std::vector<double>> partners;    ///< [P][N, K]; NaN: the network's stands there
  std::vector<std::int64_t> row;                ///< [N], below `rows`
  std::vector<int> fold;                        ///< [N], 0 or 1: the half that it belongs to
  std::vector<double> mase_scale, rmsse_scale;  ///< [N], of ScoredForecast
  std::vector<char> nonnegative;                ///< [N], 1: the mean is not below 0
  std::int64_t rows = 0;
  /// Forecasts that do not overlap: what the N are worth.
  double independent = 0;
  std::string_view measure = "MASE";  ///< or RMSSE, WAPE
};

/// Why a partner that makes the score less by a hundredth or more, with the best weight, has none.
enum class NotTaken {
  none,      ///< it is taken, or gains less
  untried,   ///< there are no forecasts that its weight was not found on
  unseen,    ///< on these it gains less than a hundredth
  one_half,  ///< it does, and one half of them is worse for it
  beside     ///< it is of use, but hardly so beside those that are taken, or these are two
};

/// What became of one partner.
struct MixRow {
  double score = 0;   ///< by itself
  double gain = 0;    ///< share by which the best weight makes the score less
  double unseen = 0;  ///< on the half that the weight was not found on, both halves together
  double weight = 0;  ///< in the mean of all; of the steps' mean where they differ
  NotTaken why = NotTaken::none;
};

struct Mix {
  double own_score = 0;
  double score = 0;                          ///< of the mean
  std::vector<MixRow> rows;                  ///< [P]
  std::vector<std::vector<double>> weights;  ///< [P][K]; 0: no part in it
};

/// Takes the partner that helps most, then the next beside it, while each makes the score of unseen
/// forecasts (the two halves, each by the weight of the other) less by a hundredth or more, and of
/// neither half larger. Weights are multiples of 1/20, drawn towards 0 where forecasts are few; a
/// weight for each half of the horizon where that helps unseen forecasts once more.
Mix choose_mix(const MixProblem& problem);

}  // namespace sluice
