// What of a cache is no column, as JSON in the metadata of the file's schema.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sluice/data/cache.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice::cache {

inline constexpr int kFormat = 1;
/// Keys of the schema's metadata.
inline constexpr const char *kFields = "sluice.catalog", *kChecksum = "sluice.checksum";

/// A column of the file, in their order. What it means is its kind: "id", "first", "history",
/// "ended", "shift", "value_offset", "sum_of", "static_real", "static_category", "channel",
/// "category".
struct Column {
  std::string kind, name;
  Role role = Role::target;  ///< of channels and categories
};

struct Fields {
  int format = kFormat;
  CacheOrigin origin;
  std::vector<Column> columns;
  TimeAxis axis;        ///< without shifts
  Hierarchy hierarchy;  ///< without sum_of
  CatalogNotes notes;
};

std::string to_text(const Fields& fields);
/// Throws nlohmann::json::exception, and DataError for another version of the format. `where`
/// begins the message.
Fields from_text(const std::string& text, const std::string& where);

}  // namespace sluice::cache
