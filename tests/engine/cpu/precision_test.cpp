// The CPU's precisions: bf16's sigmoid and tanh, a training in it, and what is said where it cannot
// run. Its recurrence is tested as every other one is (recurrence_parity_test,
// fused_recurrence_test).
#include "engine/cpu/precision.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/fused/bf16/bf16.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "support/all_floats.hpp"
#include "support/engine_world.hpp"

namespace sluice {
namespace {

using Floats = std::vector<float>;

class FusedBf16 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (fused_bf16_kernels() == nullptr) GTEST_SKIP() << "it needs " << fused_bf16_needs();
  }
};

TEST_F(FusedBf16, SigmoidAndTanhAreWithinTheirErrors) {
  const Floats in = reference::all_floats();
  Floats sigmoid(in.size()), tanh(in.size());
  fused_bf16_kernels()->sigmoid(in.data(), static_cast<std::int64_t>(in.size()), sigmoid.data());
  fused_bf16_kernels()->tanh(in.data(), static_cast<std::int64_t>(in.size()), tanh.data());
  double worst_sigmoid = 0, worst_tanh = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double x = static_cast<double>(in[i]);
    const auto error = [](float got, double want) {
      return std::abs(static_cast<double>(got) - want) / std::abs(want);
    };
    ASSERT_TRUE(std::isfinite(sigmoid[i]) && std::isfinite(tanh[i])) << x;
    EXPECT_LE(std::abs(static_cast<double>(sigmoid[i]) - 1 / (1 + std::exp(-x))), 0x1p-13) << x;
    if (x > -86) worst_sigmoid = std::max(worst_sigmoid, error(sigmoid[i], 1 / (1 + std::exp(-x))));
    if (std::abs(x) > 0x1p-10) {
      worst_tanh = std::max(worst_tanh, error(tanh[i], std::tanh(x)));
    } else {
      EXPECT_NEAR(static_cast<double>(tanh[i]), x, 0x1p-23 + 0x1p-13 * std::abs(x));
    }
  }
  EXPECT_LE(worst_sigmoid, 0x1p-13);
  EXPECT_LE(worst_tanh, 0x1p-14);
}

TEST_F(FusedBf16, NanStaysNan) {
  const Floats in(5, std::numeric_limits<float>::quiet_NaN());
  Floats sigmoid(5), tanh(5);
  fused_bf16_kernels()->sigmoid(in.data(), 5, sigmoid.data());
  fused_bf16_kernels()->tanh(in.data(), 5, tanh.data());
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(std::isnan(sigmoid[i]) && std::isnan(tanh[i])) << i;
  }
}

// As the CUDA engine's bf16 is held to (tests/cuda/engine/engine_test.cpp): 5e-2 of the loss, after
// eight steps at a large rate. What bf16 takes from the fp32 weights would be lost if they were
// stored in it.
TEST_F(FusedBf16, ATrainingReachesTheLossOfFp32) {
  testing::World world(true);
  world.recurrence = "fused";
  const testing::Outcome fp32 = run(world, *world.ready(make_cpu_engine(world.setup())), 40);
  world.precision = "bf16";
  const auto engine = world.ready(make_cpu_engine(world.setup()));
  EXPECT_EQ(engine->description().find("cpu, fused recurrence, bf16, "), 0u);
  EXPECT_EQ(engine->recurrence(), "fused (bf16)");
  const testing::Outcome bf16 = run(world, *engine, 40);
  EXPECT_NEAR(bf16.train_loss, fp32.train_loss, 5e-2 * fp32.train_loss);
  EXPECT_NEAR(bf16.valid_loss, fp32.valid_loss, 5e-2 * fp32.valid_loss);
  EXPECT_NE(bf16.train_loss, fp32.train_loss);
  EXPECT_EQ(bf16.targets, fp32.targets);
}

/// What asking for bf16 throws.
template <typename Kind>
std::string refusal(const std::string& recurrence, const FusedKernels<Bf16>* kernels) {
  try {
    make_cpu_bf16_recurrence(recurrence, 3, 8, 1, kernels);
  } catch (const Kind& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST(CpuPrecision, SaysWhatBf16NeedsWhereItIsMissing) {
  const std::string needs(fused_bf16_needs());
  EXPECT_NE(needs.find("AVX-512 BF16"), std::string::npos) << needs;
  for (const char* name : {"fused", "auto"}) {
    EXPECT_EQ(refusal<DeviceError>(name, nullptr), "engine.precision = \"bf16\" on the CPU needs " +
                                                       needs + "; set engine.precision = \"fp32\"");
  }
  EXPECT_EQ(cpu_bf16_text(nullptr), "none: it needs " + needs);
}

TEST(CpuPrecision, RefusesOtherRecurrencesInBf16) {
  for (const char* name : {"onednn", "cudnn"}) {
    EXPECT_EQ(refusal<ConfigError>(name, fused_bf16_kernels()),
              "engine.recurrence = \"" + std::string(name) +
                  "\" does not compute in bf16 on the CPU; set engine.recurrence = \"fused\", or "
                  "engine.precision = \"fp32\"");
  }
}

TEST(CpuPrecision, RefusesWhatTheCpuHasNot) {
  EXPECT_EQ(cpu_precision("auto"), Precision::fp32);
  EXPECT_EQ(cpu_precision("fp32"), Precision::fp32);
  EXPECT_EQ(cpu_precision("bf16"), Precision::bf16);
  try {
    cpu_precision("tf32");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "engine.precision = \"tf32\" does not exist on the CPU; choose auto, fp32 or bf16");
  }
}

}  // namespace
}  // namespace sluice
