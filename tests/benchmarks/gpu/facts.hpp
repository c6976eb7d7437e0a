// What a benchmark's case says of itself, by name.
#pragma once

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "gpu/bench.hpp"

namespace sluice::bench {

inline bool has(const std::vector<Fact>& facts, const std::string& name) {
  for (const Fact& fact : facts) {
    if (fact.name == name) return true;
  }
  return false;
}
/// Throws std::out_of_range if there is no such fact, std::bad_variant_access if it is no T.
template <typename T>
const T& value(const std::vector<Fact>& facts, const std::string& name) {
  for (const Fact& fact : facts) {
    if (fact.name == name) return std::get<T>(fact.value);
  }
  throw std::out_of_range("no fact '" + name + "'");
}
inline double number(const std::vector<Fact>& facts, const std::string& name) {
  return value<double>(facts, name);
}
inline std::string text(const std::vector<Fact>& facts, const std::string& name) {
  return value<std::string>(facts, name);
}

}  // namespace sluice::bench
