// Losses that are the negative log-likelihood of a distribution. Its parameters are the head's
// outputs of one target and step, through links that keep them where they make sense and are safe
// for any finite output:
//
//   output 0  gaussian, student_t: the location, in the model's space u
//             else: the mean. In units of the level it is u + 1, as any forecast of this space,
//             from u = 0 on and exp(u) below (1 + ELU; Clevert et al. 2016), so that it is never
//             below 0; an output of 0 is the level itself
//   output 1  the spread, softplus(z) + a floor: standard deviation (gaussian), scale (student_t),
//             dispersion (negative_binomial: variance = mean + spread mean^2; tweedie: variance =
//             spread mean^power)
//   output 2  student_t: degrees of freedom, 2 + softplus(z) + a floor, so that it has a variance
//
// Where they live: gaussian and student_t in u; tweedie in units of the level (which scale it to
// the units of y exactly: mean by c, dispersion by c^(2 - power)); the counts in the units of y,
// where alone they are counts. All in double precision: sums of large terms that nearly cancel.
#pragma once

#include <cmath>
#include <type_traits>

#include "sluice/base/error.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/model/log_gamma.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

inline constexpr int kMostParameters = 3;
inline constexpr double kSpreadFloor = 1e-4;      ///< of gaussian, student_t, tweedie
inline constexpr double kDispersionFloor = 1e-6;  ///< of negative_binomial
inline constexpr double kFreedomFloor = 2.01;     ///< degrees of freedom
/// Means are no smaller than exp of this, in units of the level; the gradient goes on below.
inline constexpr double kLeastLogMean = -30;

/// From the model's space to the target: (u + origin) * size.
struct TargetMap {
  double size = 1, origin = 0;
};

/// Parameters of a target's distribution, as output 0, 1 and 2 give them.
struct DistributionParameters {
  double location = 0, spread = 0, shape = 0;
};

/// Negative log-likelihood, and its derivative with respect to each output.
struct LikelihoodValue {
  double value = 0;
  double gradient[kMostParameters] = {};
};

/// log(1 + exp z), and its derivative.
SLUICE_HD inline ValueAndSlope softplus(double z) {
  const double small = std::exp(-std::fabs(z));
  const double slope = (z > 0 ? 1 : small) / (1 + small);
  return {(z > 0 ? z : 0) + std::log1p(small), slope};
}

/// A mean in units of the level, its logarithm, and the derivative of that with respect to u.
struct MeanLink {
  double mean, log_mean, slope;
};

SLUICE_HD inline MeanLink mean_link(double u, double origin) {
  const double z = u + origin - 1;
  if (z > 0) return {1 + z, std::log1p(z), 1 / (1 + z)};
  const double log_mean = z < kLeastLogMean ? kLeastLogMean : z;
  return {std::exp(log_mean), log_mean, 1};
}

SLUICE_HD inline ValueAndSlope spread_link(Loss loss, double z) {
  const ValueAndSlope above = softplus(z);
  return {above.value + (loss == Loss::negative_binomial ? kDispersionFloor : kSpreadFloor),
          above.slope};
}

SLUICE_HD inline ValueAndSlope freedom_link(double z) {
  const ValueAndSlope above = softplus(z);
  return {above.value + kFreedomFloor, above.slope};
}

/// What the outputs mean, on the target's side of `map`.
SLUICE_HD inline DistributionParameters distribution_parameters(Loss loss, const double* outputs,
                                                                const TargetMap& map,
                                                                double power) {
  DistributionParameters out;
  if (is_nonnegative(loss)) {
    out.location = mean_link(outputs[0], map.origin).mean * map.size;
  } else {
    out.location = (outputs[0] + map.origin) * map.size;
  }
  if (parameter_count(loss) > 1) out.spread = spread_link(loss, outputs[1]).value;
  if (!is_nonnegative(loss)) out.spread *= map.size;
  if (loss == Loss::tweedie) out.spread *= std::pow(map.size, 2 - power);
  if (loss == Loss::student_t) out.shape = freedom_link(outputs[2]).value;
  return out;
}

namespace likelihood {

inline constexpr double kHalfLogTwoPi = 0.91893853320467274178;

SLUICE_HD inline LikelihoodValue gaussian(const double* outputs, double u) {
  const ValueAndSlope sigma = spread_link(Loss::gaussian, outputs[1]);
  const double x = (u - outputs[0]) / sigma.value;
  return {kHalfLogTwoPi + std::log(sigma.value) + 0.5 * x * x,
          {-x / sigma.value, (1 - x * x) / sigma.value * sigma.slope, 0}};
}

SLUICE_HD inline LikelihoodValue student_t(const double* outputs, double u) {
  const ValueAndSlope sigma = spread_link(Loss::student_t, outputs[1]);
  const ValueAndSlope nu = freedom_link(outputs[2]);
  const double n = nu.value, x = (u - outputs[0]) / sigma.value;
  const ValueAndSlope rising = log_rising(n / 2, 0.5);
  const double tail = std::log1p(x * x / n);
  const double pull = (n + 1) * x / (n + x * x);  // -d log f / dx
  const double by_freedom = 0.5 * (tail - rising.slope - pull * x / n);
  return {kHalfLogTwoPi + std::log(sigma.value) - rising.value + 0.5 * (n + 1) * tail,
          {-pull / sigma.value, (1 - pull * x) / sigma.value * sigma.slope, by_freedom * nu.slope}};
}

SLUICE_HD inline LikelihoodValue poisson(const double* outputs, double u, const TargetMap& map) {
  const double y = (u + map.origin) * map.size;
  const MeanLink link = mean_link(outputs[0], map.origin);
  const double mean = link.mean * map.size, log_mean = link.log_mean + std::log(map.size);
  return {mean - y * log_mean + log_gamma(y + 1).value, {(mean - y) * link.slope, 0, 0}};
}

SLUICE_HD inline LikelihoodValue negative_binomial(const double* outputs, double u,
                                                   const TargetMap& map) {
  const double y = (u + map.origin) * map.size;
  const MeanLink link = mean_link(outputs[0], map.origin);
  const ValueAndSlope alpha = spread_link(Loss::negative_binomial, outputs[1]);
  const double mean = link.mean * map.size, log_mean = link.log_mean + std::log(map.size);
  const double r = 1 / alpha.value, relative = alpha.value * mean;
  const ValueAndSlope rising = log_rising(r, y);
  const double growth = std::log1p(relative);
  const double value = log_gamma(y + 1).value - rising.value + (r + y) * growth - y * log_mean;
  // Of the mean's logarithm, and of r.
  const double by_mean = (mean - y) / (1 + relative);
  const double by_r = growth - rising.slope - (r + y) * relative / (r + mean);
  return {value, {by_mean * link.slope, -r * r * by_r * alpha.slope, 0}};
}

/// The logarithm of Tweedie's sum over j >= 1 of z^j / (j! Γ(a j)), and the mean of j under its
/// terms, which is the derivative with respect to log z (Dunn and Smyth 2005). Long sums by
/// Laplace's method with the terms of order 1/j.
SLUICE_HD inline ValueAndSlope tweedie_sum(double log_z, double a) {
  constexpr double kLong = 10, kNegligible = 1e-10;
  const double largest = std::exp((log_z - a * std::log(a)) / (1 + a));  // the place of that term
  if (largest > kLong && a * largest > kLong) {
    const double correction = ((1 + 1 / a) / 12 + 1 / (24 * (1 + a))) / largest;
    return {(1 + a) * largest - kHalfLogTwoPi + 0.5 * std::log(a * largest / (1 + a)) - correction,
            largest + (0.5 + correction) / (1 + a)};
  }
  const double start = largest > 1.5 ? std::floor(largest + 0.5) : 1;
  const double log_factorial = log_gamma(start + 1).value;
  const double first = start * log_z - log_factorial - log_gamma(a * start).value;
  double sum = 1, moment = start;
  double factorial = log_factorial;
  for (double j = start + 1;; j += 1) {
    factorial += std::log(j);
    const double term = std::exp(j * log_z - factorial - log_gamma(a * j).value - first);
    sum += term;
    moment += j * term;
    if (!(term > kNegligible * sum)) break;
  }
  factorial = log_factorial;
  for (double j = start - 1; j >= 1; j -= 1) {
    factorial -= std::log(j + 1);
    const double term = std::exp(j * log_z - factorial - log_gamma(a * j).value - first);
    sum += term;
    moment += j * term;
    if (!(term > kNegligible * sum)) break;
  }
  return {first + std::log(sum), moment / sum};
}

/// The likelihood itself, not the deviance: with it the dispersion is learned too, of which the
/// quantiles are made.
SLUICE_HD inline LikelihoodValue tweedie(const double* outputs, double u, const TargetMap& map,
                                         double power) {
  const double y = u + map.origin;
  const MeanLink link = mean_link(outputs[0], map.origin);
  const ValueAndSlope phi = spread_link(Loss::tweedie, outputs[1]);
  const double of_mean = std::exp((2 - power) * link.log_mean);  // mean^(2 - power)
  const double of_y = y > 0 ? y * std::exp((1 - power) * link.log_mean) : 0;
  const double exponent = (of_y / (1 - power) - of_mean / (2 - power)) / phi.value;
  const double by_mean = (of_mean - of_y) / phi.value;  // of the mean's logarithm
  const double by_phi = exponent / phi.value;
  if (!(y > 0)) return {-exponent, {by_mean * link.slope, by_phi * phi.slope, 0}};
  const double a = (2 - power) / (power - 1);
  const double log_z =
      a * (std::log(y) - std::log(power - 1)) - (1 + a) * std::log(phi.value) - std::log(2 - power);
  const ValueAndSlope sum = tweedie_sum(log_z, a);
  return {std::log(y) - sum.value - exponent,
          {by_mean * link.slope, ((1 + a) * sum.slope / phi.value + by_phi) * phi.slope, 0}};
}

}  // namespace likelihood

/// The loss of target `u`, in the model's space and not missing, under `outputs`
/// [parameter_count(kLoss)]. `power`: of tweedie.
template <Loss kLoss>
SLUICE_HD inline LikelihoodValue likelihood_value(const double* outputs, double u,
                                                  const TargetMap& map, double power) {
  if constexpr (kLoss == Loss::gaussian) return likelihood::gaussian(outputs, u);
  if constexpr (kLoss == Loss::student_t) return likelihood::student_t(outputs, u);
  if constexpr (kLoss == Loss::poisson) return likelihood::poisson(outputs, u, map);
  if constexpr (kLoss == Loss::negative_binomial) {
    return likelihood::negative_binomial(outputs, u, map);
  }
  if constexpr (kLoss == Loss::tweedie) return likelihood::tweedie(outputs, u, map, power);
  return {};
}

/// use(std::integral_constant<Loss, ...>()) for the distribution that `loss` is.
template <typename Use>
auto with_distribution(Loss loss, Use use) {
  switch (loss) {
    case Loss::gaussian:
      return use(std::integral_constant<Loss, Loss::gaussian>());
    case Loss::student_t:
      return use(std::integral_constant<Loss, Loss::student_t>());
    case Loss::poisson:
      return use(std::integral_constant<Loss, Loss::poisson>());
    case Loss::negative_binomial:
      return use(std::integral_constant<Loss, Loss::negative_binomial>());
    case Loss::tweedie:
      return use(std::integral_constant<Loss, Loss::tweedie>());
    default:
      throw InternalError("the loss is no distribution");
  }
}

}  // namespace sluice
