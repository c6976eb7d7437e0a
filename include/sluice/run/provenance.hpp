// Where a model, a forecast or a report is from: hashes of the data, the settings and the model,
// and the program that made it. Nothing in it is of a time or a place, so that the same run again
// gives the same bits.
//
// The hashes are 64-bit FNV-1a over words (host/base/checksum.hpp), 16 hexadecimal digits: they
// find mistakes (another file, another setting, another model), not forgeries.
#pragma once

#include <string>

#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// A program, and what of the machine its numbers depend on.
struct Program {
  std::string version;       ///< "0.1.0"
  std::string commit;        ///< "1c6ad58b1400", with "-dirty" where files differed; "unknown"
  std::string compiler;      ///< "GNU 12.2.0"
  std::string baseline;      ///< -march of the build: "x86-64-v3"
  std::string instructions;  ///< that the CPU's kernels took, as Highway names them: "AVX3"
  bool operator==(const Program&) const = default;
};

struct Provenance {
  Program program;
  std::string data;      ///< of the catalogue that was read: hash_of(catalog)
  std::string settings;  ///< settings_hash()
  std::string model;     ///< of forecasts and reports of a model: hash_of(model); else empty
  bool operator==(const Provenance&) const = default;

  /// Of files from before there was any, and of tables that others made.
  bool empty() const { return data.empty(); }
};

/// This one, here.
Program this_program();

/// Of ids, first steps, lengths, values of all channels, and static numbers and words, in their
/// order; not of files' names and formats. Costs a quarter of a second a GB.
std::string hash_of(const Catalog& catalog);

/// Of all settings that a result may depend on, by their values: not [path], [mode], [tune], the
/// number of threads, of seeds side by side and of seconds between checkpoints. Throws ConfigError
/// for text that is no UTF-8.
std::string settings_hash(const Config& config);

/// As one JSON object, its keys in a fixed order; and back. `where` begins messages. Throws
/// DataError.
std::string to_json(const Provenance& provenance);
Provenance provenance_from_json(const std::string& text, const std::string& where);

/// Lines for people, with `sluice info`'s labels; "" if it is empty.
std::string provenance_lines(const Provenance& provenance);

}  // namespace sluice
