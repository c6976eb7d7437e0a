#include "model/simple/ets_recursion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::simple {
namespace {

using Trend = EtsForm::Trend;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Keeps the logarithm of a perfect fit finite.
constexpr double kLeastSquares = 1e-280;

/// What a pass through y has to look at.
template <Trend trend, bool seasonal, bool whole>
struct Pass {
  static constexpr Trend kTrend = trend;
  static constexpr bool kSeasonal = seasonal;
  static constexpr bool kWhole = whole;  ///< no value is missing
};

}  // namespace

EtsRecursion::EtsRecursion(const EtsForm& form, std::span<const double> y, std::size_t season)
    : form_(form), y_(y), m_(form.season == EtsForm::Season::none ? 1 : season) {
  values_ = static_cast<int>(
      std::count_if(y.begin(), y.end(), [](double value) { return !std::isnan(value); }));
  for (auto* by_step : {&q_, &b_, &e_, &f_, &of_e_, &of_f_}) by_step->resize(y.size());
  if (form.relative_error) per_f_.resize(y.size());
  if (form.season == EtsForm::Season::multiplicative) {
    per_q_.resize(y.size());
    per_s_.resize(y.size());
  }
  s_.resize(y.size() + m_);
  of_s_.resize(y.size() + m_);
}

/// Calls use<Pass>() with the one that has what the form and y have.
template <typename Use>
void EtsRecursion::with_pass(const Use& use) const {
  const auto by_values = [&]<Trend trend, bool seasonal>() {
    if (is_whole()) {
      use.template operator()<Pass<trend, seasonal, true>>();
    } else {
      use.template operator()<Pass<trend, seasonal, false>>();
    }
  };
  const auto by_season = [&]<Trend trend>() {
    if (form_.season == EtsForm::Season::none) {
      by_values.template operator()<trend, false>();
    } else {
      by_values.template operator()<trend, true>();
    }
  };
  switch (form_.trend) {
    case Trend::none:
      return by_season.template operator()<Trend::none>();
    case Trend::additive:
      return by_season.template operator()<Trend::additive>();
    case Trend::damped:
      return by_season.template operator()<Trend::damped>();
  }
}

// A step's latency decides, so what one step waits for of the step before is written short: q'
// = (q + phi^2 b) + (alpha + phi beta) e instead of through l and b; and a pass has nothing of what
// its form has not, and asks of no value whether it is missing where none is.
template <typename Pass>
void EtsRecursion::forward_added() {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  const double moves_q = alpha + phi * beta;
  double q = at_.level + phi * at_.slope, b = at_.slope, e = 0, squares = 0;
  for (std::size_t t = 0; t < y_.size(); ++t) {
    const double s = Pass::kSeasonal ? s_[t] : 0, without = y_[t] - s;
    const double damped = Pass::kTrend == Trend::damped ? phi * b : b;
    e = without - q;
    if (!Pass::kWhole && std::isnan(without)) e = 0;
    q_[t] = q;
    if (Pass::kTrend == Trend::damped) b_[t] = b;
    e_[t] = e;
    f_[t] = q + s;
    squares += e * e;
    if (Pass::kSeasonal) s_[t + m_] = s + gamma * e;
    if (Pass::kTrend == Trend::none) {
      q += alpha * e;
    } else {
      q = (q + phi * damped) + moves_q * e;
      b = damped + beta * e;
    }
  }
  level_ = y_.empty() ? at_.level : q_.back() + alpha * e_.back();
  slope_ = b;
  squares_ = squares;
}

template <bool whole>
bool EtsRecursion::forward_multiplied() {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = at_.level, slope = at_.slope, squares = 0;
  for (std::size_t t = 0; t < y_.size(); ++t) {
    const double damped = phi * slope, q = level + damped, s = s_[t], f = q * s;
    if (!(q > 0 && s > 0)) return false;
    const double per_q = 1 / q, per_s = 1 / s;
    double e = y_[t] - f;
    if (!whole && std::isnan(y_[t])) e = 0;
    q_[t] = q;
    b_[t] = slope;
    e_[t] = e;
    f_[t] = f;
    squares += e * e;
    per_q_[t] = per_q;
    per_s_[t] = per_s;
    level = q + alpha * (e * per_s);
    slope = damped + beta * (e * per_s);
    s_[t + m_] = s + gamma * (e * per_q);
  }
  level_ = level;
  slope_ = slope;
  squares_ = squares;
  return true;
}

double EtsRecursion::objective(const EtsParameters& from) {
  at_ = from;
  std::fill_n(s_.begin(), m_, 0.0);
  std::copy(from.season.begin(), from.season.end(), s_.begin());
  const bool multiplied = form_.season == EtsForm::Season::multiplicative;
  if (multiplied) {
    if (!(is_whole() ? forward_multiplied<true>() : forward_multiplied<false>())) return kInfinity;
  } else {
    with_pass([this]<typename Pass>() { forward_added<Pass>(); });
  }
  const double n = values_;
  if (!form_.relative_error) {
    sum_ = squares_;
    return std::isfinite(sum_) ? std::log(sum_ / n + kLeastSquares) : kInfinity;
  }
  // In variables of the loop: a member would be written and read again at each step.
  double sum = 0, logs = 0, product = 1;  // a product of many f has one logarithm
  for (std::size_t t = 0; t < y_.size(); ++t) {
    const double f = f_[t], per_f = 1 / f;
    if (!(f > 0)) return kInfinity;
    per_f_[t] = per_f;
    if (std::isnan(y_[t])) continue;
    const double relative = e_[t] * per_f;
    sum += relative * relative;
    product *= f;
    if (product > 1e100 || product < 1e-100) {
      logs += std::log(product);
      product = 1;
    }
  }
  sum_ = sum;
  logs += std::log(product);
  const double value = std::log(sum_ / n + kLeastSquares) + 2 * logs / n;
  return std::isfinite(value) ? value : kInfinity;
}

EtsParameters EtsRecursion::end() const {
  EtsParameters out = at_;
  out.level = level_;
  out.slope = slope_;
  std::copy_n(s_.end() - static_cast<std::ptrdiff_t>(m_), out.season.size(), out.season.begin());
  return out;
}

void EtsRecursion::gradient(EtsGradient& out) const {
  const double per_sum = 2 / (sum_ + kLeastSquares * values_), per_value = 2.0 / values_;
  for (std::size_t t = 0; t < y_.size(); ++t) {
    if (!form_.relative_error) {
      of_e_[t] = per_sum * e_[t];
      of_f_[t] = 0;
      continue;
    }
    const double relative = e_[t] * per_f_[t];
    of_e_[t] = per_sum * relative * per_f_[t];
    of_f_[t] = std::isnan(y_[t]) ? 0 : (per_value - per_sum * relative * relative) * per_f_[t];
  }
  if (form_.season == EtsForm::Season::multiplicative) {
    is_whole() ? backward_multiplied<true>(out) : backward_multiplied<false>(out);
  } else {
    with_pass([&]<typename Pass>() { backward_added<Pass>(out); });
  }
  out.season.assign(of_s_.begin(), of_s_.begin() + static_cast<std::ptrdiff_t>(m_));
}

// The adjoint: what l, b and s after step t weigh in the objective becomes what they weigh before
// it. With e = y - f, f weighs of_f less all that e weighs.
template <typename Pass>
void EtsRecursion::backward_added(EtsGradient& out) const {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = 0, slope = 0, of_alpha = 0, of_beta = 0, of_gamma = 0, of_phi = 0;
  if (Pass::kSeasonal) std::fill(of_s_.end() - static_cast<std::ptrdiff_t>(m_), of_s_.end(), 0.0);
  for (std::size_t t = y_.size(); t-- > 0;) {
    const double e = e_[t], season = Pass::kSeasonal ? of_s_[t + m_] : 0;
    of_alpha += e * level;
    if (Pass::kTrend != Trend::none) of_beta += e * slope;
    if (Pass::kSeasonal) of_gamma += e * season;
    double before = level;  // of q; with a value, f takes e's weight from it
    if (Pass::kWhole || !std::isnan(y_[t])) {
      const double apart = of_f_[t] - of_e_[t] - gamma * season;
      before = (1 - alpha) * level + (Pass::kTrend == Trend::none ? apart : apart - beta * slope);
    }
    if (Pass::kSeasonal) of_s_[t] = season + (before - level);
    if (Pass::kTrend == Trend::damped) {
      of_phi += b_[t] * (before + slope);
      slope = phi * (before + slope);
    } else if (Pass::kTrend == Trend::additive) {
      slope = before + slope;
    }
    level = before;
  }
  out.alpha = of_alpha;
  out.beta = of_beta;
  out.gamma = of_gamma;
  out.phi = of_phi;
  out.level = level;
  out.slope = slope;
}

template <bool whole>
void EtsRecursion::backward_multiplied(EtsGradient& out) const {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = 0, slope = 0, of_alpha = 0, of_beta = 0, of_gamma = 0, of_phi = 0;
  std::fill(of_s_.end() - static_cast<std::ptrdiff_t>(m_), of_s_.end(), 0.0);
  for (std::size_t t = y_.size(); t-- > 0;) {
    const double season = of_s_[t + m_], per_q = per_q_[t], per_s = per_s_[t];
    const double moves = e_[t] * per_s, moves_season = e_[t] * per_q;
    of_alpha += moves * level;
    of_beta += moves * slope;
    of_gamma += moves_season * season;
    const double states = (alpha * level + beta * slope) * per_s, seasonal = gamma * season * per_q;
    const double f = !whole && std::isnan(y_[t]) ? 0 : of_f_[t] - of_e_[t] - states - seasonal;
    const double before = level + f * s_[t] - seasonal * moves_season;
    of_s_[t] = season + f * q_[t] - states * moves;
    of_phi += b_[t] * (before + slope);
    slope = phi * (before + slope);
    level = before;
  }
  out.alpha = of_alpha;
  out.beta = of_beta;
  out.gamma = of_gamma;
  out.phi = of_phi;
  out.level = level;
  out.slope = slope;
}

}  // namespace sluice::simple
