#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/steady_seconds.hpp"
#include "run/checkpoint/spec_names.hpp"
#include "run/choice/evidence.hpp"
#include "run/choice/known_inputs.hpp"
#include "run/choice/trial.hpp"
#include "run/interrupt.hpp"
#include "run/training/progress.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Of two that differ by less than this share, the one stays that was there first.
constexpr double kWorth = 0.005;
/// And by less than so many standard errors of the difference.
constexpr double kStandardErrors = 1;
/// Steps of a candidate's training that tell anything.
constexpr std::int64_t kFewestSteps = 50;
/// More of them tell candidates apart no better.
constexpr std::int64_t kMostSteps = 200;
/// What training.choice is a share of where nothing says how many steps a training has.
constexpr std::int64_t kUsualSteps = 1400;

struct Candidate {
  std::string name;
  Config config;
};

template <typename Choice>
std::string name_of(Choice choice) {
  return std::string(names_of(choice).at(static_cast<std::size_t>(choice)));
}

class Chooser {
 public:
  Chooser(const Config& config, const Catalog& catalog, const Split& split,
          const TrainOptions& options, const BesideForecasts& beside)
      : given_(config),
        catalog_(catalog),
        split_(split),
        options_(options),
        beside_(beside),
        trials_(config, catalog, split),
        best_(with_rules(config)) {}

  Choice run();

 private:
  /// `config` with what is open decided by rules.
  Config with_rules(const Config& config) const;
  bool fits(const Config& config) const;
  using Kind = std::pair<const char*, std::vector<Candidate> (Chooser::*)() const>;
  std::vector<Candidate> bases() const;
  std::vector<Candidate> other_bases() const;
  std::vector<Candidate> levels() const;
  std::vector<Candidate> weights() const;
  std::vector<Candidate> years() const;
  std::vector<Candidate> known() const;
  void add(std::vector<Candidate>& candidates, std::string name, Config config) const;
  std::string name_now(std::string_view kind) const;
  bool plan();
  double measured(const Metrics& metrics) const;
  Metrics measure_simple_methods();
  bool has_few_windows() const;
  bool measure_trend(const Metrics& naive) const;
  /// What is known of a candidate that has been trained.
  struct Tried {
    ChoiceRow row;
    std::vector<double> errors;  ///< by `measured`, of every forecast
  };
  Tried tried(const char* kind, const Candidate& candidate);
  bool is_better(const Tried& now, const Tried& kept, bool kept_was_there) const;
  void decide(const Kind& kind);
  bool is_over() const { return stopped_ || behind_; }

  // Space and base go together: what a season is worth depends on the space it is seen in.
  static constexpr Kind kKinds[] = {
      {"space, base", &Chooser::bases},     {"known inputs", &Chooser::known},
      {"series weight", &Chooser::weights}, {"level", &Chooser::levels},
      {"base", &Chooser::other_bases},      {"yearly terms", &Chooser::years}};

  const Config& given_;
  const Catalog& catalog_;
  const Split& split_;
  const TrainOptions& options_;
  const BesideForecasts& beside_;
  Trials trials_;
  Config best_;
  std::optional<Tried> best_tried_;
  std::size_t kinds_ = 0;  ///< that the budget allows, the first ones
  int runs_ = 0, run_ = 0;
  TrialLimits limits_;
  bool trend_is_ahead_ = false;  ///< by itself, of seasonal naive: else it is not tried
  bool stopped_ = false;         ///< by a signal or the watch
  bool behind_ = false;          ///< training.max_seconds leaves too few steps
  Choice choice_;
};

Config Chooser::with_rules(const Config& config) const {
  return with_choices_of(resolve_model(config, catalog_, split_.train_end, split_.valid_end),
                         catalog_.frequency(), config);
}

/// Whether its settings go together.
bool Chooser::fits(const Config& config) const {
  try {
    static_cast<void>(target_scaling(
        config, resolve_model(config, catalog_, split_.train_end, split_.valid_end)));
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

void Chooser::add(std::vector<Candidate>& candidates, std::string name, Config config) const {
  const bool there = config == best_ || std::ranges::any_of(candidates, [&](const Candidate& c) {
                       return c.config == config;
                     });
  if (!there && fits(config)) candidates.push_back({std::move(name), std::move(config)});
}

std::vector<Candidate> Chooser::bases() const {
  const Config::Network& n = given_.network;
  std::vector<std::string> spaces = {best_.network.space}, names = {best_.network.base};
  if (n.space == "auto") {
    spaces = {"linear", "asinh"};
    if (have_logarithms(catalog_, split_.valid_end)) spaces.insert(spaces.begin(), "log");
  }
  if (n.base == "auto") {
    names = {"none", season_length(catalog_.frequency()) > 1 ? "seasonal" : "last"};
  }
  std::vector<Candidate> out;
  for (const std::string& space : spaces) {
    for (const std::string& base : names) {
      Config config = best_;
      config.network.space = space;
      config.network.base = base;
      add(out, space + ", " + base, std::move(config));
    }
  }
  return out;
}

std::vector<Candidate> Chooser::other_bases() const {
  std::vector<Candidate> out;
  if (given_.network.base != "auto") return out;
  for (const Base base : {Base::last, Base::trend}) {
    if (base == Base::trend && !trend_is_ahead_) continue;
    Config config = best_;
    config.network.base = name_of(base);
    add(out, name_of(base), std::move(config));
  }
  return out;
}

std::vector<Candidate> Chooser::levels() const {
  std::vector<Candidate> out;
  Config config = best_;
  config.network.level = "smoothing";
  const bool has_level = best_.network.level != "none";
  if (given_.network.level == "auto" && has_level) add(out, "smoothing", std::move(config));
  return out;
}

std::vector<Candidate> Chooser::weights() const {
  std::vector<Candidate> out;
  if (given_.training.series_weight || catalog_.series_count() < 2) return out;
  for (const double power : {0.5, 1.0}) {
    Config config = best_;
    config.training.series_weight = power;
    add(out, fmt::format("{:g}", power), std::move(config));
  }
  return out;
}

std::vector<Candidate> Chooser::years() const {
  std::vector<Candidate> out;
  // The rule takes them only from data that are long enough to tell.
  if (given_.network.calendar_year || !best_.network.calendar_year.value_or(false)) return out;
  Config config = best_;
  config.network.calendar_year = false;
  add(out, "no", std::move(config));
  return out;
}

std::vector<Candidate> Chooser::known() const {
  std::vector<Candidate> out;
  for (auto& [name, config] : without_known_inputs(given_, best_)) {
    add(out, std::move(name), std::move(config));
  }
  return out;
}

/// What the best so far has of a kind.
std::string Chooser::name_now(std::string_view kind) const {
  const Config::Network& n = best_.network;
  if (kind == "space, base") return n.space + ", " + n.base;
  if (kind == "base") return n.base;
  if (kind == "level") return n.level;
  if (kind == "known inputs") return known_inputs_name(best_);
  if (kind == "yearly terms") return n.calendar_year.value_or(false) ? "yes" : "no";
  return fmt::format("{:g}", best_.training.series_weight.value_or(0));
}

/// How many kinds and steps the budget allows; false: none.
bool Chooser::plan() {
  const Config::Training& t = given_.training;
  std::int64_t all = trials_.total_steps();
  if (all == 0) all = kUsualSteps;
  const auto budget = static_cast<std::int64_t>(t.choice * static_cast<double>(all));
  int runs = 1;
  kinds_ = 0;
  for (const auto& [what, candidates_of] : kKinds) {
    const auto more = static_cast<int>((this->*candidates_of)().size());
    if (budget / (runs + more) < kFewestSteps) break;
    runs += more;
    ++kinds_;
  }
  if (runs == 1) return false;
  runs_ = runs;
  limits_.steps = std::min(budget / runs, kMostSteps);
  if (t.max_seconds > 0) {
    const double trainings = 1 + (t.final_fit ? t.seeds : t.seeds - 1);
    limits_.seconds = t.max_seconds * t.choice / (t.choice + trainings) / runs;
  }
  return true;
}

double Chooser::measured(const Metrics& metrics) const {
  if (choice_.measure == "WAPE") return metrics.wape;
  return choice_.measure == "RMSSE" ? metrics.rmsse : metrics.mase;
}

/// Whether a training comes back to its windows. Of more of them than it sees, a network learns
/// growth by itself, and a trend is but ahead at first, which is when candidates are compared.
bool Chooser::has_few_windows() const {
  const std::int64_t all = trials_.total_steps();
  return trials_.training_windows(best_) <=
         (all > 0 ? all : kUsualSteps) * std::int64_t{given_.training.batch_size};
}

/// Whether a damped trend that no network corrects is ahead of seasonal naive. A distribution puts
/// a base into its mean, and makes a count of what is below 0; its medians lie lower. So there both
/// are the means that it makes of them.
bool Chooser::measure_trend(const Metrics& naive) const {
  Config config = best_;
  config.network.base = name_of(Base::trend);
  if (!fits(config)) return false;
  const TrialResult trend = trials_.run(config, {}, {});
  if (trend.mean_score.points == 0) return measured(trend.score) < measured(naive);
  config.network.base =
      name_of(season_length(catalog_.frequency()) > 1 ? Base::seasonal : Base::last);
  if (!fits(config)) return false;
  const Metrics means = trials_.run(config, {}, {}).mean_score;
  return std::isfinite(means.rmsse) ? trend.mean_score.rmsse < means.rmsse
                                    : trend.mean_score.wape < means.wape;
}

/// Seasonal naive and its like, and what is shown beside them; gives the scores of the first one,
/// which that is.
Metrics Chooser::measure_simple_methods() {
  Metrics naive;
  const auto add_row = [&](const std::string& name, const Metrics& metrics, std::int64_t windows) {
    choice_.rows.push_back({.what = "beside",
                            .name = name,
                            .score = measured(metrics),
                            .wql = kNone,
                            .windows = windows});
  };
  for (const auto& [name, method] : trials_.simple_methods()) {
    const Metrics metrics = trials_.score(method);
    if (choice_.rows.empty()) naive = metrics;
    add_row(name, metrics, trials_.windows());
  }
  for (std::size_t i = 0; i < beside_.names.size(); ++i) {
    if (beside_.names[i].empty()) continue;
    add_row(beside_.names[i], trials_.score(beside_, i), std::ssize(beside_.windows));
  }
  return naive;
}

Chooser::Tried Chooser::tried(const char* kind, const Candidate& candidate) {
  const std::string label = fmt::format("choice {}/{}", ++run_, runs_);
  const TrainWatch watch = [&](const TrainProgress& at) {
    TrainProgress named = at;
    named.label = label;
    named.refit = options_.refit;
    stopped_ = stopped_ || (options_.watch ? !options_.watch(named) : InterruptGuard::requested());
    return !stopped_;
  };
  TrialResult result = trials_.run(candidate.config, limits_, watch);
  behind_ = behind_ || (limits_.seconds > 0 && !result.failed && result.steps < kFewestSteps);
  ForecastErrors& errors = result.errors;
  return {.row = {.what = kind,
                  .name = candidate.name,
                  .score = measured(result.score),
                  .wql = result.score.wql,
                  .steps = result.steps,
                  .windows = trials_.windows()},
          .errors = std::move(choice_.measure == "WAPE"    ? errors.mae
                              : choice_.measure == "RMSSE" ? errors.rmsse
                                                           : errors.mase)};
}

/// One that was there first must be beaten beyond chance.
bool Chooser::is_better(const Tried& now, const Tried& kept, bool kept_was_there) const {
  if (!std::isfinite(now.row.score)) return false;
  if (!std::isfinite(kept.row.score)) return true;
  if (!kept_was_there) return now.row.score < kept.row.score;
  const double gain = 1 - now.row.score / kept.row.score;
  if (!(gain >= kWorth)) return false;
  const PairedErrors paired{
      .before = kept.errors, .after = now.errors, .group_of = trials_.groups()};
  const Gain beyond = gain_of(paired);
  return beyond.mean > kStandardErrors * beyond.standard_error;
}

void Chooser::decide(const Kind& kind) {
  const auto& [what, candidates_of] = kind;
  const std::vector<Candidate> candidates = (this->*candidates_of)();
  if (candidates.empty() || run_ == runs_) return;
  if (!best_tried_) best_tried_ = tried(what, {name_now(what), best_});
  std::vector<Tried> rows = {*best_tried_};  // as it was measured when it was taken
  rows[0].row.what = what;
  rows[0].row.name = name_now(what);
  rows[0].row.kept = false;
  std::size_t kept = 0;
  for (const Candidate& candidate : candidates) {
    // A kind may have become larger by what was taken before it than the plan knew.
    if (is_over() || run_ == runs_) break;
    Tried now = tried(what, candidate);
    if (is_over()) break;  // what was cut short is not compared
    rows.push_back(std::move(now));
    if (is_better(rows.back(), rows[kept], kept == 0)) {
      kept = rows.size() - 1;
      best_ = candidate.config;
    }
  }
  rows[kept].row.kept = true;
  for (const Tried& one : rows) choice_.rows.push_back(one.row);
  best_tried_ = std::move(rows[kept]);
}

Choice Chooser::run() {
  const double start = steady_seconds();
  choice_.config = given_;
  if (!fits(best_)) return choice_;  // which the training refuses
  if (!trials_.can_score()) {
    choice_.unchosen = "nothing chosen by validation: no forecast of data.valid has a score";
    return choice_;
  }
  if (!plan()) {
    choice_.unchosen =
        "nothing chosen by validation: too few steps (training.steps, training.choice)";
    return choice_;
  }
  choice_.windows = trials_.windows();
  Metrics naive;
  for (const std::string& measure :
       {measure_of_points(given_.training.loss), std::string("WAPE")}) {
    choice_.measure = measure;
    choice_.rows.clear();
    naive = measure_simple_methods();
    if (std::isfinite(measured(naive))) break;
  }
  // Nothing is spent on it where the budget ends before bases.
  const bool reaches_bases = std::any_of(kKinds, kKinds + kinds_, [](const Kind& kind) {
    return std::string_view(kind.first) == "base";
  });
  if (reaches_bases && given_.network.base == "auto" && has_few_windows() && measure_trend(naive)) {
    trend_is_ahead_ = true;
    plan();
  }
  std::vector<std::string_view> untried;
  for (const Kind& kind : kKinds) {
    const bool is_planned = &kind < kKinds + kinds_;
    const bool open = !(this->*kind.second)().empty();
    if (is_planned && !is_over()) decide(kind);
    // Or not with all candidates.
    if (open && (!is_planned || is_over())) untried.emplace_back(kind.first);
  }
  // The simple methods come last in the table.
  std::stable_partition(choice_.rows.begin(), choice_.rows.end(),
                        [](const ChoiceRow& row) { return row.steps > 0 || row.what != "beside"; });
  choice_.stopped = stopped_;
  choice_.seconds = steady_seconds() - start;
  // training.max_seconds may end it before anything was compared.
  const auto compared =
      std::ranges::count_if(choice_.rows, [](const ChoiceRow& row) { return row.steps > 0; });
  if (compared < 2) {
    choice_.rows.clear();
    if (behind_) {
      choice_.unchosen = "nothing chosen by validation: too little time (training.max_seconds)";
    }
    return choice_;
  }
  if (!untried.empty()) {
    choice_.unchosen = fmt::format(
        "no {} for {}", behind_ ? "time (training.max_seconds)" : "steps (training.choice)",
        fmt::join(untried, "; "));
  }
  choice_.config = best_;
  return choice_;
}

}  // namespace

bool leaves_choices(const Config& config) {
  const Config::Network& n = config.network;
  return config.training.loss == "auto" || n.space == "auto" || n.base == "auto" ||
         n.level == "auto" || (!n.calendar_year && n.calendar.value_or(true)) ||
         !config.training.series_weight || !without_known_inputs(config, config).empty();
}

std::string loss_name(const Config& config, const Catalog& catalog, const Split& split) {
  if (config.training.loss != "auto") return config.training.loss;
  return name_of(resolve_model(config, catalog, split.train_end, split.valid_end).loss);
}

std::string measure_of_points(const std::string& loss) {
  constexpr auto names = names_of(Loss{});
  const auto which = static_cast<Loss>(std::ranges::find(names, loss) - names.begin());
  return which == Loss::mse || is_nonnegative(which) ? "RMSSE" : "MASE";
}

Choice choose(const Config& config, const Catalog& catalog, const Split& split,
              const TrainOptions& options, const BesideForecasts& beside) {
  Config known = config;
  known.training.loss = loss_name(config, catalog, split);
  if (config.training.choice == 0 || !leaves_choices(known) || !has_validation(known)) {
    Choice none;
    none.config = std::move(known);
    return none;
  }
  return Chooser(known, catalog, split, options, beside).run();
}

Config with_choices_of(const ModelSpec& spec, const Frequency& frequency, const Config& config) {
  Config decided = config;
  decided.training.loss = name_of(spec.loss);
  decided.network.space = name_of(spec.space);
  decided.network.level = name_of(spec.level);
  decided.network.base = name_of(spec.base);
  if (spec.calendar > 0 && !decided.network.calendar_year) {
    decided.network.calendar_year = spec.calendar == calendar_size(frequency);
  }
  if (!decided.training.series_weight) decided.training.series_weight = 0;
  if (!without_known_inputs(config, config).empty()) decided.data.left_out.emplace();
  return decided;
}

void take_choices(const Config& decided, Config& config) {
  const auto take = [](const auto& from, auto& to, bool open) {
    if (open) to = from;
  };
  const Config::Network& from = decided.network;
  Config::Network& to = config.network;
  take(decided.training.loss, config.training.loss, config.training.loss == "auto");
  take(from.space, to.space, to.space == "auto");
  take(from.base, to.base, to.base == "auto");
  take(from.level, to.level, to.level == "auto");
  take(from.calendar_year, to.calendar_year, !to.calendar_year);
  take(decided.training.series_weight, config.training.series_weight,
       !config.training.series_weight);
  take(decided.data.left_out, config.data.left_out, !config.data.left_out);
}

}  // namespace sluice
