// How much memory this process may still take: what an input asks for is held against it first.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::memory {

/// Bytes: the least of the machine's memory, the control groups' limits, and what is left under
/// `ulimit -v` and `ulimit -d`.
std::int64_t allowed_bytes();

/// "1.9 GB".
std::string size_text(std::int64_t bytes);

}  // namespace sluice::memory
