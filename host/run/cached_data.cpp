#include "run/cached_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/input_file.hpp"
#include "base/presence.hpp"
#include "base/ranks/ranks.hpp"
#include "data/table/glob.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/config/setting_texts.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/cache.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

/// What of [data] says how files are written, what is left out later and what is looked at when:
/// not what a catalogue holds.
constexpr std::array<std::string_view, 10> kOfNoCatalog = {
    "data.format", "data.delimiter", "data.encoding",    "data.decimal",   "data.left_out",
    "data.valid",  "data.test",      "data.min_history", "data.max_steps", "data.max_bytes"};

bool is_of_catalog(std::string_view key) {
  return (key.starts_with("data.") && std::ranges::find(kOfNoCatalog, key) == kOfNoCatalog.end()) ||
         key == "path.future" || key == "path.statics" || key == "mode.debug_rows";
}

constexpr std::string_view kInferred = "auto";  // a frequency that the data say

[[noreturn]] void refuse_other(std::string_view key, std::string_view asked,
                               const std::string& cache, std::string_view has) {
  throw ConfigError(fmt::format(
      "{} = {}: {} was converted with {}; leave the setting out, or convert the data again with "
      "it, by sluice convert (where it is a model's: sluice convert MODEL DATA OUT.slc)",
      key, asked, cache, has));
}

void make_absolute(std::vector<std::string>& paths) {
  for (std::string& path : paths) path = fs::absolute(path).lexically_normal().string();
}

/// The same files are named alike.
Config with_absolute_paths(Config config) {
  make_absolute(config.path.data);
  make_absolute(config.path.future);
  make_absolute(config.path.statics);
  return config;
}

/// Of the files, directories and patterns that the settings name, the first that is not there;
/// empty: all are.
std::string first_missing(const Config& config) {
  for (const auto* paths : {&config.path.data, &config.path.future, &config.path.statics}) {
    for (const std::string& path : *paths) {
      if (is_pattern(path) ? matches_of(path).empty() : !is_there(path)) return path;
    }
  }
  return {};
}

/// The first of `before` that `now` has no more; empty: it has all, be they others by now.
std::string first_gone(const std::vector<CacheSource>& before,
                       const std::vector<CacheSource>& now) {
  for (const CacheSource& source : before) {
    if (std::ranges::find(now, source.path, &CacheSource::path) == now.end()) {
      return source.path.string();
    }
  }
  return {};
}

bool all_among(const std::vector<CacheSource>& some, const std::vector<CacheSource>& all) {
  return std::ranges::all_of(
      some, [&](const CacheSource& one) { return std::ranges::find(all, one) != all.end(); });
}

/// Refuses a name that other programs would not take for what it is, and another's file.
void check_out(const Config& config, const fs::path& out) {
  if (!is_cache(out)) {
    throw ConfigError(
        fmt::format("{}: converted data are named NAME.slc; choose such a name", out.string()));
  }
  if (!cache_of(config).empty()) {
    throw ConfigError(
        fmt::format("{}: is converted already; name the files that it was made of, or copy it",
                    config.path.data.front()));
  }
  if (!is_there(out)) return;
  std::error_code status;
  if (!fs::is_regular_file(out, status)) return;
  constexpr std::string_view kMagic = "ARROW1";
  const std::string begin = bytes_of(out, "choose another name", kMagic.size());
  if (begin != kMagic && !begin.empty()) {
    throw ConfigError(fmt::format(
        "{}: holds something else than converted data; choose another name, or remove it",
        out.string()));
  }
}

/// Converts again where a file has changed.
void renew(const std::string& cache, bool may_write) {
  const CacheOrigin origin = cache_origin(cache);
  const Config converted = parse_config(origin.settings, cache);
  const auto take = [&](const std::string& why) {
    log_info(fmt::format("{}: taken as it was converted, as {}", cache, why));
  };
  std::vector<CacheSource> now;
  try {
    if (const std::string missing = first_missing(converted); !missing.empty()) {
      return take(missing + " is not there");
    }
    now = sources_of(catalog_spec(converted));
  } catch (const DataError& e) {  // what it holds is whole
    return take(fmt::format("its files cannot be looked at ({})", e.what()));
  }
  if (now == origin.sources) return;
  const std::string gone = first_gone(origin.sources, now);
  if (!gone.empty() && all_among(now, origin.sources)) return take(gone + " is not there");
  std::string files = fmt::format("{}", fmt::join(converted.path.data, ", "));
  if (!gone.empty()) files += fmt::format(" ({} is not there any more)", gone);
  if (!may_write) {
    throw DataError(fmt::format(
        "{}: {} changed since it was converted; name the data in the command, which converts them "
        "again",
        cache, files));
  }
  log_info(fmt::format("{}: {} changed since it was converted; converting again", cache, files));
  CatalogNotes notes;
  convert(converted, cache, notes);
}

}  // namespace

std::string cache_of(const Config& config) {
  const std::vector<std::string>& data = config.path.data;
  const auto found = std::ranges::find_if(data, [](const auto& path) { return is_cache(path); });
  if (found == data.end()) return {};
  if (is_pattern(*found) && !is_there(*found)) {
    throw ConfigError(fmt::format(
        "{}: converted data are one file, and no pattern stands for them; name it", *found));
  }
  if (data.size() > 1) {
    throw ConfigError(
        fmt::format("{}: converted data stand alone, not beside other files; convert them together "
                    "(sluice convert)",
                    *found));
  }
  return *found;
}

Config converted_settings(const std::string& cache) {
  return parse_config(cache_origin(cache).settings, cache);
}

Config with_converted(Config base, const Config& converted, bool of_data) {
  if (of_data) {
    const Config::Data before = base.data;
    base.data = converted.data;
    base.data.left_out = before.left_out;
    base.data.valid = before.valid;
    base.data.test = before.test;
    base.data.min_history = before.min_history;
  }
  base.path.future = converted.path.future;
  base.path.statics = converted.path.statics;
  return base;
}

void check_converted(const Config& config, const Config& converted, const std::string& cache,
                     bool of_model) {
  const auto asked = setting_texts(with_absolute_paths(config));
  const auto has = setting_texts(converted);
  for (const auto& [key, text] : asked) {
    if (!is_of_catalog(key) || has.at(key) == text) continue;
    if (key == "data.frequency" && (converted.data.frequency == kInferred ||
                                    (of_model && config.data.frequency == kInferred))) {
      continue;
    }
    refuse_other(key, text, cache, has.at(key));
  }
}

Catalog read_converted(const Config& config, const std::string& cache, bool may_write,
                       CatalogNotes& notes) {
  if (ranks().rank() == 0) renew(cache, may_write);
  ranks().barrier();
  Catalog catalog = open_cache(cache, &notes);
  if (const std::string& asked = config.data.frequency;
      asked != kInferred && parse_frequency(asked) != catalog.frequency()) {
    refuse_other("data.frequency", fmt::format("\"{}\"", asked), cache,
                 fmt::format("\"{}\"", to_string(catalog.frequency())));
  }
  std::optional<Catalog> reduced = reduced_catalog(catalog, config.data);
  return reduced ? std::move(*reduced) : std::move(catalog);
}

Catalog convert(const Config& config, const fs::path& out, CatalogNotes& notes) {
  check_out(config, out);
  const Config absolute = with_absolute_paths(config);
  const CatalogSpec spec = catalog_spec(absolute);
  CacheOrigin origin{.settings = to_toml(absolute), .sources = sources_of(spec)};
  Catalog catalog = read_catalog(spec, &notes);
  write_cache(out, catalog, notes, origin);
  return catalog;
}

}  // namespace sluice
