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
  for (const bool gaps : {false, true}) {
    World world(gaps);
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
