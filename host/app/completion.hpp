// What `sluice completion SHELL` prints.
#pragma once

#include <string>

#include "app/outline.hpp"

namespace sluice {

/// A script for "bash", "zsh" or "fish" by which the shell completes commands, flags, settings and
/// their words. Throws ConfigError for another shell.
std::string completion_script(const std::string& shell, const Outline& outline);

}  // namespace sluice
