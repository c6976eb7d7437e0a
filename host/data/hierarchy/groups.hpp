// The levels of a hierarchy as data.groups names them, and which series each of their sums holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

inline constexpr const char* kTotal = "total";

/// One level: a sum for each combination of words of some static categories.
struct Group {
  std::string name;                     ///< as data.groups has it
  std::vector<std::size_t> categories;  ///< indices of static categories; none: the total
};

/// The levels that `texts` name. Throws ConfigError for what is no category or stands twice.
std::vector<Group> parse_groups(const std::vector<std::string>& texts,
                                std::span<const StaticCategory> categories);

/// Which sum of a level each series is in. Sums are numbered in the order of their words.
struct Membership {
  std::vector<std::int32_t> sum_of;   ///< [S]
  std::vector<std::int32_t> example;  ///< [sums] a series of each
};

/// Throws DataError where a series has no word in a category of the level.
Membership members_of(const Group& group, const Catalog& catalog);

}  // namespace sluice
