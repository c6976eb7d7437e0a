// The state of a training as safetensors: engine, weights and losses as tensors, its place as
// metadata.
#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>

#include "run/checkpoint/checked_file.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

/// 5: states of several seeds side by side.
constexpr int kStateVersion = 5;
constexpr const char* kStateFormat = "sluice training state";
constexpr std::int64_t kMostMembers = 1000;
constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

std::string name_of(std::size_t running, std::string_view what) {
  return fmt::format("running.{}.{}", running, what);
}

void put_member(Safetensors& file, std::size_t k, const MemberState& state) {
  file.metadata[name_of(k, "place")] = Json{
      {"member", state.member},        {"epoch", state.epoch},
      {"batch", state.batch},          {"closed_step", state.closed_step},
      {"step", state.engine.step},     {"best_step", state.best_step},
      {"bad_epochs", state.bad_epochs}}.dump();
  auto& tensors = file.tensors;
  tensors[name_of(k, "engine.params")] = tensor_of(state.engine.params);
  tensors[name_of(k, "engine.average")] = tensor_of(state.engine.average);
  tensors[name_of(k, "engine.m")] = tensor_of(state.engine.m);
  tensors[name_of(k, "engine.v")] = tensor_of(state.engine.v);
  tensors[name_of(k, "engine.carried_h")] = tensor_of(state.engine.carried_h);
  tensors[name_of(k, "engine.carried_c")] = tensor_of(state.engine.carried_c);
  tensors[name_of(k, "best_params")] = tensor_of(state.best_params);
  tensors[name_of(k, "best_loss")] = scalar_of(state.best_loss);
  tensors[name_of(k, "seconds")] = scalar_of(state.seconds);
  tensors[name_of(k, "plateau_factor")] = scalar_of(state.plateau_factor);
}

MemberState member_of(const CheckedReader& reader, std::size_t k) {
  MemberState state;
  const std::string place = name_of(k, "place");
  const Json at = reader.object(place);
  const std::string where = reader.where(place);
  state.member = static_cast<int>(integer_field(at, "member", 0, kMostMembers, where));
  state.epoch = integer_field(at, "epoch", 0, kFar, where);
  state.batch = integer_field(at, "batch", 0, kFar, where);
  state.closed_step = integer_field(at, "closed_step", -1, kFar, where);
  state.engine.step = integer_field(at, "step", 0, kFar, where);
  state.best_step = integer_field(at, "best_step", 0, kFar, where);
  state.bad_epochs = static_cast<int>(integer_field(at, "bad_epochs", 0, 2'000'000'000, where));
  const auto floats = [&](std::string_view what) {
    return reader.numbers<float>(name_of(k, what), {-1});
  };
  state.engine.params = floats("engine.params");
  state.engine.average = floats("engine.average");
  state.engine.m = floats("engine.m");
  state.engine.v = floats("engine.v");
  state.engine.carried_h = floats("engine.carried_h");
  state.engine.carried_c = floats("engine.carried_c");
  state.best_params = floats("best_params");
  state.best_loss = reader.scalar(name_of(k, "best_loss"));
  state.seconds = reader.scalar(name_of(k, "seconds"));
  state.plateau_factor = reader.scalar(name_of(k, "plateau_factor"));
  return state;
}

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
  file.metadata["place"] = Json{{"final_phase", state.final_phase ? 1 : 0},
                                {"start_checksum", state.start_checksum},
                                {"catalog_checksum", state.catalog_checksum},
                                {"selected_step", state.selected_step},
                                {"running", state.running.size()},
                                {"done_members", state.done_members.size()}}
                               .dump();
  auto& tensors = file.tensors;
  tensors["seconds"] = scalar_of(state.seconds);
  tensors["selected_params"] = tensor_of(state.selected_params);
  tensors["selected_loss"] = scalar_of(state.selected_loss);
  for (std::size_t k = 0; k < state.running.size(); ++k) put_member(file, k, state.running[k]);
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
  state.final_phase = integer_field(at, "final_phase", 0, 1, where) == 1;
  state.start_checksum = integer_field(at, "start_checksum", 0, kFar, where);
  state.catalog_checksum = integer_field(at, "catalog_checksum", 0, kFar, where);
  state.selected_step = integer_field(at, "selected_step", 0, kFar, where);
  const std::int64_t running = integer_field(at, "running", 0, kMostMembers, where);
  const std::int64_t done = integer_field(at, "done_members", 0, kMostMembers, where);
  state.seconds = reader.scalar("seconds");
  state.selected_params = reader.numbers<float>("selected_params", {-1});
  state.selected_loss = reader.scalar("selected_loss");
  for (std::int64_t k = 0; k < running; ++k) {
    state.running.push_back(member_of(reader, static_cast<std::size_t>(k)));
  }
  for (std::int64_t k = 0; k < done; ++k) {
    state.done_members.push_back(reader.numbers<float>(fmt::format("done.{}", k), {-1}));
  }
  return state;
}

}  // namespace sluice
