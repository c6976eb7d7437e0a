// The log over spdlog: a screen sink on standard error and a JSON-lines file.
#include "sluice/base/log.hpp"

#include <fmt/core.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>

#include "base/shorten.hpp"
#include "base/text.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kTerminalColumns = 80;

struct Sinks {
  std::shared_ptr<spdlog::logger> screen, file;
  std::function<void(LogLevel, std::string_view)> receiver;
};

Sinks make_screen_only() {
  Sinks sinks;
  sinks.screen = std::make_shared<spdlog::logger>(
      "screen", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  sinks.screen->set_pattern("%^%v%$");
  return sinks;
}

/// Never destroyed, as its mutex below: threads may write to the end.
Sinks& sinks() {
  static Sinks& instance = *std::make_unique<Sinks>(make_screen_only()).release();
  return instance;
}

/// Shared by those who write, held alone by who opens another log.
std::shared_mutex& sinks_mutex() {
  static std::shared_mutex& mutex = *std::make_unique<std::shared_mutex>().release();
  return mutex;
}

/// How often this thread is inside of Reading.
thread_local int readings = 0;

/// Has the sinks for reading; within a receiver that writes to the log, too, once more.
class Reading {
 public:
  Reading() {
    if (readings++ == 0) sinks_mutex().lock_shared();
  }
  ~Reading() {
    if (--readings == 0) sinks_mutex().unlock_shared();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
};

void tell_receiver(LogLevel level, std::string_view message) {
  const auto receiver = sinks().receiver;  // kept while it is called, though it set up another log
  if (receiver) receiver(level, message);
}

/// `text` as the inside of a JSON string.
std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

/// A message as a person reads it: nothing in it steers the terminal, and lines fit one.
std::string screen_text(std::string_view level, spdlog::level::level_enum severity,
                        std::string_view message) {
  std::string text = printable(shortened(message));
  if (severity != spdlog::level::info) text = fmt::format("{}: {}", level, text);
  const bool broken = text.find('\n') != std::string::npos;
  return isatty(STDERR_FILENO) == 1 && !broken ? wrapped(text, kTerminalColumns) : text;
}

/// A log that can no longer be written does not end the work: it is said once.
void tell_of_failure(const std::string& path, const std::string& what, std::atomic<bool>& told) {
  if (told.exchange(true) || !sinks().screen) return;
  // spdlog: "Failed writing to file PATH: REASON".
  const std::size_t reason = what.rfind(": ");
  const std::string text =
      fmt::format("{}: the log is not whole ({}); make room, or choose another path.log", path,
                  reason == std::string::npos ? what : what.substr(reason + 2));
  sinks().screen->warn("{}", screen_text("warning", spdlog::level::warn, text));
}

void write(std::string_view level, spdlog::level::level_enum severity, LogLevel of_receiver,
           std::string_view message) {
  const Reading reading;
  tell_receiver(of_receiver, message);
  if (sinks().screen) {
    sinks().screen->log(severity, "{}", screen_text(level, severity, message));
  }
  if (sinks().file) {
    sinks().file->log(severity, "{{\"event\": \"message\", \"level\": \"{}\", \"text\": \"{}\"}}",
                      level, json_escaped(message));
    sinks().file->flush();
  }
}

}  // namespace

void open_log(const LogOptions& options) {
  Sinks fresh = options.screen ? make_screen_only() : Sinks{};
  if (options.file) {
    try {
      fresh.file = std::make_shared<spdlog::logger>(
          "file", std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file->string()));
    } catch (const spdlog::spdlog_ex& e) {
      throw DataError(
          fmt::format("{}: cannot open the log file for writing ({}); choose another path.log or "
                      "set mode.log_file = false",
                      options.file->string(), e.what()));
    }
    fresh.file->set_pattern("%v");
    fresh.file->set_error_handler(
        [path = options.file->string(), told = std::make_shared<std::atomic<bool>>(false)](
            const std::string& what) { tell_of_failure(path, what, *told); });
  }
  fresh.receiver = options.receiver;
  // A receiver would wait for itself.
  if (readings > 0) sinks_mutex().unlock_shared();
  sinks_mutex().lock();
  std::swap(sinks(), fresh);
  sinks_mutex().unlock();
  if (readings > 0) sinks_mutex().lock_shared();
}

void log_info(std::string_view message) {
  write("info", spdlog::level::info, LogLevel::info, message);
}
void log_warning(std::string_view message) {
  write("warning", spdlog::level::warn, LogLevel::warning, message);
}
void log_error(std::string_view message) {
  write("error", spdlog::level::err, LogLevel::error, message);
}

void log_event(std::string_view json) {
  const Reading reading;
  tell_receiver(LogLevel::event, json);
  if (!sinks().file) return;
  sinks().file->log(spdlog::level::info, "{}", json);
  sinks().file->flush();
}

bool log_is_interactive() { return log_has_screen() && isatty(STDERR_FILENO) == 1; }
bool log_has_screen() {
  const Reading reading;
  return static_cast<bool>(sinks().screen);
}

}  // namespace sluice
