// The program in a child of the test's process: as a user meets it, and far cheaper than a start.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/c_api.h"

namespace sluice::bad_inputs {

namespace fs = std::filesystem;

/// A folder of this process alone, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sluice_bad_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// As a shell has them: 'quoted' words are one.
inline std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  bool quoted = false, open = false;
  for (const char c : line) {
    if (c == ' ' && !quoted) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (c == '\'') {
      quoted = !quoted;
    } else {
      words.back() += c;
    }
  }
  return words;
}

struct Outcome {
  int status = 0;  ///< of the program; a signal's number below 0
  std::string out, err;
  long peak_kb = 0;  ///< of its resident memory
};

/// Runs `work` in a child with `folder` as its working directory; its result is the status.
inline Outcome in_child(const fs::path& folder, const std::function<int()>& work) {
  const fs::path out = folder / ".out", err = folder / ".err";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const bool ready = ::chdir(folder.c_str()) == 0 &&
                       std::freopen(out.c_str(), "w", stdout) != nullptr &&
                       std::freopen(err.c_str(), "w", stderr) != nullptr;
    const int status = ready ? work() : 99;
    std::fflush(nullptr);
    std::_Exit(status);
  }
  int status = 0;
  struct rusage usage {};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), bytes_of(out),
                  bytes_of(err), usage.ru_maxrss};
  fs::remove(out), fs::remove(err);
  return outcome;
}

/// `before`: called in the child, as for limits.
inline Outcome run(
    const fs::path& folder, const std::string& line, const std::function<void()>& before = [] {}) {
  return in_child(folder, [&] {
    before();
    std::vector<std::string> words = words_of("sluice " + line);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return sluice_main(static_cast<int>(words.size()), argv.data());
  });
}

/// What the program said last: after its name, or after "warning: " where it did not fail.
inline std::string last_message(const Outcome& outcome) {
  const std::string name = outcome.status == 0 ? "warning: " : "sluice: ";
  std::size_t at = outcome.err.rfind("\n" + name);
  at = at == std::string::npos ? (outcome.err.starts_with(name) ? 0 : std::string::npos) : at + 1;
  if (at == std::string::npos) return outcome.err;
  std::string text = outcome.err.substr(at + name.size());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace sluice::bad_inputs
