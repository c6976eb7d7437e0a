// Random values of the distributions of model/likelihood.hpp from uniform numbers, for host and
// device alike. Nothing is rejected: a value is a smooth function of the parameters and of two
// uniform numbers (of counts: as smooth as whole numbers can be), so that paths of two engines,
// whose parameters differ in their last bits, stay together.
#pragma once

#include <cmath>
#include <cstdint>

#include "sluice/base/host_device.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/model/likelihood.hpp"
#include "sluice/model/log_gamma.hpp"

namespace sluice {

/// Two independent uniform numbers inside (0, 1), of 64 random bits each.
struct UniformPair {
  double first, second;
};

SLUICE_HD inline UniformPair uniform_pair(std::uint64_t key, std::uint64_t counter_low,
                                          std::uint64_t counter_high) {
  const Philox4 bits = philox(key, counter_low, counter_high);
  const auto uniform = [](std::uint32_t a, std::uint32_t b) {
    const double u = (static_cast<double>(a) * 0x1p32 + static_cast<double>(b) + 0.5) * 0x1p-64;
    return u < 1 ? u : 1 - 0x1p-53;  // the highest ones round to 1
  };
  return {uniform(bits.v[0], bits.v[1]), uniform(bits.v[2], bits.v[3])};
}

/// Those of step `step` (from 0) of path `path` (below 2^28) of what `stream` names.
SLUICE_HD inline UniformPair path_uniforms(std::uint64_t seed, std::uint64_t stream,
                                           std::uint64_t path, std::uint64_t step) {
  constexpr auto kUse = static_cast<std::uint64_t>(RandomUse::paths) << 32;
  return uniform_pair(seed, stream, kUse | path << 36 | step);
}

namespace sampling {

/// cos(2 pi u), 0 <= u <= 1, by the sine's series within a quarter of a turn: a device's own cosine
/// keeps a table in memory for large arguments.
SLUICE_HD inline double cosine_of_turn(double u) {
  constexpr double kTwoPi = 6.28318530717958647693;
  const double x = kTwoPi * (std::fabs(u - 0.5) - 0.25), square = x * x;
  double sum = 1;
  for (int k = 10; k > 0; --k) sum = 1 - square / (2 * k * (2 * k + 1)) * sum;
  return x * sum;
}

/// Means of counts up to which probabilities are summed from 0 on.
inline constexpr double kSummedMean = 32;
/// Above this (a mean of counts, a shape of a gamma variable) an expansion about the normal
/// distribution is good to 1e-5 of a standard deviation, and to 2e-4 far in the tails.
inline constexpr double kNormalFrom = 1e4;

/// The quantile of the standard normal distribution, 0 < p < 1, to a relative error of 1.2e-9
/// (Acklam 2003: rational functions of p in the middle, of sqrt(-2 log p) in the tails).
SLUICE_HD inline double normal_quantile(double p) {
  constexpr double kTail = 0.02425;
  if (p < kTail || p > 1 - kTail) {
    const double q = std::sqrt(-2 * std::log(p < 0.5 ? p : 1 - p));
    const double above =
        ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q -
          2.549732539343734e+00) *
             q +
         4.374664141464968e+00) *
            q +
        2.938163982698783e+00;
    const double below =
        (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q +
         3.754408661907416e+00) *
            q +
        1;
    return p < 0.5 ? above / below : -above / below;
  }
  const double q = p - 0.5, r = q * q;
  const double above =
      ((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
        1.383577518672690e+02) *
           r -
       3.066479806614716e+01) *
          r +
      2.506628277459239e+00;
  const double below =
      ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
        6.680131188771972e+01) *
           r -
       1.328068155288572e+01) *
          r +
      1;
  return q * above / below;
}

/// x^a e^-x / Γ(a), a > 0, x > 0.
SLUICE_HD inline double gamma_weight(double a, double x) {
  return std::exp(a * std::log(x) - x - log_gamma(a).value);
}

/// P(X <= x) of a gamma variable with shape a > 0 and scale 1: the power series, or 1 minus the
/// continued fraction (Abramowitz and Stegun 1964, 6.5.29 and 6.5.31, by Lentz's method).
SLUICE_HD inline double gamma_cdf(double a, double x) {
  constexpr double kNegligible = 1e-16, kTiny = 1e-300;
  if (!(x > 0)) return 0;
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > kNegligible * sum; n += 1) sum += term *= x / n;
    return sum * gamma_weight(a, x);
  }
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, fraction = d;
  for (int i = 1; i < 100'000; ++i) {
    const double part = -i * (i - a);
    b += 2;
    d = part * d + b;
    c = b + part / c;
    d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
    c = std::fabs(c) < kTiny ? kTiny : c;
    const double factor = d * c;
    fraction *= factor;
    if (std::fabs(factor - 1) < 1e-15) break;
  }
  return 1 - gamma_weight(a, x) * fraction;
}

/// The quantile of a gamma variable with shape a > 0 and scale 1, 0 < p < 1: from the cube of a
/// normal variable (Wilson and Hilferty 1931), or, of small shapes, the series' first term, by
/// Newton's steps between bounds.
SLUICE_HD inline double gamma_quantile(double a, double p) {
  const double spread = 1 / (9 * a);
  const double root = 1 - spread + normal_quantile(p) * std::sqrt(spread);
  double x = root > 0 ? a * root * root * root : 0;
  if (a > kNormalFrom) return x;
  const double least = std::exp((std::log(p) + log_gamma(a + 1).value) / a);
  if (a < 1 || x < least) x = least;  // P(a, x) <= x^a / Γ(a+1): no quantile is below it
  if (x < 1e-290) return x;
  double low = 0, high = -1;  // -1: none yet
  for (int i = 0; i < 100; ++i) {
    const double off = gamma_cdf(a, x) - p;
    (off > 0 ? high : low) = x;
    const double slope = gamma_weight(a, x) / x;
    double next = x - off / slope;
    if (!(next > low) || (high > 0 && !(next < high))) {
      next = high < 0 ? 2 * x : 0.5 * (low + high);
    }
    if (std::fabs(next - x) <= 1e-12 * x) return next;
    x = next;
  }
  return x;
}

/// The least k from `k` on whose probabilities, which begin with `mass` and go on by `ratio(k)`
/// from k - 1 to k, sum up to u. `sum`: of all up to k.
template <typename Ratio>
SLUICE_HD double summed_to(double u, double k, double mass, double sum, double beyond,
                           Ratio ratio) {
  while (sum < u) {
    k += 1;
    mass *= ratio(k);
    sum += mass;
    if (k > beyond && mass < 1e-18) break;  // rounding keeps the sum below u
  }
  return k;
}

/// The least k with P(X <= k) >= u of a Poisson variable.
SLUICE_HD inline double poisson(double mean, double u) {
  const auto ratio = [mean](double k) { return mean / k; };
  if (mean <= kSummedMean) {
    const double none = std::exp(-mean);
    return summed_to(u, 0, none, none, mean, ratio);
  }
  // Cornish and Fisher 1938.
  const double z = normal_quantile(u), spread = std::sqrt(mean);
  const double near = mean + spread * z + (z * z - 1) / 6 - (z * z * z - z) / (72 * spread) + 0.5;
  double k = near > 0 ? std::floor(near) : 0;
  if (mean > kNormalFrom) return k;
  double sum = 1 - gamma_cdf(k + 1, mean);
  double mass = std::exp(k * std::log(mean) - mean - log_gamma(k + 1).value);
  if (sum < u) return summed_to(u, k, mass, sum, mean, ratio);
  while (k > 0 && sum - mass >= u) {
    sum -= mass;
    mass /= ratio(k);
    k -= 1;
  }
  return k;
}

/// Variance mean + dispersion mean^2. Of small means the least k with P(X <= k) >= u.first; else a
/// Poisson variable with a gamma variable for its mean.
SLUICE_HD inline double negative_binomial(double mean, double dispersion, UniformPair u) {
  const double r = 1 / dispersion;
  if (mean <= kSummedMean) {
    const double none = std::exp(-r * std::log1p(dispersion * mean));
    const double share = dispersion * mean / (1 + dispersion * mean);
    return summed_to(u.first, 0, none, none, mean,
                     [=](double k) { return (r + k - 1) / k * share; });
  }
  return poisson(mean * gamma_quantile(r, u.first) / r, u.second);
}

/// A Poisson number of gamma variables (Jorgensen 1987), 1 < power < 2.
SLUICE_HD inline double tweedie(double mean, double dispersion, double power, UniformPair u) {
  const double count = poisson(std::pow(mean, 2 - power) / (dispersion * (2 - power)), u.first);
  if (!(count > 0)) return count;
  const double shape = (2 - power) / (power - 1);
  const double scale = dispersion * (power - 1) * std::pow(mean, power - 1);
  return scale * gamma_quantile(count * shape, u.second);
}

}  // namespace sampling

/// A value of the distribution `loss` with these parameters (distribution_parameters()): of y if
/// is_nonnegative(loss), else of v. `power`: of tweedie. NaN where a parameter is no finite number.
SLUICE_HD inline double draw(Loss loss, const DistributionParameters& parameters, double power,
                             UniformPair u) {
  const double location = parameters.location, spread = parameters.spread;
  const double freedom = parameters.shape;
  if (!std::isfinite(location) || !std::isfinite(spread) || !std::isfinite(freedom)) {
    return __builtin_nan("");
  }
  switch (loss) {
    case Loss::gaussian:
      return location + spread * sampling::normal_quantile(u.first);
    case Loss::student_t: {  // the polar form without rejection (Bailey 1994)
      const double tail = std::expm1(-2 / freedom * std::log(u.first));
      return location + spread * std::sqrt(freedom * tail) * sampling::cosine_of_turn(u.second);
    }
    case Loss::poisson:
      return sampling::poisson(location, u.first);
    case Loss::negative_binomial:
      return sampling::negative_binomial(location, spread, u);
    case Loss::tweedie:
      return sampling::tweedie(location, spread, power, u);
    default:
      return __builtin_nan("");
  }
}

}  // namespace sluice
