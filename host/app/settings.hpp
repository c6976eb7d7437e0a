// The settings of a command: flag before file before what the model was trained with before
// default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct Settings {
  Config config;
  Config written;              ///< what the command and its file of settings say of it
  std::optional<Model> model;  ///< of forecast, of evaluate without refit
  std::vector<std::string>
      remarks;  ///< what was decided between file and model, what has no effect
};

/// Reads what `request` names. forecast, evaluate (but with evaluate.refit and no MODEL) and check
/// of a MODEL begin with the settings that the model was trained with. Throws ConfigError, also
/// where a flag contradicts the model; DataError.
Settings read_settings(const Request& request);

/// " MODEL DATA ..." of a command that uses the model just trained, quoted for a shell.
std::string next_arguments(const Request& request, const Config& config);
/// Why `evaluate` could not score the model just trained on this catalogue, and what to write;
/// empty where it can.
std::string too_short_to_evaluate(const Config& config, const Catalog& catalog);
/// " CONFIG DATA --flags": the same command again, quoted for a shell.
std::string same_arguments(const Request& request);

}  // namespace sluice
