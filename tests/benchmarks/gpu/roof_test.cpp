#include "gpu/roof.hpp"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

const GpuShape kShape{.B = 1, .T = 1, .I = 16, .H = 64, .L = 1};

TEST(Roof, FlopsAreEightHTimesInputsAndUnitsAndThreeTimesThatInTraining) {
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::forward, Number::bf16).flops, 8 * 64 * 80);
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::backward, Number::bf16).flops, 2 * 8 * 64 * 80);
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::train, Number::bf16).flops, 3 * 8 * 64 * 80);
}

TEST(Roof, LayersAboveTheFirstReadHInputs) {
  const GpuShape two{.B = 3, .T = 5, .I = 16, .H = 64, .L = 2};
  EXPECT_DOUBLE_EQ(demand_of(two, Phase::forward, Number::bf16).flops,
                   15 * 8 * 64 * (80.0 + 128.0));
}

// The published table of bytes for 16-bit types: H + I, 4 H + 2 I, 13 H + 4 I, and from H 65 on
// 12 H + 2 I and 30 H + 4 I.
TEST(Roof, BytesAreTheModelsForSmallAndLargeH) {
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::forward, Number::bf16).bytes, 2 * (64 + 16));
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::backward, Number::fp16).bytes, 13 * 64 + 4 * 16);
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::train, Number::bf16).bytes,
                   4 * 64 + 2 * 16 + 13 * 64 + 4 * 16);
  GpuShape wide = kShape;
  wide.H = 128;
  EXPECT_DOUBLE_EQ(demand_of(wide, Phase::backward, Number::bf16).bytes, 30 * 128 + 4 * 16);
  EXPECT_DOUBLE_EQ(demand_of(wide, Phase::train, Number::bf16).bytes,
                   12 * 128 + 2 * 16 + 30 * 128 + 4 * 16);
}

TEST(Roof, FourByteTypesMoveTwiceTheBytes) {
  EXPECT_DOUBLE_EQ(demand_of(kShape, Phase::train, Number::tf32).bytes,
                   2 * demand_of(kShape, Phase::train, Number::bf16).bytes);
}

TEST(Roof, TheSlowestOfTheThreeBinds) {
  const Demand demand{.flops = 100, .special = 10, .bytes = 1000};
  const auto peaks = [](double half, double special, double memory) {
    return Peaks{.fp32 = {1, ""},
                 .tf32 = {1, ""},
                 .half = {half, ""},
                 .special = {special, ""},
                 .memory = {memory, ""}};
  };
  EXPECT_EQ(roof_of(demand, Number::bf16, peaks(10, 10, 1000))->binding, "tensor");
  EXPECT_EQ(roof_of(demand, Number::bf16, peaks(1000, 1, 1000))->binding, "special");
  EXPECT_EQ(roof_of(demand, Number::bf16, peaks(1000, 10, 10))->binding, "memory");
  EXPECT_DOUBLE_EQ(roof_of(demand, Number::bf16, peaks(1000, 10, 10))->seconds, 100);
  EXPECT_EQ(roof_of(demand, Number::fp32, peaks(1000, 10, 1000))->binding, "fp32");
}

TEST(Roof, WithoutAPeakThereIsNoRoof) {
  EXPECT_FALSE(roof_of({1, 1, 1}, Number::bf16, known_peaks("Some other card")).has_value());
}

TEST(Roof, MeasuredRatesReplaceNominalOnesExceptForProducts) {
  const Peaks known = known_peaks("NVIDIA H100 80GB HBM3");
  const Peaks peaks = with_measured(
      known, {.fma_flops = 1, .tf32_flops = 1, .bf16_flops = 1, .tanh = 2, .copy_bytes = 3});
  EXPECT_EQ(peaks.half.source, "nominal");
  EXPECT_DOUBLE_EQ(peaks.half.rate, known.half.rate);
  EXPECT_DOUBLE_EQ(peaks.special.rate, 2);
  EXPECT_DOUBLE_EQ(peaks.memory.rate, 3);
  EXPECT_EQ(peaks.memory.source, "measured in this run");
}

TEST(Roof, OnAnUnknownDeviceProductsAreAsMeasured) {
  const Peaks peaks = with_measured(known_peaks("Some other card"),
                                    {.fma_flops = 1, .tf32_flops = 2, .bf16_flops = 3});
  EXPECT_DOUBLE_EQ(peaks.half.rate, 3);
  EXPECT_EQ(peaks.half.source, "measured in this run");
  EXPECT_DOUBLE_EQ(peaks.special.rate, 0);
}

}  // namespace
}  // namespace sluice::bench
