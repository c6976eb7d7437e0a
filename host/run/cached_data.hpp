// Data that were converted (`sluice convert`): which settings they have, whether they are still
// what their files say, and how they are made.
#pragma once

#include <filesystem>
#include <string>

#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// The converted catalogue that path.data names; empty: it names none. Throws ConfigError where it
/// names one among other files.
std::string cache_of(const Config& config);

/// The settings that a catalogue was converted with: [data], the files beside the data, and the
/// data themselves. Throws DataError.
Config converted_settings(const std::string& cache);

/// `base` with the files beside the data as `converted` has them, and with its [data] if `of_data`.
Config with_converted(Config base, const Config& converted, bool of_data);

/// Throws ConfigError if `config` asks for other data than `converted`, the settings of `cache`:
/// names the key, and the remedy. A frequency that the data said and one that was given may be the
/// same: read_converted() compares it with that of the catalogue, and whoever has a model
/// (`of_model`: the settings are its own) with that of the model.
void check_converted(const Config& config, const Config& converted, const std::string& cache,
                     bool of_model);

/// The catalogue of `cache`, which is made anew first if its files have changed; without the inputs
/// of config's data.left_out. Throws DataError, also where it would be made anew and `may_write` is
/// not so: what a model says of its data is no leave to write there.
Catalog read_converted(const Config& config, const std::string& cache, bool may_write,
                       CatalogNotes& notes);

/// Reads the data of `config` and writes them to `out` (NAME.slc). Throws ConfigError, DataError.
Catalog convert(const Config& config, const std::filesystem::path& out, CatalogNotes& notes);

}  // namespace sluice
