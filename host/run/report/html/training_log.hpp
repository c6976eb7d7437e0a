// The curves of a training, from the log that it wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::html {

/// One phase of a training: a seed's choice by validation, or a final fit.
struct TrainingCurve {
  std::string label;                           ///< "seed 1/3", "final"; empty: the one choice
  std::vector<std::int64_t> step;              ///< at each epoch's end, as all below
  std::vector<double> train_loss, valid_loss;  ///< NaN: none
};

/// How the epochs of a log name the model that a training is for: several trainings may add to one
/// log at a time, and from other directories.
std::string name_in_log(const std::filesystem::path& model);

/// The curves of the last training of `model` in a log of JSON lines, or where no epoch names that
/// one, of the last training; empty where there is no such file, or no epoch in it. Lines that are
/// no epoch are passed over: a log may be cut off or hold more. An epoch that does not follow on
/// its phase's last one begins another training of the same model. At most a thousand points a
/// curve are kept, evenly chosen.
std::vector<TrainingCurve> training_curves(const std::filesystem::path& log,
                                           const std::filesystem::path& model = {});

/// `model` if an epoch of the log names it, else the file of the model that the last training in it
/// wrote, as the log names it; empty: none is named.
std::string written_model(const std::filesystem::path& log,
                          const std::filesystem::path& model = {});

}  // namespace sluice::html
