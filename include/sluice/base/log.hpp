// Where messages go: the terminal (standard error), a JSON-lines file, both, or neither. Standard
// output is left to results. One log a process; its functions may be called from any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace sluice {

/// event: what log_event gets, a JSON object.
enum class LogLevel { info, warning, error, event };

struct LogOptions {
  bool screen = true;                              ///< messages on standard error
  std::optional<std::filesystem::path> file = {};  ///< JSON lines, appended
  /// Of a host that embeds Sluice: called by the thread that has something to say. Empty: none.
  std::function<void(LogLevel, std::string_view)> receiver = {};
};

/// Sets up the log; what was set up before is not written to any more once it returns, but for the
/// end of what a receiver that calls this was called by. Throws DataError if the file cannot be
/// opened for appending.
void open_log(const LogOptions& options);

void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

/// One event for programs: `json` is a complete JSON object. Goes to the file and to the receiver.
void log_event(std::string_view json);

/// True if messages go to the screen and standard error is a terminal (then progress may be drawn).
bool log_is_interactive();

/// True if messages go to the screen at all.
bool log_has_screen();

}  // namespace sluice
