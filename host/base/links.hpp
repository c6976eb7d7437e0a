// Symbolic links of files.
#pragma once

#include <filesystem>

namespace sluice {

/// The file that a chain of links ends in, which need not exist: `path` itself where it is no link.
/// Links of its folders are left as they are.
std::filesystem::path followed(std::filesystem::path path);

}  // namespace sluice
