#include "base/distinct.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_set>

namespace sluice {

bool are_distinct(const std::vector<std::string>& names) {
  const auto not_above = std::ranges::adjacent_find(names, std::ranges::greater_equal());
  if (not_above == names.end()) return true;
  const std::unordered_set<std::string_view> distinct(names.begin(), names.end());
  return distinct.size() == names.size();
}

}  // namespace sluice
