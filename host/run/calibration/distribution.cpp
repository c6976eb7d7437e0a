#include "run/calibration/distribution.hpp"

#include <boost/math/distributions/negative_binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

namespace policies = boost::math::policies;
/// Forecasts are made in parallel loops, which no exception may leave: what has no result is NaN or
/// infinite, and its series is left out. Discrete quantiles: the whole number that reaches p.
using Quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>,
    policies::rounding_error<policies::ignore_error>, policies::promote_double<false>,
    policies::discrete_quantile<policies::integer_round_up>>;

DistributionParameters parameters_of(std::span<const double> outputs) {
  DistributionParameters out;
  double* const fields[] = {&out.location, &out.spread, &out.shape};
  for (std::size_t q = 0; q < outputs.size(); ++q) *fields[q] = outputs[q];
  return out;
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal_distribution<double, Quiet>(), p);
}

double poisson_quantile(double mean, double p) {
  if (std::exp(-mean) >= p) return 0;
  return boost::math::quantile(boost::math::poisson_distribution<double, Quiet>(mean), p);
}

double negative_binomial_quantile(double mean, double dispersion, double p) {
  const double r = 1 / dispersion;
  if (std::exp(-r * std::log1p(dispersion * mean)) >= p) return 0;
  using Counts = boost::math::negative_binomial_distribution<double, Quiet>;
  return boost::math::quantile(Counts(r, 1 / (1 + dispersion * mean)), p);
}

/// y is a sum of a Poisson number (mean `count`) of gamma variables.
struct CompoundPoisson {
  double count, shape, scale;
};

CompoundPoisson compound_of(double mean, double dispersion, double power) {
  return {std::pow(mean, 2 - power) / (dispersion * (2 - power)), (2 - power) / (power - 1),
          dispersion * (power - 1) * std::pow(mean, power - 1)};
}

constexpr double kMostSummed = 60;

/// P(0 < Y <= y) by the number of gamma variables, from the likeliest one to both sides.
double summed(const CompoundPoisson& sum, double y) {
  constexpr double kNegligible = 1e-15;
  const auto probability = [&](double n) {
    return std::exp(n * std::log(sum.count) - sum.count - log_gamma(n + 1).value);
  };
  const auto below = [&](double n) {
    return boost::math::gamma_p(n * sum.shape, y / sum.scale, Quiet());
  };
  const double start = std::max(1.0, std::floor(sum.count));
  double total = 0;
  for (double n = start;; n += 1) {
    const double weight = probability(n);
    total += weight * below(n);
    if (weight < kNegligible) break;
  }
  for (double n = start - 1; n >= 1; n -= 1) {
    const double weight = probability(n);
    total += weight * below(n);
    if (weight < kNegligible) break;
  }
  return total;
}

/// Of the exponential family: root of the deviance, and the standardised difference of the
/// canonical parameters.
double saddlepoint(double y, double mean, double dispersion, double power) {
  const double q = 1 - power, h = 2 - power;
  const double canonical = (std::pow(y, q) - std::pow(mean, q)) / q;
  const double cumulant = (std::pow(y, h) - std::pow(mean, h)) / h;
  const double half_deviance = std::max(0.0, y * canonical - cumulant) / dispersion;
  const double root = std::copysign(std::sqrt(2 * half_deviance), y - mean);
  const double wald = canonical * std::sqrt(std::pow(y, power) / dispersion);
  const boost::math::normal_distribution<double, Quiet> normal;
  if (std::abs(root) < 1e-4) {  // its limit: a third of the skewness's half
    const double skewness = power * std::sqrt(dispersion) * std::pow(mean, power / 2 - 1);
    return boost::math::cdf(normal, root) + boost::math::pdf(normal, 0.0) * skewness / 6;
  }
  return boost::math::cdf(normal, root) + boost::math::pdf(normal, root) * (1 / root - 1 / wald);
}

double tweedie_quantile(double mean, double dispersion, double power, double p) {
  const double nothing = tweedie_cdf(0, mean, dispersion, power);
  if (!(nothing < p)) return std::isnan(nothing) ? kNan : 0;
  const auto over = [&](double y) { return tweedie_cdf(y, mean, dispersion, power) - p; };
  double high = mean;
  while (over(high) < 0) high *= 2;
  double low = high;
  while (over(low) >= 0 && low > 1e-300) low /= 2;
  boost::uintmax_t iterations = 100;
  const boost::math::tools::eps_tolerance<double> tolerance(40);
  const auto bracket = boost::math::tools::toms748_solve(over, low, high, over(low), over(high),
                                                         tolerance, iterations, Quiet());
  return bracket.second;
}

}  // namespace

double tweedie_cdf(double y, double mean, double dispersion, double power) {
  const CompoundPoisson sum = compound_of(mean, dispersion, power);
  const double nothing = std::exp(-sum.count);
  if (!(y > 0)) return y < 0 ? 0 : nothing;
  if (sum.count > kMostSummed) return saddlepoint(y, mean, dispersion, power);
  return nothing + summed(sum, y);
}

double Distribution::mean_of_exp() const {
  if (loss_ != Loss::gaussian) return kNan;
  return std::exp(parameters_.location + 0.5 * parameters_.spread * parameters_.spread);
}

double Distribution::mean_of_sinh() const {
  if (loss_ != Loss::gaussian) return kNan;
  return std::sinh(parameters_.location) * std::exp(0.5 * parameters_.spread * parameters_.spread);
}

double Distribution::quantile(double p) const {
  const auto& [location, spread, shape] = parameters_;
  if (!std::isfinite(location) || !std::isfinite(spread) || !std::isfinite(shape)) return kNan;
  switch (loss_) {
    case Loss::gaussian:
      return location + spread * normal_quantile(p);
    case Loss::student_t: {
      const boost::math::students_t_distribution<double, Quiet> student(shape);
      return location + spread * boost::math::quantile(student, p);
    }
    case Loss::poisson:
      return poisson_quantile(location, p);
    case Loss::negative_binomial:
      return negative_binomial_quantile(location, spread, p);
    case Loss::tweedie:
      return tweedie_quantile(location, spread, power_, p);
    default:
      return kNan;
  }
}

double in_scale(Space space, double v) {
  if (space == Space::log) return std::exp(v);
  return space == Space::asinh ? std::sinh(v) / static_cast<double>(kAsinhSlope) : v;
}

double mean_in_scale(Space space, const Distribution& distribution) {
  if (space == Space::log) return distribution.mean_of_exp();
  if (space == Space::linear) return distribution.mean();
  return distribution.mean_of_sinh() / static_cast<double>(kAsinhSlope);
}

StoredDistribution::StoredDistribution(const ModelSpec& spec, std::span<const double> outputs,
                                       const SeriesScaling& scaling, int m, std::int64_t series)
    : space_(spec.space),
      distribution_(spec.loss, parameters_of(outputs), static_cast<double>(spec.tweedie_power)),
      // From v, where the distribution is not one of y.
      scale_(is_nonnegative(spec.loss) ? 1.0 : static_cast<double>(scaling.scale_of(m, series))),
      shift_(static_cast<double>(scaling.offset_of(m, series))) {}

double StoredDistribution::mean() const { return stored(mean_in_scale(space_, distribution_)); }

double StoredDistribution::quantile(double p) const {
  return stored(in_scale(space_, distribution_.quantile(p)));
}

}  // namespace sluice
