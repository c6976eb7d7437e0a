#include "data/table/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "data/table/control_group.hpp"

namespace sluice::memory {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// A limit of the process less what it takes already ("ulimit -v" counts all that is mapped).
std::int64_t left_under(int resource, std::int64_t taken) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return kUnlimited;
  if (limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(limit.rlim_cur) - taken);
}

}  // namespace

std::int64_t allowed_bytes() {
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  std::int64_t mapped = 0, resident = 0, shared = 0, code = 0, unused = 0, data = 0;
  std::ifstream("/proc/self/statm") >> mapped >> resident >> shared >> code >> unused >> data;
  return std::min({::sysconf(_SC_PHYS_PAGES) * page, group_limit(),
                   left_under(RLIMIT_AS, mapped * page), left_under(RLIMIT_DATA, data * page)});
}

std::string size_text(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.1f} GB", size / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", size / 1e6);
  return fmt::format("{} bytes", bytes);
}

}  // namespace sluice::memory
