// Forecasts for demand that comes in some steps only: one number for every step ahead. Missing
// values must have been taken out; y is not empty.
#pragma once

#include <span>

namespace sluice::simple {

/// Simple exponential smoothing from the first value: the forecast of the next one.
double smoothed(std::span<const double> y, double alpha);
/// The alpha in [low, high] whose one-step errors have the least sum of squares.
double best_alpha(std::span<const double> y, double low, double high);

/// Teunter, Syntetos and Babai 2011: the size of a demand, smoothed where one comes, times its
/// probability, smoothed at every step.
double tsb(std::span<const double> y, double alpha_demand, double alpha_probability);
/// Nikolopoulos et al. 2011: sums of as many steps as lie between demands on average, smoothed with
/// the best alpha in [.1, .3], spread evenly. Steps too few for a sum are left out at the front.
double adida(std::span<const double> y);
/// Syntetos and Boylan 2005: Croston's smoothed size / smoothed interval (alpha .1), less 5 %.
double croston_sba(std::span<const double> y);

}  // namespace sluice::simple
