// Scores of forecasts that somebody has: tables become what a backtest gives its scorers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/job.hpp"
#include "api/status.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/report.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice::api {
namespace {

constexpr const char* kPoint = "sluice";
constexpr const char* kMedian = "sluice-median";

/// The columns of the quantiles that `levels` mean, in their order, and last, where there is a
/// mean, that.
std::vector<std::string> columns_of(const std::vector<double>& levels, bool mean) {
  std::vector<std::string> columns;
  for (const double p : level_quantiles(levels)) {
    std::string name = mean ? kMedian : kPoint;
    for (const double level : levels) {
      const std::vector<double> ends = level_quantiles({level});
      if (p == ends.front()) name = fmt::format("sluice-lo-{:g}", level);
      if (p == ends.back()) name = fmt::format("sluice-hi-{:g}", level);
    }
    columns.push_back(std::move(name));
  }
  if (mean) columns.push_back(kPoint);
  return columns;
}

class ForecastTables {
 public:
  ForecastTables(const Config& config, const Catalog& data) : config_(config), data_(data) {
    if (data.count(Role::target) != 1) {
      throw ConfigError(fmt::format(
          "data.targets names {} columns, and forecasts of one are scored at a time; name one",
          data.count(Role::target)));
    }
    for (std::int64_t s = 0; s < data.series_count(); ++s) series_.emplace(data.id(s), s);
  }

  Forecasts read(ArrowArrayStream& stream) const {
    const Catalog table = catalog_of(stream);
    Forecasts window;
    window.M = 1;
    window.probabilities = level_quantiles(config_.forecast.levels);
    for (std::int64_t f = 0; f < table.series_count(); ++f) {
      window.K = std::max(window.K, static_cast<int>(table.length(f)));
    }
    for (std::int64_t f = 0; f < table.series_count(); ++f) add(table, f, window);
    return window;
  }

 private:
  static constexpr const char* kName = "forecasts";

  /// The table read as data are: its outputs are targets, its times the data's.
  Catalog catalog_of(ArrowArrayStream& stream) const {
    Config config;
    config.data.id = {"unique_id"};
    config.data.time = {"ds"};
    const auto given = std::make_shared<const Table>(take_stream(stream, kName));
    const std::vector<std::string> names = given->column_names();
    const bool mean = std::find(names.begin(), names.end(), kMedian) != names.end();
    config.data.targets = columns_of(config_.forecast.levels, mean);
    config.data.frequency = to_string(data_.frequency());
    config.data.time_zone = config_.data.time_zone;
    config.path.data = {kName};
    CatalogSpec spec = catalog_spec(config);
    spec.read.memory[kName] = given;
    return read_catalog(spec);
  }

  void add(const Catalog& table, std::int64_t f, Forecasts& window) const {
    const auto known = series_.find(table.id(f));
    if (known == series_.end()) {
      throw DataError(
          fmt::format("{}: series '{}' is not in the data; leave it out, or give its "
                      "values",
                      kName, table.id(f)));
    }
    const std::int64_t s = known->second;
    const std::int64_t cutoff = table.period(f, 0) - data_.period(s, 0);
    if (cutoff < 1 || cutoff >= data_.history(s)) {
      throw DataError(fmt::format(
          "{}: those of series '{}' begin {}, and the data have it from {} to {}; give data that "
          "reach before them and hold what came",
          kName, table.id(f), table.date(f, 0), data_.date(s, 0),
          data_.date(s, data_.history(s) - 1)));
    }
    const double offset = data_.value_offset(0, s);
    for (std::int64_t k = 0; k < window.K; ++k) {
      for (int j = 0; j < table.count(Role::target); ++j) {
        const auto values = table.values(j, f);
        const double y = k < table.length(f)
                             ? static_cast<double>(values[static_cast<std::size_t>(k)]) +
                                   table.value_offset(j, f)
                             : std::nan("");
        if (std::isnan(y)) {
          throw DataError(
              fmt::format("{}: series '{}' has no '{}' for {}; give {} steps of each series", kName,
                          table.id(f), table.target(j).name, table.date(f, k), window.K));
        }
        // The quantiles, then the mean where there is one.
        auto& of = j < window.J() ? window.values : window.mean;
        of.push_back(static_cast<float>(y - offset));
      }
    }
    window.series.push_back(static_cast<std::int32_t>(s));
    window.cutoff.push_back(cutoff);
    window.offset.push_back(offset);
  }

  const Config& config_;
  const Catalog& data_;
  std::unordered_map<std::string, std::int64_t> series_;
};

std::string score(const sluice_job& job, ArrowArrayStream* streams, std::size_t count) {
  const Settings settings = settings_of(job, "check", nullptr);
  CatalogNotes notes;
  const Catalog data = read_data(settings, notes);
  const ForecastTables tables(settings.config, data);
  std::vector<Forecasts> windows;
  for (std::size_t w = 0; w < count; ++w) {
    windows.push_back(tables.read(streams[w]));
    if (windows.back().K != windows.front().K) {
      throw DataError(
          fmt::format("forecasts: a window of {} steps, and the first one has {}; "
                      "score those of one horizon at a time",
                      windows.back().K, windows.front().K));
    }
  }
  return report_json(score_forecasts(settings.config, data, windows));
}

}  // namespace
}  // namespace sluice::api

sluice_status sluice_score(const sluice_job* job, ArrowArrayStream* windows, size_t count,
                           char** report, sluice_error** error) {
  const sluice_status status = sluice::api::guarded(error, [&] {
    sluice::api::require(job, "sluice_score", "job");
    sluice::api::require(windows, "sluice_score", "windows");
    sluice::api::require(report, "sluice_score", "report");
    if (count == 0) throw sluice::ConfigError("sluice_score: count is 0; give at least one table");
    *report = sluice::api::text_of(sluice::api::score(*job, windows, count));
  });
  for (std::size_t w = 0; windows != nullptr && w < count; ++w) {
    if (windows[w].release != nullptr) windows[w].release(&windows[w]);
  }
  return status;
}
