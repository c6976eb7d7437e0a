// Whether names are distinct.
#pragma once

#include <string>
#include <vector>

namespace sluice {

/// At once where they ascend, as the ids of most files do.
bool are_distinct(const std::vector<std::string>& names);

}  // namespace sluice
