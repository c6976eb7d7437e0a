// A trained model on disk: one safetensors file with PyTorch's tensor names; the training state
// beside it. Both are written to a temporary file, synced and renamed: a crash leaves the old file
// or the new one, never half of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// A simple method that has a part in a model's forecast.
struct Partner {
  std::string method;          ///< by the name that training.partners has for it
  std::vector<double> weight;  ///< [K], 0..1 at each step; the network has what all leave of 1
};

/// What groups of forecasts are made by: their size, or their width in parts of it.
enum class StretchBy { size, width };

/// By how much quantiles move away from their median: q -> median + factor (q - median), where the
/// factor is that of the step times that of the group.
struct Stretch {
  std::vector<double> probabilities;  ///< [G] ascending, without .5; empty: nothing moves
  std::vector<float> factors;         ///< [K, G], above 0
  StretchBy by = StretchBy::size;
  std::vector<double> bounds;  ///< [groups - 1] ascending: a group is from one on; empty: none
  std::vector<float> group_factors;  ///< [groups, G], above 0
};

/// Everything that a forecast needs beside the data.
struct Model {
  ModelSpec spec;
  Config config;  ///< as it was trained
  Frequency frequency;
  std::vector<std::string>
      channel_names;  ///< of the catalogue it was trained on, targets, past, future
  std::vector<std::string> static_names;
  /// Names and vocabularies of the static categories, in the order of spec.embeddings.
  std::vector<std::string> category_names;
  std::vector<std::vector<std::string>> vocabularies;
  /// Likewise of the categories of steps, in the order of spec.step_embeddings.
  std::vector<std::string> step_category_names;
  std::vector<std::vector<std::string>> step_vocabularies;
  std::vector<std::string> series_ids;  ///< [S] trained on
  SeriesScaling scaling;                ///< of those series
  /// What the sizes of those targets are counted from (SeriesScaling::reference) [M * S], target
  /// after target: scaling.offset is of y - value_offset. Empty: all 0.
  std::vector<double> value_offset;
  float level_mean = 0, level_spread = 0;   ///< of the level input
  std::vector<std::vector<float>> members;  ///< [seeds][P]; the forecast is their mean
  /// Quantiles of the validation residuals in the model's space, [K, M, G] at the probabilities
  /// below: the intervals of a model with a point loss. Empty where the loss has quantiles, or
  /// where there was no validation range.
  std::vector<double> residual_probabilities;
  std::vector<float> residual_quantiles;
  /// What validation showed of the forecasts: whose mean they are, and how wide.
  std::vector<Partner> partners;
  Stretch stretch;
  /// Correlations of normal scores between the steps of the horizon ([K, K]): what sample paths are
  /// drawn by (run/samples.hpp). Empty: not known.
  std::vector<float> dependence;
  /// How that was found, line by line as it was shown; empty: it was not asked.
  std::vector<std::string> learned;
  /// Steps of each trained series that the parameters have seen, targets included ([S]): evaluation
  /// refuses to score anything before it.
  std::vector<std::int64_t> seen_until;
  /// Period of each trained series' first step ([S]), from which seen_until counts. Empty: a file
  /// from before it was stored.
  std::vector<std::int64_t> first;
  /// What was said of the data that it was trained on (CatalogNotes::remarks): who uses the model
  /// on data of which the same is to be said has been told.
  std::vector<std::string> remarks;
  /// What validation chose among, line by line as it was shown; empty: nothing was chosen.
  std::vector<std::string> choice;
  std::string recurrence;  ///< what trained it
  double valid_loss = 0;   ///< of the first member; NaN if there was no validation range
  std::int64_t steps = 0;  ///< training steps of the stored parameters
  double train_seconds = 0;
  /// Checksum of the model that its training went on from; 0: none.
  std::int64_t began_from = 0;
  /// Of its training; empty: a file from before it was stored.
  Provenance provenance = {};
  /// Of a model that was read: hash_of(model), by the file. Empty: it was trained here.
  std::string hash = {};
};

/// Where the training of one seed stands.
struct MemberState {
  int member = 0;          ///< which seed, from 0
  std::int64_t epoch = 0;  ///< next epoch
  std::int64_t batch = 0;  ///< next batch of it
  /// Step after which an epoch was last closed (validated); where it is not the engine's step, what
  /// closes an epoch is still to be done.
  std::int64_t closed_step = -1;
  EngineState engine;
  std::vector<float> best_params;  ///< best weights so far
  double best_loss = 0;
  std::int64_t best_step = 0;
  int bad_epochs = 0;
  double seconds = 0;         ///< so far
  double plateau_factor = 1;  ///< of schedule = "plateau"
};

/// Where a training stands, for `--mode.resume true`.
struct TrainingState {
  bool final_phase = false;  ///< in the final fit
  /// Seeds in training, ascending, each as it last was saved; they need not be at the same step.
  std::vector<MemberState> running;
  std::vector<std::vector<float>> done_members;  ///< by seed; empty: not done
  double seconds = 0;                            ///< of all so far, and of what lay between them
  std::vector<float>
      selected_params;  ///< of the finished choice by validation; empty: not finished
  std::int64_t selected_step = 0;
  double selected_loss = 0;
  std::string config;  ///< to_toml of the run; a resume with other settings is refused
  /// to_toml of what validation made of `config`, and Model::choice; empty: nothing was chosen. A
  /// resume goes on with it.
  std::string chosen;
  std::vector<std::string> choice;
  /// Of the model that an incremental training began from; 0: none. A resume from another one is
  /// refused.
  std::int64_t start_checksum = 0;
  std::int64_t catalog_checksum = 0;  ///< of the data; others are refused likewise
};

/// Throw DataError: what is wrong with the file, the remedy; `setting` is the one that names it.
void save_model(const std::filesystem::path& path, const Model& model);
Model load_model(const std::filesystem::path& path, std::string_view setting = "path.model");
/// Of all that its forecasts are made by: network, parameters, scalings, what was learned of its
/// errors; not of its settings, its remarks and how long it took. 16 hexadecimal digits, the same
/// for the model and for its file.
std::string hash_of(const Model& model);
/// "<model>.state" beside the model.
std::filesystem::path state_path(const std::filesystem::path& model_path);
void save_training_state(const std::filesystem::path& path, const TrainingState& state);
TrainingState load_training_state(const std::filesystem::path& path);

/// The format underneath: named tensors (F32, F64, I64, I32, U8) and text metadata.
struct Tensor {
  std::string dtype;  ///< "F32", "F64", "I64", "I32", "U8"
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;  ///< row-major, little-endian
};
struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};
void write_safetensors(const std::filesystem::path& path, const Safetensors& file);
/// Checks every length and offset against the file's size: a hostile file gives a DataError, never
/// a crash.
Safetensors read_safetensors(const std::filesystem::path& path,
                             std::string_view setting = "path.model");

}  // namespace sluice
