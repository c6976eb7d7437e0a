// The device's optimizer against the scalar functions of model/optimizer.hpp, step by step as
// CpuEngine::train_step does them.
//
// Tolerance: each step rounds each element a few times, and the compilers contract differently, so
// 8 units of 2^-24 a step, of the largest value that was added.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/optimizer.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/optimizer.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using testing::upload;

using Floats = std::vector<float>;

StepSettings settings_of(double clip, float decay) {
  StepSettings s;
  s.adamw = {.learning_rate = 0.02f, .beta1 = 0.8f, .beta2 = 0.95f, .weight_decay = 0.03f};
  s.clip_norm = clip, s.average_decay = decay;
  return s;
}

Floats random_floats(std::mt19937& random, std::int64_t size, float range) {
  std::uniform_real_distribution<float> value(-range, range);
  Floats out(static_cast<std::size_t>(size));
  for (float& x : out) x = value(random);
  return out;
}

/// What CpuEngine does with one step's gradient, on the host.
struct Expected {
  EngineState state;
  double norm = 0;

  void step(const Floats& gradient, std::int64_t targets, const StepSettings& s) {
    const std::size_t P = gradient.size();
    double squares = 0;
    Floats mean(P);
    for (std::size_t i = 0; i < P; ++i) {
      mean[i] = gradient[i] / static_cast<float>(targets);
      squares += static_cast<double>(mean[i]) * static_cast<double>(mean[i]);
    }
    norm = std::sqrt(squares);
    const float clip = clip_factor(norm, s.clip_norm);
    ++state.step;
    const AdamWStep correction = adamw_step(s.adamw, state.step);
    const float decay = average_decay(s.average_decay, state.step);
    if (s.average_decay > 0 && state.average.empty()) state.average = state.params;
    for (std::size_t i = 0; i < P; ++i) {
      adamw_update(s.adamw, correction, mean[i] * clip, state.m[i], state.v[i], state.params[i]);
      if (s.average_decay > 0) {
        state.average[i] += (1.0f - decay) * (state.params[i] - state.average[i]);
      }
    }
  }
};

/// An optimizer with its arrays. `shift`: by so many elements the parameters miss 16 bytes.
struct OnDevice {
  DeviceContext context;
  std::int64_t P, shift;
  DeviceOptimizer optimizer;
  DeviceBuffer<float> params, gradient;
  DeviceBuffer<DeviceLossSums> sums;
  DeviceBuffer<StepNumbers> numbers;
  DeviceBuffer<Window> windows;

  explicit OnDevice(std::int64_t size, std::int64_t from = 0)
      : P(size), shift(from), optimizer(size, context) {
    gradient = DeviceBuffer<float>(context.memory(), P, "a test");
    sums = DeviceBuffer<DeviceLossSums>(context.memory(), 1, "a test");
    numbers = DeviceBuffer<StepNumbers>(context.memory(), 1, "a test");
    windows = upload(context.memory(), std::vector<Window>{{.series = 42}, {.series = 7}});
  }
  void set(const EngineState& state) {
    Floats shifted(static_cast<std::size_t>(shift), 0.0f);
    shifted.insert(shifted.end(), state.params.begin(), state.params.end());
    params = upload(context.memory(), shifted);
    optimizer.set(state);
  }
  EngineState state() const {
    EngineState out;
    optimizer.get(out);
    const Floats all = testing::download(params);
    out.params.assign(all.begin() + shift, all.end());
    return out;
  }
  void send(const Floats& values, const DeviceLossSums& step_sums, const StepSettings& s) {
    copy_to_device(std::span(values), gradient.span(), context.stream());
    copy_to_device(std::span(&step_sums, 1), sums.span(), context.stream());
    copy_to_device(std::span(&s, 1), numbers.span(), context.stream());
    context.synchronize();
  }
  void update() {
    WindowRows rows;
    rows.windows = windows.data(), rows.N = 2;
    optimizer.update(rows, params.span().subspan(shift, P), gradient.span(), sums.span(),
                     numbers.data());
  }
  void step(const Floats& values, const DeviceLossSums& step_sums, const StepSettings& s) {
    send(values, step_sums, s);
    update();
  }
};

EngineState start(std::mt19937& random, std::int64_t P) {
  EngineState state;
  state.params = random_floats(random, P, 1);
  state.m.assign(static_cast<std::size_t>(P), 0.0f);
  state.v.assign(static_cast<std::size_t>(P), 0.0f);
  return state;
}

void expect_near(const char* what, const Floats& got, const Floats& wanted, std::int64_t steps) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  float size = 0;
  for (const float w : wanted) size = std::max(size, std::fabs(w));
  const float tolerance = 8 * std::ldexp(1.0f, -24) * static_cast<float>(steps) * size;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(std::fabs(got[i] - wanted[i]) <= tolerance)
        << what << "[" << i << "] is " << got[i] << ", not " << wanted[i];
  }
}

void expect_near(const EngineState& got, const EngineState& wanted) {
  EXPECT_EQ(got.step, wanted.step);
  expect_near("params", got.params, wanted.params, wanted.step);
  expect_near("m", got.m, wanted.m, wanted.step);
  expect_near("v", got.v, wanted.v, wanted.step);
  expect_near("average", got.average, wanted.average, wanted.step);
}

struct Shape {
  std::int64_t P, shift;
};

class OptimizerTest : public testing::DeviceTest, public ::testing::WithParamInterface<Shape> {};
using OptimizerStatusTest = testing::DeviceTest;

TEST_P(OptimizerTest, StepsAreThoseOfTheScalarFunctions) {
  const auto [P, shift] = GetParam();
  std::mt19937 random(5);
  OnDevice device(P, shift);
  Expected expected{start(random, P)};
  device.set(expected.state);
  double loss = 0;
  for (int step = 1; step <= 5; ++step) {
    // Clipped and not; the moving average begins at the third step.
    const StepSettings s = settings_of(step % 2 == 0 ? 0.1 : 0, step < 3 ? 0.0f : 0.9f);
    const Floats gradient = random_floats(random, P, 10);
    device.step(gradient, {1.5 * step, 3 + step, -1}, s);
    expected.step(gradient, 3 + step, s);
    loss += 1.5 * step;
    expect_near(device.state(), expected.state);
  }
  const TrainingStatus status = device.optimizer.take_status();
  EXPECT_EQ(status.step, 5);
  EXPECT_EQ(status.windows, 10);
  EXPECT_EQ(status.sums.targets, 4 + 5 + 6 + 7 + 8);
  EXPECT_EQ(status.sums.loss, loss);
  EXPECT_EQ(status.sums.bad_series, -1);
  EXPECT_NEAR(status.norm, expected.norm, 1e-6 * expected.norm);
}

// A tail, fewer than one vector, several blocks of the norm, and arrays off their alignment.
INSTANTIATE_TEST_SUITE_P(Shapes, OptimizerTest,
                         ::testing::Values(Shape{1, 0}, Shape{4, 0}, Shape{1027, 0}, Shape{1027, 1},
                                           Shape{5000, 0}),
                         [](const auto& c) {
                           return "P" + std::to_string(c.param.P) + "_shift" +
                                  std::to_string(c.param.shift);
                         });

TEST_F(OptimizerStatusTest, AStepWithoutTargetsCountsAndUpdatesNothing) {
  std::mt19937 random(6);
  OnDevice device(37);
  EngineState state = start(random, 37);
  device.set(state);
  device.step(random_floats(random, 37, 1), {0, 0, -1}, settings_of(1, 0.9f));
  state.step = 1;
  const EngineState got = device.state();
  EXPECT_EQ(got.params, state.params);
  EXPECT_EQ(got.m, state.m);
  EXPECT_TRUE(got.average.empty());
  EXPECT_EQ(got.step, 1);
  EXPECT_EQ(device.optimizer.take_status().windows, 2);
}

TEST_F(OptimizerStatusTest, AStepThatIsNotFiniteUpdatesNothingDoesNotCountAndNamesASeries) {
  std::mt19937 random(7);
  OnDevice device(37);
  EngineState state = start(random, 37);
  device.set(state);
  Floats gradient = random_floats(random, 37, 1);
  gradient[36] = std::numeric_limits<float>::infinity();
  device.step(gradient, {1, 4, -1}, settings_of(1, 0.9f));
  EXPECT_EQ(device.state().params, state.params);
  EXPECT_EQ(device.state().v, state.v);
  TrainingStatus status = device.optimizer.take_status();
  EXPECT_EQ(status.step, 0);
  EXPECT_EQ(status.sums.bad_series, 42);  // of the batch's first window
  EXPECT_FALSE(status.averaging);

  gradient[36] = 1;
  device.step(gradient, {1, 4, 19}, settings_of(1, 0));
  device.step(gradient, {1, 4, 23}, settings_of(1, 0));
  EXPECT_EQ(device.state().params, state.params);
  status = device.optimizer.take_status();
  EXPECT_EQ(status.step, 0);
  EXPECT_EQ(status.sums.bad_series, 19);  // the first one stays
}

TEST_F(OptimizerStatusTest, TakingTheStatusBeginsTheSumsAgainAndKeepsTheStep) {
  std::mt19937 random(8);
  OnDevice device(9);
  device.set(start(random, 9));
  const Floats gradient = random_floats(random, 9, 1);
  device.step(gradient, {2.5, 4, -1}, settings_of(0, 0.9f));
  EXPECT_EQ(device.optimizer.take_status().sums.loss, 2.5);
  const TrainingStatus status = device.optimizer.take_status();
  EXPECT_EQ(status.sums.loss, 0);
  EXPECT_EQ(status.sums.targets, 0);
  EXPECT_EQ(status.windows, 0);
  EXPECT_EQ(status.step, 1);
  EXPECT_TRUE(status.averaging);
  EXPECT_GT(status.norm, 0);
}

TEST_F(OptimizerStatusTest, ARestoredStateGoesOnWithTheSameBits) {
  std::mt19937 random(9);
  constexpr std::int64_t P = 301;
  const StepSettings s = settings_of(0.5, 0.9f);
  const Floats first = random_floats(random, P, 5), second = random_floats(random, P, 5);
  OnDevice whole(P), restored(P);
  whole.set(start(random, P));
  whole.step(first, {1, 3, -1}, s);
  restored.step(first, {0, 0, -1}, s);  // some other past
  restored.set(whole.state());
  whole.step(second, {1, 3, -1}, s);
  restored.step(second, {1, 3, -1}, s);
  const EngineState a = whole.state(), b = restored.state();
  EXPECT_EQ(a.params, b.params);
  EXPECT_EQ(a.average, b.average);
  EXPECT_EQ(a.m, b.m);
  EXPECT_EQ(a.v, b.v);
  EXPECT_EQ(a.step, b.step);
}

TEST_F(OptimizerStatusTest, AReplayedGraphReadsTheNumbersOfItsOwnStep) {
  std::mt19937 random(10);
  constexpr std::int64_t P = 130;
  OnDevice device(P);
  Expected expected{start(random, P)};
  device.set(expected.state);
  check(cudaStreamBeginCapture(device.context.stream(), cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
  device.update();
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(device.context.stream(), &captured), "cudaStreamEndCapture");
  const Graph graph(captured);
  cudaGraphExec_t made = nullptr;
  check(cudaGraphInstantiate(&made, captured, 0), "cudaGraphInstantiate");
  const GraphExec replay(made);
  for (int step = 1; step <= 3; ++step) {
    StepSettings s = settings_of(step == 2 ? 0.05 : 0, 0.9f);
    s.adamw.learning_rate = 0.1f / static_cast<float>(step);
    const Floats gradient = random_floats(random, P, 3);
    device.send(gradient, {1, 2 * step, -1}, s);
    check(cudaGraphLaunch(replay.get(), device.context.stream()), "cudaGraphLaunch");
    expected.step(gradient, 2 * step, s);
  }
  expect_near(device.state(), expected.state);
}

TEST_F(OptimizerStatusTest, AStateOfAnotherModelIsRefused) {
  OnDevice device(8);
  EngineState state;
  state.m.assign(9, 0.0f);
  EXPECT_THROW(device.optimizer.set(state), InternalError);
}

}  // namespace
}  // namespace sluice
