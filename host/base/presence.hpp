// Whether a file is there, told from not knowing it.
#pragma once

#include <filesystem>

namespace sluice {

/// Whether something is at `path`, links followed. DataError with the system's reason where that
/// cannot be told: what is taken for missing might be written over.
bool is_there(const std::filesystem::path& path);

}  // namespace sluice
