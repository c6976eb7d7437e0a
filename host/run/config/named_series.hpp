// Series that a setting names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Their places in the catalogue, in the order of `ids`. Throws ConfigError with the key and the
/// nearest id if there is no such series.
std::vector<std::int64_t> named_series(const Catalog& catalog, const std::vector<std::string>& ids,
                                       std::string_view key);

}  // namespace sluice
