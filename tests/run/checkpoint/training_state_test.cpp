// The training state on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "run/checkpoint/same_bits.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(TrainingState, OneOfAnOlderFormatIsRefusedWithTheRemedy) {
  const auto path = state_path(temporary("model.safetensors"));
  save_training_state(path, TrainingState{});
  std::string bytes = read_bytes(path);
  const std::string now = "\"format_version\":\"5\"";
  ASSERT_NE(bytes.find(now), std::string::npos);
  bytes[bytes.find(now) + now.size() - 2] = '4';
  write_bytes(path, bytes);
  try {
    load_training_state(path);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("train again without it (mode.resume = false)"));
  }
}

void expect_same(const MemberState& back, const MemberState& state) {
  const auto& [member, epoch, batch, closed_step, engine, best_params, best_loss, best_step,
               bad_epochs, seconds, plateau_factor] = back;
  const auto& [params, average, m, v, step, carried_h, carried_c] = engine;
  EXPECT_EQ(member, state.member);
  EXPECT_EQ(epoch, state.epoch);
  EXPECT_EQ(batch, state.batch);
  EXPECT_EQ(closed_step, state.closed_step);
  expect_same_bits(params, state.engine.params);
  expect_same_bits(average, state.engine.average);
  expect_same_bits(m, state.engine.m);
  expect_same_bits(v, state.engine.v);
  EXPECT_EQ(step, state.engine.step);
  expect_same_bits(carried_h, state.engine.carried_h);
  expect_same_bits(carried_c, state.engine.carried_c);
  expect_same_bits(best_params, state.best_params);
  expect_same_bits(best_loss, state.best_loss);
  EXPECT_EQ(best_step, state.best_step);
  EXPECT_EQ(bad_epochs, state.bad_epochs);
  expect_same_bits(seconds, state.seconds);
  expect_same_bits(plateau_factor, state.plateau_factor);
}

TEST(TrainingState, ComesBackBitForBit) {
  TrainingState state;
  state.final_phase = true;
  for (const int k : {1, 3}) {
    MemberState& member = state.running.emplace_back();
    const auto seed = static_cast<std::uint64_t>(k);
    member.member = k;
    member.epoch = (1ll << 41) + k;
    member.batch = 12 + k;
    member.closed_step = (1ll << 40) + k;
    member.engine.params = numbers(50, 10 * seed + 1);
    member.engine.average = numbers(50, 10 * seed + 2);
    member.engine.m = numbers(50, 10 * seed + 3);
    member.engine.v = numbers(50, 10 * seed + 4);
    member.engine.step = (1ll << 42) + k;
    member.engine.carried_h = numbers(6, 10 * seed + 5);
    member.engine.carried_c = numbers(6, 10 * seed + 6);
    member.best_params = numbers(50, 10 * seed + 7);
    member.best_loss = std::numeric_limits<double>::infinity();
    member.best_step = 99 + k;
    member.bad_epochs = 3 + k;
    member.seconds = 0.1 * k + 0.2;
    member.plateau_factor = 1.0 / (3.0 + k);
  }
  state.start_checksum = (1ll << 61) + 1;
  state.catalog_checksum = (1ll << 62) + 3;
  state.seconds = 0.7 - 0.1;
  state.selected_params = numbers(50, 8);
  state.selected_step = 77;
  state.selected_loss = -std::numeric_limits<double>::quiet_NaN();
  state.done_members = {numbers(50, 9), {}, numbers(50, 10)};
  state.config = to_toml(Config{});
  state.chosen = "[network]\nspace = \"asinh\"\n";
  state.choice = {"space, base", "asinh, none  0.861"};
  const auto path = state_path(temporary("model.safetensors"));
  EXPECT_TRUE(path.string().ends_with("model.safetensors.state"));
  save_training_state(path, state);
  const TrainingState back = load_training_state(path);

  // A field more in one of the structs does not compile here until it is compared.
  const auto& [final_phase, running, done_members, seconds, selected_params, selected_step,
               selected_loss, config, chosen, choice, start_checksum, catalog_checksum] = back;
  EXPECT_EQ(final_phase, state.final_phase);
  EXPECT_EQ(start_checksum, state.start_checksum);
  EXPECT_EQ(catalog_checksum, state.catalog_checksum);
  ASSERT_EQ(running.size(), 2u);
  for (std::size_t k = 0; k < 2; ++k) expect_same(running[k], state.running[k]);
  expect_same_bits(seconds, state.seconds);
  expect_same_bits(selected_params, state.selected_params);
  EXPECT_EQ(selected_step, state.selected_step);
  expect_same_bits(selected_loss, state.selected_loss);
  ASSERT_EQ(done_members.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) expect_same_bits(done_members[k], state.done_members[k]);
  EXPECT_EQ(config, state.config);
  EXPECT_EQ(chosen, state.chosen);
  EXPECT_EQ(choice, state.choice);
}

// A place that was changed to another possible one would go on with another training.
TEST(TrainingState, AnyChangedBitOrDigitIsFoundOrChangesNothing) {
  TrainingState state;
  MemberState& member = state.running.emplace_back();
  member.member = 1;
  member.epoch = 21;
  member.batch = 13;
  member.engine.step = 345;
  member.engine.params = numbers(3, 1);
  member.best_loss = 0.5;
  state.done_members = {numbers(3, 2)};
  state.config = "seed = 42\n";
  const auto path = state_path(temporary("flipped.safetensors"));
  const auto again = state_path(temporary("again.safetensors"));
  save_training_state(path, state);
  const std::string good = read_bytes(path);
  ASSERT_THAT(good, HasSubstr("\\\"batch\\\":13"));
  int found = 0;
  const auto change = [&](std::size_t at, int to) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(to);
    write_bytes(path, bytes);
    try {
      save_training_state(again, load_training_state(path));
    } catch (const DataError&) {
      ++found;
      return;
    }
    EXPECT_EQ(read_bytes(again), good) << "byte " << at << " of the file became " << to;
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    change(at, good[at] ^ (1 << at % 8));
    if (good[at] >= '1' && good[at] <= '8') {
      change(at, good[at] + 1);
      change(at, good[at] - 1);
    }
  }
  EXPECT_GT(found, static_cast<int>(good.size()) - 20);  // the name of the checksum may go
}

}  // namespace
}  // namespace sluice
