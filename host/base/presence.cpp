#include "base/presence.hpp"

#include <fmt/format.h>

#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {

bool is_there(const std::filesystem::path& path) {
  std::error_code why;
  const std::filesystem::file_type type = std::filesystem::status(path, why).type();
  if (type == std::filesystem::file_type::none) {
    throw DataError(fmt::format("{}: cannot be looked at ({}); check that the file may be read",
                                path.string(), why.message()));
  }
  return type != std::filesystem::file_type::not_found;
}

}  // namespace sluice
