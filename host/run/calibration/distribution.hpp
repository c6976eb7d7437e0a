// Mean and quantiles of a distribution whose parameters a model's engine gives
// (model/likelihood.hpp).
#pragma once

#include <cstdint>
#include <span>

#include "sluice/data/scaling.hpp"
#include "sluice/model/likelihood.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// The distribution of one target at one step. Of y, or, where it has values below 0, of v: the
/// value in the model's space, scaled per series, but for the level.
class Distribution {
 public:
  /// `power`: of Loss::tweedie. `loss`: is_distribution().
  Distribution(Loss loss, const DistributionParameters& parameters, double power)
      : loss_(loss), parameters_(parameters), power_(power) {}

  double mean() const { return parameters_.location; }
  /// Mean of exp of the value: of a Gaussian, a log-normal's. NaN of student_t, which has none.
  double mean_of_exp() const;
  /// Likewise of sinh.
  double mean_of_sinh() const;
  /// The least value at or below which a share of at least p lies, 0 < p < 1; of counts a whole
  /// number. NaN if the parameters are not finite.
  double quantile(double p) const;

 private:
  Loss loss_;
  DistributionParameters parameters_;
  double power_;
};

/// From v, in a space, to units of the series' scale.
double in_scale(Space space, double v);
/// Likewise the mean of what is distributed in that space.
double mean_in_scale(Space space, const Distribution& distribution);

/// The distribution of one target of one series, in the units that the catalogue stores.
class StoredDistribution {
 public:
  /// `outputs`: the engine's of that target and step, parameter_count() of them.
  StoredDistribution(const ModelSpec& spec, std::span<const double> outputs,
                     const SeriesScaling& scaling, int m, std::int64_t series);

  /// NaN where has_mean() is false.
  double mean() const;
  double quantile(double p) const;

 private:
  double stored(double value) const { return value * scale_ + shift_; }

  Space space_;
  Distribution distribution_;
  double scale_, shift_;
};

/// Of Tweedie's compound Poisson-gamma distribution with 1 < power < 2 (Jorgensen 1987): y is a sum
/// of a Poisson number of gamma variables. Exact sums for up to some 60 of them on average; above,
/// the saddlepoint approximation, good to four digits there (Lugannani and Rice 1980).
double tweedie_cdf(double y, double mean, double dispersion, double power);

}  // namespace sluice
