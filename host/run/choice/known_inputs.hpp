// The choice between a model with the columns that are known ahead and one without.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

/// Settings without all of them, named for the table; none where data.left_out says what goes, or
/// there is nothing to leave out. `now`: the settings to go on from.
std::vector<std::pair<std::string, Config>> without_known_inputs(const Config& given,
                                                                 const Config& now);

/// What `config` has of them: "all", "none", "all but price, deal".
std::string known_inputs_name(const Config& config);

}  // namespace sluice
