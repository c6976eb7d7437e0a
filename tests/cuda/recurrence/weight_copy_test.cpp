// Casts and the mapping of weights to a library's order: bit by bit, the numbers are the cast's
// own.
#include "recurrence/shared/weight_copy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/fp16.hpp"
#include "engine/context.hpp"
#include "sluice/base/bf16.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

TEST(Fp16, EveryValueComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Fp16 half{static_cast<std::uint16_t>(bits)};
    const float value = to_float(half);
    const std::uint32_t exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(to_float(to_fp16(value)))) << bits;
      continue;
    }
    // The definition: 1.m 2^(e-15), 0.m 2^-14 without exponent.
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, int(exponent) - 25);
    EXPECT_EQ(value, static_cast<float>((bits & 0x8000) != 0 ? -magnitude : magnitude)) << bits;
    EXPECT_EQ(to_fp16(value).bits, bits);
  }
}

TEST(Fp16, HalvesRoundToTheEvenNeighbour) {
  for (std::uint32_t bits = 0; bits < 0x7bff; ++bits) {  // up to 65504, the largest
    const float below = to_float(Fp16{static_cast<std::uint16_t>(bits)});
    const float above = to_float(Fp16{static_cast<std::uint16_t>(bits + 1)});
    const float middle = 0.5f * (below + above);  // exact in fp32
    const float more = std::nextafter(middle, above), less = std::nextafter(middle, below);
    EXPECT_EQ(to_fp16(middle).bits, bits % 2 == 0 ? bits : bits + 1) << middle;
    EXPECT_EQ(to_fp16(more).bits, bits + 1) << more;
    EXPECT_EQ(to_fp16(-less).bits, 0x8000 | bits) << less;
  }
  EXPECT_EQ(to_fp16(65519.99f).bits, 0x7bff);
  EXPECT_EQ(to_fp16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_fp16(std::numeric_limits<float>::max()).bits, 0x7c00);
}

using WeightCopy = testing::DeviceTest;

TEST_F(WeightCopy, CastsRoundEachElement) {
  DeviceContext context;
  std::vector<float> values;
  for (int i = 0; i < 700; ++i) values.push_back(std::sin(0.1f * float(i)) * float(i % 7));
  const auto size = static_cast<std::int64_t>(values.size());
  const DeviceBuffer<float> from = testing::upload(context.memory(), values);
  for (const ElementType type : {ElementType::fp32, ElementType::bf16, ElementType::fp16}) {
    DeviceBuffer<std::byte> there(context.memory(), size * element_bytes(type), "a test");
    DeviceBuffer<float> back(context.memory(), size, "a test");
    copy_as(type, size, from.data(), there.data(), context.stream());
    copy_from(type, size, there.data(), back.data(), context.stream());
    const std::vector<float> got = testing::download(back);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float rounded = type == ElementType::bf16   ? to_float(to_bf16(values[i]))
                            : type == ElementType::fp16 ? to_float(to_fp16(values[i]))
                                                        : values[i];
      ASSERT_EQ(got[i], rounded) << "element " << i << " of type " << static_cast<int>(type);
    }
  }
}

/// Blocks out of order with a gap between them, as cuDNN may place matrices: 300 elements take more
/// than one thread block, 1 takes part of one.
const std::vector<WeightBlock> kBlocks{{0, 310, 300}, {300, 5, 1}, {301, 100, 70}};

TEST_F(WeightCopy, ScatterReachesTheBlocksAndNothingElse) {
  DeviceContext context;
  std::vector<float> flat(371);
  for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = 1 + float(i);
  const DeviceBuffer<float> from = testing::upload(context.memory(), flat);
  const DeviceBuffer<WeightBlock> blocks = testing::upload(context.memory(), kBlocks);
  const DeviceBuffer<Fp16> space =
      testing::upload(context.memory(), std::vector<Fp16>(640, to_fp16(-1)));
  scatter_weights({blocks.span(), 300}, ElementType::fp16, from.data(), space.data(),
                  context.stream());
  std::vector<float> want(640, -1);
  for (const WeightBlock& block : kBlocks) {
    for (std::int64_t i = 0; i < block.count; ++i) {
      want[static_cast<std::size_t>(block.space + i)] = float(1 + block.flat + i);
    }
  }
  const std::vector<Fp16> got = testing::download(space);
  for (std::size_t i = 0; i < want.size(); ++i) ASSERT_EQ(to_float(got[i]), want[i]) << i;
}

TEST_F(WeightCopy, GatherIsTheWayBack) {
  DeviceContext context;
  std::vector<float> flat(371);
  for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = 0.25f * float(i);  // exact in all types
  const DeviceBuffer<float> from = testing::upload(context.memory(), flat);
  const DeviceBuffer<WeightBlock> blocks = testing::upload(context.memory(), kBlocks);
  for (const ElementType type : {ElementType::fp32, ElementType::bf16, ElementType::fp16}) {
    if (type == ElementType::bf16) {
      for (float& value : flat) value = std::floor(value);  // up to 92: 8 bits
    }
    const DeviceBuffer<float> exact = testing::upload(context.memory(), flat);
    DeviceBuffer<std::byte> space(context.memory(), 640 * element_bytes(type), "a test");
    set_zero(space.span(), context.stream());
    DeviceBuffer<float> back = testing::upload(context.memory(), std::vector<float>(371, -1));
    scatter_weights({blocks.span(), 300}, type, exact.data(), space.data(), context.stream());
    gather_weights({blocks.span(), 300}, type, space.data(), back.data(), context.stream());
    EXPECT_EQ(testing::download(back), flat) << static_cast<int>(type);
  }
}

}  // namespace
}  // namespace sluice
