// The settings of [network]; included by keys.hpp only.
#pragma once

#include <string_view>

#include "run/config/key.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

template <typename AnyConfig, typename Visitor>
void visit_network_keys(AnyConfig& config, Visitor& visit) {
  auto& n = config.network;
  visit(Key{.name = "network.time_step",
            .meaning = "Steps of a window; 0: by the data's frequency.",
            .range = {.min = 0, .max = 100000}},
        n.time_step);
  visit(Key{.name = "network.patch",
            .meaning = "Consecutive steps that the LSTM takes as one input step: a window of 336 "
                       "hours by 4 costs 84 steps. time_step is a multiple of it (by itself: "
                       "rounded up to one); the horizon and all else stay in steps.",
            .range = {.min = 1, .max = 1000}},
        n.patch);
  visit(Key{.name = "network.predict_day",
            .meaning = "Horizon: steps to forecast; 0: by the data's frequency.",
            .range = {.min = 0, .max = 10000}},
        n.predict_day);
  visit(Key{.name = "network.decoding",
            .meaning =
                "How the steps of the horizon are forecast: all at once (direct), or as sample "
                "paths, each step drawn of the distribution after the one before (recursive: "
                "DeepAR), with a training.loss that is a distribution.",
            .choices = {"direct", "recursive"}},
        n.decoding);
  visit(Key{.name = "network.hidden_size",
            .meaning = "Units of each LSTM layer.",
            .range = {.min = 1, .max = 4096}},
        n.hidden_size);
  visit(Key{.name = "network.layers",
            .meaning = "LSTM layers (the article's lstm_layers).",
            .range = {.min = 1, .max = 16}},
        n.layers);
  visit(Key{.name = "network.dropout",
            .meaning = "Share of units dropped between the layers in training (the article's "
                       "dropout_rate).",
            .range = {.min = 0, .max = 1, .below = true}},
        n.dropout);
  visit(Key{.name = "network.scaling",
            .meaning =
                "Scaling of the targets, by each series' training range or (window_...) by each "
                "window's own inputs; auto: mean with a level or in log space, else standard.",
            .choices = {"auto", "none", "standard", "robust", "mean", "window_mean",
                        "window_standard", "window_robust"}},
        n.scaling);
  visit(
      Key{.name = "network.covariate_scaling",
          .meaning =
              "How the other channels become inputs; auto: by what each one's values are in the "
              "training part (one of two as 0 and 1; above 0 as the logarithm of the ratio to the "
              "series' recent level; amounts that are mostly 0 as logarithms; else as the "
              "difference from the recent level), cut at the training's range; the others: scaled "
              "by each series' training range.",
          .choices = {"auto", "none", "standard", "robust", "mean"}},
      n.covariate_scaling);
  visit(Key{.name = "network.space",
            .meaning =
                "Values as they are, their logarithms, or asinh of them, which is like a logarithm "
                "for values above the series' mean and takes zeros and negative values too; auto: "
                "by training.choice, or log where all are positive.",
            .choices = {"auto", "linear", "log", "asinh"}},
        n.space);
  visit(
      Key{.name = "network.level",
          .meaning =
              "What every step's values are divided by: nothing, a trailing mean, or an "
              "exponential smoothing; auto: by training.choice, or mean, but none for scalings by "
              "window.",
          .choices = {"auto", "none", "mean", "smoothing"}},
      n.level);
  visit(
      Key{.name = "network.level_window",
          .meaning = "Steps of the trailing mean.",
          .automatic = "one long season (a week of hours, 28 days, 12 months), at least 4; where "
                       "network.decoding is recursive two, or as many as the horizon reaches into",
          .range = {.min = 1, .max = 1000000}},
      n.level_window);
  visit(Key{.name = "network.smoothing_alpha",
            .meaning = "Weight of the newest value in exponential smoothing.",
            .range = {.min = 0, .max = 1, .above = true}},
        n.smoothing_alpha);
  visit(Key{.name = "network.base",
            .meaning = "Forecast that the network corrects: none, the last value, seasonal naive, "
                       "an exponential smoothing, or seasonal naive with a damped trend; auto: by "
                       "training.choice, or none in linear and asinh space, else seasonal, or last "
                       "without a season.",
            .choices = {"auto", "none", "last", "seasonal", "smoothing", "trend"}},
        n.base);
  visit(Key{.name = "network.base_season",
            .meaning = "Steps of the season of seasonal naive.",
            .automatic = "one season (24 hours, 7 days, 12 months)",
            .range = {.min = 1, .max = 1000000}},
        n.base_season);
  visit(Key{.name = "network.trend_damping",
            .meaning = "Of network.base = \"trend\" phi: the drift of each step of the horizon, as "
                       "a share of that of the step before; 1: a straight line.",
            .range = {.min = 0, .max = 1}},
        n.trend_damping);
  visit(Key{.name = "network.lags",
            .meaning = "Inputs: the targets so many steps ago.",
            .automatic = "one season and one long season; none without a season",
            .range = {.min = 1, .max = 1000000}},
        n.lags);
  visit(Key{.name = "network.context",
            .meaning = "Last target values that the head sees, in steps.",
            .automatic = "one season, at most 96; 4 without a season",
            .range = {.min = 0, .max = 10000}},
        n.context);
  visit(Key{.name = "network.seasonal_context",
            .meaning = "Season, in steps, by which the head sees the horizon's earlier values; 0: "
                       "it does not.",
            .automatic = "one long season; 0 without a season",
            .range = {.min = 0, .max = 100000}},
        n.seasonal_context);
  visit(Key{.name = "network.forking",
            .meaning = "Whether every step of a window is trained, not only its last.",
            .automatic = "true, but for scalings by window"},
        n.forking);
  visit(Key{.name = "network.warmup",
            .meaning = "Steps at a window's begin that forking does not train.",
            .automatic = "a quarter of time_step",
            .range = {.min = 0, .max = 100000}},
        n.warmup);
  visit(Key{.name = "network.head_hidden",
            .meaning = "Units of the head's hidden layer; 0: the head is one linear layer.",
            .automatic = "twice hidden_size",
            .range = {.min = 0, .max = 16384}},
        n.head_hidden);
  visit(Key{.name = "network.level_input",
            .meaning = "Input: the logarithm of the level.",
            .automatic = "true with a level in linear space"},
        n.level_input);
  visit(Key{.name = "network.level_change",
            .meaning = "Input: change of the level over one season.",
            .automatic = "true with a level, for days and longer"},
        n.level_change);
  visit(Key{.name = "network.calendar",
            .meaning = "Inputs: hour, weekday, day of the year, as the frequency has them.",
            .automatic = "true"},
        n.calendar);
  visit(Key{.name = "network.calendar_year",
            .meaning = "Whether network.calendar has the terms of the year as well.",
            .automatic = "false below two years of training data, else by training.choice"},
        n.calendar_year);
  visit(Key{.name = "network.embedding_width",
            .meaning = "Numbers for a category, at most; one of n words gets no more than "
                       "(n + 1) / 2.",
            .range = {.min = 1, .max = 1024}},
        n.embedding_width);
}

}  // namespace sluice
