// The manual: pages for `man`, made from the parser and the settings' explanations.
#pragma once

#include <filesystem>
#include <string>

#include "app/outline.hpp"

namespace sluice {

/// The page of a command, or of the program where `command` is empty, in the macros of man(7).
/// Throws ConfigError for a command that there is not.
std::string manual_page(const std::string& command, const Outline& outline);

/// Writes all pages into the folder, which is made: sluice.1, sluice-train.1, ... Throws DataError.
void write_manual(const std::filesystem::path& folder, const Outline& outline);

}  // namespace sluice
