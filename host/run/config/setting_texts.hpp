// Settings as single TOML values, for what compares and shows some of them.
#pragma once

#include <map>
#include <string>

#include "sluice/run/config.hpp"

namespace sluice {

/// "section.key" -> its value as TOML; of every key. Throws ConfigError for text that is no UTF-8.
std::map<std::string, std::string> setting_texts(const Config& config);

/// The keys of `config` that differ from `base`, as a TOML file has them.
std::string differing_toml(const Config& config, const Config& base);

/// A text as TOML, in quotes.
std::string toml_text_of(const std::string& text);

}  // namespace sluice
