// The choice by validation: what a configuration leaves to it ("auto"), tried in short trainings
// that see the training part alone, and scored on the validation part by one measure, whatever
// space, base or weights they have.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

/// One line of the table: a candidate, or a simple method beside them.
struct ChoiceRow {
  std::string what;          ///< what was chosen: "space, base"; of a simple method "beside"
  std::string name;          ///< "log, seasonal"
  double score = 0;          ///< NaN: none (its training failed, or no series has a scale)
  double wql = 0;            ///< weighted quantile loss; NaN without quantiles
  std::int64_t steps = 0;    ///< of its training; 0: a simple method
  std::int64_t windows = 0;  ///< forecasts that it was scored on
  bool kept = false;         ///< the one of its kind that was taken
};

struct Choice {
  Config config;  ///< what was open is decided; as it was given where nothing was chosen
  std::vector<ChoiceRow> rows;  ///< in the order of their making; empty: nothing was chosen
  std::string measure;          ///< of ChoiceRow::score: measure_of_points(), or WAPE
  std::int64_t windows = 0;     ///< forecasts that the candidates were scored on
  double seconds = 0;
  bool stopped = false;  ///< by a signal or the watch
  std::string unchosen;  ///< what rules decide all the same, and why; empty: nothing
};

/// Forecasts of simple methods that were made for other reasons, to be shown beside the candidates.
struct BesideForecasts {
  std::vector<std::string> names;        ///< [methods]; one without a name is not shown
  std::span<const Window> windows = {};  ///< of those that the candidates are scored on, in order
  std::span<const double> points = {};   ///< [windows, M, methods, K] in the units of y; NaN: none
};

/// What may be decided in `config`: training.loss by what the values are (resolve_model), and by
/// training.choice network.space, base, level and calendar_year, training.series_weight, as far as
/// they are "auto".
bool leaves_choices(const Config& config);

/// Decides them: kind after kind, the best so far against its alternatives, each trained for the
/// same number of steps, at most 200, training.choice * training.steps in all. A key that is set
/// stays. The rule of resolve_model stands where no alternative is better by half a percent and by
/// more than the standard error of the difference, and everywhere where the steps are too few (50 a
/// candidate) to tell, or nothing can be validated. A pure
/// function of settings and data, but under training.max_seconds, of which it takes its share. A
/// signal, or options.watch, ends it with the best so far. Reads nothing at or after
/// split.valid_end. `beside` decides nothing.
Choice choose(const Config& config, const Catalog& catalog, const Split& split,
              const TrainOptions& options, const BesideForecasts& beside = {});

/// training.loss, where it is "auto" what the values make of it.
std::string loss_name(const Config& config, const Catalog& catalog, const Split& split);
/// Of the points that a model of this loss forecasts, by what has the least of it: RMSSE for means
/// (mse, distributions of numbers from 0 on), else MASE.
std::string measure_of_points(const std::string& loss);

/// The table for 80 columns, line by line, and what was left to rules for want of steps or time.
std::vector<std::string> choice_lines(const Choice& choice);
/// The same as an event of the log.
std::string choice_event(const Choice& choice, int refit);

/// `config` with space, level and base of `spec`, and, where they are open, whether it has the
/// terms of the year, and no series weight.
Config with_choices_of(const ModelSpec& spec, const Frequency& frequency, const Config& config);

/// Takes what `decided` has of the keys that leaves_choices() names where `config` leaves them
/// open.
void take_choices(const Config& decided, Config& config);

}  // namespace sluice
