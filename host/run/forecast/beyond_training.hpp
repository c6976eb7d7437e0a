// Known inputs of a horizon that are nothing like what a model was trained on.
#pragma once

#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {

/// A sentence for each future column whose values after the origins of `forecasts` lie beyond those
/// of the training by more than a tenth of their range: how many series, the farthest value with
/// series and date, what it is taken as. Empty of a model that scales each series by itself.
std::vector<std::string> beyond_training_texts(const Model& model, const Catalog& catalog,
                                               const Forecasts& forecasts);

}  // namespace sluice
