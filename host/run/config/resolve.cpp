// Every "auto" of the configuration is decided here.
#include "sluice/run/resolve.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "base/text.hpp"
#include "run/config/catalog_facts.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/config/loss.hpp"
#include "run/config/sampled_pasts.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

/// What suits a frequency; measured on M4 Hourly, Walmart and shop data (docs/results.md).
struct FrequencyDefaults {
  int time_step, predict_day;
};

/// A day of steps, or if those are many six hours or one, for grids below an hour.
int steps_of_a_day_or_less(int day) {
  constexpr int kMostSteps = 144;
  for (const int parts : {1, 4, 24}) {
    if (day / parts <= kMostSteps) return std::max(1, day / parts);
  }
  return std::min(day, kMostSteps);
}

FrequencyDefaults defaults_of(const Frequency& frequency) {
  const int season = season_length(frequency);
  switch (frequency.unit) {
    case Unit::second:
      return {96, 60};
    case Unit::minute:
      return {std::max(48, std::min(season, 192)), steps_of_a_day_or_less(season)};
    case Unit::hour:
      // Two days; a week of half days.
      return {96, static_cast<int>(std::max<std::int64_t>(48 / frequency.multiple, 14))};
    case Unit::day:
      return {56, 14};
    case Unit::business_day:
      return {40, 10};
    case Unit::week:
      return {52, 13};
    case Unit::month:
      return {24, 12};
    case Unit::quarter:
      return {12, 8};
    case Unit::year:
      return {8, 6};
    case Unit::integer:
      return {32, 8};
  }
  return {32, 8};
}

/// Calendar terms, the first ones, that come round within a week: the others tell the time of year.
int calendar_size_within_weeks(const Frequency& frequency) {
  const std::vector<std::string> names = calendar_names(frequency);
  return static_cast<int>(std::ranges::count_if(
      names, [](const std::string& name) { return name.find("_of_year") == std::string::npos; }));
}

template <typename Choice>
Choice choose(const std::string& text,
              std::initializer_list<std::pair<const char*, Choice>> choices, const char* key) {
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
  }
  throw ConfigError(fmt::format("{} = \"{}\" is not a choice", key, text));
}

/// Long seasons of a level. The level of a path comes to be a mean of what the path has drawn: the
/// fewer the steps, the faster it walks away, and a total with it (docs/results.md).
int level_seasons(const ModelSpec& spec, int long_season) {
  return spec.is_recursive() ? std::max(2, (spec.K + long_season - 1) / long_season) : 1;
}

/// Arrow looks the words up in a tree whose nodes have 16 bits; a node holds a letter or more.
void check_missing_words(const std::vector<std::string>& words) {
  constexpr std::size_t kMostLetters = 10'000;
  std::size_t letters = 0;
  for (const std::string& word : words) letters += word.size();
  if (letters > kMostLetters) {
    throw ConfigError(fmt::format(
        "data.missing has {} words of {} bytes together; {} bytes are the most: name the words "
        "that mean 'no value', and correct other cells in the file",
        words.size(), letters, kMostLetters));
  }
}

}  // namespace

std::vector<double> level_quantiles(const std::vector<double>& levels) {
  std::vector<double> quantiles = {0.5};
  std::set<std::string> names;  // as columns write them
  for (const double level : levels) {
    if (!(level >= 1 && level < 100)) {
      throw ConfigError(fmt::format(
          "forecast.levels has {}; a level is a percentage from 1 to below 100", level));
    }
    if (!names.insert(fmt::format("{:g}", level)).second) {
      throw ConfigError(fmt::format(
          "forecast.levels has {:g} twice ({}); give each level once, and no more than 6 digits",
          level, fmt::join(levels, ", ")));
    }
    // Rounded, so that 80 gives .1 and .9 and not their neighbours.
    quantiles.push_back(std::round((50 - level / 2) * 1e6) / 1e8);
    quantiles.push_back(std::round((50 + level / 2) * 1e6) / 1e8);
  }
  std::sort(quantiles.begin(), quantiles.end());
  quantiles.erase(std::unique(quantiles.begin(), quantiles.end()), quantiles.end());
  return quantiles;
}

CatalogSpec catalog_spec(const Config& config) {
  CatalogSpec spec;
  if (config.path.data.empty()) {
    throw ConfigError(
        "path.data names no file; set it in the configuration or give --path.data FILE");
  }
  for (const std::string& path : config.path.data) spec.read.paths.emplace_back(path);
  const Config::Data& d = config.data;
  spec.read.format = parse_table_format(d.format);
  if (d.delimiter.size() != 1 && d.delimiter != "auto") {
    throw ConfigError(
        fmt::format("data.delimiter is \"{}\"; it must be one character", d.delimiter));
  }
  spec.read.delimiter = d.delimiter == "auto" ? '\0' : d.delimiter[0];
  spec.read.encoding = d.encoding;
  spec.read.decimal = d.decimal == "auto" ? '\0' : d.decimal[0];
  check_missing_words(d.missing);
  spec.read.missing = d.missing;
  spec.read.max_rows = config.mode.debug_rows;
  spec.read.max_bytes = d.max_bytes;
  spec.layout = choose<Layout>(d.layout,
                               {{"auto", Layout::automatic},
                                {"long", Layout::long_form},
                                {"single", Layout::single},
                                {"columns", Layout::columns},
                                {"rows", Layout::rows}},
                               "data.layout");
  spec.id = d.id;
  if (!d.time.empty()) {
    spec.time = d.time.front();
    spec.more_time.assign(d.time.begin() + 1, d.time.end());
  }
  spec.targets = d.targets;
  spec.past = d.past;
  check_left_out(d);
  spec.future = without_left_out(d.future, d);
  spec.static_reals = d.static_reals;
  spec.static_categories = d.static_categories;
  spec.past_categories = d.past_categories;
  spec.future_categories = without_left_out(d.future_categories, d);
  spec.future_for_all = d.future_for_all;
  spec.covariate_gaps = d.covariate_gaps;
  spec.groups = d.groups;
  if (!d.groups.empty() && d.end == "series") {
    throw ConfigError(
        "data.end = \"series\" ends each series at its own last value, and forecasts add up "
        "(data.groups) where all begin together; set data.end = \"common\" or a date");
  }
  spec.end = !d.groups.empty() && d.end == "auto" ? "common" : d.end;
  spec.ended_after = d.ended_after;
  spec.max_steps = d.max_steps;
  spec.time_format = d.time_format;
  spec.time_zone = d.time_zone;
  spec.align_to_period = d.align == "period";
  spec.aggregate = d.aggregate;
  spec.aggregate_by = d.aggregate_by;
  spec.frequency = d.frequency;
  spec.start = d.start;
  spec.first_value = d.first_value;
  if (!config.path.future.empty()) {
    if (d.future.empty() && d.future_categories.empty()) {
      throw ConfigError(
          fmt::format("path.future = {} is given and data.future names no column of it; name "
                      "its columns in data.future (numbers) or data.future_categories (words)",
                      fmt::join(config.path.future, ",")));
    }
    // With all of its columns left out there is nothing to read in it.
    if (!spec.future.empty() || !spec.future_categories.empty()) {
      spec.future_files.assign(config.path.future.begin(), config.path.future.end());
    }
  }
  if (!config.path.statics.empty()) {
    if (d.static_reals.empty() && d.static_categories.empty()) {
      throw ConfigError(
          fmt::format("path.statics = {} is given and no column of it is asked for; name its "
                      "columns in data.static_reals or data.static_categories",
                      fmt::join(config.path.statics, ",")));
    }
    spec.static_files.assign(config.path.statics.begin(), config.path.statics.end());
  }
  spec.gaps = choose<GapPolicy>(d.gaps,
                                {{"missing", GapPolicy::missing},
                                 {"zero", GapPolicy::zero},
                                 {"forward_fill", GapPolicy::forward_fill},
                                 {"error", GapPolicy::error}},
                                "data.gaps");
  spec.duplicates = choose<DuplicatePolicy>(d.duplicates,
                                            {{"error", DuplicatePolicy::error},
                                             {"first", DuplicatePolicy::first},
                                             {"last", DuplicatePolicy::last},
                                             {"sum", DuplicatePolicy::sum},
                                             {"mean", DuplicatePolicy::mean}},
                                            "data.duplicates");
  return spec;
}

int season_of(const Config& config, const Frequency& frequency) {
  return config.evaluate.season > 0 ? config.evaluate.season : season_length(frequency);
}

int horizon_steps(const Config& config, const Frequency& frequency) {
  return config.network.predict_day > 0 ? config.network.predict_day
                                        : defaults_of(frequency).predict_day;
}

std::int64_t evaluated_steps(const Config& config, const Frequency& frequency) {
  const std::int64_t K = horizon_steps(config, frequency);
  const Config::Evaluate& e = config.evaluate;
  return K + (e.n_windows - 1) * (e.step > 0 ? std::int64_t{e.step} : K);
}

SplitSpec split_spec(const Config& config, const Catalog& catalog) {
  constexpr double kShare = 0.1;
  SplitSpec split{.valid = config.data.valid.value_or(kShare),
                  .test = config.data.test.value_or(kShare)};
  if (config.data.test || config.evaluate.refit > 0) return split;
  const std::int64_t scored = evaluated_steps(config, catalog.frequency());
  std::int64_t roomy = 0, with_history = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    with_history += catalog.history(s) > 0 ? 1 : 0;
    roomy += catalog.history(s) >= 2 * scored ? 1 : 0;
  }
  if (2 * roomy >= with_history) split.test_at_least = scored;
  return split;
}

bool has_validation(const Config& config) { return config.data.valid.value_or(1) > 0; }

Split training_split(const Config& config, const Catalog& catalog,
                     std::span<const std::int64_t> end) {
  SplitSpec parts = split_spec(config, catalog);
  if (!end.empty()) parts = {.valid = parts.valid};
  Split split = split_by_time(catalog, parts, end);
  if (config.data.valid) return split;
  // A tenth of a short history is less than a forecast.
  const std::int64_t K = horizon_steps(config, catalog.frequency());
  for (std::size_t s = 0; s < split.train_end.size(); ++s) {
    if (split.valid_end[s] < 2 * K) continue;
    split.train_end[s] = std::min(split.train_end[s], split.valid_end[s] - K);
  }
  // A tenth of a few steps is none, or, where most are held out, all that are left.
  const bool none = std::ranges::equal(split.train_end, split.valid_end);
  const std::int64_t least = std::max<std::int64_t>(config.data.min_history, 2);
  for (std::size_t s = 0; s < split.train_end.size(); ++s) {
    if (split.valid_end[s] <= least) continue;
    split.train_end[s] = std::clamp(split.train_end[s], least, split.valid_end[s] - (none ? 1 : 0));
  }
  return split;
}

bool have_logarithms(const Catalog& catalog, std::span<const std::int64_t> end) {
  return look_at_targets(catalog, end).not_positive.empty();
}

std::string held_out_text(const Config& config, const Catalog& catalog) {
  const SplitSpec parts = split_spec(config, catalog);
  if (parts.test == 0 && parts.test_at_least == 0)
    return "held out for evaluate: nothing (data.test)";
  const std::string part = parts.test < 1 ? fmt::format("{:g} %", 100 * parts.test)
                                          : steps_text(std::llround(parts.test));
  return fmt::format(
      "held out for evaluate (data.test): the last {} of each series{}; evaluate scores {}", part,
      parts.test_at_least > 0 ? ", at least " + steps_text(parts.test_at_least) : "",
      steps_text(evaluated_steps(config, catalog.frequency())));
}

ModelSpec resolve_model(const Config& config, const Catalog& catalog,
                        std::span<const std::int64_t> end, std::span<const std::int64_t> seen) {
  const Config::Network& n = config.network;
  const Config::Training& t = config.training;
  const Frequency& frequency = catalog.frequency();
  const int season = season_length(frequency), long_season = long_season_length(frequency);
  const FrequencyDefaults defaults = defaults_of(frequency);
  const TargetFacts facts = look_at_targets(catalog, seen.empty() ? end : seen);

  ModelSpec s;
  s.loss = choose<Loss>(t.loss,
                        {{"auto", automatic_loss(config, facts)},
                         {"mse", Loss::mse},
                         {"mae", Loss::mae},
                         {"huber", Loss::huber},
                         {"quantile", Loss::quantile},
                         {"gaussian", Loss::gaussian},
                         {"student_t", Loss::student_t},
                         {"poisson", Loss::poisson},
                         {"negative_binomial", Loss::negative_binomial},
                         {"tweedie", Loss::tweedie}},
                        "training.loss");
  check_values(s.loss, t.loss, n.decoding == "recursive", facts);
  if (s.loss == Loss::tweedie) s.tweedie_power = static_cast<float>(t.tweedie_power);
  s.H = n.hidden_size;
  s.L = n.layers;
  s.dropout = static_cast<float>(n.dropout);
  s.K = horizon_steps(config, frequency);
  s.decoding = choose<Decoding>(n.decoding,
                                {{"direct", Decoding::direct}, {"recursive", Decoding::recursive}},
                                "network.decoding");
  s.M = catalog.count(Role::target);
  s.patch = n.patch;
  if (n.time_step > 0) {
    s.T = n.time_step;
  } else {
    // Most series should fill a window and still leave steps to learn from.
    std::vector<std::int64_t> lengths;
    // Ids that only path.future has say nothing of how long a window should be.
    std::copy_if(end.begin(), end.end(), std::back_inserter(lengths),
                 [](std::int64_t length) { return length > 0; });
    if (lengths.empty()) lengths.push_back(0);
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::nth_element(lengths.begin(), middle, lengths.end());
    s.T = static_cast<int>(std::clamp<std::int64_t>(*middle / 2, 2, defaults.time_step));
    s.T = (s.T + n.patch - 1) / n.patch * n.patch;
  }

  const std::string window_prefix = "window_";
  const bool by_window = n.scaling.starts_with(window_prefix);
  if (by_window) {
    s.window_scaling = choose<WindowScaling>(n.scaling,
                                             {{"window_mean", WindowScaling::mean},
                                              {"window_standard", WindowScaling::standard},
                                              {"window_robust", WindowScaling::robust}},
                                             "network.scaling");
  }
  const Space auto_space = facts.not_positive.empty() && !by_window && !is_nonnegative(s.loss)
                               ? Space::log
                               : Space::linear;
  s.space = choose<Space>(n.space,
                          {{"auto", auto_space},
                           {"linear", Space::linear},
                           {"log", Space::log},
                           {"asinh", Space::asinh}},
                          "network.space");
  if (s.space == Space::log && !is_nonnegative(s.loss) && !facts.not_positive.empty()) {
    throw DataError(
        fmt::format("{}, and log space needs values above 0; set network.space = \"linear\"",
                    facts.not_positive));
  }
  s.level = choose<Level>(n.level,
                          {{"auto", by_window ? Level::none : Level::mean},
                           {"none", Level::none},
                           {"mean", Level::mean},
                           {"smoothing", Level::smoothing}},
                          "network.level");
  s.level_window =
      n.level_window.value_or(std::max(level_seasons(s, long_season) * long_season, 4));
  s.smoothing_alpha = static_cast<float>(n.smoothing_alpha);
  const Base auto_base = s.space == Space::linear ? Base::none
                         : season > 1             ? Base::seasonal
                                                  : Base::last;
  s.base = choose<Base>(n.base,
                        {{"auto", auto_base},
                         {"none", Base::none},
                         {"last", Base::last},
                         {"seasonal", Base::seasonal},
                         {"smoothing", Base::smoothing},
                         {"trend", Base::trend}},
                        "network.base");
  s.base_season = n.base_season.value_or(season);
  s.trend_damping = static_cast<float>(n.trend_damping);
  if (n.lags) {
    s.lags = *n.lags;
  } else if (season > 1) {
    s.lags =
        long_season != season ? std::vector<int>{season, long_season} : std::vector<int>{season};
  }
  s.context = n.context.value_or(season > 1 ? std::min(season, 96) : std::min(s.T, 4));
  s.seasonal_context = n.seasonal_context.value_or(season > 1 ? long_season : 0);
  s.forking = n.forking.value_or(!by_window);
  s.warmup = s.forking ? n.warmup.value_or(s.T / 4) : 0;
  s.head_hidden = n.head_hidden.value_or(2 * s.H);
  s.level_input = n.level_input.value_or(s.level != Level::none && s.space != Space::log);
  s.level_change = n.level_change.value_or(s.level != Level::none && frequency.unit >= Unit::day);
  s.missing_indicator = facts.any_missing;
  s.past_channels = catalog.count(Role::past);
  s.future_channels = catalog.count(Role::future);
  if (n.calendar.value_or(true)) {
    s.calendar = n.calendar_year.value_or(holds_years(catalog, end))
                     ? calendar_size(frequency)
                     : calendar_size_within_weeks(frequency);
  }
  s.static_reals = static_cast<int>(catalog.static_reals().size());
  for (const std::vector<std::string>& vocabulary : series_vocabularies(config, catalog, end)) {
    const std::size_t words = vocabulary.size();
    s.embeddings.push_back({static_cast<int>(words), embedding_width(config, words)});
  }
  const auto vocabularies = step_vocabularies(config, catalog, end);
  for (std::size_t e = 0; e < vocabularies.size(); ++e) {
    const std::size_t words = vocabularies[e].size();
    s.step_embeddings.push_back({.cardinality = static_cast<int>(words),
                                 .width = embedding_width(config, words),
                                 .future = catalog.categories()[e].role == Role::future});
  }
  // The plain network starts like PyTorch's; with anything to correct, the model begins as its
  // base.
  s.head_starts_at_zero = s.base != Base::none || s.level != Level::none;
  s.carry_state = t.carry_state;
  s.huber_delta = static_cast<float>(t.huber_delta);
  s.level_weight = static_cast<float>(t.level_weight);
  if (s.loss == Loss::quantile) {
    for (const double q : level_quantiles(config.forecast.levels)) {
      s.quantiles.push_back(static_cast<float>(q));
    }
  }
  check_spec(s);
  check_sampled_pasts(t, s);
  return s;
}

int embedding_width(const Config& config, std::size_t words) {
  const auto enough = static_cast<int>((words + 1) / 2);
  return std::max(1, std::min(config.network.embedding_width, enough));
}

Scaling target_scaling(const Config& config, const ModelSpec& spec) {
  const std::string& text = config.network.scaling;
  if (spec.window_scaling != WindowScaling::none) return Scaling::none;
  if (text == "auto") {
    const bool zero_stays =
        spec.level != Level::none || spec.space != Space::linear || is_nonnegative(spec.loss);
    return zero_stays ? Scaling::mean : Scaling::standard;
  }
  const Scaling scaling = parse_scaling(text);
  if (is_nonnegative(spec.loss) && scaling != Scaling::mean && scaling != Scaling::none) {
    throw ConfigError(
        fmt::format("network.scaling = \"{}\" shifts the values, and training.loss = \"{}\" is a "
                    "distribution of "
                    "numbers from 0 on; set network.scaling to \"mean\", \"none\" or \"auto\"",
                    text, config.training.loss));
  }
  if (spec.level != Level::none && scaling != Scaling::mean && scaling != Scaling::none) {
    throw ConfigError(fmt::format(
        "network.scaling = \"{}\" shifts the values, and network.level divides by their size; set "
        "network.level = \"none\", or network.scaling to \"mean\", \"none\" or \"auto\"",
        text));
  }
  if (spec.space == Space::log && scaling != Scaling::mean && scaling != Scaling::none) {
    throw ConfigError(
        fmt::format("network.scaling = \"{}\" makes values negative, which have no logarithm; set "
                    "network.space = "
                    "\"linear\", or network.scaling to \"mean\", \"none\" or \"auto\"",
                    text));
  }
  return scaling;
}

bool encodes_covariates(const Config& config) { return config.network.covariate_scaling == "auto"; }

Scaling covariate_scaling(const Config& config) {
  return encodes_covariates(config) ? Scaling::standard
                                    : parse_scaling(config.network.covariate_scaling);
}

std::string describe(const ModelSpec& s) {
  std::string text = fmt::format("LSTM {} x {}, {} steps -> {}", s.L, s.H, s.T, s.K);
  if (s.patch > 1) text += fmt::format(", patches of {}", s.patch);
  if (s.is_recursive()) text += ", recursive";
  constexpr const char* kSpaces[] = {", linear", ", log", ", asinh"};
  text += kSpaces[static_cast<int>(s.space)];
  if (s.level == Level::mean) text += fmt::format(", level mean {}", s.level_window);
  if (s.level == Level::smoothing) text += fmt::format(", level smoothing {:g}", s.smoothing_alpha);
  if (s.base == Base::last) text += ", base last";
  if (s.base == Base::seasonal) text += fmt::format(", base seasonal {}", s.base_season);
  if (s.base == Base::smoothing) text += fmt::format(", base smoothing {:g}", s.smoothing_alpha);
  if (s.base == Base::trend) {
    text += fmt::format(", base seasonal {} with a trend {:g}, damped {:g}", s.base_season,
                        s.smoothing_alpha, s.trend_damping);
  }
  if (!s.lags.empty()) text += fmt::format(", lags {}", fmt::join(s.lags, " "));
  if (s.context > 0 || s.seasonal_context > 0) {
    text += fmt::format(", context {}+{}", s.context, s.seasonal_context > 0 ? s.head_steps() : 0);
  }
  if (s.forking) text += fmt::format(", forking from {}", s.warmup);
  if (s.head_hidden > 0) text += fmt::format(", head {}", s.head_hidden);
  return text + fmt::format("; {} inputs, {} parameters", s.inputs(), ParamLayout(s).size());
}

}  // namespace sluice
