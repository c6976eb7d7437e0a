#include "run/choice/known_inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice {
namespace {

std::vector<std::string> known_inputs(const Config::Data& data) {
  std::vector<std::string> names = data.future;
  names.insert(names.end(), data.future_categories.begin(), data.future_categories.end());
  return names;
}

}  // namespace

std::vector<std::pair<std::string, Config>> without_known_inputs(const Config& given,
                                                                 const Config& now) {
  const std::vector<std::string> names = known_inputs(given.data);
  if (given.data.left_out || names.empty()) return {};
  std::vector<std::pair<std::string, Config>> out;
  Config& none = out.emplace_back("none", now).second;
  none.data.left_out = names;
  return out;
}

std::string known_inputs_name(const Config& config) {
  const std::vector<std::string> left_out =
      config.data.left_out.value_or(std::vector<std::string>());
  if (left_out.empty()) return "all";
  if (left_out.size() == known_inputs(config.data).size()) return "none";
  return fmt::format("all but {}", fmt::join(left_out, ", "));
}

}  // namespace sluice
