#include "sluice/run/samples.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/checksum.hpp"
#include "base/region_failure.hpp"
#include "base/text.hpp"
#include "run/calibration/dependence.hpp"
#include "run/calibration/paths.hpp"
#include "run/calibration/sampler.hpp"
#include "run/forecast/output_columns.hpp"
#include "run/provenance/table_notes.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

/// Where the model has quantiles of any level: as many as give the shape of a distribution.
constexpr double kLevels[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98};
/// Of a table of paths: some ten gigabytes of memory.
constexpr double kMostRows = 4e8;
constexpr int kSamples = 1000;

/// Sample paths of each series.
int samples_of(const Model& model, const Config& config) {
  return model.spec.is_recursive() ? sample_count(model)
                                   : config.forecast.samples.value_or(kSamples);
}

/// As forecasts have it, whose digits are those of a float beside the series' own offset.
double as_float(double y, double offset) {
  return static_cast<double>(static_cast<float>(y - offset)) + offset;
}

double offset_of(const Forecasts& forecasts, std::size_t row) {
  return forecasts.offset.empty() ? 0 : forecasts.offset[row];
}

/// Paths of the rows (series and targets) of forecasts.
class Paths {
 public:
  Paths(const Model& model, const Catalog& catalog, const Forecasts& forecasts,
        const Config& config)
      : model_(model),
        catalog_(catalog),
        forecasts_(forecasts),
        K_(static_cast<std::size_t>(forecasts.K)),
        M_(static_cast<std::size_t>(forecasts.M)),
        seed_(static_cast<std::uint64_t>(model.config.training.seed)) {
    const std::vector<double>& probabilities = forecasts.probabilities;
    if (!model.spec.is_recursive()) {
      samples_ = static_cast<std::size_t>(samples_of(model, config));
      sampler_.emplace(Dependence{model.dependence}, K_, probabilities, seed_);
      return;
    }
    samples_ = rows() == 0 ? 0 : forecasts.paths.size() / (rows() * K_);
    if (samples_ == 0 && rows() > 0)
      throw InternalError("forecasts of a recursive model without their paths");
    moved_ = !model.partners.empty() || !model.stretch.probabilities.empty() ||
             !forecasts.coherent.empty();
    scores_ = scores_of(probabilities);
  }

  std::size_t rows() const { return forecasts_.series.size() * M_; }
  std::size_t samples() const { return samples_; }

  /// Calls visit(row, paths [samples, K] in the units of the file) for each row, on all threads.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    RegionFailure failure;
#pragma omp parallel
    {
      std::vector<double> paths(samples_ * K_);
#pragma omp for schedule(static)
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(rows()); ++i) {
        failure.keep([&] {
          draw(static_cast<std::size_t>(i), paths);
          visit(static_cast<std::size_t>(i), std::span<double>(paths));
        });
      }
    }
    failure.rethrow();
  }

 private:
  void draw(std::size_t row, std::span<double> paths) const {
    const std::size_t r = row / M_, m = row % M_, J = forecasts_.probabilities.size();
    const std::int64_t s = forecasts_.series[r];
    std::vector<float> quantiles(K_ * J);
    for (std::size_t k = 0; k < K_; ++k) {
      const auto from =
          forecasts_.values.begin() + static_cast<std::ptrdiff_t>(((r * K_ + k) * M_ + m) * J);
      std::copy_n(from, J, quantiles.begin() + static_cast<std::ptrdiff_t>(k * J));
    }
    Checksum stream;
    stream.add(std::string_view(catalog_.id(s)));
    stream.add(std::string_view(catalog_.target(static_cast<int>(m)).name));
    if (sampler_) {
      sampler_->draw(stream.value(), quantiles, paths);
    } else {
      const float* from = forecasts_.paths.data() + r * samples_ * K_ * M_ + m;
      for (std::size_t i = 0; i < paths.size(); ++i) {
        paths[i] = static_cast<double>(from[i * M_]);
      }
      if (moved_) follow_quantiles(quantiles, scores_, seed_, stream.value(), paths, K_);
    }
    const double offset = offset_of(forecasts_, row);
    // Partners and reconciliation move counts by parts of one.
    const bool whole =
        is_count(model_.spec.loss) && model_.partners.empty() && forecasts_.coherent.empty();
    const bool nonnegative = !forecasts_.nonnegative.empty() && forecasts_.nonnegative[row] != 0;
    for (double& y : paths) {
      y += offset;
      if (whole) y = std::round(y);
      if (nonnegative) y = std::max(y, 0.0);
      y = as_float(y, offset);
    }
  }

  const Model& model_;
  const Catalog& catalog_;
  const Forecasts& forecasts_;
  std::size_t K_, M_, samples_ = 0;
  std::uint64_t seed_;
  std::optional<PathSampler> sampler_;  ///< of a direct model
  bool moved_ = false;                  ///< of a recursive one, whether quantiles have
  std::vector<double> scores_;
};

const std::vector<int>& spans_of(const Config& config) {
  static const std::vector<int> none;
  return config.forecast.sums ? *config.forecast.sums : none;
}

}  // namespace

bool asks_for_samples(const Config& config) {
  return !spans_of(config).empty() || !config.path.samples.empty();
}

void check_sums(const Config& config, int horizon) {
  std::vector<int> spans = spans_of(config);
  std::ranges::sort(spans);
  if (const auto twice = std::ranges::adjacent_find(spans); twice != spans.end()) {
    throw ConfigError(
        fmt::format("forecast.sums has {} twice; give each number of steps once", *twice));
  }
  if (spans.empty() || spans.back() <= horizon) return;
  throw ConfigError(fmt::format(
      "forecast.sums asks for the total of {} steps, and the model forecasts {}; ask for fewer, "
      "or train with a longer horizon (--horizon {})",
      spans.back(), horizon, spans.back()));
}

void check_sample_memory(const Model& model, const Catalog& catalog, const Config& config) {
  if (!model.spec.is_recursive() || !asks_for_samples(config)) return;
  const std::vector<std::int64_t> cutoff =
      cutoffs_from(catalog, config.forecast.from, config.forecast.ended);
  std::int64_t series = std::ranges::count_if(cutoff, [](std::int64_t at) { return at >= 1; });
  for (std::int64_t s = 0; config.forecast.new_items && s < catalog.series_count(); ++s) {
    series += catalog.history(s) == 0 ? 1 : 0;
  }
  const std::int64_t values =
      series * catalog.count(Role::target) * model.spec.K * sample_count(model);
  if (static_cast<double>(values) <= kMostRows) return;
  throw ConfigError(fmt::format(
      "{}: {} sample paths of {} series are {} values, more than are kept in memory; make "
      "forecast.samples smaller, or forecast fewer series at a time",
      config.path.samples.empty() ? "forecast.sums" : "path.samples", sample_count(model),
      grouped(series), grouped(values)));
}

void check_samples(const Model& model, std::int64_t series, const Config& config) {
  if (config.path.samples.empty()) return;
  const int samples = samples_of(model, config);
  const std::int64_t rows = series * model.spec.M * model.spec.K * samples;
  if (static_cast<double>(rows) <= kMostRows) return;
  throw ConfigError(fmt::format(
      "path.samples: {} sample paths of {} series are {} rows, more than a file takes; make "
      "forecast.samples smaller, or forecast fewer series at a time",
      samples, grouped(series), grouped(rows)));
}

std::vector<double> levels_of_samples(const Model& model, const Config& config) {
  const ModelSpec& spec = model.spec;
  const bool is_point = spec.loss != Loss::quantile && !is_distribution(spec.loss);
  if (spec.loss == Loss::quantile ? spec.quantiles.size() < 2
                                  : is_point && model.residual_quantiles.empty()) {
    throw ConfigError(
        "forecast.sums and path.samples are made of intervals, which the model has not; train it "
        "with forecast.levels and data.valid > 0");
  }
  if (model.dependence.empty() && !spec.is_recursive()) {
    throw ConfigError(
        "forecast.sums and path.samples need a model that knows how the errors of its steps hang "
        "together, which this one does not; train it again with this program, with data.valid > 0 "
        "and a validation part of several horizons");
  }
  check_sums(config, spec.K);
  std::vector<double> levels = config.forecast.levels;
  if (spec.loss == Loss::quantile) {
    for (const float q : spec.quantiles) {
      if (q < 0.5f) levels.push_back(std::round((1 - 2 * static_cast<double>(q)) * 1e6) / 1e4);
    }
  } else {
    levels.insert(levels.end(), std::begin(kLevels), std::end(kLevels));
  }
  std::ranges::sort(levels);
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  return levels;
}

std::vector<OutputColumn> sum_columns(const Model& model, const Catalog& catalog,
                                      const Forecasts& forecasts, const Config& config) {
  const std::vector<int>& spans = spans_of(config);
  const Paths paths(model, catalog, forecasts, config);
  const auto M = static_cast<std::size_t>(forecasts.M), S = spans.size();
  const bool has_mean = !forecasts.mean.empty();
  const bool adds_up = has_mean || model.spec.loss == Loss::mse;  // means do, medians do not
  OutputColumn point{.name = "sluice"};
  IntervalColumns beside(has_mean, config.forecast.levels);
  std::vector<OutputColumn>& outputs = beside.columns;
  point.numbers.resize(paths.rows() * S);
  for (OutputColumn& output : outputs) output.numbers.resize(paths.rows() * S);
  paths.for_each([&](std::size_t row, std::span<double> drawn) {
    const auto K = static_cast<std::size_t>(forecasts.K);
    std::vector<double> totals(paths.samples());
    for (std::size_t i = 0; i < S; ++i) {
      const auto steps = static_cast<std::size_t>(spans[i]);
      const double offset = spans[i] * offset_of(forecasts, row);
      for (std::size_t p = 0; p < totals.size(); ++p) {
        totals[p] = 0;
        for (std::size_t k = 0; k < steps; ++k) totals[p] += drawn[p * K + k];
      }
      std::ranges::sort(totals);
      const std::size_t at = row * S + i;
      if (adds_up) {
        for (std::size_t k = 0; k < steps; ++k) {
          point.numbers[at] += forecasts.point(row / M, k, row % M);
        }
      } else {
        point.numbers[at] = as_float(sample_quantile(totals, 0.5), offset);
      }
      for (std::size_t j = 0; j < outputs.size(); ++j) {
        outputs[j].numbers[at] = as_float(sample_quantile(totals, beside.probabilities[j]), offset);
      }
    }
  });
  OutputColumn id{.name = "unique_id", .text = catalog.ids()}, steps{.name = "steps"};
  OutputColumn target = target_column(catalog);
  std::vector<Timestamp> from, to;
  for (std::size_t row = 0; row < paths.rows(); ++row) {
    const std::int32_t s = forecasts.series[row / M];
    const std::int64_t cutoff = forecasts.cutoff[row / M];
    for (const int span : spans) {
      id.codes.push_back(s);
      from.push_back(catalog.time(s, cutoff));
      to.push_back(catalog.time(s, cutoff + span - 1));
      steps.integers.push_back(span);
      target.codes.push_back(static_cast<std::int32_t>(row % M));
    }
  }
  std::vector<OutputColumn> columns;
  columns.push_back(std::move(id));
  columns.push_back(time_column(catalog.axis(), "from", std::move(from)));
  columns.push_back(time_column(catalog.axis(), "to", std::move(to)));
  columns.push_back(std::move(steps));
  if (M > 1) columns.push_back(std::move(target));
  columns.push_back(std::move(point));
  for (OutputColumn& column : outputs) columns.push_back(std::move(column));
  return columns;
}

std::vector<OutputColumn> sample_columns(const Model& model, const Catalog& catalog,
                                         const Forecasts& forecasts, const Config& config) {
  const Paths paths(model, catalog, forecasts, config);
  const auto M = static_cast<std::size_t>(forecasts.M), K = static_cast<std::size_t>(forecasts.K);
  const std::size_t each = paths.samples() * K, all = paths.rows() * each;
  OutputColumn id{.name = "unique_id", .text = catalog.ids()}, sample{.name = "sample"};
  OutputColumn target = target_column(catalog), value{.name = "sluice"};
  std::vector<Timestamp> times(all);
  id.codes.resize(all), sample.integers.resize(all), value.numbers.resize(all);
  target.codes.resize(M > 1 ? all : 0);
  paths.for_each([&](std::size_t row, std::span<double> drawn) {
    const std::int32_t s = forecasts.series[row / M];
    for (std::size_t i = 0; i < each; ++i) {
      const std::size_t at = row * each + i;
      id.codes[at] = s;
      times[at] = catalog.time(s, forecasts.cutoff[row / M] + static_cast<std::int64_t>(i % K));
      if (M > 1) target.codes[at] = static_cast<std::int32_t>(row % M);
      sample.integers[at] = static_cast<std::int64_t>(i / K);
      value.numbers[at] = drawn[i];
    }
  });
  std::vector<OutputColumn> columns;
  columns.push_back(std::move(id));
  columns.push_back(time_column(catalog.axis(), "ds", std::move(times)));
  if (M > 1) columns.push_back(std::move(target));
  columns.push_back(std::move(sample));
  columns.push_back(std::move(value));
  return columns;
}

void write_samples(const Model& model, const Catalog& catalog, const Forecasts& forecasts,
                   const Config& config, const Provenance& from) {
  if (!spans_of(config).empty()) {
    write_table(config.path.sums, sum_columns(model, catalog, forecasts, config), notes_of(from));
    log_info(fmt::format("sums: {}", config.path.sums));
  }
  if (config.path.samples.empty()) return;
  write_table(config.path.samples, sample_columns(model, catalog, forecasts, config),
              notes_of(from));
  log_info(fmt::format("sample paths: {} ({} of each series)", config.path.samples,
                       samples_of(model, config)));
}

}  // namespace sluice
