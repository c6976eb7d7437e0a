// What depends on a step's value and on those before it: the level (as the affine map of
// window_rows.hpp), what Base::smoothing and Base::trend carry on. Step after step, for the
// catalogue as for sample paths that go on from it; in double, for host and device alike.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/shared/window_rows.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// In linear space a level is never smaller than this share of the series' own mean, so that a
/// product that has not sold for a season does not divide by zero.
inline constexpr double kLevelFloor = 0.02;

/// How a model's steps follow from each other.
struct StepRule {
  Space space = Space::linear;
  Level level = Level::none;
  Base base = Base::none;
  int level_window = 0, base_season = 1;
  double alpha = 0.1;
};

inline StepRule step_rule(const ModelSpec& spec) {
  return {.space = spec.space,
          .level = spec.level,
          .base = spec.base,
          .level_window = spec.level_window,
          .base_season = spec.base_season,
          .alpha = static_cast<double>(spec.smoothing_alpha)};
}

/// Exponential smoothing whose first steps are plain means: alpha_t = max(alpha, 1 / age).
struct Smoothing {
  double state = 0;
  std::int64_t age = 0;
};

SLUICE_HD inline double smoothed_next(Smoothing& smoothing, double alpha, float value,
                                      double fallback) {
  if (!std::isnan(value)) {
    ++smoothing.age;
    const double first = 1.0 / static_cast<double>(smoothing.age);
    smoothing.state +=
        (alpha > first ? alpha : first) * (static_cast<double>(value) - smoothing.state);
  }
  return smoothing.age > 0 ? smoothing.state : fallback;
}

/// What a step leaves to the next one.
struct StepState {
  Smoothing base, drift, level;
  double sum = 0, mean = 1;  ///< of Level::mean
  std::int64_t count = 0;
};

/// Of one step; what the model has not is as here.
struct StepValues {
  float s = 1, o = 0, smoothed = 0, drift = 0;
};

/// Size of a value of v space, in units of the series' scale.
SLUICE_HD inline double size_of(Space space, float v) {
  const auto value = static_cast<double>(v);
  if (space == Space::log) return std::exp(value);
  return std::fabs(space == Space::asinh ? std::sinh(value) / static_cast<double>(kAsinhSlope)
                                         : value);
}

/// Step t >= 0 of a target with values v [0 .. t] (NaN: missing), after all of the steps before,
/// whose state becomes this one's. Of v it reads step t, the one that leaves the level's window,
/// and those whole seasons before.
SLUICE_HD inline StepValues next_step(const StepRule& rule, const float* v, std::int64_t t,
                                      StepState& state) {
  StepValues out;
  const bool known = !std::isnan(v[t]);
  if (rule.base == Base::smoothing) {
    out.smoothed = static_cast<float>(smoothed_next(state.base, rule.alpha, v[t], 0));
  }
  if (rule.base == Base::trend) {
    // Change a step since the last value that lies whole seasons before; 0 where nothing has
    // changed yet.
    const std::int64_t from =
        known ? seasonal_step(v, t - rule.base_season, rule.base_season) : std::int64_t{-1};
    const float change =
        from < 0 ? missing_value() : (v[t] - v[from]) / static_cast<float>(t - from);
    out.drift = static_cast<float>(smoothed_next(state.drift, rule.alpha, change, 0));
  }
  if (rule.level == Level::none) return out;
  double level = 0;
  if (rule.level == Level::smoothing) {
    const float size = known ? static_cast<float>(size_of(rule.space, v[t])) : v[t];
    level = smoothed_next(state.level, rule.alpha, size, 1.0);
  } else {
    if (known) state.sum += size_of(rule.space, v[t]), ++state.count;
    const std::int64_t leaves = t - rule.level_window;
    if (leaves >= 0 && !std::isnan(v[leaves])) {
      state.sum -= size_of(rule.space, v[leaves]);
      --state.count;
    }
    if (state.count > 0) {
      const double mean = state.sum / static_cast<double>(state.count);
      state.mean = mean > 0 ? mean : 0;
    }
    level = state.mean;
  }
  if (rule.space == Space::log) {
    out.o = static_cast<float>(std::log(level > 1e-30 ? level : 1e-30));
  } else if (rule.space == Space::asinh) {
    out.o = static_cast<float>(std::asinh(static_cast<double>(kAsinhSlope) * level));
  } else {
    out.s = static_cast<float>(1.0 / (level + kLevelFloor));
    out.o = 1.0f;
  }
  return out;
}

}  // namespace sluice
