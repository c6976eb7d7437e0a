// Every setting of Sluice, with its default. One TOML file, its sections named as the article
// groups its settings; every key is also a flag `--section.key value`; flag > file > default.
// `visit_keys` (host/run/config/keys.hpp) lists the keys once with range and meaning: parser,
// flags, `sluice explain`, configs/README.md and the copy inside a model are made from it.
//
// std::optional<...> means "auto" when empty: the default then depends on the data's frequency
// (run/resolve.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

struct Config {
  /// [data] which columns mean what, and which part is for training.
  struct Data {
    std::string format = "auto";     ///< auto, csv, parquet, arrow, tsf
    std::string delimiter = "auto";  ///< one character, tab, or auto
    std::string encoding = "auto";
    std::string decimal = "auto";  ///< auto, ".", ","
    std::vector<std::string> missing = {"NA", "NaN", "nan", "null", "NULL", "None", "N/A", "?"};
    std::string layout = "auto";       ///< auto, long, single, columns, rows
    std::vector<std::string> id;       ///< columns by name or #index
    std::vector<std::string> time;     ///< one column, or those that together are the time
    std::vector<std::string> targets;  ///< the article's label_columns
    std::vector<std::string> past;     ///< the article's feature_columns beside the labels
    std::vector<std::string> future;
    std::vector<std::string> static_reals;
    std::vector<std::string> static_categories;
    std::vector<std::string> groups;             ///< sums: categories joined with "/", or "total"
    std::vector<std::string> past_categories;    ///< channels of words, known up to the origin
    std::vector<std::string> future_categories;  ///< and known for the horizon too
    /// Those of `future` and `future_categories` that the model is made without.
    std::optional<std::vector<std::string>> left_out;
    std::optional<bool> future_for_all;
    std::string frequency = "auto";
    std::string time_format = "auto";
    std::string time_zone;
    std::string align = "exact";  ///< exact, period
    std::string aggregate;        ///< a frequency; empty: rows are steps
    std::vector<std::string> aggregate_by;
    std::string start;
    std::string first_value;
    std::string gaps = "missing";                        ///< missing, zero, forward_fill, error
    std::vector<std::string> covariate_gaps = {"auto"};  ///< one word, or name=word
    std::string end = "auto";                            ///< auto, common, series, a date
    std::optional<std::int64_t> ended_after;             ///< steps; 0: never
    std::int64_t max_steps = 0;
    std::int64_t max_bytes = 0;        ///< of a file, uncompressed; 0: by the memory
    std::string duplicates = "error";  ///< error, first, last, sum, mean
    std::optional<double> valid;       ///< share (< 1) or steps
    /// Share (< 1) or steps: the article's 1 - train_data_rate.
    std::optional<double> test;
    std::int64_t min_history = 2;  ///< shorter series are not trained on
    bool operator==(const Data&) const = default;
  } data;

  /// [network] the model: DESIGN 5.
  struct Network {
    int time_step = 0;                ///< T; 0: auto by frequency
    int patch = 1;                    ///< steps that are one input step of the LSTM
    int predict_day = 0;              ///< K, the horizon in steps; 0: auto by frequency
    std::string decoding = "direct";  ///< direct, recursive
    int hidden_size = 64;
    int layers = 1;
    double dropout = 0;
    std::string scaling = "auto";            ///< auto, none, standard, robust, mean, window_mean,
                                             ///< window_standard, window_robust
    std::string covariate_scaling = "auto";  ///< auto, none, standard, robust, mean
    std::string space = "auto";              ///< auto, linear, log
    std::string level = "auto";              ///< auto, none, mean, smoothing
    std::optional<int> level_window;
    double smoothing_alpha = 0.1;
    std::string base = "auto";  ///< auto, none, last, seasonal, smoothing, trend
    std::optional<int> base_season;
    double trend_damping = 0.9;
    std::optional<std::vector<int>> lags;
    std::optional<int> context;
    std::optional<int> seasonal_context;
    std::optional<bool> forking;
    std::optional<int> warmup;
    std::optional<int> head_hidden;
    std::optional<bool> level_input;
    std::optional<bool> level_change;
    std::optional<bool> calendar;
    std::optional<bool> calendar_year;  ///< of the calendar, the terms of the year
    int embedding_width = 4;  ///< at most; a category of n values gets min(width, (n+1)/2)
    bool operator==(const Network&) const = default;
  } network;

  /// [training]
  struct Training {
    /// fast, balanced, best: the defaults of other keys (host/run/config/preset.hpp).
    std::string preset = "balanced";
    std::string loss = "auto";  ///< auto, mse, mae, huber, quantile, or a distribution's name
    double huber_delta = 1;
    double tweedie_power = 1.5;
    int batch_size = 64;
    double learning_rate = 3e-3;
    std::string schedule = "constant";  ///< constant, cosine, plateau
    int warmup_steps = 20;
    double weight_decay = 0;
    double clip_norm = 1;
    double average_decay = 0.995;      ///< 0: no moving average of the weights
    std::int64_t epochs = 0;           ///< 0: not limited by epochs
    std::int64_t steps = 1400;         ///< 0: not limited by steps
    double choice = 0.5;               ///< steps of the choice, as a share of `steps`; 0: by rules
    double max_seconds = 0;            ///< 0: not limited by time
    std::int64_t steps_per_epoch = 0;  ///< 0: every window once (window), or 25-100 (series)
    int patience = 0;                  ///< epochs without a better validation; 0: no early stopping
    std::string sampling =
        "series";  ///< window: every window once an epoch; series: a series, then an origin
    int stride = 1;
    bool shuffle = true;                  ///< the article's shuffle_train_data
    bool carry_state = false;             ///< the article's do_continue_train
    double channel_dropout = 0;           ///< chance that a window does not see a future channel
    double sampled_pasts = 0;             ///< share of windows whose last values are drawn
    double level_weight = 0;              ///< power of the level at each step; 0: none
    std::optional<double> series_weight;  ///< power of mean / seasonal naive error; 0: none
    int seed = 42;
    int seeds = 1;           ///< models whose mean is the forecast
    int parallel_seeds = 0;  ///< of them trained side by side; 0: by engine.threads
    bool final_fit = true;
    /// Simple methods that may have a part in the forecast: auto, none, or names.
    std::vector<std::string> partners = {"auto"};
    std::string calibration = "auto";  ///< of the intervals: auto, none
    std::string init_from;             ///< a model to go on from (incremental training)
    double checkpoint_seconds = 60;
    bool operator==(const Training&) const = default;
  } training;

  /// [mode]
  struct Mode {
    bool resume = false;          ///< go on from the training state beside the model
    bool incremental = false;     ///< the article's add_train: init_from = path.model if it exists
    std::int64_t debug_rows = 0;  ///< the article's debug_num; 0: all rows
    bool log_screen = true;
    bool log_file = true;
    bool figures = true;
    bool quiet = false;
    bool operator==(const Mode&) const = default;
  } mode;

  /// [path] relative to the working directory.
  struct Path {
    std::vector<std::string> data;
    std::vector<std::string> future;   ///< files of future-known values
    std::vector<std::string> statics;  ///< files of static columns
    std::string model = "runs/model.safetensors";
    std::string log = "runs/log.jsonl";
    std::string forecast = "runs/forecast.csv";
    std::string explanation;             ///< what moved the forecasts; empty: not written
    std::string sums = "runs/sums.csv";  ///< of forecast.sums
    std::string samples;                 ///< sample paths (csv, parquet, arrow); empty: not written
    std::string report = "runs/report.json";
    std::string html;    ///< report for people; empty: not written (report: beside path.report)
    std::string scores;  ///< per-series metrics (csv, parquet); empty: not written
    std::string figures = "runs/figures";
    std::string tuned = "runs/tuned.toml";  ///< settings that tune found; its journal beside it
    std::string figure_language = "auto";   ///< auto, en, zh
    bool operator==(const Path&) const = default;
  } path;

  /// [engine]
  struct Engine {
    std::string device = "auto";      ///< auto, cpu, cuda, cuda:N
    std::string recurrence = "auto";  ///< one of kRecurrences (engine/engine.hpp), or check:A,B
    std::string precision = "auto";   ///< auto, fp32, tf32, bf16
    int threads = 0;
    double memory_limit = 0;         ///< MiB; 0: half of what the machine has
    double device_memory_limit = 0;  ///< MiB; 0: what the device has
    int forecast_batch = 1024;
    bool operator==(const Engine&) const = default;
  } engine;

  /// [forecast]
  struct Forecast {
    std::vector<double> levels = {80};  ///< interval levels in percent
    std::optional<bool>
        nonnegative;        ///< forecasts below 0 become 0; auto: where a series never was negative
    std::string from;       ///< first forecast date; empty: after each series' end
    bool strict = false;    ///< a series that cannot be forecast is an error
    bool ended = false;     ///< series that ended long before are forecast too
    bool new_items = true;  ///< series without history are forecast from similar ones
    bool replace = false;   ///< parts of another forecast make room for this one's
    int part_series = 10'000;              ///< in each part, where path.forecast is a directory
    bool sidecar = false;   ///< a file beside path.forecast says what it is from
    std::string reconcile = "wls_var";     ///< none, bottom_up, wls_struct, wls_var, mint_shrink
    std::optional<std::vector<int>> sums;  ///< steps whose total is forecast too; none: no sums
    std::optional<int> samples;            ///< sample paths of each series; auto: sample_count()
    bool operator==(const Forecast&) const = default;
  } forecast;

  /// [explanation] of the forecasts, in path.explanation and on the page.
  struct Explanation {
    std::vector<std::string> series;         ///< ids; empty: all
    std::optional<std::vector<int>> blocks;  ///< last step of each block of the history
    int points = 8;                          ///< of the path from the baseline
    bool operator==(const Explanation&) const = default;
  } explanation;

  /// [evaluate]
  struct Evaluate {
    int n_windows = 1;  ///< forecast origins, the last one K steps before the end
    int step = 0;       ///< steps between origins; 0: K
    int refit = 0;      ///< train again every so many origins; 0: the given model
    int season = 0;     ///< of seasonal naive and MASE; 0: by frequency
    /// Beside the naive ones: of ets, theta, ets+theta, tsb, adida, sba.
    std::vector<std::string> methods = {"ets", "theta", "ets+theta"};
    std::vector<std::string> show;  ///< ids that the page has whatever their error
    bool operator==(const Evaluate&) const = default;
  } evaluate;

  /// [tune] the search over settings; [tune.space] in the same file is what it searches
  /// (host/run/config/space.hpp).
  struct Tune {
    std::int64_t trials = 27;        ///< settings that are drawn
    double seconds = 0;              ///< no trial begins later; 0: not limited
    int jobs = 1;                    ///< trials side by side
    std::string method = "halving";  ///< halving, random
    int factor = 3;                  ///< of halving: one of so many goes on, so many times longer
    int rungs = 3;                   ///< of halving: lengths of a training
    std::string measure = "auto";    ///< auto, mase, rmsse, wape, wql
    int folds = 1;                   ///< parts that each trial is scored on
    bool operator==(const Tune&) const = default;
  } tune;

  bool operator==(const Config&) const = default;
};

/// One `--section.key value` of the command line.
struct Override {
  std::string key, value;
  std::string written = {};  ///< the flag's name where that is not the key (horizon)
  /// The name by which whoever wrote it knows it.
  const std::string& flag() const { return written.empty() ? key : written; }
  bool operator==(const Override&) const = default;
};

/// Reads `file` (empty: none), then the overrides, over `base`. Throws ConfigError with file:line,
/// the remedy and the nearest key for what is unknown, repeated, mistyped or out of range. Column
/// lists take names and 0-based indices.
Config load_config(const std::filesystem::path& file, const std::vector<Override>& overrides,
                   const Config& base = {});

/// The complete set as TOML, in the order of `explain`; load_config of it gives the same Config.
std::string to_toml(const Config& config);
/// From the text of to_toml (stored in models). `origin` names it in messages.
Config parse_config(const std::string& toml, const std::string& origin);

/// Every key with type, default, range and meaning, for a terminal of 80 columns. `filter`: a
/// section, a key, or empty.
std::string explain_keys(const std::string& filter);
/// The same as Markdown: configs/README.md.
std::string explain_markdown();

/// All keys, "section.key", in order (for flags and completion).
std::vector<std::string> config_keys();

}  // namespace sluice
