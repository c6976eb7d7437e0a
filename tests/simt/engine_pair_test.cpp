// The CUDA engine beside the CPU engine, and what only the stand-in can do to it: other
// interleavings of its streams, calls that fail, memory that is not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"
#include "support/engine_world.hpp"

namespace sluice {
namespace {

using testing::fast;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::run;
using testing::World;

class EnginePair : public testing::DeviceTest {};

/// Root mean square of a - b over that of b.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    difference += (x - y) * (x - y), size += y * y;
  }
  return std::sqrt(difference / size);
}

TEST_F(EnginePair, CudaTrainsAndForecastsAsTheCpuDoes) {
  for (const auto& [gaps, patch] : {std::pair(false, 1), {true, 1}, {true, 2}}) {
    World world(gaps);
    world.take_patches(patch);
    const Outcome cuda = run(world, *world.engine(), 12);
    world.recurrence = world.precision = "auto";
    const Outcome cpu = run(world, *world.ready(make_cpu_engine(world.setup())), 12);
    EXPECT_EQ(cuda.targets, cpu.targets);
    // Single precision in another order of sums; AdamW divides small gradients by themselves, which
    // turns their rounding into steps of the size of the learning rate for a few parameters.
    EXPECT_NEAR(cuda.train_loss, cpu.train_loss, 1e-4 * cpu.train_loss);
    EXPECT_NEAR(cuda.valid_loss, cpu.valid_loss, 1e-3 * cpu.valid_loss);
    EXPECT_NEAR(cuda.norm, cpu.norm, 1e-2 * cpu.norm);
    EXPECT_LT(distance(cuda.params, cpu.params), 5e-3);
    EXPECT_LT(distance(cuda.average, cpu.average), 5e-3);
    EXPECT_LT(distance(cuda.forecast, cpu.forecast), 1e-3);
  }
}

TEST_F(EnginePair, CudaExplainsNothingAndNamesTheCpu) {
  const World world(false);
  try {
    world.engine()->attribute(world.windows(0), {}, {});
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("set engine.device = \"cpu\""));
  }
}

TEST_F(EnginePair, CudaTrainsAndForecastsADistributionAsTheCpuDoes) {
  for (const Loss loss :
       {Loss::gaussian, Loss::student_t, Loss::poisson, Loss::negative_binomial, Loss::tweedie}) {
    World world(true);
    world.spec.loss = loss, world.spec.quantiles = {};
    world.start.resize(static_cast<std::size_t>(ParamLayout(world.spec).size()));
    init_params(world.spec, 5, world.start);
    const Outcome cuda = run(world, *world.engine(), 12);
    world.recurrence = world.precision = "auto";
    const Outcome cpu = run(world, *world.ready(make_cpu_engine(world.setup())), 12);
    EXPECT_EQ(cuda.targets, cpu.targets);
    // As above.
    EXPECT_NEAR(cuda.train_loss, cpu.train_loss, 1e-4 * (1 + std::abs(cpu.train_loss)));
    EXPECT_NEAR(cuda.valid_loss, cpu.valid_loss, 1e-3 * (1 + std::abs(cpu.valid_loss)));
    EXPECT_NEAR(cuda.norm, cpu.norm, 1e-2 * cpu.norm);
    EXPECT_LT(distance(cuda.params, cpu.params), 5e-3);
    EXPECT_LT(distance(cuda.forecast, cpu.forecast), 2e-3) << static_cast<int>(loss);
  }
}

TEST_F(EnginePair, NoInterleavingOfStreamsChangesABit) {
  World world(true, 40, 600);
  world.limit = 1 << 20;  // streamed: copies run beside the steps
  standin::seed(1);
  const Outcome expected = run(world, *world.engine(), 9);
  for (std::uint64_t seed = 2; seed <= 6; ++seed) {
    standin::reset();
    standin::seed(seed);
    EXPECT_EQ(run(world, *world.engine(), 9), expected) << "seed " << seed;
  }
}

TEST_F(EnginePair, LeavesNothingBehind) {
  const World world(true);
  const std::int64_t allocations = standin::live_allocations(), handles = standin::live_handles();
  run(world, *world.engine(), 6);
  standin::finish();
  EXPECT_EQ(standin::live_allocations(), allocations);
  EXPECT_EQ(standin::live_handles(), handles);
}

// A batch of a known size is one graph; the weights are packed again only if they may have changed.
TEST_F(EnginePair, AForecastAgainLaunchesOneGraphAndLoadsNoWeights) {
  const World world(false);
  const auto engine = world.engine();
  const std::vector<Window> windows = world.windows(0);
  std::vector<float> y(windows.size() *
                       static_cast<std::size_t>(world.spec.K * world.spec.M * world.spec.Q()));
  struct Work {
    std::int64_t kernels, products, graphs;
  };
  const auto forecast = [&]() -> Work {
    const Work before{standin::enqueued("kernel"), standin::enqueued("cublasGemmEx"),
                      standin::enqueued("cudaGraphLaunch")};
    engine->forecast(windows, {}, y);
    return {standin::enqueued("kernel") - before.kernels,
            standin::enqueued("cublasGemmEx") - before.products,
            standin::enqueued("cudaGraphLaunch") - before.graphs};
  };
  const Work first = forecast();
  EXPECT_EQ(first.graphs, 0);
  EXPECT_GT(first.products, 0);
  for (int i = 0; i < 4; ++i) {
    const Work again = forecast();
    EXPECT_EQ(again.graphs, 1);
    EXPECT_EQ(again.products, 0);
    EXPECT_EQ(again.kernels, 1);  // from the model's space to the units of y
  }
  const auto loads = [&] { return standin::enqueued("cudaMemcpyAsync"); };
  std::int64_t copies = loads();
  forecast();
  const std::int64_t without = loads() - copies;
  engine->set_evaluation_params(world.start);
  copies = loads();
  forecast();
  EXPECT_EQ(loads() - copies, without + 1);  // gemm in fp32 takes its weights by a copy
}

// Over few windows most kernels take less than the way from one to the next, and the walks leave
// most of the device idle: what they do not wait for runs beside them.
TEST_F(EnginePair, ATrainingStepRunsBesideTheWalksWhatTheyDoNotWaitFor) {
  World world(false);
  world.recurrence = "fused_mma", world.precision = "bf16";
  world.spec.L = 1, world.spec.dropout = 0;
  world.start.resize(static_cast<std::size_t>(ParamLayout(world.spec).size()));
  init_params(world.spec, 5, world.start);
  const auto engine = world.engine();
  for (const int step : {0, 1}) engine->train_step(world.windows(step), fast());
  // The head's zeros, rows and product; places, sort and zeros of both kinds of categories.
  constexpr std::int64_t kBesideForward = 3 + 2 * 3;
  // Sums of both biases, products of the head's three matrices and of its embeddings, the loss.
  constexpr std::int64_t kBesideBackward = 2 + 4 + 1;
  const std::vector<std::int64_t> beside = standin::last_graph_beside();
  ASSERT_EQ(beside.size(), 38U);
  // In the order of capture: the weights, the inputs, what runs beside the walk forward and that;
  // the head's products with their activations and the loss; what runs beside the walk back.
  EXPECT_EQ(beside[2 + kBesideForward], kBesideForward);
  EXPECT_EQ(beside[2 + kBesideForward + 1 + 7 + kBesideBackward], kBesideBackward);
}

TEST_F(EnginePair, AStepThatFailsIsADeviceErrorAndTheStateIsStillThere) {
  const World world(false);
  const auto engine = world.engine();
  for (int i = 0; i < 3; ++i) engine->train_step(world.windows(i), fast());
  const EngineState before = engine->state();
  for (int call = 1; call <= 4; ++call) {
    standin::fail_after(call, cudaErrorLaunchFailure);
    try {
      engine->train_step(world.windows(4), fast());
      engine->take_loss();
      ADD_FAILURE() << "call " << call << " did not fail";
    } catch (const DeviceError& error) {
      EXPECT_THAT(error.what(), HasSubstr("checkpoint"));
    }
    standin::fail_after(0, cudaSuccess);
  }
  // What had been reached can still be read: at most the step under way is in it.
  const EngineState after = engine->state();
  EXPECT_GE(after.step, before.step);
  EXPECT_TRUE(std::all_of(after.params.begin(), after.params.end(),
                          [](float p) { return std::isfinite(p); }));
}

TEST_F(EnginePair, NoDeviceAndAnOldDeviceAreNamed) {
  const World world(false);
  standin::Device device;
  device.present = false;
  standin::set_device(device);
  EXPECT_THROW(world.engine(), DeviceError);
  device.present = true, device.compute_capability = 75, device.name = "Old One";
  standin::set_device(device);
  try {
    world.engine();
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Old One has compute capability 7.5"));
    EXPECT_THAT(error.what(), HasSubstr("engine.device = \"cpu\""));
  }
}

TEST_F(EnginePair, AFullDeviceSaysWhatIsNeededAndWhatIsFree) {
  const World world(false);
  standin::set_memory_bytes(1 << 20);
  try {
    world.engine();
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bytes of device memory"));
    EXPECT_THAT(error.what(), HasSubstr("are left"));
  }
}

}  // namespace
}  // namespace sluice
