// Script, pictures and messages go through files in memory: there is no temporary folder that could
// be missing, full, or left behind by a killed process.
#include "run/report/gnuplot.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kWithout = "or set mode.figures = false";

std::string reason(int error) { return std::generic_category().message(error); }

/// A file without a name, gone with its last descriptor.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("opened");
  }
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  /// To be read from its beginning.
  void fill(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("written");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }

  std::string content() const {
    std::string bytes;
    char block[1 << 16];
    for (;;) {
      const ssize_t got =
          ::pread(descriptor_, block, sizeof block, static_cast<off_t>(bytes.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read");
      if (got == 0) return bytes;
      bytes.append(block, static_cast<std::size_t>(got));
    }
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw DataError(
        fmt::format("figures: a file in memory cannot be {} ({}); allow more open "
                    "files or memory (ulimit -n, -v, -f), {}",
                    what, reason(errno), kWithout));
  }
  int descriptor_;
};

/// This process's variables but the one that would choose another terminal than the script's.
std::vector<char*> environment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("GNUTERM=")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

/// Starts it with the three streams. A picture's reader and Ctrl-C mean for it what they mean for
/// any program: what this process has blocked or ignores is not handed on.
pid_t start(const MemoryFile& script, const MemoryFile& pictures, const MemoryFile& messages) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, script.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pictures.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, messages.descriptor(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string program = "gnuplot", no_settings_of_the_user = "-d", from_stdin = "-";
  char* arguments[] = {program.data(), no_settings_of_the_user.data(), from_stdin.data(), nullptr};
  pid_t child = 0;
  const int failure =
      posix_spawnp(&child, program.c_str(), &actions, &attributes, arguments, environment().data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT) {
    throw DataError(fmt::format(
        "figures: gnuplot is not installed; install gnuplot (Debian: gnuplot-nox) {}", kWithout));
  }
  if (failure != 0) {
    throw DataError(
        fmt::format("figures: gnuplot cannot be started ({}); allow more processes "
                    "(ulimit -u), {}",
                    reason(failure), kWithout));
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      throw InternalError(fmt::format("figures: lost gnuplot: {}", reason(errno)));
  }
  return status;
}

std::string said(const MemoryFile& messages, const char* otherwise) {
  constexpr std::size_t kMost = 500;
  std::string text = messages.content().substr(0, kMost);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? otherwise : text;
}

/// The bytes of the PNG file that `bytes` begin with; 0 if they begin with no whole one. After the
/// signature come chunks: length, kind, so many bytes, checksum; the last kind is IEND
/// (W3C, Portable Network Graphics, 5.3).
std::size_t png_length(std::string_view bytes) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  constexpr std::size_t kAround = 12;  // of a chunk: length, kind, checksum
  if (!bytes.starts_with(kSignature)) return 0;
  std::size_t at = kSignature.size();
  while (bytes.size() - at >= kAround) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
    if (length > bytes.size() - at - kAround) return 0;
    const bool last = bytes.substr(at + 4, 4) == "IEND";
    at += kAround + length;
    if (last) return at;
  }
  return 0;
}

}  // namespace

std::vector<std::string> drawn_by_gnuplot(const std::string& script, std::size_t count) {
  MemoryFile commands("sluice-script"), drawn("sluice-figures"), messages("sluice-messages");
  commands.fill(script);
  const int status = wait_for(start(commands, drawn, messages));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw DataError(fmt::format(
        "figures: gnuplot failed: {}; look whether gnuplot itself can draw a PNG here, {}",
        said(messages, "it gave no message"), kWithout));
  }
  const std::string bytes = drawn.content();
  std::vector<std::string> pictures;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = png_length(std::string_view(bytes).substr(at));
    if (length == 0) break;
    pictures.push_back(bytes.substr(at, length));
    at += length;
  }
  std::size_t length_of_all = 0;
  for (const std::string& picture : pictures) length_of_all += picture.size();
  if (pictures.size() != count || length_of_all != bytes.size()) {
    throw DataError(fmt::format(
        "figures: gnuplot drew {} of {} pictures whole ({}); look whether there is memory for it, "
        "and whether gnuplot itself can draw a PNG here, {}",
        pictures.size(), count, said(messages, "without a message"), kWithout));
  }
  return pictures;
}

}  // namespace sluice
