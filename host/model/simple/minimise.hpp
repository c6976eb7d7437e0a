// A minimum of a smooth function of a few dozen numbers, by its gradient.
#pragma once

#include <functional>
#include <span>

namespace sluice::simple {

/// The function's value at x; writes its gradient (of x's length) unless the value is infinite,
/// which says that x lies outside of where the function is defined.
using Smooth = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct MinimiseLimits {
  double tolerance = 1e-8;  ///< two steps in a row that gain less end it
  int iterations = 200;
};

/// Moves x downhill; returns the value there, at most that at the first x. Quasi-Newton with a
/// dense inverse Hessian (Broyden, Fletcher, Goldfarb, Shanno 1970) and a backtracking line search,
/// so a step never raises the value. Infinite, and x as it was, where the first x is outside.
double minimise(const Smooth& function, std::span<double> x, const MinimiseLimits& limits = {});

}  // namespace sluice::simple
