#include "run/tune/tune.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "model/simple/methods.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/choice/trial.hpp"
#include "run/config/setting_texts.hpp"
#include "run/interrupt.hpp"
#include "run/paths.hpp"
#include "run/provenance/checksums.hpp"
#include "run/training/state_check.hpp"
#include "run/tune/search.hpp"
#include "run/tune/show.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Steps of a training on the lowest rung that tell anything.
constexpr double kFewestSteps = 25;
/// Trials that the table shows.
constexpr std::size_t kShown = 10;

double measured(const Metrics& metrics, const std::string& measure) {
  if (measure == "wQL") return metrics.wql;
  if (measure == "WAPE") return metrics.wape;
  return measure == "RMSSE" ? metrics.rmsse : metrics.mase;
}

class Tuning {
 public:
  Tuning(const Config& config, const TuneSpace& space, const Catalog& catalog)
      : given_(config), space_(space), catalog_(catalog) {
    const Split split = training_split(config, catalog, {});
    for (int fold = 0; fold < config.tune.folds; ++fold) {
      splits_.push_back(split_of_fold(split, fold));
    }
  }

  TuneResult run();

 private:
  void check();
  void check_losses() const;
  SearchIdentity identity() const;
  std::string misfit(const Config& config) const;
  std::optional<SearchStart> begin();
  double simple_score(const Trials::Method& method, const std::string& measure) const;
  std::vector<SimpleScore> simple_scores(const std::string& measure) const;
  HalvingPlan plan(std::int64_t trials) const;
  Measured objective(const Config& config, double share, int threads,
                     const std::function<bool(double)>& goes_on) const;
  void write_result(const TuneResult& result, const FinishedRun& best,
                    const std::vector<FinishedRun>& runs) const;

  const Config& given_;
  const TuneSpace& space_;
  const Catalog& catalog_;
  std::vector<Split> splits_;
  std::vector<std::unique_ptr<Trials>> folds_;
  SearchStart start_;
};

/// Refuses what no trial could score, before anything is computed.
void Tuning::check() {
  if (!has_validation(given_)) {
    throw ConfigError(
        "data.valid = 0 leaves nothing to score trials on; leave it out, or give a share");
  }
  if (!given_.training.init_from.empty() || given_.mode.incremental) {
    throw ConfigError(
        "a trial begins with random weights: leave out training.init_from and mode.incremental, "
        "and "
        "go on from the earlier model with the settings that are found");
  }
  check_losses();
  for (std::size_t fold = 0; fold < splits_.size(); ++fold) {
    folds_.push_back(std::make_unique<Trials>(given_, catalog_, splits_[fold]));
    if (folds_.back()->can_score()) continue;
    throw DataError(
        fold == 0 ? std::string("no series has a value of its target in the validation part, on "
                                "which trials are scored; make data.valid larger, or leave out the "
                                "empty rows at the end")
                  : fmt::format("tune.folds = {}: no series is long enough for fold {}; set "
                                "tune.folds to {}",
                                given_.tune.folds, fold + 1, fold));
  }
  if (folds_[0]->total_steps() == 0) {
    throw ConfigError(
        "a trial needs to know a training's length in steps: set training.steps or "
        "training.epochs");
  }
}

/// What has no quantiles is not scored by them.
void Tuning::check_losses() const {
  const auto refuse = [&](const std::string& loss, const std::string& where) {
    Config config = given_;
    config.training.loss = loss;
    const ModelSpec spec =
        resolve_model(config, catalog_, splits_[0].train_end, splits_[0].valid_end);
    const bool has_quantiles = spec.loss == Loss::quantile || is_distribution(spec.loss);
    if (given_.tune.measure == "wql" && !has_quantiles) {
      throw ConfigError(fmt::format(
          "{} = \"{}\" has no quantiles, which tune.measure = \"wql\" scores; take mase, rmsse or "
          "wape, or leave the loss out",
          where, loss));
    }
  };
  const auto searched = std::ranges::find(space_.keys, "training.loss", &SpaceKey::key);
  // Trial 0 is of the loss that is given.
  refuse(given_.training.loss, "training.loss");
  if (searched == space_.keys.end()) return;
  for (const Value& loss : searched->choices) {
    refuse(std::get<std::string>(loss.data), space_.origin + ": training.loss");
  }
}

SearchIdentity Tuning::identity() const {
  SearchIdentity out;
  Config kept = given_;
  kept.training.checkpoint_seconds = 0;
  kept.training.parallel_seeds = 0;
  kept.path = {};
  for (const auto& [key, text] : setting_texts(kept)) {
    const bool of_scores = key.starts_with("data.") || key.starts_with("network.") ||
                           key.starts_with("training.") || key == "forecast.levels" ||
                           key == "forecast.nonnegative" || key == "evaluate.season" ||
                           key == "tune.method" || key == "tune.factor" || key == "tune.rungs" ||
                           key == "tune.measure" || key == "tune.folds";
    if (of_scores) out.settings.emplace(key, text);
  }
  for (const SpaceKey& key : space_.keys) out.space.emplace(key.key, key.text);
  out.data = checksum_of(catalog_);
  return out;
}

std::string Tuning::misfit(const Config& config) const {
  try {
    for (const Split& split : splits_) {
      static_cast<void>(target_scaling(
          config, resolve_model(config, catalog_, split.train_end, split.valid_end)));
    }
    return {};
  } catch (const Error& error) {  // also values that have no logarithm
    if (error.exit_code() != 2 && error.exit_code() != 3) throw;
    return error.what();
  }
}

double Tuning::simple_score(const Trials::Method& method, const std::string& measure) const {
  double sum = 0;
  for (const auto& fold : folds_) sum += measured(fold->score(method), measure);
  return sum / static_cast<double>(folds_.size());
}

std::vector<SimpleScore> Tuning::simple_scores(const std::string& measure) const {
  std::vector<SimpleScore> out;
  for (const auto& [name, method] : folds_[0]->simple_methods()) {
    out.push_back({name, simple_score(method, measure)});
  }
  return out;
}

/// What validation chooses of the given settings, by which measure, and the simple methods. Empty:
/// a signal ended it.
std::optional<SearchStart> Tuning::begin() {
  SearchStart start;
  start.measure = given_.tune.measure == "wql"     ? "wQL"
                  : given_.tune.measure == "wape"  ? "WAPE"
                  : given_.tune.measure == "rmsse" ? "RMSSE"
                  : given_.tune.measure == "mase"
                      ? "MASE"
                      : measure_of_points(loss_name(given_, catalog_, splits_[0]));
  // Simple methods have no quantiles: they stand beside by MASE's kin alone.
  if (start.measure != "wQL") {
    start.beside = simple_scores(start.measure);
    if (std::isnan(start.beside[0].score)) {
      if (given_.tune.measure != "auto" && given_.tune.measure != "wape") {
        throw DataError(fmt::format(
            "tune.measure = \"{}\": no series has a scale ({} divides by errors of naive forecasts "
            "of the training part, and they are 0 or missing); set tune.measure to wape",
            given_.tune.measure, start.measure));
      }
      start.measure = "WAPE";
      start.beside = simple_scores(start.measure);
    }
  }
  const auto divides_by_values = start.measure == "wQL" ? simple_scores("WAPE") : start.beside;
  if (std::ranges::all_of(divides_by_values, [](const auto& s) { return std::isnan(s.score); })) {
    throw DataError(
        "the values of the validation part are all 0, and scores divide by their size: no trial is "
        "better than another; make data.valid larger, or leave out what is not sold any more");
  }
  for (const auto& fold : folds_) start.windows += fold->windows();
  const Choice choice = choose(given_, catalog_, splits_[0], {});
  if (choice.stopped || InterruptGuard::requested()) return std::nullopt;
  start.chosen = settings_to_keep(choice.config);
  start.choice = choice_lines(choice);
  return start;
}

HalvingPlan Tuning::plan(std::int64_t trials) const {
  HalvingPlan plan{.trials = trials, .rungs = 1, .factor = given_.tune.factor};
  if (given_.tune.method == "random") return plan;
  const auto steps = static_cast<double>(folds_[0]->total_steps());
  const auto long_enough = [&](int rungs) {
    return steps / std::pow(plan.factor, rungs - 1) >= kFewestSteps;
  };
  while (plan.rungs < given_.tune.rungs && long_enough(plan.rungs + 1)) ++plan.rungs;
  if (plan.rungs < given_.tune.rungs) {
    log_info(
        fmt::format("{} of {} rungs: a training of {:.0f} steps has no more of {:.0f} or longer",
                    plan.rungs, given_.tune.rungs, steps, kFewestSteps));
  }
  return plan;
}

Measured Tuning::objective(const Config& trial, double share, int threads,
                           const std::function<bool(double)>& goes_on) const {
  Config config = trial;
  if (threads > 0) config.engine.threads = threads;
  Measured out;
  const auto count = static_cast<double>(folds_.size());
  for (std::size_t fold = 0; fold < folds_.size(); ++fold) {
    const auto all = static_cast<double>(folds_[fold]->total_steps(config));
    const TrialLimits limits{.steps = std::max<std::int64_t>(1, std::llround(all * share)),
                             .keep_best = true};
    const TrainWatch watch = [&](const TrainProgress& at) {
      const double done = static_cast<double>(at.step) / static_cast<double>(limits.steps);
      out.stopped = out.stopped || !goes_on((static_cast<double>(fold) + done) / count);
      return !out.stopped;
    };
    const TrialResult result = folds_[fold]->run(config, limits, watch);
    if (out.stopped) return out;
    const bool failed = result.steps == 0;
    out.steps = limits.steps;
    out.score += (failed ? kNone : measured(result.score, start_.measure)) / count;
    out.wql += (failed ? kNone : result.score.wql) / count;
  }
  return out;
}

void Tuning::write_result(const TuneResult& result, const FinishedRun& best,
                          const std::vector<FinishedRun>& runs) const {
  std::string head = fmt::format(
      "# Found by sluice tune: trial {}{}, {} {:.4f} after {} steps, on {} forecasts of the\n"
      "# validation part.",
      best.run.trial, best.run.trial == 0 ? " (the settings as given)" : "", start_.measure,
      best.score, best.steps, grouped(start_.windows));
  for (const FinishedRun& run : runs) {
    if (run.run.trial != 0 || best.run.trial == 0) continue;
    head += fmt::format(" The settings as given: {:.4f}.", run.score);
  }
  if (!start_.beside.empty()) {
    head += fmt::format(" {}: {:.4f}.", start_.beside[0].name, start_.beside[0].score);
  }
  std::string path = shell_quoted(given_.path.tuned);
  std::ranges::replace(path, '\n', ' ');  // it stays a comment
  head += fmt::format("\n# Data: {} series, checksum {:016x}.\n#   sluice train {}\n\n",
                      catalog_.series_count(), checksum_of(catalog_), path);
  Config written = result.config;
  written.mode = {};
  written.tune = {};
  written.training.preset = Config().training.preset;  // what it stands for is written out
  written.path.tuned = Config().path.tuned;
  const std::string text = differing_toml(written, {});
  const std::string_view parts[] = {head, text};
  try {
    write_atomically(given_.path.tuned, parts, "path.tuned");
  } catch (const DataError& e) {
    throw DataError(
        fmt::format("{}. All trials are in {}, which the same command writes it from when that is "
                    "mended",
                    e.what(), journal_path(given_.path.tuned).string()));
  }
}

TuneResult Tuning::run() {
  check();
  const std::filesystem::path path = journal_path(given_.path.tuned);
  std::error_code failure;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), failure);
  if (failure) {
    throw DataError(fmt::format("{}: its folder cannot be made ({}); choose another path.tuned",
                                path.string(), failure.message()));
  }
  Journal journal(path, identity());
  const InterruptGuard guard;
  TuneResult result;
  if (journal.has_begun()) {
    start_ = journal.start();
    log_info(fmt::format("going on with {}: {} trainings are done", path.string(),
                         journal.finished().size()));
  } else {
    const std::optional<SearchStart> start = begin();
    if (!start) {
      result.interrupted = true;
      return result;
    }
    start_ = *start;
    journal.begin(start_);
  }
  for (const std::string& line : start_.choice) log_info(line);
  Config base = given_;
  take_choices(parse_config(start_.chosen, path.string()), base);
  // Where the space has what a distribution of counts does not go with, each trial has its own.
  const bool decides_loss = std::ranges::any_of(space_.keys, [](const SpaceKey& key) {
    return key.key == "network.space" || key.key == "network.scaling";
  });
  if (decides_loss) base.training.loss = given_.training.loss;

  const DrawnTrials drawn = draw_trials(base, space_, given_.tune.trials,
                                        [&](const Config& config) { return misfit(config); });
  if (drawn.misfits > 0) {
    log_info(fmt::format("{} draws left out, as their settings do not go together: {}",
                         drawn.misfits, drawn.misfit));
  }
  const auto trials = static_cast<std::int64_t>(drawn.trials.size()) - 1;
  if (drawn.exhausted) log_info(fmt::format("the space has no more than {} trials", trials));

  SearchSetup setup;
  setup.plan = plan(trials);
  setup.jobs = given_.tune.jobs;
  setup.threads = given_.engine.threads > 0 ? given_.engine.threads : omp_get_max_threads();
  setup.seconds = given_.tune.seconds;
  setup.objective = [&](const Config& config, double share, int threads,
                        const std::function<bool(double)>& goes_on) {
    return objective(config, share, threads, goes_on);
  };
  log_info(fmt::format(
      "{} trials on {} rung{}, about {:.1f} trainings of {} steps{}", trials, setup.plan.rungs,
      setup.plan.rungs == 1 ? "" : "s", cost_of(setup.plan) * static_cast<double>(folds_.size()),
      folds_[0]->total_steps(), setup.jobs > 1 ? fmt::format(", {} at once", setup.jobs) : ""));
  TuneProgress progress(start_.measure, trials, journal.finished());
  setup.watch = [&](double done) {
    progress.at(done);
    return !InterruptGuard::requested();
  };
  setup.ended = [&](const FinishedRun& run) { progress.ended(run); };
  const SearchEnd end = search(setup, drawn.trials, journal);
  if (end == SearchEnd::out_of_time) {
    log_info(fmt::format("tune.seconds ({:g}) are over; more of them, or none, go on from here",
                         given_.tune.seconds));
  }
  result.interrupted = end == SearchEnd::stopped;
  std::vector<FinishedRun> runs = journal.finished();
  std::erase_if(runs, [&](const FinishedRun& run) { return run.run.trial > trials; });
  std::ranges::sort(runs, {}, &FinishedRun::run);
  if (runs.empty()) return result;
  result.table = tune_table(runs, start_, kShown);
  if (const FinishedRun* best = best_of(runs)) {
    result.trial = best->run.trial;
    result.config = drawn.trials[static_cast<std::size_t>(best->run.trial)].config;
    write_result(result, *best, runs);
  }
  return result;
}

}  // namespace

Split split_of_fold(const Split& split, int fold) {
  Split out = split;
  for (std::size_t s = 0; s < split.train_end.size(); ++s) {
    const std::int64_t length = split.valid_end[s] - split.train_end[s];
    const std::int64_t back = fold * length;
    // As much to train on is left as there is to score.
    const bool fits = split.train_end[s] - back >= std::max<std::int64_t>(length, 1);
    out.train_end[s] = fits ? split.train_end[s] - back : 0;
    out.valid_end[s] = fits ? split.valid_end[s] - back : 0;
  }
  return fold == 0 ? split : out;
}

TuneResult tune(const Config& config, const TuneSpace& space, const Catalog& catalog) {
  return Tuning(config, space, catalog).run();
}

}  // namespace sluice
