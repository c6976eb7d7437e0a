// The state of a training as safetensors: engine, weights and losses as tensors, its place as
// metadata.
#include <fmt/format.h>

#include <limits>

#include "run/checkpoint/checked_file.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

/// 4: states that know their choice.
constexpr int kStateVersion = 4;
constexpr const char* kStateFormat = "sluice training state";

}  // namespace

std::filesystem::path state_path(const std::filesystem::path& model_path) {
  return model_path.string() + ".state";
}

void save_training_state(const std::filesystem::path& path, const TrainingState& state) {
  Safetensors file;
  file.metadata["format"] = kStateFormat;
  file.metadata["format_version"] = std::to_string(kStateVersion);
  file.metadata["config"] = state.config;
  file.metadata["chosen"] = state.chosen;
  file.metadata["choice"] = Json{{"lines", escaped_list(state.choice)}}.dump();
  file.metadata["place"] = Json{{"member", state.member},
                                {"final_phase", state.final_phase ? 1 : 0},
                                {"epoch", state.epoch},
                                {"batch", state.batch},
                                {"closed_step", state.closed_step},
                                {"start_checksum", state.start_checksum},
                                {"catalog_checksum", state.catalog_checksum},
                                {"step", state.engine.step},
                                {"best_step", state.best_step},
                                {"bad_epochs", state.bad_epochs},
                                {"selected_step", state.selected_step},
                                {"done_members", state.done_members.size()}}
                               .dump();
  auto& tensors = file.tensors;
  tensors["engine.params"] = tensor_of(state.engine.params);
  tensors["engine.average"] = tensor_of(state.engine.average);
  tensors["engine.m"] = tensor_of(state.engine.m);
  tensors["engine.v"] = tensor_of(state.engine.v);
  tensors["engine.carried_h"] = tensor_of(state.engine.carried_h);
  tensors["engine.carried_c"] = tensor_of(state.engine.carried_c);
  tensors["best_params"] = tensor_of(state.best_params);
  tensors["best_loss"] = scalar_of(state.best_loss);
  tensors["seconds"] = scalar_of(state.seconds);
  tensors["seconds_before"] = scalar_of(state.seconds_before);
  tensors["plateau_factor"] = scalar_of(state.plateau_factor);
  tensors["selected_params"] = tensor_of(state.selected_params);
  tensors["selected_loss"] = scalar_of(state.selected_loss);
  for (std::size_t k = 0; k < state.done_members.size(); ++k) {
    tensors[fmt::format("done.{}", k)] = tensor_of(state.done_members[k]);
  }
  write_checked(path, file);
}

TrainingState load_training_state(const std::filesystem::path& path) {
  const CheckedReader reader(path, "path.model", kStateFormat, kStateVersion, kStateVersion);
  TrainingState state;
  state.config = reader.text("config");
  state.chosen = reader.text("chosen");
  state.choice = reader.names(reader.object("choice"), "lines");
  const Json at = reader.object("place");
  const std::string where = reader.where("place");
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  state.member = static_cast<int>(integer_field(at, "member", 0, 1000, where));
  state.final_phase = integer_field(at, "final_phase", 0, 1, where) == 1;
  state.epoch = integer_field(at, "epoch", 0, kFar, where);
  state.batch = integer_field(at, "batch", 0, kFar, where);
  state.closed_step = integer_field(at, "closed_step", -1, kFar, where);
  state.start_checksum = integer_field(at, "start_checksum", 0, kFar, where);
  state.catalog_checksum = integer_field(at, "catalog_checksum", 0, kFar, where);
  state.engine.step = integer_field(at, "step", 0, kFar, where);
  state.best_step = integer_field(at, "best_step", 0, kFar, where);
  state.bad_epochs = static_cast<int>(integer_field(at, "bad_epochs", 0, 2'000'000'000, where));
  state.selected_step = integer_field(at, "selected_step", 0, kFar, where);
  const std::int64_t done = integer_field(at, "done_members", 0, 1000, where);
  state.engine.params = reader.numbers<float>("engine.params", {-1});
  state.engine.average = reader.numbers<float>("engine.average", {-1});
  state.engine.m = reader.numbers<float>("engine.m", {-1});
  state.engine.v = reader.numbers<float>("engine.v", {-1});
  state.engine.carried_h = reader.numbers<float>("engine.carried_h", {-1});
  state.engine.carried_c = reader.numbers<float>("engine.carried_c", {-1});
  state.best_params = reader.numbers<float>("best_params", {-1});
  state.best_loss = reader.scalar("best_loss");
  state.seconds = reader.scalar("seconds");
  if (reader.has("seconds_before")) state.seconds_before = reader.scalar("seconds_before");
  state.plateau_factor = reader.scalar("plateau_factor");
  state.selected_params = reader.numbers<float>("selected_params", {-1});
  state.selected_loss = reader.scalar("selected_loss");
  for (std::int64_t k = 0; k < done; ++k) {
    state.done_members.push_back(reader.numbers<float>(fmt::format("done.{}", k), {-1}));
  }
  return state;
}

}  // namespace sluice
