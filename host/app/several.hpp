// A command as one of several processes (base/ranks): which can be, and how one ends.
#pragma once

#include <string_view>

namespace sluice {

/// Joins the other ranks where a launcher started this process as one of several and `command` is
/// shared out among them. Throws ConfigError where it is not and writes a file, which all of them
/// would: what only reads goes on alone. Blocks until all are there.
void join_ranks(std::string_view command);

/// Throws ConfigError where several ranks were to write one file of forecasts, `path`.
void check_ranks(bool in_parts, std::string_view path);

/// fail(), and of several ranks the end of them all. What the first one says, the others do not say
/// again.
int fail_on_rank(std::string_view message, int exit_code) noexcept;

}  // namespace sluice
