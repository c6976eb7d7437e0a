// A file that is there whole or not at all: written beside its place, synced, renamed.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace sluice {

/// Writes the parts one after the other as the file `path`, whose directory is made if needed. A
/// crash at any time leaves the old file or the new one. `purpose` names the key to change in
/// messages ("path.model"). Blocks until the disk has it. Throws DataError.
void write_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts,
                      std::string_view purpose);

}  // namespace sluice
