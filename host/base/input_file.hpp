// The bytes of a file, or the system's reason why not.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

namespace sluice {

/// Hands the bytes of a file over in blocks of 1 MiB, the last one shorter, however few the system
/// gives at once: a checksum of blocks is that of the file. DataError "PATH: cannot be read (REASON); REMEDY"
/// where the system does not give them, also where they end before the file does.
void read_blocks(const std::filesystem::path& path, std::string_view remedy,
                 const std::function<void(std::string_view)>& take);

/// Its bytes, the first `most` of them. DataError as above.
std::string bytes_of(const std::filesystem::path& path, std::string_view remedy,
                     std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace sluice
