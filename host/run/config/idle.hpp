// Settings that somebody wrote and that change nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// A sentence for each setting of `written` (over the defaults) that has no effect under `used`,
/// with what a model brings along: which, and what it would need. `command`: of the program; only
/// what it uses counts, since one file of settings serves them all.
std::vector<std::string> idle_settings(std::string_view command, const Config& written,
                                       const Config& used);

/// The same of settings that have none on these data.
std::vector<std::string> idle_on_data(const Config& written, const Catalog& catalog,
                                      const CatalogNotes& notes);

/// A sentence that names the settings of `written` which reach back beyond the begin of every
/// series; empty: none does. `trains`: the network's are looked at, too.
std::string beyond_series(const Config& written, const Catalog& catalog, bool trains);

}  // namespace sluice
