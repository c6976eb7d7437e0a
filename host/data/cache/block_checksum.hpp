// Checksums of large arrays, by all threads.
#pragma once

#include <cstddef>
#include <span>

#include "base/checksum.hpp"

namespace sluice {

/// Adds the checksums of blocks of 4 MiB, in their order: the same number whatever the number of
/// threads, and another one than Checksum::add() gives.
void add_in_blocks(Checksum& checksum, std::span<const std::byte> bytes);

}  // namespace sluice
