// Which settings a command looks at, and the flags that it was given all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

/// Whether the result of `command` (train, forecast, evaluate, report) may depend on `key` under
/// `used`. Of other commands every key counts as looked at.
bool looks_at(std::string_view command, std::string_view key, const Config& used);

/// A sentence that names the flags which `command` does not look at; empty: it looks at all. A file
/// of settings serves every command, so that its keys are not asked for.
std::string unused_flags(std::string_view command, const std::vector<Override>& flags,
                         const Config& used);

}  // namespace sluice
