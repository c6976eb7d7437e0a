// data.left_out: columns known ahead that a model is made without, though the data has them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// `names` (data.future or data.future_categories) but those that data.left_out has.
std::vector<std::string> without_left_out(const std::vector<std::string>& names,
                                          const Config::Data& data);

/// Throws ConfigError if data.left_out names what is in neither of the two lists.
void check_left_out(const Config::Data& data);

/// The catalogue without the columns of data.left_out, which `catalog` was read with; empty: it has
/// none of them. `data.future` names its channels in their order.
std::optional<Catalog> reduced_catalog(const Catalog& catalog, const Config::Data& data);

}  // namespace sluice
