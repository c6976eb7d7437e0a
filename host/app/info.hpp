// What `sluice info` prints, the program and the machine, or a model; and `sluice devices`.
#pragma once

#include <filesystem>
#include <string>

namespace sluice {

/// Version, build, processor, threads, recurrences, libraries.
std::string program_info();
/// What can compute: a line each, of which the first word is what engine.device takes.
std::string devices_info();
/// What the model is, what it was trained on, its settings. Throws DataError.
std::string model_info(const std::filesystem::path& path);

}  // namespace sluice
