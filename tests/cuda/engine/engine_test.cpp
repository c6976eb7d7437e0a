// The CUDA engine's own promises; what every engine promises is in tests/contract. Small enough for
// the stand-in; on a device the same sizes run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "support/device.hpp"
#include "support/engine_under_test.hpp"
#include "support/engine_world.hpp"

namespace sluice {

std::unique_ptr<Engine> testing::make_engine_under_test(EngineSetup setup) {
  setup.recurrence = "gemm";
  setup.precision = "fp32";
  return make_cuda_engine(setup);
}

bool testing::skip_without_engine() { return skip_without_device(); }

namespace {

using testing::fast;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::run;
using testing::World;

class CudaEngineTest : public testing::DeviceTest {};

TEST_F(CudaEngineTest, GraphsReplayWhatTheirStepsWouldDo) {
  // Steps of two sizes: the first of each runs as it is, the others are replays. A fresh engine
  // that takes up the state before each step never replays.
  const World world(true);
  const auto replaying = world.engine();
  for (int i = 0; i < 9; ++i) replaying->train_step(world.windows(i), fast());
  EngineState state;
  state.params = world.start;
  for (int i = 0; i < 9; ++i) {
    const auto fresh = world.engine();
    fresh->set_state(state);
    fresh->train_step(world.windows(i), fast());
    state = fresh->state();
  }
  EXPECT_EQ(replaying->state().params, state.params);
  EXPECT_EQ(replaying->state().average, state.average);
  EXPECT_EQ(replaying->state().step, 9);
}

/// What a fresh engine with these parameters says of the windows: its first inference, as it is.
std::vector<float> first_forecast(const World& world, std::span<const float> params,
                                  std::span<const Window> windows) {
  const auto fresh = world.engine();
  fresh->set_evaluation_params(params);
  std::vector<float> y(windows.size() *
                       static_cast<std::size_t>(world.spec.K * world.spec.M * world.spec.Q()));
  fresh->forecast(windows, {}, y);
  return y;
}

// Forecasts of two sizes, so often that the graphs of all slots replay; between them the parameters
// of evaluation change, a training step loads others into the recurrence, a state is set, and a
// larger batch moves the buffers.
TEST_F(CudaEngineTest, InferenceGraphsReplayWhatTheirBatchesWouldDo) {
  World world(true);
  for (const char* form : {"gathered", "assembled", "carried"}) {
    world.recurrence = std::string_view(form) == "assembled" ? "fused_simt" : "gemm";
    world.spec.carry_state = std::string_view(form) == "carried";
    world.spec.dropout = 0;
    const auto engine = world.engine();
    std::vector<float> params = world.start;
    for (int i = 0; i < 16; ++i) {
      SCOPED_TRACE(std::string(form) + " " + std::to_string(i));
      if (i % 5 == 4) {
        for (float& p : params) p *= 0.95f;
        engine->set_evaluation_params(params);
      }
      if (i % 3 == 1) engine->train_step(world.windows(0), fast());
      if (i == 7) {
        const EngineState state = engine->state();
        engine->set_state(state);
      }
      std::vector<Window> windows = world.windows(i % 2 == 0 ? i : 3);
      if (i != 10) windows.resize(i % 2 == 0 ? 4 : 3);  // the larger one comes when graphs are warm
      std::vector<float> y(windows.size() *
                           static_cast<std::size_t>(world.spec.K * world.spec.M * world.spec.Q()));
      engine->forecast(windows, {}, y);
      EXPECT_EQ(y, first_forecast(world, params, windows));
    }
  }
}

// The workspace of cuBLAS is an eighth of a limit below 256 MiB, and its choice of kernels, so the
// last bits, may depend on that: on CUDA the catalogue is as large as it takes to be streamed under
// a limit that leaves the workspace its size.
TEST_F(CudaEngineTest, AStreamedCatalogueGivesTheBitsOfAResidentOne) {
  const bool small = testing::on_standin();
  for (const bool gaps : {false, true}) {
    World world(gaps, 40, small ? 4000 : 400'000);  // 1.3 MB a channel, or 128
    const auto resident = world.engine();
    EXPECT_THAT(resident->description(), HasSubstr("resident"));
    const Outcome expected = run(world, *resident, 9);
    world.limit = small ? 4 << 20 : 256 << 20;
    const auto streamed = world.engine();
    EXPECT_THAT(streamed->description(), HasSubstr("streamed"));
    EXPECT_EQ(run(world, *streamed, 9), expected);
  }
}

TEST_F(CudaEngineTest, ASeriesThatIsNotFiniteIsNamedAsTheCatalogueCounts) {
  World world(false, 40, 4000);
  std::fill(world.start.begin(), world.start.end(), std::numeric_limits<float>::quiet_NaN());
  const std::vector<Window> windows = world.windows(1);
  for (const std::int64_t limit : {0, 4 << 20}) {  // resident, streamed
    world.limit = limit;
    const auto engine = world.engine();
    engine->train_step(windows, fast());
    EXPECT_EQ(engine->take_loss().bad_series, windows[0].series) << engine->description();
    EXPECT_EQ(engine->validate(windows, world.ends(80)).bad_series, windows[0].series);
  }
}

TEST_F(CudaEngineTest, AResumedTrainingGivesTheSameBits) {
  World world(true);
  world.take_patches(2);
  const auto whole = world.engine(), before = world.engine(), after = world.engine();
  const Outcome expected = run(world, *whole, 10);
  for (int i = 0; i < 4; ++i) before->train_step(world.windows(i), fast());
  after->set_state(before->state());
  Outcome resumed = run(world, *after, 6, 4);
  EXPECT_EQ(resumed.params, expected.params);
  EXPECT_EQ(resumed.average, expected.average);
  EXPECT_EQ(resumed.forecast, expected.forecast);
}

TEST_F(CudaEngineTest, ASmallerBatchMayTakeTheHeadInALargerChunk) {
  // 128 windows are 66,048 rows of the head and go in two chunks, 127 are 65,532 and go in one.
  World world(false);
  world.spec.T = 516, world.spec.H = 4, world.spec.L = 1, world.spec.K = 1, world.spec.warmup = 0;
  world.spec.head_starts_at_zero = true;
  world.start.assign(static_cast<std::size_t>(ParamLayout(world.spec).size()), 0.01f);
  world.batch = 128;
  const auto engine = world.engine();
  engine->train_step(world.windows(0), fast());
  engine->train_step(world.windows(3), fast());
  EXPECT_EQ(engine->state().step, 2);
  EXPECT_GT(engine->take_loss().targets, 0);
}

TEST_F(CudaEngineTest, ABatchThatDoesNotFitLeavesSmallerOnesGoing) {
  World world(false);
  world.spec.T = 400, world.batch = 64, world.limit = 16 << 20;
  const std::vector<Window> all = world.windows(0), few(all.begin(), all.begin() + 2);
  const auto engine = world.engine(), undisturbed = world.engine();
  for (int i = 0; i < 3; ++i) {
    undisturbed->train_step(few, fast());
    engine->train_step(few, fast());
    EXPECT_THROW(engine->train_step(all, fast()), DeviceError);
  }
  EXPECT_EQ(engine->state().step, 3);
  EXPECT_EQ(engine->state().params, undisturbed->state().params);
}

TEST_F(CudaEngineTest, RecurrencesAgreeOnATraining) {
  struct Case {
    const char *recurrence, *precision;
    double tolerance;  // of the loss: as the recurrences' parity, some steps of training later
  };
  for (const auto& [dropout, patch] : {std::pair(0.2f, 1), {0.0f, 1}, {0.0f, 7}}) {
    SCOPED_TRACE(::testing::Message() << "dropout " << dropout << ", patch " << patch);
    World world(true);
    world.spec.dropout = dropout;
    world.take_patches(patch);
    ASSERT_GE(world.spec.L, 2);
    const Outcome expected = run(world, *world.engine(), 8);
    for (const Case& c : {Case{"fused_simt", "fp32", 1e-4}, Case{"gemm", "tf32", 1e-2},
                          Case{"fused_mma", "tf32", 1e-2}, Case{"gemm", "bf16", 5e-2},
                          Case{"fused_mma", "bf16", 5e-2}}) {
      world.recurrence = c.recurrence, world.precision = c.precision;
      const Outcome outcome = run(world, *world.engine(), 8);
      EXPECT_NEAR(outcome.train_loss, expected.train_loss, c.tolerance * expected.train_loss)
          << c.recurrence << " " << c.precision;
      EXPECT_NEAR(outcome.valid_loss, expected.valid_loss, c.tolerance * expected.valid_loss)
          << c.recurrence << " " << c.precision;
      EXPECT_EQ(outcome.targets, expected.targets);
    }
  }
}

/// A recursive model in the world's place.
void make_recursive(World& world) {
  world.spec.loss = Loss::student_t, world.spec.quantiles = {};
  world.spec.decoding = Decoding::recursive;
  world.start.resize(static_cast<std::size_t>(ParamLayout(world.spec).size()));
  init_params(world.spec, 5, world.start);
}

std::vector<float> sampled(const World& world, Engine& engine, const std::vector<Window>& windows,
                           std::int64_t count) {
  std::vector<std::uint64_t> streams(windows.size());
  std::iota(streams.begin(), streams.end(), std::uint64_t{1});
  std::vector<float> out(windows.size() * static_cast<std::size_t>(count * world.spec.K));
  engine.sample(windows, {.first = 0, .count = count, .seed = 3, .streams = streams}, out);
  return out;
}

// How far recurrences of less exact products are apart is seen at the first step: what is drawn
// goes back in.
TEST_F(CudaEngineTest, RecurrencesAgreeOnSamplePaths) {
  struct Case {
    const char *recurrence, *precision;
    double tolerance;
  };
  World world(true);
  make_recursive(world);
  const std::vector<Window> windows = world.windows(1);
  const std::vector<float> expected = sampled(world, *world.engine(), windows, 4);
  for (const Case& c : {Case{"fused_simt", "fp32", 1e-4}, Case{"gemm", "tf32", 5e-2},
                        Case{"fused_mma", "tf32", 5e-2}, Case{"fused_mma", "bf16", 2e-1}}) {
    world.recurrence = c.recurrence, world.precision = c.precision;
    const std::vector<float> paths = sampled(world, *world.engine(), windows, 4);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      EXPECT_NEAR(paths[i], expected[i], c.tolerance * (1 + std::abs(expected[i])))
          << c.recurrence << " " << c.precision << " " << i;
    }
  }
}

TEST_F(CudaEngineTest, SamplePathsOfAStreamedCatalogueAreThoseOfAResidentOne) {
  const bool small = testing::on_standin();
  World world(true, 40, small ? 4000 : 400'000);
  make_recursive(world);
  const std::vector<Window> windows = world.windows(2);
  const std::vector<float> expected = sampled(world, *world.engine(), windows, 3);
  world.limit = small ? 6 << 20 : 256 << 20;
  const auto streamed = world.engine();
  EXPECT_THAT(streamed->description(), HasSubstr("streamed"));
  EXPECT_EQ(sampled(world, *streamed, windows, 3), expected);
}

// Sample paths of a new number of rows may move what graphs read.
TEST_F(CudaEngineTest, GraphsReplayBetweenSamplePaths) {
  World world(false);
  make_recursive(world);
  const auto engine = world.engine();
  const std::vector<Window> windows = world.windows(0);
  const auto validated = [&] { return engine->validate(windows, world.ends(75)).loss; };
  const double loss = validated();
  std::vector<float> before;
  for (const std::int64_t count : {2, 2, 40, 2}) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(validated(), loss);
    const std::vector<float> paths = sampled(world, *engine, windows, count);
    const auto first = std::vector<float>(paths.begin(), paths.begin() + 2 * world.spec.K);
    if (!before.empty()) {
      for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_NEAR(first[i], before[i], 1e-4 * std::abs(before[i])) << count;
      }
    }
    before = first;
  }
}

TEST_F(CudaEngineTest, SaysWhatRunsAndStoresWhatAutoChose) {
  World world(false);
  world.recurrence = "auto", world.precision = "auto";
  const auto engine = world.engine();
  EXPECT_THAT(engine->description(), HasSubstr("cuda:0 ("));
  // A small batch of few units: the recurrence in fp32, the head as ever in tf32.
  EXPECT_THAT(engine->description(), HasSubstr("fused_simt recurrence, fp32, head tf32"));
  EXPECT_EQ(engine->recurrence(), "fused_simt (fp32, head tf32, cuda:0)");
  world.recurrence = "fused";
  EXPECT_EQ(world.engine()->recurrence(), "fused_mma (tf32, cuda:0)");
}

/// The message of what making an engine throws.
template <typename Error>
std::string refusal_of(const World& world) {
  try {
    world.engine();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST_F(CudaEngineTest, RefusesWhatItCannotRunWithTheRemedy) {
  World world(false);
  world.recurrence = "onednn";
  EXPECT_THAT(refusal_of<ConfigError>(world), HasSubstr("runs on the CPU only"));
  world.recurrence = "gem";
  EXPECT_THAT(refusal_of<ConfigError>(world), HasSubstr("gemm"));
  world.recurrence = "fused_mma", world.precision = "fp32";
  EXPECT_THAT(refusal_of<DeviceError>(world), HasSubstr("tf32"));
  world.recurrence = "gemm", world.precision = "fp64";
  EXPECT_THAT(refusal_of<ConfigError>(world), HasSubstr("fp32, tf32 or bf16"));
  world.precision = "fp32", world.limit = 1000;
  EXPECT_THAT(refusal_of<DeviceError>(world), HasSubstr("engine.device_memory_limit"));
}

}  // namespace
}  // namespace sluice
