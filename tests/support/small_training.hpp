// A training that takes milliseconds, for tests of what comes after it.
#pragma once

#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice::testing {

/// Three steps ahead from windows of 14.
inline Config quick_config() {
  Config c;
  c.data.valid = 6;
  c.data.test = 6;
  c.network.hidden_size = 8;
  c.network.predict_day = 3;
  c.network.time_step = 14;
  c.network.head_hidden = 8;
  c.training.batch_size = 8;
  c.training.steps = 5;
  c.training.choice = 0;            // by rules
  c.training.partners = {"none"};   // the network alone,
  c.training.calibration = "none";  // as it is
  c.training.steps_per_epoch = 5;
  c.training.seeds = 1;
  c.training.final_fit = false;
  c.engine.threads = 1;
  return c;
}

inline Model quick_model(const Config& config, const Catalog& catalog) {
  TrainOptions options;
  options.save = false;
  options.announce = false;
  return train(config, catalog, options).model;
}

}  // namespace sluice::testing
