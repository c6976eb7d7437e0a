#include "run/training/places.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <system_error>
#include <vector>

#include "base/output_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/config.hpp"

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

std::size_t room_of(const Model& like, int members) {
  constexpr std::size_t kTexts = 64 << 10;   // names of tensors, tables, remarks
  constexpr std::size_t kLevels = 100;       // of residuals and of how wide intervals are, a step
  constexpr std::size_t kMostPartners = 10;  // simple methods
  const auto texts = [](const std::vector<std::string>& lines) {
    std::size_t bytes = 0;
    for (const std::string& line : lines) bytes += 2 * line.size() + 8;  // escaped, perhaps
    return bytes;
  };
  const ModelSpec& spec = like.spec;
  const auto P = static_cast<std::size_t>(ParamLayout(spec).size());
  const auto biases = static_cast<std::size_t>(4 * spec.L * spec.H);  // PyTorch's second ones
  const auto K = static_cast<std::size_t>(spec.K), M = static_cast<std::size_t>(spec.M);
  // The state has one set of weights more, those that validation chose.
  std::size_t bytes = sizeof(float) * static_cast<std::size_t>(members + 1) * (P + biases);
  bytes += sizeof(float) * K * (K + (2 * M + kMostPartners) * kLevels);
  bytes += texts(like.series_ids) + like.series_ids.size() * 2 * sizeof(std::int64_t);
  bytes += like.scaling.offset.size() * (2 * sizeof(float) + 1);
  bytes += like.value_offset.size() * sizeof(double);
  for (const auto& words : like.vocabularies) bytes += texts(words);
  for (const auto& words : like.step_vocabularies) bytes += texts(words);
  bytes += texts(like.channel_names);
  return bytes + 2 * to_toml(like.config).size() + kTexts;
}

void save_at_the_end(const std::filesystem::path& path, const Model& model,
                     const std::function<Kept()>& keep) {
  try {
    save_model(path, model);
  } catch (const DataError& e) {
    const Kept kept = keep();
    const std::string state = state_path(path).string();
    if (kept == Kept::nothing) {
      throw DataError(fmt::format("{}. The state of the training could not be written either ({})",
                                  e.what(), state));
    }
    throw DataError(
        fmt::format("{}. The training is not lost: its state is in {}; when that is mended, give "
                    "the same command with --mode.resume true{}",
                    e.what(), state,
                    kept == Kept::all ? ", which writes the model without training again"
                                      : ", which goes on from the last checkpoint"));
  }
}

std::string interruption_text(const std::filesystem::path& path, const TrainResult& result) {
  return fmt::format("{}{}",
                     result.kept_older
                         ? fmt::format("{} is the earlier model", path.string())
                         : fmt::format("the best weights so far are in {}", path.string()),
                     result.state_saved ? ", the training state is in " + state_path(path).string()
                                        : ", the training state could not be written");
}

void remove_state(const std::filesystem::path& model) {
  const auto state = state_path(model);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(state, ignored)) std::filesystem::remove(state, ignored);
}

}  // namespace sluice
