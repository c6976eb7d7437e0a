"""Writes log_likelihoods.csv and quantiles.csv beside it: by SciPy, and by mpmath where SciPy has none.

    python3 -m pip install scipy==1.17.1 mpmath==1.4.1
    python3 tests/golden/likelihoods.py

Shares nothing with the product but the links of include/sluice/model/likelihood.hpp, written down once more.
"""

import pathlib

import mpmath
import numpy as np
from scipy import optimize, stats

mpmath.mp.dps = 40


def softplus(z):
    return np.logaddexp(0, z)


def mean_of(z, origin):
    """1 + ELU of what a forecast in units of the level has above 1."""
    g = z + origin - 1
    return 1 + g if g > 0 else np.exp(max(g, -30))


def tweedie_log_density(y, mean, phi, p):
    """Dunn and Smyth 2005, the sum itself."""
    y, mean, phi, p = map(mpmath.mpf, (y, mean, phi, p))
    kernel = (y * mean ** (1 - p) / (1 - p) - mean ** (2 - p) / (2 - p)) / phi
    if y == 0:
        return float(kernel)
    a = (2 - p) / (p - 1)
    log_z = a * mpmath.log(y / (p - 1)) - (1 + a) * mpmath.log(phi) - mpmath.log(2 - p)
    middle = int(mpmath.exp((log_z - a * mpmath.log(a)) / (1 + a)))
    reach = 60 + int(20 * mpmath.sqrt(middle + 1))
    terms = (mpmath.exp(j * log_z - mpmath.loggamma(j + 1) - mpmath.loggamma(a * j))
             for j in range(max(1, middle - reach), middle + reach))
    return float(mpmath.log(mpmath.fsum(terms)) - mpmath.log(y) + kernel)


def tweedie_cdf(y, mean, phi, p):
    count = mean ** (2 - p) / (phi * (2 - p))
    a, scale = (2 - p) / (p - 1), phi * (p - 1) * mean ** (p - 1)
    n = np.arange(1, int(count + 40 * np.sqrt(count) + 60))
    weights = stats.poisson.pmf(n, count)
    return np.exp(-count) + np.sum(weights * stats.gamma.cdf(y, n * a, scale=scale))


def log_likelihood(loss, z, u, size, origin, power):
    if loss == "gaussian":
        return stats.norm.logpdf(u, z[0], softplus(z[1]) + 1e-4)
    if loss == "student_t":
        return stats.t.logpdf(u, softplus(z[2]) + 2.01, z[0], softplus(z[1]) + 1e-4)
    mean = mean_of(z[0], origin)
    if loss == "tweedie":
        return tweedie_log_density(u + origin, mean, softplus(z[1]) + 1e-4, power)
    y = round((u + origin) * size)
    if loss == "poisson":
        return stats.poisson.logpmf(y, mean * size)
    alpha = softplus(z[1]) + 1e-6
    return stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean * size))


def likelihood_cases():
    for z in ([0, 0], [0.3, -2], [-1.5, 3], [40, 1], [0, -12]):
        for u in (0.0, -0.75, 2.5):
            yield "gaussian", [*z, 0], u, 1, 0, 1.5
            for shape in (-20.0, 0.0, 3.0, 200.0):
                yield "student_t", [*z, shape], u, 1, 0, 1.5
    for size, counts in ((1.25, (0, 1, 5, 40)), (160, (0, 3, 160, 900)), (64000, (0, 64000, 200000))):
        for y in counts:
            for z in ([0, 0], [0.5, -3], [-2.5, 1], [3, 20], [-0.25, -9], [0, -13]):
                yield "poisson", [z[0], 0, 0], y / size - 1, size, 1, 1.5
                yield "negative_binomial", [*z, 0], y / size - 1, size, 1, 1.5
    for power in (1.05, 1.3, 1.5, 1.8, 1.95):
        for y in (0.0, 1e-4, 0.05, 1.0, 2.75, 30.0):
            for z in ([0, 0], [0.5, -3], [-2.5, 1], [3, 4], [-0.25, -6]):
                yield "tweedie", [*z, 0], y - 1, 2.5, 1, power


def quantile(loss, location, spread, shape, power, p):
    if loss == "gaussian":
        return stats.norm.ppf(p, location, spread)
    if loss == "student_t":
        return stats.t.ppf(p, shape, location, spread)
    if loss == "poisson":
        return stats.poisson.ppf(p, location)
    if loss == "negative_binomial":
        return stats.nbinom.ppf(p, 1 / spread, 1 / (1 + spread * location))
    if tweedie_cdf(0, location, spread, power) >= p:
        return 0.0
    high = location
    while tweedie_cdf(high, location, spread, power) < p:
        high *= 2
    return optimize.brentq(lambda y: tweedie_cdf(y, location, spread, power) - p, 0, high, xtol=1e-14, rtol=1e-14)


def quantile_cases():
    for p in (0.005, 0.1, 0.5, 0.9, 0.995):
        yield "gaussian", 1.5, 0.25, 0, 1.5, p
        yield "student_t", -2, 3, 2.01, 1.5, p
        yield "student_t", 1, 0.5, 40, 1.5, p
        for mean in (1e-8, 0.3, 4.7, 1200.5):
            yield "poisson", mean, 0, 0, 1.5, p
            for alpha in (1e-6, 0.4, 9):
                yield "negative_binomial", mean, alpha, 0, 1.5, p
        for power in (1.05, 1.5, 1.95):
            for mean, phi in ((0.2, 1.5), (7.5, 2.0), (30, 0.02), (3000, 0.5)):
                yield "tweedie", mean, phi, 0, power, p


def write(name, header, rows):
    lines = [",".join([loss, *(repr(float(x)) for x in numbers)]) for loss, *numbers in rows]
    pathlib.Path(__file__).with_name(name).write_text("\n".join([header, *lines]) + "\n")


def main():
    write("log_likelihoods.csv", "loss,z0,z1,z2,u,size,origin,power,value",
          ((loss, *z, u, size, origin, power, log_likelihood(loss, np.array(z, float), u, size, origin, power))
           for loss, z, u, size, origin, power in likelihood_cases()))
    write("quantiles.csv", "loss,location,spread,shape,power,p,value",
          ((*case, quantile(*case)) for case in quantile_cases()))


if __name__ == "__main__":
    main()
