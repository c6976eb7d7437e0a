// The settings of a command: what it says itself before its file before what the model was trained
// with before the default. And the data that they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// What a command says.
struct SettingsRequest {
  std::string command;            ///< train, forecast, evaluate, report, check, convert
  std::string settings;           ///< a TOML file; empty: none
  std::string model;              ///< empty: path.model
  std::vector<std::string> data;  ///< files and directories; empty: path.data
  std::vector<Override> overrides;
  bool quiet = false;
  bool reads_models = true;  ///< false: whoever asks holds them, and none is read from path.model
};

struct Settings {
  Config config;
  std::string file;            ///< the text of the file of settings, read once; empty: none
  Config written;              ///< what the command and its file of settings say of it
  std::optional<Model> model;  ///< of forecast, of evaluate and report without refit
  /// What was decided between file and model, what has no effect.
  std::vector<std::string> remarks;
  std::string medians;  ///< the loss by which sums are medians, of which to tell; empty: none is
  MemoryTables memory;  ///< tables that stand for files of their names
};

/// Reads what `request` names. forecast, evaluate and report (but with evaluate.refit and no MODEL)
/// and check of a MODEL begin with the settings that the model was trained with; that is `held`
/// where there is one, else the file. Throws ConfigError, also where a setting contradicts the
/// model; DataError.
Settings read_settings(const SettingsRequest& request, const Model* held = nullptr);

/// The catalogue, and what was guessed, filled or joined on the way to it, or has no effect on it.
/// Throws ConfigError, DataError.
Catalog read_data(const Settings& settings, CatalogNotes& notes);

/// What there is to say of the data, once.
struct DataRemarks {
  std::vector<std::string> fresh;  ///< what the model's training did not say in the same words
  std::int64_t known = 0;          ///< how many it did
};

/// Of `notes`. `ahead`: for a forecast, which says what concerns its steps whatever the training
/// said, and of series that end early when it knows where it begins.
DataRemarks remarks_on_data(const Settings& settings, const CatalogNotes& notes, bool ahead);

}  // namespace sluice
