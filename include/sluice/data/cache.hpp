// A catalogue as a file that is mapped and not parsed: what `sluice convert` writes (NAME.slc). It
// is an Arrow IPC file with a row a series, a list of numbers a channel; what it was made of and
// how stands in its metadata (docs/data.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// A file that a catalogue was read from.
struct CacheSource {
  std::filesystem::path path;  ///< absolute
  std::int64_t size = 0, changed_ns = 0;

  bool operator==(const CacheSource&) const = default;
};

/// What a cache says of itself.
struct CacheOrigin {
  std::string settings;              ///< of whoever made it, in whatever form that reads again
  std::vector<CacheSource> sources;  ///< all files that were read, those beside the data too
};

/// Whether a path is a cache by its name: it ends in ".slc".
bool is_cache(const std::filesystem::path& path);

/// The files that reading a catalogue by `spec` would open now, with directories listed. Throws
/// DataError where one is missing.
std::vector<CacheSource> sources_of(const CatalogSpec& spec);

/// Writes a catalogue to a file that appears under its name when it is whole and on disk. Nothing
/// is copied on the way. Throws DataError.
void write_cache(const std::filesystem::path& path, const Catalog& catalog,
                 const CatalogNotes& notes, const CacheOrigin& origin);

/// Reads what a cache says of itself, and nothing else of it. Throws DataError where it is none, or
/// of another version of the format.
CacheOrigin cache_origin(const std::filesystem::path& path);

/// The catalogue of a cache, whose steps are the mapped file's pages: the system reads them when
/// they are looked at, and may forget them. Checks all of its bits against their checksum, and that
/// the parts fit together. Throws DataError where the file is damaged.
Catalog open_cache(const std::filesystem::path& path, CatalogNotes* notes = nullptr);

}  // namespace sluice
