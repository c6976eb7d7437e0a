#include "data/table/glob.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWild = "*?[";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The run of digits at text[at], without its leading zeros.
std::string_view number_at(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  std::string_view run = text.substr(begin, at - begin);
  run.remove_prefix(std::min(run.find_first_not_of('0'), run.size()));
  return run;
}

bool begins_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('_') || name.starts_with('.');
}

bool is_passed_by(const fs::path& path, const fs::path& pattern) {
  return begins_hidden(path) && !begins_hidden(pattern);
}

}  // namespace

bool is_pattern(const fs::path& path) {
  if (path.native().find_first_of(kWild) == std::string::npos) return false;
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::not_found;
}

std::vector<fs::path> matches_of(const fs::path& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_ERR, nullptr, &found);
  const int reason = errno;
  const std::unique_ptr<glob_t, void (*)(glob_t*)> owner(&found, ::globfree);
  if (status != 0 && status != GLOB_NOMATCH) {
    const std::string what = status == GLOB_NOSPACE ? std::string("not enough memory")
                                                    : std::generic_category().message(reason);
    throw DataError(
        fmt::format("{}: its directories cannot be looked into ({}); check that they may be read",
                    pattern.string(), what));
  }
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < found.gl_pathc; ++i) {
    fs::path path = found.gl_pathv[i];
    if (!is_passed_by(path, pattern)) paths.push_back(std::move(path));
  }
  std::ranges::sort(paths, [](const fs::path& a, const fs::path& b) {
    return natural_less(a.native(), b.native());
  });
  return paths;
}

bool would_match(const fs::path& path, const fs::path& pattern) {
  std::error_code error;
  const auto absolute = [&](const fs::path& of) {
    return fs::absolute(of, error).lexically_normal();
  };
  return !is_passed_by(path, pattern) &&
         ::fnmatch(absolute(pattern).c_str(), absolute(path).c_str(), FNM_PATHNAME | FNM_PERIOD) ==
             0;
}

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view x = number_at(a, i), y = number_at(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      continue;
    }
    if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    ++i, ++j;
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "1" and "01"
}

}  // namespace sluice
