// Small trainings that choose, and data whose answer is known.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice::testing {

using Values = std::vector<std::vector<float>>;

/// Enough steps for every kind of choice.
inline Config small() {
  Config c;
  c.data.test = 14;
  c.network.hidden_size = 8;
  c.network.predict_day = 7;
  c.network.time_step = 14;
  c.network.head_hidden = 8;
  c.network.level_window = 14;
  c.training.batch_size = 16;
  c.training.learning_rate = 0.01;
  c.training.steps = 1000;
  c.training.loss = "quantile";
  c.training.choice = 1;
  c.engine.threads = 1;
  return c;
}

inline TrainOptions silent() {
  TrainOptions options;
  options.save = false;
  options.announce = false;
  return options;
}

/// `count` series of `length` values y(random, series, t).
template <typename Value>
Values simulated(int count, int length, Value&& value) {
  std::mt19937 random(5);
  Values out;
  for (int s = 0; s < count; ++s) {
    auto& series = out.emplace_back();
    for (int t = 0; t < length; ++t) series.push_back(static_cast<float>(value(random, s, t)));
  }
  return out;
}

inline double gauss(std::mt19937& random) { return std::normal_distribution<double>()(random); }

/// Growth and decline at each series' own pace, with a wide season: sums in logarithms, products
/// otherwise.
inline Values growing() {
  return simulated(12, 160, [](std::mt19937& random, int s, int t) {
    const double growth = 0.006 * (s - 5);
    return 10 * std::exp(growth * t + 1.5 * std::sin(2 * 3.14159265 * (t + s) / 7) +
                         0.02 * gauss(random));
  });
}

}  // namespace sluice::testing
