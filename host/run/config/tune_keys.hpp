// The keys of [tune], as keys.hpp has the others.
#pragma once

#include "run/config/key.hpp"

namespace sluice {

template <typename Tune, typename Visitor>
void visit_tune_keys(Tune& tune, Visitor& visit) {
  visit(Key{.name = "tune.trials",
            .meaning = "Settings that are drawn from [tune.space] and tried, beside those given.",
            .range = {.min = 1, .max = 100000}},
        tune.trials);
  visit(Key{.name = "tune.seconds",
            .meaning = "Seconds after which no trial begins; those that run are finished; 0: not "
                       "limited.",
            .range = {.min = 0, .max = 1e9}},
        tune.seconds);
  visit(Key{.name = "tune.jobs",
            .meaning = "Trials side by side, which share engine.threads.",
            .range = {.min = 1, .max = 1024}},
        tune.jobs);
  visit(Key{.name = "tune.method",
            .meaning = "random: every trial is trained in full; halving: all shortly, then one of "
                       "tune.factor goes on, tune.factor times longer.",
            .choices = {"halving", "random"}},
        tune.method);
  visit(Key{.name = "tune.factor",
            .meaning = "Of halving: how many times longer a training is than that of the rung "
                       "before.",
            .range = {.min = 2, .max = 10}},
        tune.factor);
  visit(Key{.name = "tune.rungs",
            .meaning = "Of halving: lengths of a training, the last one in full.",
            .range = {.min = 2, .max = 6}},
        tune.rungs);
  visit(
      Key{.name = "tune.measure",
          .meaning = "Score of the validation part by which trials are compared; auto: rmsse with mse "
                     "and distributions of numbers from 0 on (training.loss), else mase; wape "
                     "where no series has a scale.",
          .choices = {"auto", "mase", "rmsse", "wape", "wql"}},
      tune.measure);
  visit(Key{.name = "tune.folds",
            .meaning = "Parts of the length of the validation part that each trial is scored on, "
                       "that and those before it, each by a training of its own.",
            .range = {.min = 1, .max = 20}},
        tune.folds);
}

}  // namespace sluice
