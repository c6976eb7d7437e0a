// Sizes that follow from a specification, and its checks.
#include "sluice/model/spec.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "sluice/base/error.hpp"

namespace sluice {

int ModelSpec::input_embeddings() const {
  int width = 0;
  for (const Embedding& e : embeddings) width += e.width;
  for (const StepEmbedding& e : step_embeddings) width += patch * e.width;
  return width;
}

int ModelSpec::head_embeddings() const {
  int width = 0;
  for (const Embedding& e : embeddings) width += e.width;
  for (const StepEmbedding& e : step_embeddings) width += e.future ? head_steps() * e.width : 0;
  return width;
}

int ModelSpec::inputs() const {
  const int of_step = M * (1 + (missing_indicator ? 1 : 0) + static_cast<int>(lags.size())) +
                      past_channels + future_channels;
  const int of_patch =
      M * ((level_input ? 1 : 0) + (level_change ? 1 : 0) + (base == Base::trend ? 1 : 0)) +
      calendar + static_reals;
  return patch * of_step + of_patch + input_embeddings();
}

int ModelSpec::head_context() const {
  return M * context + (seasonal_context > 0 ? M * head_steps() : 0) +
         head_steps() * future_channels + static_reals + head_embeddings();
}

namespace {

void require(bool good, const std::string& message) {
  if (!good) throw ConfigError(message);
}

void in_range(const char* key, int value, int low, int high) {
  require(value >= low && value <= high,
          fmt::format("{} is {}; it must be from {} to {}", key, value, low, high));
}

/// What a path cannot give its own steps.
void check_recursive(const ModelSpec& s) {
  const std::string recursive = "network.decoding = \"recursive\" ";
  require(is_distribution(s.loss),
          recursive +
              "feeds values drawn of a distribution back, which training.loss must be; set it to "
              "\"gaussian\", \"student_t\", \"negative_binomial\", \"poisson\" or \"tweedie\", or "
              "network.decoding to \"direct\"");
  require(
      !s.carry_state,
      recursive +
          "begins each path with its window, and training.carry_state = true with all that came "
          "before it; set one of them back");
  require(s.patch == 1,
          recursive +
              fmt::format("goes on step by step, and network.patch = {} takes that many at once; "
                          "set network.patch = 1, or network.decoding = \"direct\"",
                          s.patch));
  require(
      s.window_scaling == WindowScaling::none,
      recursive +
          "moves on from step to step, and network.scaling = window_* has one scale for a whole "
          "window; choose another scaling, or network.decoding = \"direct\"");
  const bool past_words = std::ranges::any_of(
      s.step_embeddings, [](const ModelSpec::StepEmbedding& e) { return !e.future; });
  require(s.past_channels == 0 && !past_words,
          recursive +
              "walks through the horizon, of which columns of data.past and data.past_categories "
              "are not known; leave them out, give them as data.future where they are known ahead, "
              "or set network.decoding = \"direct\"");
}

}  // namespace

void check_spec(const ModelSpec& s) {
  in_range("network.time_step", s.T, 1, 100'000);
  in_range("network.patch", s.patch, 1, 1000);
  if (s.T % s.patch != 0) {
    const int less = s.T / s.patch * s.patch, more = less + s.patch;
    throw ConfigError(fmt::format(
        "network.time_step is {}, which is no multiple of network.patch = {}; set it to {}", s.T,
        s.patch, less > 0 ? fmt::format("{} or {}", less, more) : fmt::format("{}", more)));
  }
  in_range("network.predict_day", s.K, 1, 10'000);
  in_range("network.hidden_size", s.H, 1, 4096);
  in_range("network.layers", s.L, 1, 16);
  in_range("network.head_hidden", s.head_hidden, 0, 16'384);
  in_range("network.context", s.context, 0, 10'000);
  in_range("network.seasonal_context", s.seasonal_context, 0, 100'000);
  require(s.dropout >= 0 && s.dropout < 1,
          fmt::format("network.dropout is {}; it must be at least 0 and below 1", s.dropout));
  require(s.M >= 1, "data.targets names no target");
  for (const int lag : s.lags) in_range("network.lags", lag, 1, 1'000'000);
  if (s.forking) {
    require(s.warmup >= 0 && s.warmup < s.T,
            fmt::format("network.warmup is {} with time_step {}; the head would never be trained: "
                        "choose a warmup from 0 to {}",
                        s.warmup, s.T, s.T - 1));
  }
  if (s.level == Level::mean) in_range("network.level_window", s.level_window, 1, 1'000'000);
  require(s.smoothing_alpha > 0 && s.smoothing_alpha <= 1,
          fmt::format("network.smoothing_alpha is {}; it must be above 0 and at most 1",
                      s.smoothing_alpha));
  if (s.base == Base::seasonal || s.base == Base::trend) {
    in_range("network.base_season", s.base_season, 1, 1'000'000);
  }
  require(s.trend_damping >= 0 && s.trend_damping <= 1,
          fmt::format("network.trend_damping is {}; it must be from 0 to 1", s.trend_damping));
  if (s.level_change) in_range("network.base_season", s.base_season, 1, 1'000'000);
  require(s.window_scaling == WindowScaling::none || (!s.forking && s.level == Level::none),
          "network.scaling = window_* takes its statistics from the whole window, which a head at "
          "earlier "
          "steps must not see; set network.forking = false and network.level = \"none\", or choose "
          "another "
          "scaling");
  require(s.window_scaling == WindowScaling::none || s.space == Space::linear,
          "network.scaling = window_* works in linear space; set network.space = \"linear\"");
  require(
      !(s.level == Level::none && (s.level_input || s.level_change)),
      "network.level_input and network.level_change need a level; set network.level = \"mean\" or "
      "\"smoothing\"");
  if (s.loss == Loss::quantile) {
    require(!s.quantiles.empty(), "training.loss = \"quantile\" needs forecast.levels");
    bool median = false;
    for (std::size_t q = 0; q < s.quantiles.size(); ++q) {
      require(s.quantiles[q] > 0 && s.quantiles[q] < 1,
              fmt::format("quantile {} must be inside (0, 1)", s.quantiles[q]));
      require(q == 0 || s.quantiles[q] > s.quantiles[q - 1], "quantiles must be ascending");
      median = median || s.quantiles[q] == 0.5f;
    }
    require(median, "the quantiles must contain the median, 0.5");
  }
  if (is_nonnegative(s.loss)) {
    const std::string has_zero =
        "training.loss = \"poisson\", \"negative_binomial\" and \"tweedie\" are distributions of "
        "numbers from 0 on, ";
    require(s.space == Space::linear,
            has_zero + fmt::format("and network.space = \"{}\" {}; set network.space = "
                                   "\"linear\" (or \"auto\"), or training.loss = \"student_t\" or "
                                   "\"gaussian\"",
                                   s.space == Space::log ? "log" : "asinh",
                                   s.space == Space::log ? "has no 0" : "bends them"));
    require(s.window_scaling == WindowScaling::none,
            has_zero +
                "and network.scaling = window_* shifts it; set network.scaling = \"mean\" (or "
                "\"auto\"), or training.loss = \"student_t\" or \"gaussian\"");
  }
  require(
      s.tweedie_power >= 1.0499f && s.tweedie_power <= 1.9501f,
      fmt::format("training.tweedie_power is {:g}; it must be from 1.05 to 1.95", s.tweedie_power));
  require(s.level_weight == 0 || s.level != Level::none,
          "training.level_weight needs a level; set network.level = \"mean\" or \"smoothing\", or "
          "the weight to 0");
  if (s.is_recursive()) check_recursive(s);
  require(s.huber_delta > 0, "training.huber_delta must be above 0");
  for (std::size_t e = 1; e < s.step_embeddings.size(); ++e) {
    require(s.step_embeddings[e].future || !s.step_embeddings[e - 1].future,
            "a model's past categories stand before its future ones");
  }
}

}  // namespace sluice
