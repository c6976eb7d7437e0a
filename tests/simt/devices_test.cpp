// Several devices, which no machine at hand has: that all of an engine lives on the one that it was
// given, whatever the calling thread's current one is. The stand-in stops what touches another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "engine/devices.hpp"
#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"
#include "support/engine_world.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::run;
using ::testing::StartsWith;
using testing::World;

class Devices : public testing::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    standin::set_devices({{.name = "First"}, {.name = "Second"}, {.name = "Third"}});
  }
};

int current() {
  int device = -1;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

/// In a thread of its own, whose current device is 0.
void in_another_thread(const std::function<void()>& what) {
  std::async(std::launch::async, what).get();  // with what it throws
}

TEST_F(Devices, AllOfAnEngineLivesOnTheOneThatItWasGiven) {
  World world(true);
  const Outcome expected = run(world, *world.engine(), 6);
  const std::int64_t elsewhere = standin::live_on(0);
  world.device = 1;
  auto engine = world.engine();
  in_another_thread([&] {
    EXPECT_EQ(current(), 0);
    EXPECT_EQ(run(world, *engine, 6), expected);
  });
  EXPECT_GT(standin::live_on(1), 20);  // graphs are among them
  EXPECT_EQ(standin::live_on(0), elsewhere);
  in_another_thread([&] { engine.reset(); });
  EXPECT_EQ(standin::live_on(1), 0);
}

TEST_F(Devices, AStreamedCatalogueIsStreamedToTheOneThatTheEngineWasGiven) {
  World world(false, 40, 600);
  world.limit = 1 << 20;
  const Outcome expected = run(world, *world.engine(), 5);
  world.device = 2;
  const auto engine = world.engine();
  in_another_thread([&] { EXPECT_EQ(run(world, *engine, 5), expected); });
}

TEST_F(Devices, EnginesOnTwoOfThemTakeTurns) {
  World world(true);
  const Outcome expected = run(world, *world.engine(), 6);
  const auto first = world.engine();
  world.device = 2;
  const auto third = world.engine();
  for (int i = 0; i < 5; ++i) {
    for (Engine* engine : {first.get(), third.get()}) {
      engine->train_step(world.windows(i), testing::fast());
    }
  }
  EXPECT_EQ(run(world, *first, 1, 5), expected);
  EXPECT_EQ(run(world, *third, 1, 5), expected);
}

TEST_F(Devices, AnEngineSaysWhichItHas) {
  World world(false);
  world.device = 1;
  const auto engine = world.engine();
  EXPECT_THAT(engine->description(), StartsWith("cuda:1 (Second), gemm recurrence"));
  EXPECT_EQ(engine->recurrence(), "gemm (fp32, cuda:1)");
}

TEST_F(Devices, ANumberThatIsNotThereIsAnsweredWithThoseThatAre) {
  World world(false);
  world.device = 3;
  EXPECT_THAT([&] { world.engine(); },
              ::testing::ThrowsMessage<DeviceError>(
                  "engine.device = \"cuda:3\": there are 3 CUDA devices, cuda:0 to cuda:2 (sluice "
                  "info lists them; CUDA_VISIBLE_DEVICES may hide others); choose one of these, or "
                  "set engine.device = \"cpu\""));
  standin::set_devices({{.name = "Only"}});
  EXPECT_THAT([&] { world.engine(); },
              ::testing::ThrowsMessage<DeviceError>(
                  HasSubstr("there is 1 CUDA device, cuda:0 (sluice info lists it")));
}

TEST_F(Devices, AreListedWithTheirNumbersAndWhyOneCannotBeUsed) {
  standin::set_devices({{.name = "First"}, {.name = "Old", .compute_capability = 70}});
  check(cudaSetDevice(1), "cudaSetDevice");
  EXPECT_THAT(device_texts(),
              ElementsAre("cuda:0  First, compute capability 9.0, 132 multiprocessors, 4.0 GiB, "
                          "CUDA 13.0 (driver 13.0)",
                          HasSubstr("cuda:1  cannot be used: Old has compute capability 7.0")));
  EXPECT_EQ(current(), 1);
  EXPECT_TRUE(has_usable_device());
  EXPECT_EQ(current(), 1);
  standin::set_devices({{.name = "Old", .compute_capability = 70}, {.name = "Second"}});
  EXPECT_FALSE(has_usable_device());  // "auto" does not look further
  check(cudaSetDevice(0), "cudaSetDevice");
  standin::set_device({.present = false});
  EXPECT_THAT(device_texts(), ElementsAre("none: no CUDA-capable device is detected"));
  EXPECT_FALSE(has_usable_device());
}

TEST(DeviceNames, CudaIsTheFirstAndOthersHaveNumbers) {
  EXPECT_EQ(device_number("cuda"), 0);
  EXPECT_EQ(device_number("cuda:0"), 0);
  EXPECT_EQ(device_number("cuda:12"), 12);
  for (const char* other : {"cpu", "auto", "cuda:", "cuda:x", "cuda:1x", "cuda:-1x", "cuda1",
                            "cuda:99999999999", "gpu:1", "cuda:+1"}) {
    EXPECT_EQ(device_number(other), -1) << other;
  }
}

}  // namespace
}  // namespace sluice
