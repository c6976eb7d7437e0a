// Which loss suits the values, and which values a loss takes.
#pragma once

#include <string>

#include "run/config/catalog_facts.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// What training.loss = "auto" is. The median of rare counts is 0 or nearly so, whatever their mean
/// is: their forecast is a mean, by a distribution of counts where the other settings go with one,
/// and that of all else a median; but recursive decoding draws of a distribution.
Loss automatic_loss(const Config& config, const TargetFacts& facts);

/// What is to be said of sums (data.groups) where `loss`, "auto" or a name, forecasts medians;
/// empty: nothing.
std::string medians_text(const Config::Data& data, const std::string& loss);

/// Throws DataError where a target has a value that the distribution of `loss` gives no
/// probability. `name`: of training.loss.
void check_values(Loss loss, const std::string& name, const TargetFacts& facts);

}  // namespace sluice
