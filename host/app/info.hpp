// What `sluice info` prints, the program and the machine, a model or a forecast; and `sluice
// devices`.
#pragma once

#include <filesystem>
#include <string>

namespace sluice {

/// Version, build, processor, threads, recurrences, libraries.
std::string program_info();
/// What can compute: a line each, of which the first word is what engine.device takes.
std::string devices_info();
/// Of a model what it is, what it was trained on, its settings; of a forecast (a table by its name)
/// what it is from; of converted data the files and settings that they were made with. Throws
/// DataError.
std::string file_info(const std::filesystem::path& path);

}  // namespace sluice
