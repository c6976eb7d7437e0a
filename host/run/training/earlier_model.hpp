// The model that a training goes on from.
#pragma once

#include <memory>
#include <string>

#include "run/training/vocabularies.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct EarlierModel {
  std::unique_ptr<Model> model;  ///< null: the training begins with random weights
  std::string path;
  bool is_output = false;  ///< it is what path.model holds
};

/// That of training.init_from, or with mode.incremental of path.model where there is one. Its words
/// take the place of those in `vocabularies` and `spec`. Throws ConfigError where it is not of
/// these settings, DataError where it is not of such data.
EarlierModel load_earlier(const Config& config, const Catalog& catalog, Vocabularies& vocabularies,
                          ModelSpec& spec);

}  // namespace sluice
