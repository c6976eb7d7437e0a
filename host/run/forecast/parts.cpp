#include "run/forecast/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "base/checksum.hpp"
#include "base/input_file.hpp"
#include "base/output_file.hpp"
#include "base/path_lock.hpp"
#include "base/ranks/ranks.hpp"
#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "data/table/parquet_rows.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/interrupt.hpp"
#include "run/part_directory.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/samples.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kLookAndGoOn = "look at the disk, and give the same command again";
constexpr const char* kGoesOn = "the parts that are there stay, and the same command goes on";

struct FileFacts {
  std::int64_t bytes = 0;
  std::string checksum;
};

FileFacts facts_of(const fs::path& path) {
  Checksum sum;
  FileFacts facts;
  read_blocks(path, kLookAndGoOn, [&](std::string_view block) {
    sum.add(block);
    facts.bytes += std::ssize(block);
  });
  facts.checksum = fmt::format("{:016x}", sum.value());
  return facts;
}

/// Rows of a part of series of `steps` rows each; DataError where the file cannot be it.
std::int64_t rows_of_part(const fs::path& path, std::size_t series, std::int64_t steps) {
  const auto rows = parquet_rows(path, kLookAndGoOn);
  if (rows && *rows > 0 && *rows % steps == 0 &&
      *rows <= static_cast<std::int64_t>(series) * steps) {
    return *rows;
  }
  throw DataError(
      fmt::format("{}: is damaged ({}); delete it, and start again: it is made anew", path.string(),
                  rows ? "it has other rows than the plan says" : "it is no whole Parquet file"));
}

/// Of what the ranks of a job wrote.
struct Written {
  std::int64_t series = 0;
  Json left_out = Json::array();

  void add(const Forecasts& part) {
    series += std::ssize(part.series);
    for (const LeftOut& one : part.left_out) left_out.push_back({one.id, one.reason});
  }
  /// Called by all; the first rank's result has all of it.
  void join(PartsResult& result) const {
    const std::string own = Json{{"series", series}, {"left_out", left_out}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
    for (const std::string& text : ranks().gather(own)) {
      const Json of_rank = Json::parse(text);
      result.series += of_rank["series"].get<std::int64_t>();
      for (const Json& one : of_rank["left_out"]) {
        result.rows.left_out.push_back({one[0].get<std::string>(), one[1].get<std::string>()});
      }
    }
  }
};

/// The first rank's, on all of them.
void broadcast(PartsLeft& left) {
  std::array<std::int64_t, 3> numbers = {std::ssize(left.missing),
                                         static_cast<std::int64_t>(left.parts), left.series};
  ranks().broadcast(std::as_writable_bytes(std::span(numbers)));
  left.missing.resize(static_cast<std::size_t>(numbers[0]));
  left.parts = static_cast<std::size_t>(numbers[1]), left.series = numbers[2];
  ranks().broadcast(std::as_writable_bytes(std::span(left.missing)));
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (!error) return;
  throw DataError(fmt::format("{}: cannot be deleted ({}); choose another path.forecast",
                              path.string(), error.message()));
}

void write_json(const fs::path& path, const std::string& text) {
  const std::string_view parts[] = {text};
  write_atomically(path, parts, "path.forecast");
}

/// DataError where a part is another one than the manifest says.
void check_manifest(const fs::path& directory, const std::vector<std::size_t>& parts) {
  const fs::path path = directory / kManifestName;
  const Json manifest = Json::parse(bytes_of(path, kLookAndGoOn), nullptr, false);
  const Json none = Json::array();
  const Json listed = manifest.is_object() ? manifest.value("parts", none) : none;
  for (const std::size_t part : parts) {
    const fs::path place = part_path(directory, part);
    const FileFacts facts = facts_of(place);
    const Json entry = part < listed.size() ? listed[part] : Json::object();
    if (entry.is_object() && entry.value("checksum", Json()) == facts.checksum) continue;
    throw DataError(
        fmt::format("{}: is not as {} says; delete it, and start again: it is made anew",
                    place.string(), path.filename().string()));
  }
}

}  // namespace

void check_parts(const Config& config) {
  std::vector<std::string> of_all;
  if (!config.data.groups.empty()) of_all.emplace_back("data.groups");
  if (config.forecast.sums && !config.forecast.sums->empty()) of_all.emplace_back("forecast.sums");
  if (!config.path.samples.empty()) of_all.emplace_back("path.samples");
  if (!config.path.explanation.empty()) of_all.emplace_back("path.explanation");
  if (of_all.empty()) return;
  std::string names = of_all.front();
  for (std::size_t i = 1; i < of_all.size(); ++i) names += ", " + of_all[i];
  throw ConfigError(fmt::format(
      "path.forecast = {} is a directory, whose files are written one after the other, and {} {} "
      "of all series at once; leave {} out, or write one file (--path.forecast {}.parquet)",
      config.path.forecast, names, of_all.size() == 1 ? "is" : "are",
      of_all.size() == 1 ? "it" : "these",
      config.path.forecast.substr(0, config.path.forecast.find_last_not_of('/') + 1)));
}

PartsLeft begin_parts(const fs::path& directory, const PartPlan& plan, int steps, bool replace) {
  const PartDirectory before = look_at_parts(directory);
  PartsLeft left{.missing = {}, .parts = plan.parts()};
  std::vector<std::size_t> there = before.parts;
  for (const fs::path& path : before.unfinished) remove_abandoned(path);
  std::string differences;
  if (before.has_plan) differences = plan_differences(directory / kPlanName, plan);
  if (!differences.empty()) {
    if (!replace) {
      throw ConfigError(fmt::format(
          "{}: holds {} of another forecast: {}; choose another path.forecast, or have it replaced "
          "(--forecast.replace true)",
          directory.string(), before.has_manifest ? "the parts" : "parts", differences));
    }
    // In this order the directory is one of the old plan until it is one of the new.
    remove_file(directory / kManifestName);
    for (const std::size_t part : there) remove_file(part_path(directory, part));
    there.clear();
  }
  if (!before.has_plan || !differences.empty()) {
    write_json(directory / kPlanName, plan.text);
  } else if (before.has_manifest) {
    check_manifest(directory, there);
  }
  for (std::size_t part = 0; part < plan.parts(); ++part) {
    if (std::ranges::binary_search(there, part)) {
      const std::size_t series = plan.end(part) - plan.begin(part);
      left.series += rows_of_part(part_path(directory, part), series, steps) / steps;
    } else {
      left.missing.push_back(part);
    }
  }
  if (!left.missing.empty()) remove_file(directory / kManifestName);
  return left;
}

Forecasts write_part(const fs::path& directory, const PartPlan& plan, std::size_t part,
                     SeriesForecaster& forecaster, const Forecasts& rows, const Catalog& catalog,
                     const Config& config) {
  const fs::path path = part_path(directory, part);
  Forecasts made = forecaster.some(rows, plan.begin(part), plan.end(part));
  if (!made.left_out.empty() && (config.forecast.strict || made.series.empty())) {
    throw DataError(fmt::format(
        "{}: {}{}", path.string(), config.forecast.strict ? "forecast.strict = true, and " : "",
        left_out_text(made.left_out) +
            (config.forecast.strict ? "" : "; make forecast.part_series larger")));
  }
  write_forecasts(path, catalog, made, config.forecast.levels, plan.from);
  made.values = {}, made.mean = {};
  return made;
}

void end_parts(const fs::path& directory, const PartPlan& plan, const Forecasts& rows,
               const Catalog& catalog) {
  Json manifest = Json::parse(plan.text);
  Json& parts = manifest["parts"] = Json::array();
  const std::int64_t steps = std::int64_t{rows.K} * rows.M;
  std::int64_t all_rows = 0, all_bytes = 0;
  for (std::size_t part = 0; part < plan.parts(); ++part) {
    const fs::path path = part_path(directory, part);
    const std::size_t begin = plan.begin(part), end = plan.end(part);
    const std::int64_t of_part = rows_of_part(path, end - begin, steps);
    const FileFacts facts = facts_of(path);
    parts.push_back(Json{{"file", path.filename().string()},
                         {"first_series", catalog.id(rows.series[begin])},
                         {"last_series", catalog.id(rows.series[end - 1])},
                         {"series", of_part / steps},
                         {"rows", of_part},
                         {"bytes", facts.bytes},
                         {"checksum", facts.checksum}});
    all_rows += of_part, all_bytes += facts.bytes;
  }
  manifest["rows"] = all_rows;
  manifest["bytes"] = all_bytes;
  write_json(directory / kManifestName,
             manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

PartsResult forecast_parts(const Model& model, const Catalog& catalog, const Config& config,
                           const CatalogNotes& notes, std::string_view program) {
  constexpr double kSecondsBetween = 10;
  const fs::path directory = config.path.forecast;
  SeriesForecaster forecaster(model, catalog, config, notes, config.forecast.levels);
  PartsResult result;
  result.rows = forecaster.rows();
  forecaster.tell(result.rows);
  Forecasts& rows = result.rows;
  const PartPlan plan = plan_parts(model, catalog, config, forecaster, rows, program);
  Checksum sum;
  sum.add(plan.text);
  check_alike(ranks(), sum.value(), "model, data, settings or instruction set");
  std::error_code error;
  std::optional<PathLock> lock;
  PartsLeft left;
  if (ranks().rank() == 0) {
    fs::create_directories(directory, error);
    lock.emplace(directory, "path.forecast", kForecastWork);
    left = begin_parts(directory, plan, rows.K * rows.M, config.forecast.replace);
  }
  broadcast(left);
  result.parts = left.parts;
  result.found = left.parts - left.missing.size();
  result.series = left.series;
  if (result.found > 0 && !left.missing.empty()) {
    log_info(fmt::format("{}: {} of {} parts of this forecast are there; going on with {}",
                         config.path.forecast, result.found, left.parts,
                         part_path(directory, left.missing.front()).filename().string()));
  }
  const InterruptGuard guard;
  double told = steady_seconds();
  Written written;  // by this rank
  const auto each = static_cast<std::size_t>(ranks().size());
  const auto own = static_cast<std::size_t>(ranks().rank());
  // In rounds of a part for each rank.
  for (std::size_t done = 0; done < left.missing.size(); done += each) {
    InterruptGuard::agree();
    if (InterruptGuard::requested()) {
      result.interrupted = true;
      break;
    }
    try {
      if (done + own < left.missing.size()) {
        written.add(write_part(directory, plan, left.missing[done + own], forecaster, rows, catalog,
                               config));
      }
    } catch (const DataError& e) {
      if (each == 1 && result.found + done == 0) throw;  // others may have written theirs
      throw DataError(fmt::format("{}; {}", e.what(), kGoesOn));
    }
    if (steady_seconds() - told < kSecondsBetween) continue;
    told = steady_seconds();
    log_info(fmt::format("{}: {} of {} parts", config.path.forecast,
                         result.found + std::min(done + each, left.missing.size()), left.parts));
  }
  written.join(result);  // when all have written theirs
  if (result.interrupted || own > 0) return result;
  if (!left.missing.empty() || !fs::exists(directory / kManifestName, error)) {
    end_parts(directory, plan, rows, catalog);
  }
  return result;
}

}  // namespace sluice
