// Fitting: the smoothing parameters through sigmoids into their bounds and the first state as
// steps of the residuals' size, so that one quasi-Newton search takes them all. A search begins at
// small smoothing parameters and the first state of a decomposition, or at the end of a simpler
// form's search if that is better.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "model/simple/ets.hpp"
#include "model/simple/ets_recursion.hpp"
#include "model/simple/minimise.hpp"
#include "model/simple/season.hpp"

namespace sluice::simple {
namespace {

using Trend = EtsForm::Trend;
using Season = EtsForm::Season;

constexpr double kLow = 1e-4, kHigh = 0.9999, kPhiLow = 0.8, kPhiHigh = 0.98;
constexpr int kLongestSeason = 24;
/// Of -2 log likelihood by a search's step: what AICc's choice does not see.
constexpr double kLikelihoodGain = 1e-3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// x with low + (high - low) sigmoid(x) = value, a value at a bound from a little inside.
double inverse_sigmoid(double value, double low, double high) {
  const double share = std::clamp((value - low) / (high - low), 1e-3, 1 - 1e-3);
  return std::log(share / (1 - share));
}

/// Observed values, and all of them positive.
struct Values {
  int count = 0;
  bool positive = true, constant = true;
};
Values values_of(std::span<const double> y) {
  Values out;
  for (const double v : y) {
    if (std::isnan(v)) continue;
    ++out.count;
    out.positive = out.positive && v > 0;
    out.constant = out.constant && v == y.front();
  }
  return out;
}

/// The first state: the season by decomposition, level and slope from a line through the first
/// seasonally adjusted values.
struct Start {
  double level = 0, slope = 0, mean = 0;
  std::vector<double> season;
};
Start start_of(std::span<const double> y, Season kind, int season) {
  Start out;
  std::vector<double> values = filled(y, season);
  if (kind != Season::none) {
    const bool ratios = kind == Season::multiplicative;
    out.season = seasonal_indices(values, season, ratios);
    for (double& index : out.season) index = ratios ? std::max(index, 0.01) : index;
    for (std::size_t t = 0; t < values.size(); ++t) {
      const double index = out.season[t % out.season.size()];
      values[t] = ratios ? values[t] / index : values[t] - index;
    }
  }
  const auto n = std::min(
      values.size(), static_cast<std::size_t>(std::max(10, kind == Season::none ? 0 : 2 * season)));
  const double middle = static_cast<double>(n + 1) / 2;
  double products = 0, squares = 0;
  out.mean = std::accumulate(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n), 0.0) /
             static_cast<double>(n);
  for (std::size_t t = 0; t < n; ++t) {
    const double x = static_cast<double>(t + 1) - middle;
    products += x * values[t];
    squares += x * x;
  }
  out.slope = products / squares;
  out.level = out.mean - out.slope * middle;
  return out;
}

/// The search's numbers for one form: x -> parameters, d parameters -> d x.
class Numbers {
 public:
  Numbers(const EtsForm& form, int season) : form_(form), season_(season) {
    trend_ = form.trend != Trend::none;
    damped_ = form.trend == Trend::damped;
    seasonal_ = form.season != Season::none;
    smoothing_ = 1 + std::size_t{trend_} + std::size_t{seasonal_} + std::size_t{damped_};
    states_ = 1 + std::size_t{trend_} + (seasonal_ ? static_cast<std::size_t>(season) - 1 : 0);
  }

  std::size_t size() const { return smoothing_ + states_; }

  /// States move around `from` in steps of `unit`, those of a season in ratios by unit / level.
  std::vector<double> at(const EtsParameters& from, double unit) {
    origin_ = from;
    unit_ = unit;
    season_unit_ = form_.season == Season::multiplicative ? unit / from.level : unit;
    std::vector<double> x(size(), 0.0);
    std::size_t i = 0;
    x[i++] = inverse_sigmoid(from.alpha, kLow, kHigh);
    if (trend_) x[i++] = inverse_sigmoid(from.beta, kLow, from.alpha);
    if (seasonal_) x[i++] = inverse_sigmoid(from.gamma, kLow, 1 - from.alpha);
    if (damped_) x[i++] = inverse_sigmoid(from.phi, kPhiLow, kPhiHigh);
    return x;
  }

  void parameters(std::span<const double> x, EtsParameters& out) {
    std::size_t i = 0;
    share_[0] = sigmoid(x[i++]);
    out.alpha = kLow + (kHigh - kLow) * share_[0];
    if (trend_) out.beta = kLow + (out.alpha - kLow) * (share_[1] = sigmoid(x[i++]));
    if (seasonal_) out.gamma = kLow + (1 - out.alpha - kLow) * (share_[2] = sigmoid(x[i++]));
    if (damped_) out.phi = kPhiLow + (kPhiHigh - kPhiLow) * (share_[3] = sigmoid(x[i++]));
    out.level = origin_.level + unit_ * x[i++];
    // A slope acts on every step, so its steps are smaller.
    if (trend_) out.slope = origin_.slope + kSlopeShare * unit_ * x[i++];
    if (!seasonal_) return;
    const std::size_t m = origin_.season.size();
    double sum = 0;
    for (std::size_t j = 0; j + 1 < m; ++j) {
      out.season[j] = origin_.season[j] + season_unit_ * x[i++];
      sum += out.season[j];
    }
    const double whole = form_.season == Season::multiplicative ? season_ : 0;
    out.season[m - 1] = whole - sum;
  }

  /// After `parameters` of the same x.
  void gradient(const EtsGradient& of, const EtsParameters& at, std::span<double> out) const {
    const auto slope = [](double share) { return share * (1 - share); };
    std::size_t i = 0;
    double alpha = of.alpha;
    if (trend_) alpha += of.beta * share_[1];
    if (seasonal_) alpha -= of.gamma * share_[2];
    out[i++] = alpha * (kHigh - kLow) * slope(share_[0]);
    if (trend_) out[i++] = of.beta * (at.alpha - kLow) * slope(share_[1]);
    if (seasonal_) out[i++] = of.gamma * (1 - at.alpha - kLow) * slope(share_[2]);
    if (damped_) out[i++] = of.phi * (kPhiHigh - kPhiLow) * slope(share_[3]);
    out[i++] = of.level * unit_;
    if (trend_) out[i++] = of.slope * unit_ * kSlopeShare;
    for (std::size_t j = 0; seasonal_ && j + 1 < of.season.size(); ++j)
      out[i++] = (of.season[j] - of.season.back()) * season_unit_;
  }

 private:
  static constexpr double kSlopeShare = 0.1;

  EtsForm form_;
  int season_;
  bool trend_, damped_, seasonal_;
  std::size_t smoothing_, states_;
  EtsParameters origin_;
  double unit_ = 1, season_unit_ = 1;
  std::array<double, 4> share_{};  // of alpha, beta, gamma, phi in their bounds
};

/// One series, scaled to a mean size of 1, and the fits of its simpler forms.
class Fitter {
 public:
  Fitter(std::span<const double> y, int season) : season_(season), values_(values_of(y)) {
    double sum = 0;
    for (const double v : y) sum += std::isnan(v) ? 0 : std::abs(v);
    scale_ = sum > 0 ? sum / values_.count : 1;
    for (const double v : y) y_.push_back(v / scale_);
  }

  /// A form's most likely parameters, for y as it is scaled.
  struct Found {
    EtsForm form;
    EtsParameters parameters;
    double likelihood = 0;  ///< -2 log of it, of y as it is
    int free = 0;
    double aicc = 0;
  };

  const Values& values() const { return values_; }
  std::optional<Found> fit(const EtsForm& form, int steps);
  /// With what the form makes of y, in y's units.
  EtsFit whole(const Found& found) const;

 private:
  struct Beginning {
    EtsParameters parameters;
    double squares = 0;  ///< of the errors with these
  };
  bool possible(const EtsForm& form, std::size_t free) const;
  std::optional<Beginning> beginning(const EtsForm& form, EtsRecursion& recursion);
  const Start& start(Season kind);

  int season_;
  Values values_;
  double scale_ = 1;
  std::vector<double> y_;
  std::array<std::optional<Start>, 3> starts_;
  /// Of the last form with this error and season, which one more parameter makes the next.
  std::optional<Found> simpler_;
};

bool Fitter::possible(const EtsForm& form, std::size_t free) const {
  const bool multiplies = form.relative_error || form.season == Season::multiplicative;
  if (multiplies && !values_.positive) return false;
  if (form.season != Season::none &&
      (season_ < 2 || season_ > kLongestSeason || std::ssize(y_) < 2 * std::ptrdiff_t{season_})) {
    return false;
  }
  return values_.count > static_cast<int>(free) + 1;
}

const Start& Fitter::start(Season kind) {
  std::optional<Start>& out = starts_[static_cast<std::size_t>(kind)];
  if (!out) out = start_of(y_, kind, season_);
  return *out;
}

std::optional<Fitter::Beginning> Fitter::beginning(const EtsForm& form, EtsRecursion& recursion) {
  const Start& start = this->start(form.season);
  const bool trend = form.trend != Trend::none;
  EtsParameters trial;
  Beginning best;
  trial.level = trend ? start.level : start.mean;
  trial.slope = trend ? start.slope : 0;
  trial.season = start.season;
  double least = kInfinity;
  const auto take_better = [&] {
    const double value = recursion.objective(trial);
    if (value < least) {
      least = value;
      best = {trial, recursion.squares()};
    }
  };
  const bool seasonal = form.season != Season::none;
  trial.alpha = seasonal ? 0.2 / season_ : 0.2;
  trial.beta = trend ? 0.1 * trial.alpha : 0;
  trial.gamma = seasonal ? 0.05 * (1 - trial.alpha) : 0;
  trial.phi = form.trend == Trend::damped ? 0.97 : 1;
  take_better();
  if (simpler_ && simpler_->form.relative_error == form.relative_error &&
      simpler_->form.season == form.season) {
    trial = simpler_->parameters;
    if (simpler_->form.trend == Trend::none && trend) trial.beta = 0.01 * trial.alpha;
    if (form.trend == Trend::damped) trial.phi = 0.97;
    take_better();
  }
  if (!std::isfinite(least)) return std::nullopt;
  return best;
}

std::optional<Fitter::Found> Fitter::fit(const EtsForm& form, int steps) {
  Numbers numbers(form, season_);
  const std::size_t free = numbers.size() + 1;
  if (!possible(form, free)) return std::nullopt;
  EtsRecursion recursion(form, y_, static_cast<std::size_t>(std::max(season_, 1)));
  const std::optional<Beginning> from = beginning(form, recursion);
  if (!from) return std::nullopt;
  EtsParameters now = from->parameters;
  const double unit =
      std::max(std::sqrt(from->squares / recursion.values()), 1e-9 * std::abs(now.level));
  std::vector<double> x = numbers.at(now, unit);
  EtsGradient slopes;
  const auto objective = [&](std::span<const double> at, std::span<double> gradient) {
    numbers.parameters(at, now);
    const double value = recursion.objective(now);
    if (!std::isfinite(value)) return value;
    recursion.gradient(slopes);
    numbers.gradient(slopes, now, gradient);
    return value;
  };
  const MinimiseLimits limits{.tolerance = kLikelihoodGain / values_.count, .iterations = steps};
  const double least = minimise(objective, x, limits);
  if (!std::isfinite(least)) return std::nullopt;
  numbers.parameters(x, now);
  // Back to y's scale, which moves -2 log likelihood by the same in every form.
  const double n = recursion.values(), k = static_cast<double>(free);
  const double likelihood = n * (least + std::log(n)) + 2 * n * std::log(scale_);
  simpler_ = {form, now, likelihood, static_cast<int>(free),
              likelihood + 2 * k + 2 * k * (k + 1) / (n - k - 1)};
  return simpler_;
}

EtsFit Fitter::whole(const Found& found) const {
  EtsFit out{found.form, found.parameters, run_ets(found.form, found.parameters, y_), found.free,
             found.aicc};
  out.run.likelihood = found.likelihood;
  out.run.squares *= scale_ * scale_;
  for (EtsParameters* p : {&out.parameters, &out.run.end}) {
    p->level *= scale_;
    p->slope *= scale_;
    if (found.form.season == Season::additive) {
      for (double& s : p->season) s *= scale_;
    }
  }
  return out;
}

}  // namespace

std::string to_string(const EtsForm& form) {
  constexpr std::array kTrends = {"N", "A", "Ad"}, kSeasons = {"N", "A", "M"};
  return fmt::format("ETS({},{},{})", form.relative_error ? "M" : "A",
                     kTrends[static_cast<std::size_t>(form.trend)],
                     kSeasons[static_cast<std::size_t>(form.season)]);
}

EtsRun run_ets(const EtsForm& form, const EtsParameters& from, std::span<const double> y) {
  EtsRecursion recursion(form, y, std::max<std::size_t>(from.season.size(), 1));
  EtsRun out;
  const double objective = recursion.objective(from);
  out.values = recursion.values();
  const double n = out.values;
  out.likelihood = n * (objective + std::log(n));
  out.squares = recursion.squares();
  out.end = recursion.end();
  return out;
}

std::vector<double> forecast_ets(const EtsForm& form, const EtsParameters& end, int K) {
  std::vector<double> out;
  double damping = 1, slopes = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(K); ++k) {
    damping *= end.phi;
    slopes += damping;
    double value = end.level + slopes * end.slope;
    if (form.season != Season::none) {
      const double s = end.season[k % end.season.size()];
      value = form.season == Season::multiplicative ? value * s : value + s;
    }
    out.push_back(value);
  }
  return out;
}

std::optional<EtsFit> fit_ets(const EtsForm& form, std::span<const double> y, int season,
                              int steps) {
  Fitter fitter(y, season);
  const std::optional<Fitter::Found> found = fitter.fit(form, steps);
  if (!found) return std::nullopt;
  return fitter.whole(*found);
}

std::optional<EtsFit> best_ets(std::span<const double> y, int season) {
  Fitter fitter(y, season);
  if (fitter.values().constant) return std::nullopt;
  std::optional<Fitter::Found> best;
  for (const Season kind : {Season::none, Season::additive, Season::multiplicative}) {
    for (const bool relative : {false, true}) {
      if (!relative && kind == Season::multiplicative) continue;  // unstable; not in the taxonomy
      for (const Trend trend : {Trend::none, Trend::additive, Trend::damped}) {
        std::optional<Fitter::Found> fit = fitter.fit({relative, trend, kind}, kEtsSteps);
        if (fit && (!best || fit->aicc < best->aicc)) best = std::move(fit);
      }
    }
  }
  if (!best) return std::nullopt;
  return fitter.whole(*best);
}

}  // namespace sluice::simple
