// Training on GPUs by several processes where NCCL is not: linked twice, once with what takes the
// communicator's place in a build without NCCL, once with what loads NCCL, beside a library of
// another version. SLUICE_REFUSAL is what each is to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"
#include "support/engine_world.hpp"
#include "support/thread_ranks.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WithoutNccl : public testing::DeviceTest {};

TEST_F(WithoutNccl, SeveralProcessesAreRefusedWithARemedyAndOneTrains) {
  const char* refusal = std::getenv("SLUICE_REFUSAL");
  ASSERT_NE(refusal, nullptr);
  const testing::World world(false);
  const auto thrown = testing::run_ranks(1, [&](Ranks& ranks) {
    EngineSetup setup = world.setup();
    setup.ranks = &ranks;
    make_cuda_engine(setup);
  });
  ASSERT_TRUE(thrown.front());
  try {
    std::rethrow_exception(thrown.front());
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(refusal), HasSubstr("start one process"),
                                    HasSubstr("engine.device = \"cpu\"")));
  }
  EXPECT_EQ(standin::live_allocations() + standin::live_handles(), 0);
  world.engine()->train_step(world.windows(0), testing::fast());
}

}  // namespace
}  // namespace sluice
