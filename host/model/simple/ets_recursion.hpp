// The likelihood of one form with its gradient: a pass forward, and one backward by the adjoint.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/simple/ets.hpp"

namespace sluice::simple {

/// d objective / d every parameter.
struct EtsGradient {
  double alpha = 0, beta = 0, gamma = 0, phi = 0, level = 0, slope = 0;
  std::vector<double> season;
};

/// One series and one form; keeps its buffers from call to call. A season of m steps lies in one
/// row of n + m numbers: s[t + m] is what step t makes of s[t].
class EtsRecursion {
 public:
  /// `y` must live as long.
  EtsRecursion(const EtsForm& form, std::span<const double> y, std::size_t season);

  /// log(sum of squared errors / values), with relative errors plus twice the mean of log f: the
  /// likelihood by `values`, which fits of different lengths have alike. Infinite where f, q or s
  /// is not positive and divides.
  double objective(const EtsParameters& from);
  /// The gradient at the parameters of the last call, whose objective was finite.
  void gradient(EtsGradient& out) const;
  /// After the last call.
  EtsParameters end() const;
  double squares() const { return squares_; }
  int values() const { return values_; }

 private:
  template <typename Use>
  void with_pass(const Use& use) const;
  template <typename Pass>
  void forward_added();
  template <bool whole>
  bool forward_multiplied();
  template <typename Pass>
  void backward_added(EtsGradient& out) const;
  template <bool whole>
  void backward_multiplied(EtsGradient& out) const;
  bool is_whole() const { return values_ == static_cast<std::ptrdiff_t>(y_.size()); }

  EtsForm form_;
  std::span<const double> y_;
  std::size_t m_;
  int values_ = 0;
  EtsParameters at_;
  double level_ = 0, slope_ = 0;  // after the last step
  double squares_ = 0;            // sum of e^2
  double sum_ = 0;                // of the squared errors, relative ones with relative errors
  // By step: level + phi slope before it, that slope, y - f (0 where y is missing), f and 1 / f;
  // 1 / q and 1 / s with a multiplicative season.
  std::vector<double> q_, b_, e_, f_, per_f_, per_q_, per_s_;
  std::vector<double> s_;                           // [n + m]
  mutable std::vector<double> of_e_, of_f_, of_s_;  // d objective / d e, f, s
};

}  // namespace sluice::simple
