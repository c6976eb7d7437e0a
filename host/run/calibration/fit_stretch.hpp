// How much wider or narrower intervals are to be: conformal quantiles of the scores (y - median) /
// (q - median) of forecasts whose values are known.
#pragma once

#include "run/calibration/intervals.hpp"

namespace sluice {

/// A factor outside says that the quantiles are of no use, not how to mend them: none is.
inline constexpr double kLeastFactor = 0.2, kMostFactor = 5;

/// What the problem's forecasts are worth: `independent` ones, less by what series have in common
/// at one time. Their normal scores have there the correlation r within classes, and a shock that
/// moves all S series is one observation and not S: n / (1 + (S - 1) r), the design effect (Kish
/// 1965). One that lasts counts once a horizon. `independent` where no time is given.
double effective_forecasts(const IntervalProblem& problem);

/// A factor for each probability and step, and for groups of forecasts.
///  - Of a step from the errors of the steps around it, drawn towards that of all.
///  - Of the two ends of an interval from each, drawn towards the one that both need together:
///    a shock moves all values to one side, and says nothing of the next one's.
///  - Below 1 drawn towards 1: where little is known, an interval is not made narrower.
///    All this as far as effective_forecasts() are few.
///  - Where quantiles are 0 and no value is below, the lower end holds all values. Counted with
///    them it may hold too many, without them the others too few: of what lies between, a factor is
///    what changes least.
///  - Quarters of the forecasts by size or by width have a factor each, drawn towards 1 as their
///    forecasts are few, where one half of the forecasts teaches it and the other is better for it.
/// Where a quantile is its median (counts of zeros) no factor moves it, and it does not count.
/// Nothing moves (no probabilities) with fewer than 20 scores, where the factors of either half
/// make the quantile loss of the other larger, in parts of each forecast's width, or where an
/// interval then holds a share farther from its level.
Stretch fit_stretch(const IntervalProblem& problem);

/// The factor by which the interval between the probabilities `low` and `high`, 1 - low, would hold
/// its level of the values, without the bounds of one; NaN with fewer than 20 scores.
double needed_factor(const IntervalProblem& problem, double low, double high);

/// Whether the interval needs a factor outside the bounds, and moved by `by` it holds a share that
/// is farther from its level than fit_stretch() lets it be.
bool ends_at_bound(const IntervalProblem& problem, const Stretch& by, double low, double high);

}  // namespace sluice
