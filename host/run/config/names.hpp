// What other forecasting programs call a setting, and what a name without its section means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

/// The key that `name` means ("horizon", "batch-size", "hidden_size"): what Nixtla, AutoGluon,
/// GluonTS or Darts call it, or the last part of one key. Empty: unknown. Throws ConfigError where
/// the name is known but no key has its meaning, or several have: with what to write.
std::string_view key_of_name(std::string_view name);

/// The same without an error: empty also where there is no one key.
std::string_view meant_key(std::string_view name);

/// What other programs call a key: every name of one, with the key.
std::vector<std::pair<std::string_view, std::string_view>> other_names();

/// `--name value` as a setting of ours, the value turned where it is said in other words
/// (quantile_levels 0.1,0.5,0.9 are forecast.levels 80). Throws ConfigError as above, and for an
/// unknown name, with the nearest one.
Override override_of_name(std::string_view name, const std::string& value);

/// Whether "data.layout" is a key.
bool is_key(std::string_view key);

/// Whether the key's value is true or false, so that a flag may stand alone.
bool is_boolean_key(std::string_view key);

/// What to do about a key that is given twice: "give it once"; of a list also how that is written.
std::string once_remedy(std::string_view key, std::string_view flag);

}  // namespace sluice
