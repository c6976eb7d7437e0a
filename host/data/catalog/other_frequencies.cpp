#include "data/catalog/other_frequencies.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice {
namespace {

/// "W-MON", or "no regular one" where the rows lie on no grid of their own.
std::string frequency_of(const CatalogParts& parts, const std::vector<std::int64_t>& periods) {
  std::vector<Timestamp> times;
  for (const std::int64_t period : periods) times.push_back(time_of(parts.axis.frequency, period));
  const auto frequency = infer_frequency(times, parts.axis.integers);
  return frequency ? to_string(*frequency) : "irregular";
}

}  // namespace

void say_other_frequencies(const CatalogParts& parts,
                           const std::map<std::size_t, std::vector<std::int64_t>>& periods,
                           CatalogNotes& notes) {
  std::map<std::string, std::vector<std::string>> ids;
  for (const auto& [s, own] : periods) ids[frequency_of(parts, own)].push_back(parts.ids[s]);
  constexpr std::size_t kShown = 3;
  for (auto& [frequency, names] : ids) {
    const std::size_t count = names.size();
    if (count > kShown) names.resize(kShown);
    const std::string list =
        fmt::format("{}{}", fmt::join(names, ", "), count > kShown ? ", ..." : "");
    const bool all = count == parts.ids.size(), regular = frequency != "irregular";
    const std::string remedy =
        all && regular ? fmt::format("set data.frequency to {}", frequency)
        : all ? "most steps have no row: is data.frequency too fine? data.align = \"period\" "
                "takes a row for a longer period that holds it"
              : "give them a file and a model of their own";
    notes.remarks.push_back(fmt::format(
        "{} of {} series never {} a row in two steps of {} on end, their rows are {}: {}; {}",
        count, parts.ids.size(), count == 1 ? "has" : "have", to_string(parts.axis.frequency),
        frequency, list, remedy));
  }
}

}  // namespace sluice
