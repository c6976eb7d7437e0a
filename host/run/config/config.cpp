// TOML files and flags into a Config. toml++ reads the syntax; what the keys are is in
// keys.hpp, and what a value must be in value.hpp.
#include "sluice/run/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "run/config/config_of.hpp"
#include "run/config/names.hpp"
#include "run/config/preset.hpp"
#include "run/config/toml_file.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const Section& section : kSections) names.push_back(section.name);
  return names;
}

[[noreturn]] void refuse_section(const std::string& where, const std::string& written) {
  const std::vector<std::string_view> names = section_names();
  const std::string_view near = nearest_name(written, names);
  throw ConfigError(fmt::format("{}: unknown section [{}]; {}", where, written,
                                near.empty()
                                    ? fmt::format("the sections are {}", fmt::join(names, ", "))
                                    : fmt::format("did you mean [{}]?", near)));
}

[[noreturn]] void refuse_outside(const std::string& where, const std::string& written) {
  const std::string_view near = likely_key(written);
  throw ConfigError(fmt::format(
      "{}: '{}' stands outside the sections; {}", where, written,
      near.empty()
          ? fmt::format("keys belong under one of [{}]", fmt::join(section_names(), "] ["))
          : fmt::format("did you mean '{}', under [{}]?", near, near.substr(0, near.find('.')))));
}

void check_names(const toml::table& root, const std::string& origin) {
  const std::vector<std::string> keys = config_keys();
  const std::set<std::string, std::less<>> known(keys.begin(), keys.end());
  const std::vector<std::string_view> sections = section_names();
  for (const auto& [name, node] : root) {
    const std::string where = place(origin, name.source());
    const toml::table* table = node.as_table();
    if (std::ranges::find(sections, name.str()) == sections.end()) {
      if (table) refuse_section(where, std::string(name.str()));
      refuse_outside(where, std::string(name.str()));
    }
    if (!table) {
      throw ConfigError(fmt::format("{}: '{}' is a section; write [{}] on a line of its own", where,
                                    name.str(), name.str()));
    }
    for (const auto& [key, value] : *table) {
      std::string full = fmt::format("{}.{}", name.str(), key.str());
      if (full == kSpaceTable) continue;
      if (!known.contains(full)) refuse_key(place(origin, key.source()), full);
    }
  }
}

Config config_from(const std::string& text, const std::string& origin, Config config) {
  const toml::table root = toml_table(text, origin);
  check_names(root, origin);
  visit_keys(config, [&](const Key& key, auto& member) {
    const toml::node* node = root.at_path(key.name).node();
    if (!node) return;
    using Member = std::remove_reference_t<decltype(member)>;
    assign(value_of(*node), key, member_type<Member>(),
           fmt::format("{}: {}", place(origin, node->source()), key.name), member);
  });
  return config;
}

void apply(Config& config, const Override& override) {
  const std::string& name = override.key;
  bool found = false;
  visit_keys(config, [&](const Key& key, auto& member) {
    if (key.name != name) return;
    found = true;
    using Member = std::remove_reference_t<decltype(member)>;
    constexpr MemberType type = member_type<Member>();
    assign(value_from_text(override.value, key, type), key, type, "--" + override.flag(), member);
  });
  if (found) return;
  const std::string_view near = likely_key(name);
  throw ConfigError(fmt::format("--{}: unknown key; {}", name,
                                near.empty()
                                    ? std::string("'sluice explain' lists the keys there are")
                                    : fmt::format("did you mean --{}?", near)));
}

}  // namespace

Config load_config(const std::filesystem::path& file, const std::vector<Override>& overrides,
                   const Config& base) {
  const std::string text = file.empty() ? std::string() : read_toml(file);
  return config_of(text, file.string(), overrides, base);
}

Config config_of(const std::string& text, const std::string& origin,
                 const std::vector<Override>& overrides, const Config& base) {
  std::set<std::string> given;
  for (const Override& override : overrides) {
    if (!given.insert(override.key).second) {
      throw ConfigError(fmt::format("--{} is given twice; {}", override.flag(),
                                    once_remedy(override.key, override.flag())));
    }
  }
  const auto over = [&](const Config& under) {
    Config config = config_from(text, origin, under);
    for (const Override& override : overrides) apply(config, override);
    return config;
  };
  const Config config = over(base);
  if (config.training.preset == base.training.preset) return config;
  Config under = base;  // a preset lies under what is set
  under.training.preset = config.training.preset;
  apply_preset(under);
  return over(under);
}

Config parse_config(const std::string& toml, const std::string& origin) {
  return config_from(toml, origin, {});
}

std::vector<std::string> config_keys() {
  static const Config defaults;
  std::vector<std::string> keys;
  visit_keys(defaults, [&](const Key& key, const auto&) { keys.emplace_back(key.name); });
  return keys;
}

}  // namespace sluice
