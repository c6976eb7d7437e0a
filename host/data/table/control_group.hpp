// What Linux's control groups leave to this process.
#pragma once

#include <cstdint>
#include <filesystem>

namespace sluice::memory {

/// Bytes: the least limit of the process's memory group and of those above it, of version 2
/// (`memory.max`) and of version 1 (`memory.limit_in_bytes`, and `hierarchical_memory_limit` of its
/// statistics, which also knows of groups that a container does not see). The largest number where
/// there is none. `root` is where `proc` and the groups are looked for: tests have another one.
std::int64_t group_limit(const std::filesystem::path& root = "/");

}  // namespace sluice::memory
