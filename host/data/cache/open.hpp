// Opening a cache, with or without a look at its checksum.
#pragma once

#include <filesystem>

#include "sluice/data/catalog.hpp"

namespace sluice::cache {

/// open_cache; `checks` false: not whether its bits are those that were written, for tests of what
/// is looked at behind that.
Catalog open(const std::filesystem::path& path, CatalogNotes* notes, bool checks);

}  // namespace sluice::cache
