// Memory that runs out, said as what was being done and what helps.
#pragma once

#include <fmt/format.h>

#include <new>
#include <string>
#include <string_view>

#include "sluice/base/error.hpp"

namespace sluice {

/// Where it is not known what was being done.
inline constexpr const char* kMemoryRanOut =
    "memory ran out; use a machine with more, or smaller data";

/// The result of `work`; a DataError in place of std::bad_alloc.
template <typename Work>
auto with_memory(const std::string& doing, std::string_view remedy, Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw DataError(fmt::format("{}: memory ran out; {}", doing, remedy));
  }
}

}  // namespace sluice
