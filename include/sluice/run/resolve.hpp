// From settings to specifications: every "auto" is decided here, by the data's frequency and
// values, in one place.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// How to read the data. Throws ConfigError.
CatalogSpec catalog_spec(const Config& config);

/// Steps of the season of scores and simple methods: evaluate.season, or what suits the frequency.
int season_of(const Config& config, const Frequency& frequency);

/// Steps to forecast: network.predict_day, or what suits the frequency.
int horizon_steps(const Config& config, const Frequency& frequency);

/// data.valid and data.test for this catalogue. Where data.test is left to it, the test part is a
/// tenth, and where at least half of the series hold twice as many steps as `evaluate` scores, no
/// shorter than those: what is trained can then be evaluated.
SplitSpec split_spec(const Config& config, const Catalog& catalog);
/// Whether a part of the data is for validation: data.valid is not 0.
bool has_validation(const Config& config);
/// The parts of a training. Where data.valid is left to it, the validation part is a tenth, and a
/// horizon at least in each series that keeps as much to train on; one step, where a tenth of every
/// series is none, and never so much that nothing is left to train on. `end` as TrainOptions has
/// it.
Split training_split(const Config& config, const Catalog& catalog,
                     std::span<const std::int64_t> end);
/// Whether all target values before end[s] have a logarithm.
bool have_logarithms(const Catalog& catalog, std::span<const std::int64_t> end);
/// One line: what is held out at the series' ends, and what `evaluate` scores.
std::string held_out_text(const Config& config, const Catalog& catalog);
/// Steps before the end that `evaluate` scores with these settings.
std::int64_t evaluated_steps(const Config& config, const Frequency& frequency);

/// The model for this catalogue; training values [0, end[s]) decide "auto" choices, and those
/// before seen[s] (empty: end), which a validation and a last fit see as well, whether a logarithm
/// can be taken and values are missing. Throws ConfigError, and DataError where log space is asked
/// for and a value has no logarithm.
ModelSpec resolve_model(const Config& config, const Catalog& catalog,
                        std::span<const std::int64_t> end, std::span<const std::int64_t> seen = {});
/// The words that this model is to know of each static category and of each category of steps,
/// "unknown" first: those of the series that are trained on (data.min_history), and those that
/// stand at one of their steps [0, end[s]). What it is not trained on is unknown to it.
std::vector<std::vector<std::string>> series_vocabularies(const Config& config,
                                                          const Catalog& catalog,
                                                          std::span<const std::int64_t> end);
std::vector<std::vector<std::string>> step_vocabularies(const Config& config,
                                                        const Catalog& catalog,
                                                        std::span<const std::int64_t> end);
/// Numbers for a category of so many words, "unknown" among them.
int embedding_width(const Config& config, std::size_t words);

/// Scaling of the targets that goes with the model: `mean` under a level or in log space, else the
/// configured one.
Scaling target_scaling(const Config& config, const ModelSpec& spec);

/// Scaling of the other channels by each series, where they are not encoded by what they hold.
Scaling covariate_scaling(const Config& config);
/// Whether a training encodes them so (data/covariates.hpp).
bool encodes_covariates(const Config& config);

/// Quantiles of the interval levels with the median: {80} -> 0.1, 0.5, 0.9.
std::vector<double> level_quantiles(const std::vector<double>& levels);

/// One line: "LSTM 1 x 64, 96 -> 48 steps, log, level mean 168, base seasonal 24, ... (36,544
/// parameters)".
std::string describe(const ModelSpec& spec);

}  // namespace sluice
