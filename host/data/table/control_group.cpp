// A group's folder is where the mount that shows its hierarchy (mountinfo: the part of the tree
// that is mounted, and where) has the path that /proc/self/cgroup names. In a container the mount
// may begin with the very group, or the path be that of another name space: then it is the mount.
#include "data/table/control_group.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::memory {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// One of a list between commas.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// mountinfo's `\040` and the like.
std::string unescaped(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, kDigits);
    if (text[i] == '\\' && digits.size() == kDigits && std::ranges::all_of(digits, octal)) {
      plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
      i += kDigits;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// The process's group of version 2 ("0::/a/b") or of version 1's memory ("4:memory:/a/b").
std::optional<fs::path> own_group(const fs::path& root, bool second) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), next = line.find(':', first + 1);
    if (first == std::string::npos || next == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, next - first - 1);
    if (second ? controllers.empty() : lists(controllers, "memory")) return line.substr(next + 1);
  }
  return std::nullopt;
}

/// A mount of the hierarchy: the group that it begins with, and where it is.
struct Mount {
  fs::path group, place;
};

std::optional<Mount> mount_of(const fs::path& root, bool second) {
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // 35 31 0:32 GROUP PLACE OPTIONS [MORE ...] - TYPE SOURCE OPTIONS
    std::istringstream words(line);
    std::string word, group, place, type, options;
    words >> word >> word >> word >> group >> place;
    while (words >> word && word != "-") {
    }
    words >> type >> word >> options;
    if (second ? type == "cgroup2" : type == "cgroup" && lists(options, "memory")) {
      return Mount{unescaped(group), root / fs::path(unescaped(place)).relative_path()};
    }
  }
  return std::nullopt;
}

/// The number in a file, or no limit: "max", or no such file.
std::int64_t number_in(const fs::path& path) {
  std::int64_t number = 0;
  return std::ifstream(path) >> number ? number : kUnlimited;
}

/// Of "hierarchical_memory_limit N", a line of version 1's statistics.
std::int64_t limit_of_all(const fs::path& path) {
  std::ifstream file(path);
  std::string name;
  for (std::int64_t number = 0; file >> name >> number;) {
    if (name == "hierarchical_memory_limit") return number;
  }
  return kUnlimited;
}

std::int64_t limit_of(const fs::path& root, bool second) {
  const auto group = own_group(root, second);
  const auto mount = mount_of(root, second);
  if (!group || !mount) return kUnlimited;
  const fs::path below = group->lexically_relative(mount->group);
  fs::path folder = mount->place;
  const auto look = [&] {
    return second ? number_in(folder / "memory.max")
                  : std::min(number_in(folder / "memory.limit_in_bytes"),
                             limit_of_all(folder / "memory.stat"));
  };
  std::int64_t limit = look();
  if (below.empty() || *below.begin() == "..") return limit;
  for (const fs::path& name : below) {
    folder /= name;
    limit = std::min(limit, look());
  }
  return limit;
}

}  // namespace

std::int64_t group_limit(const fs::path& root) {
  return std::min(limit_of(root, true), limit_of(root, false));
}

}  // namespace sluice::memory
