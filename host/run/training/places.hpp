// The files that a training writes: its model, and its state beside it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "sluice/run/checkpoint.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

/// Before a training into `model`, which must not end in a place that cannot be written: tries the
/// place, removes what killed trainings left for it and its state, and refuses what an opening
/// would wait for. Throws DataError.
void try_places(const std::filesystem::path& model);

/// Bytes that a model of `members` seeds takes on disk at most, or the state of its training when
/// that is done, by what is known of `like` before the training.
std::size_t room_of(const Model& like, int members);

/// What of a training is on disk when its model cannot be written.
enum class Kept { nothing, last_checkpoint, all };

/// save_model whose error says how to go on; `keep` then tries to keep what the training led to.
void save_at_the_end(const std::filesystem::path& path, const Model& model,
                     const std::function<Kept()>& keep);

/// What an interrupted training has left.
std::string interruption_text(const std::filesystem::path& path, const TrainResult& result);

/// After a training that is done. What is no file of ours stays.
void remove_state(const std::filesystem::path& model);

}  // namespace sluice
