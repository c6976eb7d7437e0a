// Every setting once: its key, the member that holds it, its range and its meaning. The TOML
// parser, the flags, `sluice explain`, configs/README.md and the copy inside a model walk this
// list. Ranges are those of one key alone; what keys mean to each other is checked by resolve.
#pragma once

#include <iterator>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/simple/methods.hpp"
#include "run/config/data_keys.hpp"
#include "run/config/forecast_keys.hpp"
#include "run/config/key.hpp"
#include "run/config/network_keys.hpp"
#include "run/config/tune_keys.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct Section {
  std::string_view name, meaning;
};

inline constexpr Section kSections[] = {
    {"data", "which columns mean what, and which part is for training"},
    {"network", "the model"},
    {"training", "how it is trained"},
    {"mode", "what a run does beside"},
    {"path", "files, relative to the working directory"},
    {"engine", "what computes"},
    {"forecast", "what a forecast gives"},
    {"explanation", "what moved the forecasts"},
    {"evaluate", "rolling origins and their scores"},
    {"tune", "a search over settings; what it searches is in [tune.space] of the file"},
};

/// Words of training.partners.
inline std::vector<std::string_view> partner_keys() {
  std::vector<std::string_view> keys = {"auto", "none", "seasonal_naive"};
  for (const simple::MethodName& one : simple::kMethods) keys.push_back(one.key);
  return keys;
}

template <typename AnyConfig, typename Visitor>
void visit_training_keys(AnyConfig& config, Visitor& visit) {
  auto& t = config.training;
  visit(
      Key{.name = "training.preset",
          .meaning = "Defaults of other keys of training, under whatever is set: fast: steps 350, "
                     "choice 1; balanced: as they stand here; best: steps 2800, choice 1, seeds "
                     "3.",
          .choices = {"fast", "balanced", "best"}},
      t.preset);
  visit(Key{.name = "training.loss",
            .meaning = "What is made small; quantile gives the interval levels directly, a "
                       "distribution (from gaussian on) mean, median and any level: by its "
                       "likelihood; auto: negative_binomial for counts of which most series sell "
                       "in three of four steps or fewer, else quantile (gaussian where "
                       "network.decoding is recursive).",
            .choices = {"auto", "mse", "mae", "huber", "quantile", "gaussian", "student_t",
                        "poisson", "negative_binomial", "tweedie"}},
        t.loss);
  visit(Key{.name = "training.channel_dropout",
            .meaning = "Chance that a window of a training step does not see one of the columns of "
                       "data.future, so that no forecast hangs on one alone; each for itself, but "
                       "every 16th together.",
            .range = {.min = 0, .max = 1, .below = true}},
        t.channel_dropout);
  visit(Key{.name = "training.sampled_pasts",
            .meaning = "Share of a training step's windows whose last values, up to a horizon of "
                       "them, the model draws as its paths do, rising from 0 at the first step to "
                       "this at the last (scheduled sampling); with network.decoding = "
                       "\"recursive\".",
            .range = {.min = 0, .max = 1}},
        t.sampled_pasts);
  visit(Key{.name = "training.huber_delta",
            .meaning = "Error at which the Huber loss becomes linear, in the model's space.",
            .range = {.min = 0, .max = 1e9, .above = true}},
        t.huber_delta);
  visit(Key{.name = "training.tweedie_power",
            .meaning = "Of the Tweedie distribution: its variance grows as this power of its mean.",
            .range = {.min = 1.05, .max = 1.95}},
        t.tweedie_power);
  visit(Key{.name = "training.batch_size",
            .meaning = "Windows of a training step.",
            .range = {.min = 1, .max = 1048576}},
        t.batch_size);
  visit(Key{.name = "training.learning_rate",
            .meaning = "Step size of AdamW.",
            .range = {.min = 0, .max = 10, .above = true}},
        t.learning_rate);
  visit(Key{.name = "training.schedule",
            .meaning = "Course of the learning rate.",
            .choices = {"constant", "cosine", "plateau"}},
        t.schedule);
  visit(Key{.name = "training.warmup_steps",
            .meaning = "Steps over which the learning rate rises from 0.",
            .range = {.min = 0, .max = 1e9}},
        t.warmup_steps);
  visit(Key{.name = "training.weight_decay",
            .meaning = "AdamW's decay of the weights.",
            .range = {.min = 0, .max = 1}},
        t.weight_decay);
  visit(Key{.name = "training.clip_norm",
            .meaning = "Largest norm of the gradient; 0: not clipped.",
            .range = {.min = 0, .max = 1e9}},
        t.clip_norm);
  visit(Key{.name = "training.average_decay",
            .meaning = "Decay of the moving average of the weights that forecasts; 0: none.",
            .range = {.min = 0, .max = 1, .below = true}},
        t.average_decay);
  visit(Key{.name = "training.epochs",
            .meaning = "Epochs at most (the article's epoch); 0: not limited.",
            .range = {.min = 0, .max = 1000000}},
        t.epochs);
  visit(Key{.name = "training.steps",
            .meaning = "Training steps at most; 0: not limited.",
            .range = {.min = 0, .max = 1e12}},
        t.steps);
  visit(Key{.name = "training.choice",
            .meaning = "Steps spent on choosing by validation what is auto of network.space, base, "
                       "level, calendar_year and training.series_weight, as a share of "
                       "training.steps; 0: rules decide.",
            .range = {.min = 0, .max = 100}},
        t.choice);
  visit(
      Key{.name = "training.max_seconds",
          .meaning =
              "Seconds of training at most, all seeds and the final fit together; 0: not limited.",
          .range = {.min = 0, .max = 1e9}},
      t.max_seconds);
  visit(
      Key{.name = "training.steps_per_epoch",
          .meaning = "Steps of an epoch; 0: every window once (sampling window), or (series) 100; "
                     "25 to 100, by the size of the validation part, where neither epochs nor "
                     "patience count epochs.",
          .range = {.min = 0, .max = 1e12}},
      t.steps_per_epoch);
  visit(Key{.name = "training.patience",
            .meaning = "Epochs without a better validation before it stops; 0: it does not.",
            .range = {.min = 0, .max = 1000000}},
        t.patience);
  visit(Key{.name = "training.sampling",
            .meaning = "window: every window once an epoch; series: a series, then one of its "
                       "windows.",
            .choices = {"window", "series"}},
        t.sampling);
  visit(Key{.name = "training.stride",
            .meaning = "Steps between neighbouring windows of a series.",
            .range = {.min = 1, .max = 100000}},
        t.stride);
  visit(Key{.name = "training.shuffle",
            .meaning = "Whether the windows are shuffled (the article's shuffle_train_data)."},
        t.shuffle);
  visit(Key{.name = "training.carry_state",
            .meaning = "Whether a window starts from the state that the window before it left (the "
                       "article's do_continue_train)."},
        t.carry_state);
  visit(Key{.name = "training.series_weight",
            .meaning = "Weight of a series in the loss: this power of mean / seasonal naive error; "
                       "0: all alike.",
            .automatic = "by training.choice, or 0",
            .range = {.min = 0, .max = 4}},
        t.series_weight);
  visit(Key{.name = "training.level_weight",
            .meaning =
                "Weight of a step in the loss: this power of the level at it. 2 with loss mse: "
                "squared errors count in the data's units, not in levels; 0: all alike.",
            .range = {.min = 0, .max = 4}},
        t.level_weight);
  visit(Key{.name = "training.seed",
            .meaning = "Seed of all random numbers (the article's random_seed).",
            .range = {.min = 0, .max = 2147483647}},
        t.seed);
  visit(Key{.name = "training.seeds",
            .meaning = "Models, of consecutive seeds, whose mean is the forecast.",
            .range = {.min = 1, .max = 1000}},
        t.seeds);
  visit(Key{.name = "training.parallel_seeds",
            .meaning = "Seeds trained side by side, which share engine.threads; 0: on the CPU as "
                       "many as there are threads for, on a GPU one after another.",
            .range = {.min = 0, .max = 1000}},
        t.parallel_seeds);
  visit(Key{.name = "training.final_fit",
            .meaning = "Whether a last training, with the steps that validation chose, uses the "
                       "validation part too."},
        t.final_fit);
  visit(Key{.name = "training.partners",
            .meaning = "Simple methods of which those get a part in the forecast that make it "
                       "better on the validation part; auto: seasonal naive, ETS + Theta unless "
                       "the catalogue is very large, TSB and ADIDA for counts with zeros; none: "
                       "the network alone.",
            .choices = partner_keys()},
        t.partners);
  visit(Key{.name = "training.calibration",
            .meaning = "Whether the intervals are made wider or narrower by what they held on the "
                       "validation part (auto).",
            .choices = {"auto", "none"}},
        t.calibration);
  visit(Key{.name = "training.init_from",
            .meaning = "Model to go on from (incremental training); empty: from random weights."},
        t.init_from);
  visit(Key{.name = "training.checkpoint_seconds",
            .meaning = "Seconds between writes of the training state; 0: after every epoch.",
            .range = {.min = 0, .max = 1e9}},
        t.checkpoint_seconds);
}

template <typename AnyConfig, typename Visitor>
void visit_run_keys(AnyConfig& config, Visitor& visit) {
  auto& m = config.mode;
  visit(Key{.name = "mode.resume",
            .meaning = "Whether a training goes on from the state beside the model."},
        m.resume);
  visit(Key{.name = "mode.incremental",
            .meaning = "Whether a training goes on from path.model if it exists (the article's "
                       "add_train)."},
        m.incremental);
  visit(
      Key{.name = "mode.debug_rows",
          .meaning = "Rows to read, for a trial (the article's debug_mode and debug_num); 0: all.",
          .range = {.min = 0, .max = 1e15}},
      m.debug_rows);
  visit(Key{.name = "mode.log_screen",
            .meaning = "Whether messages go to the terminal (the article's "
                       "do_log_print_to_screen)."},
        m.log_screen);
  visit(Key{.name = "mode.log_file",
            .meaning = "Whether messages and losses go to path.log (the article's "
                       "do_log_save_to_file)."},
        m.log_file);
  visit(Key{.name = "mode.figures",
            .meaning = "Whether evaluate draws its figures (the article's do_figure_save)."},
        m.figures);
  visit(Key{.name = "mode.quiet", .meaning = "Nothing on the terminal but errors and results."},
        m.quiet);

  auto& p = config.path;
  visit(Key{.name = "path.data",
            .meaning = "Files, directories of them or patterns (sales/*.parquet) that hold the "
                       "data (the article's train_data_path).",
            .form = Form::path},
        p.data);
  visit(Key{.name = "path.future",
            .meaning = "Files, or directories of them, of future-known values past the history's "
                       "end; empty: none.",
            .form = Form::path},
        p.future);
  visit(Key{.name = "path.statics",
            .meaning = "Files, or directories of them, of static columns; empty: none.",
            .form = Form::path},
        p.statics);
  visit(Key{.name = "path.model",
            .meaning = "The trained model, a safetensors file (the article's model_save_path and "
                       "model_name).",
            .form = Form::path},
        p.model);
  visit(Key{.name = "path.log",
            .meaning = "Log file, JSON lines (the article's log_save_path).",
            .form = Form::path},
        p.log);
  visit(Key{.name = "path.forecast",
            .meaning = "Forecasts: .csv, .parquet or .arrow; with / at its end a directory of "
                       "Parquet files (forecast.part_series).",
            .form = Form::path},
        p.forecast);
  visit(Key{.name = "path.sums",
            .meaning = "Totals of forecast.sums: .csv, .parquet or .arrow.",
            .form = Form::path},
        p.sums);
  visit(Key{.name = "path.samples",
            .meaning = "Sample paths of forecast, forecast.samples of each series: .csv, .parquet "
                       "or .arrow; empty: not written."},
        p.samples);
  visit(Key{.name = "path.explanation",
            .meaning = "What moved each forecast, .csv, .parquet or .arrow; empty: not written."},
        p.explanation);
  visit(Key{.name = "path.report", .meaning = "Scores of evaluate, JSON.", .form = Form::path},
        p.report);
  visit(
      Key{.name = "path.html",
          .meaning = "Report to read, one HTML file; empty: evaluate writes none, and report puts "
                     "it beside path.report."},
      p.html);
  visit(Key{.name = "path.scores",
            .meaning = "Scores of every series, .csv or .parquet; empty: not written."},
        p.scores);
  visit(
      Key{.name = "path.figures",
          .meaning = "Directory of the figures (the article's figure_save_path); empty: there are "
                     "none."},
      p.figures);
  visit(Key{.name = "path.tuned",
            .meaning = "Settings that tune found, TOML; its journal is beside it.",
            .form = Form::path},
        p.tuned);
  visit(Key{.name = "path.figure_language",
            .meaning = "Language of the figures' words; auto: Chinese where the data's names are.",
            .choices = {"auto", "en", "zh"}},
        p.figure_language);

  auto& e = config.engine;
  visit(Key{.name = "engine.device",
            .meaning = "What computes (the article's use_cuda); cuda: the first device, of several "
                       "processes "
                       "one each; auto: that if there is one, else cpu.",
            .choices = {"auto", "cpu", "cuda"},
            .patterns = {kCudaDevice}},
        e.device);
  visit(Key{.name = "engine.recurrence",
            .meaning =
                "The LSTM's code (the article's used_frame): fused or onednn on the CPU, all but "
                "onednn on CUDA; fused and cudnn: that for the precision; auto: by shape; "
                "check:A,B: A "
                "computes, B as well, and the log says by how much they differ.",
            .choices = {std::begin(kRecurrences), std::end(kRecurrences)},
            .patterns = {kCheck}},
        e.recurrence);
  visit(Key{.name = "engine.precision",
            .meaning =
                "Numbers of the LSTM's products: fp32; bf16 (tensor cores, or a CPU with "
                "AVX-512 BF16); on CUDA also tf32; auto: fp32 on the CPU; on CUDA tf32, or fp32 "
                "for batches so small that it is the faster one.",
            .choices = {"auto", "fp32", "tf32", "bf16"}},
        e.precision);
  visit(Key{.name = "engine.threads",
            .meaning = "Threads; 0: all.",
            .range = {.min = 0, .max = 4096}},
        e.threads);
  visit(Key{.name = "engine.memory_limit",
            .meaning =
                "Most memory of the engine's copy of the catalogue, MiB; a larger one lies in a "
                "file of $TMPDIR (else /var/tmp) that is mapped; 0: half of what the "
                "process may have.",
            .range = {.min = 0, .max = 1e9}},
        e.memory_limit);
  visit(
      Key{.name = "engine.device_memory_limit",
          .meaning = "Most device memory of the CUDA engine, MiB; a catalogue that does not fit is "
                     "streamed; 0: what the device has.",
          .range = {.min = 0, .max = 1e9}},
      e.device_memory_limit);
  visit(Key{.name = "engine.forecast_batch",
            .meaning = "Series forecast at once.",
            .range = {.min = 1, .max = 1048576}},
        e.forecast_batch);

  visit_forecast_keys(config, visit);
}

/// Calls visit(key, member) for every setting, in the order of `explain`. The member's type is one
/// of bool, int, int64, double, string, vector<string>, vector<double>, optional<bool>,
/// optional<int>, optional<int64>, optional<double>, optional<vector<int>>.
template <typename AnyConfig, typename Visitor>
void visit_keys(AnyConfig& config, Visitor&& visit) {
  visit_data_keys(config, visit);
  visit_network_keys(config, visit);
  visit_training_keys(config, visit);
  visit_run_keys(config, visit);
}

}  // namespace sluice
