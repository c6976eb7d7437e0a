// The model that a training goes on from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

/// Where it lies; empty: there is none.
std::string earlier_path(const Config& config);

/// That of training.init_from, or with mode.incremental of path.model where there is one. Its words
/// take the place of those in `vocabularies` and `spec`. `end`: as in TrainOptions. Throws
/// ConfigError where it is not of these settings, DataError where it is not of such data or has
/// seen steps after `end`.
EarlierModel load_earlier(const Config& config, const Catalog& catalog,
                          std::span<const std::int64_t> end, Vocabularies& vocabularies,
                          ModelSpec& spec);

}  // namespace sluice
