// CLI11 would take the value of a flag that it does not know as CONFIG; hence this.
#include "app/arguments.hpp"

#include <fmt/format.h>

#include <string_view>

#include "sluice/base/error.hpp"

namespace sluice {

Arguments take_overrides(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    if (!name.starts_with("--") || name.find('.') == std::string_view::npos) {
      arguments.rest.emplace_back(argument);
      continue;
    }
    const std::string key(name.substr(2));
    if (equals != std::string_view::npos) {
      arguments.overrides.emplace_back(key, argument.substr(equals + 1));
    } else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) {
      arguments.overrides.emplace_back(key, argv[++i]);
    } else {
      throw ConfigError(
          fmt::format("--{} needs a value: --{} VALUE (or --{}=VALUE)", key, key, key));
    }
  }
  return arguments;
}

}  // namespace sluice
