#include "model/simple/theta.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "model/simple/golden_section.hpp"
#include "model/simple/season.hpp"

namespace sluice::simple {
namespace {

constexpr double kLow = 0.1, kHigh = 0.99;

/// Least squares: line(t) = at + slope t, t from 0.
struct Line {
  double at = 0, slope = 0;
  double operator()(std::size_t t) const { return at + slope * static_cast<double>(t); }
};
Line line_through(std::span<const double> y) {
  const double n = static_cast<double>(y.size()), middle = (n - 1) / 2;
  double sum = 0, products = 0, squares = 0;
  for (std::size_t t = 0; t < y.size(); ++t) {
    const double x = static_cast<double>(t) - middle;
    sum += y[t];
    products += x * y[t];
    squares += x * x;
  }
  Line out;
  out.slope = products / squares;
  out.at = sum / n - out.slope * middle;
  return out;
}

/// The theta line of 2.
std::vector<double> curved(std::span<const double> y, const Line& line) {
  std::vector<double> out;
  for (std::size_t t = 0; t < y.size(); ++t) out.push_back(2 * y[t] - line(t));
  return out;
}

/// The errors' least sum of squares for one alpha, and the first level that gives it: the errors
/// are those from z[0] less (level - z[0]) (1 - alpha)^t.
struct Best {
  double level = 0, squares = 0;
};
Best best_level(std::span<const double> z, double alpha) {
  double state = z.front(), weight = 1, own = 0, cross = 0, all = 0;
  for (const double v : z) {
    const double error = v - state;
    all += error * error;
    cross += weight * error;
    own += weight * weight;
    state += alpha * error;
    weight *= 1 - alpha;
  }
  return {z.front() + cross / own, all - cross * cross / own};
}

}  // namespace

ThetaFit fit_theta(std::span<const double> y) {
  const std::vector<double> z = curved(y, line_through(y));
  const auto squares = [&](double alpha) { return best_level(z, alpha).squares; };
  // The best of a few first: there may be more than one valley.
  constexpr std::array kGrid = {0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.99};
  std::size_t best = 0;
  for (std::size_t i = 1; i < kGrid.size(); ++i) {
    if (squares(kGrid[i]) < squares(kGrid[best])) best = i;
  }
  const double low = best == 0 ? kLow : kGrid[best - 1];
  const double high = best + 1 == kGrid.size() ? kHigh : kGrid[best + 1];
  ThetaFit out;
  out.alpha = golden_section(low, high, squares);
  const Best found = best_level(z, out.alpha);
  out.level = found.level;
  out.squares = found.squares / 4;  // an error of z is twice that of y
  return out;
}

std::vector<double> forecast_theta(std::span<const double> y, const ThetaFit& fit, int K) {
  const Line line = line_through(y);
  double state = fit.level;
  for (const double v : curved(y, line)) state += fit.alpha * (v - state);
  std::vector<double> out;
  for (std::size_t k = 0; k < static_cast<std::size_t>(K); ++k)
    out.push_back((state + line(y.size() + k)) / 2);
  return out;
}

std::vector<double> theta_forecast(std::span<const double> y, int season, int K, double* squares) {
  const Deseasonalised adjusted = deseasonalised(filled(y, season), season);
  const ThetaFit fit = fit_theta(adjusted.values);
  if (squares != nullptr) *squares = fit.squares;
  std::vector<double> out = forecast_theta(adjusted.values, fit, K);
  adjusted.restore(out, y.size());
  return out;
}

}  // namespace sluice::simple
