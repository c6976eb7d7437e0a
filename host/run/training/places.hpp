// The files that a training writes: its model, and its state beside it.
#pragma once

#include <filesystem>

#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Before a training into `model`, which must not end in a place that cannot be written: tries the
/// place, removes what killed trainings left for it and its state, and refuses what an opening
/// would wait for. Throws DataError.
void try_places(const std::filesystem::path& model);

/// save_model whose error says how to go on where the training's state is on disk.
void save_at_the_end(const std::filesystem::path& path, const Model& model, bool state_saved);

/// After a training that is done. What is no file of ours stays.
void remove_state(const std::filesystem::path& model);

}  // namespace sluice
