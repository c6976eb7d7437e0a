#include "run/config/named_series.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "run/config/value.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

std::vector<std::int64_t> named_series(const Catalog& catalog, const std::vector<std::string>& ids,
                                       std::string_view key) {
  std::vector<std::int64_t> series;
  for (const std::string& id : ids) {
    const auto at = std::find(catalog.ids().begin(), catalog.ids().end(), id);
    if (at == catalog.ids().end()) {
      const std::vector<std::string_view> known(catalog.ids().begin(), catalog.ids().end());
      const std::string_view near = nearest_name(id, known);
      throw ConfigError(fmt::format("{}: there is no series '{}'; {}", key, id,
                                    near.empty() ? fmt::format("ids look like '{}'", catalog.id(0))
                                                 : fmt::format("did you mean '{}'?", near)));
    }
    series.push_back(at - catalog.ids().begin());
  }
  return series;
}

}  // namespace sluice
