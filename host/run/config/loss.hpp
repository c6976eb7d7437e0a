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

/// What the training says of `loss`, which "auto" became under the settings as given, where most
/// series sell rarely; empty: they do not.
std::string automatic_loss_text(const Config& given, const std::string& loss,
                                const TargetFacts& facts);

/// Whether sums (data.groups) are forecast, and by `loss`, "auto" or a name, as medians.
bool sums_medians(const Config::Data& data, const std::string& loss);
/// What is to be said then, with losses to train by that go with `given` and the values.
std::string medians_text(const Config& given, const std::string& loss, const TargetFacts& facts);

/// Throws DataError where a target has a value that the distribution of `loss` gives no
/// probability. `name`: of training.loss. `recursive`: it takes distributions alone.
void check_values(Loss loss, const std::string& name, bool recursive, const TargetFacts& facts);

}  // namespace sluice
