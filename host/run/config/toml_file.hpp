// A TOML file as text, as a table, and its values; what to say of keys that are none.
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "run/config/value.hpp"

namespace sluice {

/// The table that a search over settings reads (space.hpp), of no meaning to other commands.
inline constexpr std::string_view kSpaceTable = "tune.space";

/// The text of a file of settings. Throws ConfigError where it cannot be read or is not UTF-8.
std::string read_toml(const std::filesystem::path& file);
/// `origin` names it in messages. Throws ConfigError with its line.
toml::table toml_table(const std::string& text, const std::string& origin);

Value value_of(const toml::node& node);
/// "shop.toml:12"
std::string place(const std::string& origin, const toml::source_region& source);

/// The key that was meant: by a name that other programs have for it, or by likeness; or empty.
std::string_view likely_key(std::string_view written);
/// Throws ConfigError that there is no such key, with the one that was probably meant.
[[noreturn]] void refuse_key(const std::string& where, const std::string& written);

}  // namespace sluice
