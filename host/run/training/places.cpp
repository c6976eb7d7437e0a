#include "run/training/places.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/output_file.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

void try_places(const std::filesystem::path& model) {
  OutputFile(model, "path.model");
  const auto state = state_path(model);
  remove_abandoned(state);
  std::error_code ignored;
  const auto type = std::filesystem::status(state, ignored).type();
  if (type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::socket) {
    throw DataError(fmt::format(
        "{}: is a pipe, where the training's state is kept; remove it or choose another path.model",
        state.string()));
  }
}

void save_at_the_end(const std::filesystem::path& path, const Model& model, bool state_saved) {
  try {
    save_model(path, model);
  } catch (const DataError& e) {
    if (!state_saved) throw;
    throw DataError(fmt::format(
        "{}. The training is not lost: its state is in {}; when that is mended, give the same "
        "command with --mode.resume true",
        e.what(), state_path(path).string()));
  }
}

void remove_state(const std::filesystem::path& model) {
  const auto state = state_path(model);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(state, ignored)) std::filesystem::remove(state, ignored);
}

}  // namespace sluice
