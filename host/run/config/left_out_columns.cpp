#include "run/config/left_out_columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// Which of the catalogue's columns (channels, or channels of words) with the role future go: all
/// where every name is left out (one such as "#3:5" names several), else those whose place in
/// `names` is that of a name which is left out.
template <typename Columns>
std::vector<int> places_of(const Columns& columns, const std::vector<std::string>& names,
                           const std::vector<std::string>& left_out) {
  const bool all = !names.empty() && std::ranges::all_of(names, [&](const std::string& name) {
    return contains(left_out, name);
  });
  std::vector<int> places;
  std::size_t at = 0;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].role != Role::future) continue;
    const bool named = at < names.size() && contains(left_out, names[at]);
    if (all || named) places.push_back(static_cast<int>(c));
    ++at;
  }
  // Read without them, it has fewer than are named.
  return all || at == names.size() ? places : std::vector<int>();
}

}  // namespace

std::vector<std::string> without_left_out(const std::vector<std::string>& names,
                                          const Config::Data& data) {
  std::vector<std::string> kept;
  std::ranges::copy_if(names, std::back_inserter(kept), [&](const std::string& name) {
    return !data.left_out || !contains(*data.left_out, name);
  });
  return kept;
}

void check_left_out(const Config::Data& data) {
  if (!data.left_out) return;
  for (const std::string& name : *data.left_out) {
    if (contains(data.future, name) || contains(data.future_categories, name)) continue;
    if (data.future.empty() && data.future_categories.empty()) {
      throw ConfigError(fmt::format(
          "data.left_out names '{}', and neither data.future nor data.future_categories names any "
          "column that could be left out; name it there, or leave data.left_out away",
          name));
    }
    throw ConfigError(fmt::format(
        "data.left_out names '{}', which is not in data.future [{}] or data.future_categories "
        "[{}]; write it as it stands there",
        name, fmt::join(data.future, ", "), fmt::join(data.future_categories, ", ")));
  }
}

std::optional<Catalog> reduced_catalog(const Catalog& catalog, const Config::Data& data) {
  if (!data.left_out || data.left_out->empty()) return std::nullopt;
  const std::vector<int> channels = places_of(catalog.channels(), data.future, *data.left_out);
  const std::vector<int> categories =
      places_of(catalog.categories(), data.future_categories, *data.left_out);
  if (channels.empty() && categories.empty()) return std::nullopt;
  return catalog.without(channels, categories);
}

}  // namespace sluice
