"""Writes golden.hpp: what statsforecast, statsmodels and scipy make of a few small series.

    python -m venv golden && golden/bin/pip install statsforecast==2.1.1
    golden/bin/python tests/model/simple/golden.py > tests/model/simple/golden.hpp
"""
import math
import sys

import numpy as np
from scipy.optimize import minimize
from statsforecast import __version__, ets, theta
from statsforecast.models import ADIDA, TSB, CrostonSBA
from statsmodels.tsa.seasonal import seasonal_decompose

M, N, K = 4, 28, 6
STEPS = range(N)
# Positive, with a season of four steps that grows with the level, and noise that repeats after 28 steps.
SALES = np.array([round((40 + 1.5 * t) * (1 + .3 * math.cos(math.pi * t / 2 + .4)) + (t * 37 % 11 - 5) * .7, 2)
                  for t in STEPS])
COUNTS = np.array([float((t * t * 7 + 3 * t) % 5) if t * 11 % 4 == 1 or t % 9 == 2 else 0. for t in range(40)])
WALK = np.cumsum([t * 29 % 13 - 5.2 for t in STEPS]) + 20
FORMS = [(error, trend, season) for season in "NAM" for error in "AM" for trend in ("N", "A", "Ad")
         if not (error == "A" and season == "M")]
# Written by hand, none of them an optimum.
FIXED = {"alpha": .3, "beta": .05, "gamma": .2, "phi": .9, "level": 42., "slope": 1.2,
         "A": [9., -6., -8., 5.], "M": [1.25, .9, .75, 1.1]}


def numbers(values):
    return "{" + ", ".join(repr(float(value)) for value in values) + "}"


def fixed(error, trend, season):
    """-2 log likelihood and forecasts of one form with the parameters of FIXED."""
    damped = trend == "Ad"
    # The newest index is the first one.
    states = [FIXED["level"], *([FIXED["slope"]] if trend != "N" else []), *FIXED.get(season, [])[::-1]]
    phi = FIXED["phi"] if damped else 1.
    _, _, path, likelihood = ets.pegelsresid_C(
        SALES, M, np.array(states), error, trend[0], season, damped, FIXED["alpha"], FIXED["beta"], FIXED["gamma"],
        phi, 3)
    # Step by step: etsforecast's own loop adds phi + phi instead of phi + phi^2 for the second step.
    ahead = []
    for _ in range(K):
        ahead.append(np.empty(1))
        ets.etsforecast(path[-1], M, ets.switch(trend[0]), ets.switch(season), phi, 1, ahead[-1])
        path = ets.pegelsresid_C(np.concatenate([SALES, *ahead]), M, np.array(states), error, trend[0], season, damped,
                                 FIXED["alpha"], FIXED["beta"], FIXED["gamma"], phi, 3)[2]
    out = np.concatenate(ahead)
    return likelihood, out


def found(error, trend, season):
    """-2 log likelihood and AICc where statsforecast's search ends."""
    bounds = np.array([1e-4, 1e-4, 1e-4, .8]), np.array([.9999, .9999, .9999, .98])
    fit = ets.etsmodel(SALES, M, error, trend[0], season, trend == "Ad", np.nan, np.nan, np.nan, np.nan, *bounds,
                       "lik", 3, "both")
    return -2 * fit["loglik"], fit["aicc"]


def theta_found(y):
    """alpha, level and squares where all errors of one step have the least sum of squares, by scipy."""
    def squares(x):
        return float(np.sum(theta._theta.pegels_resid(y, theta._theta.ModelType.STM, x[0], x[1], 2., 3)[1] ** 2))
    best = min((minimize(squares, [start, alpha], method="Nelder-Mead", bounds=[(-1e9, 1e9), (.1, .99)],
                         options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5000})
                for alpha in (.15, .5, .9) for start in (y[0] / 2, y[0])), key=lambda result: result.fun)
    return best.x[1], best.x[0], best.fun


def theta_forecast(y, alpha, level):
    fit = theta.thetamodel(y, M, "STM", level, alpha, np.nan, 3)
    return theta.forecast_theta(fit, K)["mean"]


def main():
    assert __version__ == "2.1.1", __version__
    out = print
    out("// Written by golden.py; not by hand.")
    out("#pragma once\n\n#include <vector>\n\nnamespace sluice::simple::golden {\n")
    out("// clang-format off")
    out(f"inline const int kSeason = {M}, kSteps = {K};")
    out(f"inline const std::vector<double> kSales = {numbers(SALES)};")
    out(f"inline const std::vector<double> kWalk = {numbers(WALK)};")
    out(f"inline const std::vector<double> kCounts = {numbers(COUNTS)};\n")
    out("/// One form: statsforecast's -2 log likelihood and forecasts with fixed parameters, and the -2 log")
    out("/// likelihood and AICc where its search ends.")
    out("struct Form {\n  char error;\n  const char* trend;\n  char season;\n"
        "  double likelihood;\n  std::vector<double> forecast;\n  double found, aicc;\n};")
    out(f"inline const double kAlpha = {FIXED['alpha']}, kBeta = {FIXED['beta']}, kGamma = {FIXED['gamma']}, "
        f"kPhi = {FIXED['phi']}, kLevel = {FIXED['level']}, kSlope = {FIXED['slope']};")
    out(f"inline const std::vector<double> kAdded = {numbers(FIXED['A'])}, kRatios = {numbers(FIXED['M'])};")
    out("inline const std::vector<Form> kForms = {")
    for form in FORMS:
        likelihood, forecast = fixed(*form)
        error, trend, season = form
        out(f"    {{'{error}', \"{trend}\", '{season}', {likelihood!r}, {numbers(forecast)}, "
            f"{', '.join(repr(float(value)) for value in found(*form))}}},")
    out("};\n")
    for name, model in (("Added", "additive"), ("Ratio", "multiplicative")):
        out(f"inline const std::vector<double> k{name}Indices = "
            f"{numbers(seasonal_decompose(SALES, model=model, period=M).seasonal[:M])};")
    alpha, level, squares = theta_found(WALK)
    out("\n/// The standard Theta model of kWalk: with alpha .4 and level 20, and at its least squares.")
    out(f"inline const std::vector<double> kThetaFixed = {numbers(theta_forecast(WALK, .4, 20.))};")
    out(f"inline const double kThetaAlpha = {float(alpha)!r}, kThetaLevel = {float(level)!r}, "
        f"kThetaSquares = {float(squares)!r};")
    out(f"inline const std::vector<double> kThetaFound = {numbers(theta_forecast(WALK, alpha, level))};")
    whole = theta.forecast_theta(theta.auto_theta(SALES, M, model="STM"), K)["mean"]
    out(f"/// Of kSales, seasonally adjusted, by statsforecast's own search.\n"
        f"inline const std::vector<double> kTheta = {numbers(whole)};\n")
    for name, model in (("Tsb", TSB(.1, .1)), ("Adida", ADIDA()), ("Sba", CrostonSBA())):
        value = float(model.fit(COUNTS).predict(1)["mean"][0])
        out(f"inline const double k{name} = {value!r};")
    out("// clang-format on\n\n}  // namespace sluice::simple::golden")


if __name__ == "__main__":
    sys.exit(main())
