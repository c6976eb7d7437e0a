#include "model/simple/ets_recursion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::simple {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Keeps the logarithm of a perfect fit finite.
constexpr double kLeastSquares = 1e-280;

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

// A step's latency decides, so what one step waits for of the step before is written short: q'
// = (q + phi^2 b) + (alpha + phi beta) e instead of through l and b.
bool EtsRecursion::forward_added() {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  const double moves_q = alpha + phi * beta;
  double q = at_.level + phi * at_.slope, b = at_.slope, e = 0;
  for (std::size_t t = 0; t < y_.size(); ++t) {
    const double s = s_[t], without = y_[t] - s, damped = phi * b;
    e = std::isnan(without) ? 0 : without - q;
    q_[t] = q;
    b_[t] = b;
    e_[t] = e;
    f_[t] = q + s;
    s_[t + m_] = s + gamma * e;
    level_ = q + alpha * e;
    q = (q + phi * damped) + moves_q * e;
    b = damped + beta * e;
  }
  slope_ = b;
  return true;
}

bool EtsRecursion::forward_multiplied() {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = at_.level, slope = at_.slope;
  for (std::size_t t = 0; t < y_.size(); ++t) {
    const double damped = phi * slope, q = level + damped, s = s_[t], f = q * s;
    if (!(q > 0 && s > 0)) return false;
    const double per_q = 1 / q, per_s = 1 / s;
    const double e = std::isnan(y_[t]) ? 0 : y_[t] - f;
    q_[t] = q;
    b_[t] = slope;
    e_[t] = e;
    f_[t] = f;
    per_q_[t] = per_q;
    per_s_[t] = per_s;
    level = q + alpha * (e * per_s);
    slope = damped + beta * (e * per_s);
    s_[t + m_] = s + gamma * (e * per_q);
  }
  level_ = level;
  slope_ = slope;
  return true;
}

double EtsRecursion::objective(const EtsParameters& from) {
  at_ = from;
  std::fill_n(s_.begin(), m_, 0.0);
  std::copy(from.season.begin(), from.season.end(), s_.begin());
  const bool multiplied = form_.season == EtsForm::Season::multiplicative;
  if (!(multiplied ? forward_multiplied() : forward_added())) return kInfinity;
  const double n = values_;
  if (!form_.relative_error) {
    sum_ = squares();
    return std::isfinite(sum_) ? std::log(sum_ / n + kLeastSquares) : kInfinity;
  }
  sum_ = 0;
  double logs = 0, product = 1;  // a product of many f has one logarithm
  for (std::size_t t = 0; t < y_.size(); ++t) {
    if (!(f_[t] > 0)) return kInfinity;
    per_f_[t] = 1 / f_[t];
    if (std::isnan(y_[t])) continue;
    sum_ += e_[t] * per_f_[t] * (e_[t] * per_f_[t]);
    product *= f_[t];
    if (product > 1e100 || product < 1e-100) {
      logs += std::log(product);
      product = 1;
    }
  }
  logs += std::log(product);
  const double value = std::log(sum_ / n + kLeastSquares) + 2 * logs / n;
  return std::isfinite(value) ? value : kInfinity;
}

double EtsRecursion::squares() const {
  double sum = 0;
  for (const double e : e_) sum += e * e;
  return sum;
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
  out.alpha = out.beta = out.gamma = out.phi = 0;
  if (form_.season == EtsForm::Season::multiplicative) {
    backward_multiplied(out);
  } else {
    backward_added(out);
  }
  out.season.assign(of_s_.begin(), of_s_.begin() + static_cast<std::ptrdiff_t>(m_));
}

// The adjoint: what l, b and s after step t weigh in the objective becomes what they weigh before
// it. With e = y - f, f weighs of_f less all that e weighs.
void EtsRecursion::backward_added(EtsGradient& out) const {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = 0, slope = 0;
  std::fill(of_s_.end() - static_cast<std::ptrdiff_t>(m_), of_s_.end(), 0.0);
  for (std::size_t t = y_.size(); t-- > 0;) {
    const double e = e_[t], season = of_s_[t + m_];
    out.alpha += e * level;
    out.beta += e * slope;
    out.gamma += e * season;
    double before = level;  // of q; with a value, f takes e's weight from it
    if (!std::isnan(y_[t])) {
      const double apart = of_f_[t] - of_e_[t] - gamma * season;
      before = (1 - alpha) * level + (apart - beta * slope);
    }
    of_s_[t] = season + (before - level);
    out.phi += b_[t] * (before + slope);
    slope = phi * (before + slope);
    level = before;
  }
  out.level = level;
  out.slope = slope;
}

void EtsRecursion::backward_multiplied(EtsGradient& out) const {
  const double alpha = at_.alpha, beta = at_.beta, gamma = at_.gamma, phi = at_.phi;
  double level = 0, slope = 0;
  std::fill(of_s_.end() - static_cast<std::ptrdiff_t>(m_), of_s_.end(), 0.0);
  for (std::size_t t = y_.size(); t-- > 0;) {
    const double season = of_s_[t + m_], per_q = per_q_[t], per_s = per_s_[t];
    const double moves = e_[t] * per_s, moves_season = e_[t] * per_q;
    out.alpha += moves * level;
    out.beta += moves * slope;
    out.gamma += moves_season * season;
    const double states = (alpha * level + beta * slope) * per_s, seasonal = gamma * season * per_q;
    const double f = std::isnan(y_[t]) ? 0 : of_f_[t] - of_e_[t] - states - seasonal;
    const double before = level + f * s_[t] - seasonal * moves_season;
    of_s_[t] = season + f * q_[t] - states * moves;
    out.phi += b_[t] * (before + slope);
    slope = phi * (before + slope);
    level = before;
  }
  out.level = level;
  out.slope = slope;
}

}  // namespace sluice::simple
