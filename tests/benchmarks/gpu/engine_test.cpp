// The section of whole engines, at tiny sizes on the stand-in for CUDA.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "benchmarks/gpu/facts.hpp"
#include "gpu/run.hpp"
#include "gpu/section_engine.hpp"
#include "standin/standin.hpp"

namespace sluice::bench {
namespace {

using testing::HasSubstr;

constexpr GpuRunSettings kSettings{.repeat = 2, .sample_seconds = 0};

class EngineSection : public testing::Test {
 protected:
  void SetUp() override {
    standin::reset();
    standin::Device device;
    device.multiprocessors = 1;
    standin::set_device(device);
    standin::set_memory_bytes(256 << 20);
  }
  void TearDown() override {
    standin::finish();
    EXPECT_EQ(standin::live_allocations(), 0);
    EXPECT_EQ(standin::live_handles(), 0);
    standin::reset();
  }

  static EngineJob tiny() {
    EngineJob job;
    job.spec.T = 4, job.spec.H = 5, job.spec.past_channels = 2, job.spec.loss = Loss::mse;
    job.batch = 6, job.series = 40, job.length = 50, job.steps = 2;
    return job;
  }
  static GpuRow run(const GpuCase& gpu_case) {
    DeviceContext context;
    return run_case(gpu_case, context, kSettings);
  }
};

TEST_F(EngineSection, TrainsAndForecastsInEveryRecurrenceAndIsComparedWithGemm) {
  for (const Phase phase : {Phase::train, Phase::forward}) {
    for (const char* recurrence : {"fused_mma", "gemm"}) {
      for (const Precision precision : {Precision::bf16, Precision::tf32}) {
        const GpuRow row = run(engine_case(tiny(), recurrence, precision, phase));
        EXPECT_EQ(row.failed + row.refused, "") << row.name;
        EXPECT_GT(row.error.value(), 0) << row.name;
        EXPECT_EQ(row.samples.stream.size(), 2u) << row.name;
        EXPECT_TRUE(row.samples.graph.empty()) << row.name;
        EXPECT_THAT(row.samples.no_graph, HasSubstr("host's clock")) << row.name;
        EXPECT_THAT(text(row.facts, "engine"), HasSubstr("catalogue resident")) << row.name;
        EXPECT_EQ(number(row.facts, "windows of a step"), 6) << row.name;
      }
    }
  }
}

TEST_F(EngineSection, StreamsACatalogueThatTheMemoryLimitKeepsOut) {
  EngineJob job = tiny();
  job.length = 5000, job.streamed = true;
  for (const Phase phase : {Phase::train, Phase::forward}) {
    const GpuRow row = run(engine_case(job, "fused_mma", Precision::bf16, phase));
    EXPECT_EQ(row.failed + row.refused, "") << row.name;
    EXPECT_THAT(text(row.facts, "engine"), HasSubstr("catalogue streamed"));
    EXPECT_THAT(row.name, HasSubstr("engine/fused_mma.streamed/bf16/"));
  }
}

TEST_F(EngineSection, IsRefusedWithTheEnginesWords) {
  const GpuRow row = run(engine_case(tiny(), "fused_simt", Precision::bf16, Phase::train));
  EXPECT_THAT(row.refused, HasSubstr("fused_simt computes in fp32 only"));
}

TEST_F(EngineSection, NamesAreOfTheModelsInputsAndUnits) {
  std::vector<std::string> names;
  for (const GpuCase& c : engine_cases(false)) names.push_back(name_of(c));
  for (const char* name :
       {"engine/fused_mma/bf16/train/32768,24,15,128,1", "engine/gemm/tf32/forward/256,24,15,128,1",
        "engine/cudnn_standard/bf16/train/256,24,15,128,1",
        "engine/fused_mma.streamed/bf16/train/4096,24,15,128,1",
        "engine/fused_mma.streamed/tf32/forward/32768,24,15,128,1"}) {
    EXPECT_THAT(names, testing::Contains(name));
  }
}

TEST_F(EngineSection, SecondsAreOfOneOfTheStepsThatARunWaitsFor) {
  DeviceContext context;
  GpuWork work;
  constexpr auto kRun = std::chrono::milliseconds(10);
  work.run = [=] { std::this_thread::sleep_for(kRun); };
  work.waited_steps = 1000;
  for (const double seconds : time_work(work, context, kSettings).stream) {
    EXPECT_GE(seconds, 1e-5);
    EXPECT_LT(seconds, 0.01);  // of a run, if it were not divided
  }
}

}  // namespace
}  // namespace sluice::bench
