#include "app/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "base/shorten.hpp"
#include "base/text.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr int kTerminalColumns = 80;
int output_error = 0;
bool breaks_are_told = false;  ///< who started this process wants errors instead of SIGPIPE

/// Writes to a closed stream must fail, hence an end that can only be read.
void occupy(int descriptor) {
  if (::fcntl(descriptor, F_GETFD) >= 0) return;
  const int opened = ::open("/dev/null", O_RDONLY);
  if (opened < 0 || opened == descriptor) return;
  ::dup2(opened, descriptor);
  ::close(opened);
}

}  // namespace

void ready_process() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) occupy(descriptor);
  std::signal(SIGXFSZ, SIG_IGN);
  // What else is asked for is written also where nobody reads the messages or the results.
  breaks_are_told = std::signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

bool try_print_result(std::string_view text) {
  const std::string shown = printable(text);
  errno = 0;
  const bool whole = std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size();
  if (whole && std::fflush(stdout) == 0) return true;
  output_error = errno;
  return false;
}

void print_result(std::string_view text) {
  if (!try_print_result(text)) refuse_output();
}

void refuse_output() {
  if (output_error == EPIPE && !breaks_are_told) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  throw DataError(fmt::format(
      "standard output: cannot be written ({}); make room, or send the results elsewhere",
      std::generic_category().message(output_error)));
}

int output_width() {
  return ::isatty(STDOUT_FILENO) == 1 ? kTerminalColumns : std::numeric_limits<int>::max();
}

std::string labelled_lines(std::string_view label, const std::vector<std::string>& texts) {
  constexpr int kLabelWidth = 12;  // as in check_text
  std::string out;
  for (const std::string& text : texts) {
    std::string lines =
        ::isatty(STDOUT_FILENO) == 1 ? wrapped(text, kTerminalColumns - kLabelWidth) : text;
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += kLabelWidth) {
      lines.insert(at + 1, std::string(kLabelWidth - 2, ' '));
    }
    out += pad_to_width(label, kLabelWidth) + lines + "\n";
  }
  return out;
}

int fail(std::string_view message, int exit_code) noexcept {
  // Nothing here may become an exception, which would end the process with another status.
  try {
    const std::string text = shortened(message);
    const std::string shown = fmt::format("sluice: {}\n", printable(text));
    std::fwrite(shown.data(), 1, shown.size(), stderr);
    const nlohmann::json event = {{"event", "failed"}, {"exit_code", exit_code}, {"text", text}};
    log_event(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } catch (const std::exception&) {
    std::fputs("sluice: the reason cannot be told: no memory for it\n", stderr);
  }
  return exit_code;
}

}  // namespace sluice
