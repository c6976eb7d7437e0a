// Sample paths of windows, row by row: each row is one path of one window, with values of its own
// from the origin on, which the functions of window_rows.hpp read as they read a series'. Plain
// structs of pointers into one memory (the host's or a device's), and a function that runs
// anywhere.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/shared/step_values.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/model/sampling.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// In log and asinh space a drawn value lies within so many units of its step's level: e^10 times
/// it, which no float overflows on the way back.
inline constexpr float kPathLimit = 10.0f;

/// Writable pointers into the space that the rows read; null where the model has no such numbers.
struct PathArrays {
  float *v = nullptr, *s = nullptr, *o = nullptr, *smoothed = nullptr, *drift = nullptr;
  Window* windows = nullptr;  ///< [R]
};

struct PathRows {
  WindowRows rows;  ///< N = R rows; the origin of a row's window is the step that it has reached
  PathArrays arrays;
  StepState* states = nullptr;             ///< [R,M] after that step
  const std::uint64_t* streams = nullptr;  ///< [R / paths, M]
  std::uint64_t seed = 0;
  std::int64_t paths = 1, first_path = 0;  ///< row r is path first_path + r % paths of its window
  int horizon = 1;                         ///< K
  StepRule rule;
  Loss loss = Loss::gaussian;
  double power = 0;      ///< of tweedie
  float* out = nullptr;  ///< [R,K,M] in the units of y, or null: not wanted
};

/// Draws step k (0 .. K-1) of row r from the head's outputs u [M,Q] at the step that it has
/// reached, and takes the row there; one that is before its series' start stays there. kLoss is
/// paths.loss.
template <Loss kLoss>
SLUICE_HD inline void extend_path(const PathRows& paths, std::int64_t r, int k, const float* u) {
  const SpaceView& space = paths.rows.space;
  const Window& window = paths.rows.windows[r];
  const std::int64_t t = window.origin, row = window.series;
  if (t < 0) return;
  constexpr int kQ = parameter_count(kLoss);
  for (int m = 0; m < space.M; ++m) {
    double outputs[kMostParameters] = {};
    for (int q = 0; q < kQ; ++q) outputs[q] = static_cast<double>(u[m * kQ + q]);
    const DistributionParameters parameters = distribution_parameters(
        kLoss, outputs, target_map(paths.rows, kLoss, m, r, t), paths.power);
    const std::uint64_t path = static_cast<std::uint64_t>(paths.first_path + r % paths.paths);
    const UniformPair uniforms =
        path_uniforms(paths.seed, paths.streams[r / paths.paths * space.M + m], path,
                      static_cast<std::uint64_t>(k));
    const double drawn = draw(kLoss, parameters, paths.power, uniforms);
    const std::int64_t of_row = m * space.series + row;
    float v = static_cast<float>(drawn);
    float y = v;
    if (is_nonnegative(kLoss)) {
      v = (v - space.shift[of_row]) / space.scale[of_row];
    } else {
      const Affine a = space_affine(space, m, row, t);
      if (space.space != Space::linear && v < a.o - kPathLimit) v = a.o - kPathLimit;
      if (space.space != Space::linear && v > a.o + kPathLimit) v = a.o + kPathLimit;
      y = to_y(space, m, row, v);
    }
    const std::int64_t begin = m * space.total + space.offset[row], next = begin + t + 1;
    paths.arrays.v[next] = v;
    const StepValues step =
        next_step(paths.rule, space.v + begin, t + 1, paths.states[r * space.M + m]);
    if (paths.arrays.s != nullptr) paths.arrays.s[next] = step.s;
    if (paths.arrays.o != nullptr) paths.arrays.o[next] = step.o;
    if (paths.arrays.smoothed != nullptr) paths.arrays.smoothed[next] = step.smoothed;
    if (paths.arrays.drift != nullptr) paths.arrays.drift[next] = step.drift;
    if (paths.out != nullptr) paths.out[(r * paths.horizon + k) * space.M + m] = y;
  }
  paths.arrays.windows[r].origin = t + 1;
}

}  // namespace sluice
