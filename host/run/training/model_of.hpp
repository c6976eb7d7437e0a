// The part of a model that is of the data and the network, whatever its training finds.
#pragma once

#include "run/training/phase.hpp"
#include "run/training/vocabularies.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct ModelParts {
  const ModelSpec& spec;
  const Config& config;
  const Catalog& catalog;
  const Split& split;
  const Vocabularies& vocabularies;
  const Model* start;  ///< that the training went on from, or null
};

/// A model without members, losses and what was learned of its forecasts, scaled as `phase` is.
Model model_of(const ModelParts& parts, const Phase& phase);

}  // namespace sluice
