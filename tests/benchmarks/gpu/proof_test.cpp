// Whole arrays compared and hashed on the device, and what a case says of it.
#include "gpu/proof.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "benchmarks/gpu/facts.hpp"
#include "gpu/compare.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/base/error.hpp"
#include "standin/standin.hpp"

namespace sluice::bench {
namespace {

using testing::HasSubstr;

class Proof : public testing::Test {
 protected:
  void SetUp() override {
    standin::reset();
    standin::set_memory_bytes(128 << 20);
  }
  void TearDown() override {
    context_.reset();
    standin::finish();
    EXPECT_EQ(standin::live_allocations(), 0);
    standin::reset();
  }

  DeviceContext& context() {
    if (!context_) context_ = std::make_unique<DeviceContext>();
    return *context_;
  }
  DeviceBuffer<float> device(const std::vector<float>& values) {
    DeviceBuffer<float> buffer(context().memory(), static_cast<std::int64_t>(values.size()), "x");
    copy_to_device(std::span<const float>(values), buffer.span(), context().stream());
    context().synchronize();
    return buffer;
  }
  Difference compare_values(const std::vector<float>& a, const std::vector<float>& b) {
    const DeviceBuffer<float> x = device(a), y = device(b);
    return compare(x.span(), y.span(), context());
  }
  std::uint64_t hash(const std::vector<float>& values) {
    const DeviceBuffer<float> x = device(values);
    return hash_bits(x.span(), context());
  }

 private:
  std::unique_ptr<DeviceContext> context_;
};

constexpr std::size_t kSize = 1000;  // no multiple of a block

TEST_F(Proof, TheLargestDifferenceIsFoundWhereverItIs) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{300}, kSize - 1}) {
    std::vector<float> a(kSize, 1.0f), b(kSize, 1.0f);
    b[7] = -4;
    a[7] = -4;
    a[at] += 0.5f;
    a[500] += 0.25f;
    const Difference d = compare_values(a, b);
    EXPECT_EQ(d.at, static_cast<std::int64_t>(at));
    EXPECT_DOUBLE_EQ(d.largest, 0.5);
    EXPECT_DOUBLE_EQ(d.relative(), 0.125);
  }
}

TEST_F(Proof, NaNAndInfinityAreInfiniteDifferences) {
  const std::vector<float> b(kSize, 1.0f);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> a = b;
    a[900] = bad;
    const Difference d = compare_values(a, b);
    EXPECT_EQ(d.at, 900);
    EXPECT_TRUE(std::isinf(d.relative()));
  }
}

TEST_F(Proof, EqualArraysDoNotDiffer) {
  EXPECT_EQ(compare_values({0, 0}, {0, 0}).relative(), 0);
  EXPECT_EQ(compare_values({1, -2}, {1, -2}).largest, 0);
}

TEST_F(Proof, AHashSeesABitAndAPlaceAndNothingElse) {
  std::vector<float> a(kSize);
  for (std::size_t i = 0; i < kSize; ++i) a[i] = static_cast<float>(i);
  EXPECT_EQ(hash(a), hash(a));
  std::vector<float> bit = a, swapped = a, sign = a;
  bit[999] = std::nextafter(bit[999], 2000.0f);
  std::swap(swapped[3], swapped[998]);
  sign[0] = -0.0f;
  EXPECT_NE(hash(a), hash(bit));
  EXPECT_NE(hash(a), hash(swapped));
  EXPECT_NE(hash(a), hash(sign));
}

TEST(WeightWords, NameTheMatrixOfThePlace) {
  const GpuShape s{.B = 1, .T = 1, .I = 2, .H = 3, .L = 2};
  EXPECT_EQ(weight_words(s, 23), "layer 0, W[11,1]");
  EXPECT_EQ(weight_words(s, 24), "layer 0, R[0,0]");
  EXPECT_EQ(weight_words(s, 60), "layer 0, b[0]");
  EXPECT_EQ(weight_words(s, 72), "layer 1, W[0,0]");
  EXPECT_EQ(weight_words(s, weight_count(s) - 1), "layer 1, b[11]");
}

/// A training step of gemm in fp32 whose results may be spoilt, between double precision's probes.
struct Step {
  DeviceContext& context;
  GpuShape shape;
  Problem problem{shape, Phase::train, context};
  std::unique_ptr<DeviceRecurrence> recurrence =
      make_device_recurrence("gemm", {.C = shape.I, .H = shape.H, .L = shape.L}, context);
  DeviceBuffer<float> h{context.memory(), shape.T* shape.B* shape.H, "h"};
  DeviceBuffer<float> dweights{context.memory(), weight_count(shape), "dW"};
  std::function<void()> spoil = [] {};

  explicit Step(DeviceContext& c, int series = 9)
      : context(c), shape{.B = series, .T = 3, .I = 2, .H = 5, .L = 1} {
    recurrence->prepare(shape.T, shape.B, true);
  }

  std::vector<Fact> facts() {
    return prove(
        problem, Phase::train, 1e-5,
        [this] {
          recurrence->load(problem.weights());
          recurrence->forward(shape.T, shape.B, problem.x(), {}, {}, h.span(), {});
          recurrence->backward(problem.dh(), {}, {}, dweights.span(), {});
          spoil();
        },
        [this] {
          return Results{h.span(), {}, dweights.span()};
        },
        context);
  }
};

TEST_F(Proof, GemmIsItself) {
  Step step(context());
  const std::vector<Fact> facts = step.facts();
  EXPECT_EQ(text(facts, "same bits"), "yes");
  EXPECT_EQ(text(facts, "hash").size(), 16u);
  EXPECT_EQ(number(facts, "h max abs"), 0);
  EXPECT_EQ(number(facts, "dW max rel"), 0);
  EXPECT_FALSE(has(facts, "dx max abs"));
}

TEST_F(Proof, AWrongSeriesThatNoProbeSeesFailsAndIsNamed) {
  Step step(context());
  constexpr std::int64_t kSeries = 4, kUnit = 2;  // probes are series 0, 2, 5 and 8
  step.spoil = [&] {
    set_zero(step.h.span().subspan((2 * step.shape.B + kSeries) * step.shape.H + kUnit, 1),
             context().stream());
  };
  try {
    step.facts();
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("h differs from gemm in fp32"));
    EXPECT_THAT(error.what(), HasSubstr("t 2, series 4, unit 2; 1e-05 is allowed"));
  }
}

TEST_F(Proof, RunsThatDifferAreNotTheSameBits) {
  Step step(context());
  int runs = 0;
  step.spoil = [&] {
    if (++runs == 1) set_zero(step.dweights.span().subspan(1, 1), context().stream());
  };
  EXPECT_EQ(text(step.facts(), "same bits"), "no");
}

TEST_F(Proof, WithoutMemoryForTheReferenceTheDevicesWordsAreAFact) {
  constexpr int kSeries = 200;  // h of gemm is larger than what a hash needs
  constexpr std::int64_t kHashes = 4096;
  DeviceContext& small = context();
  Step step(small, kSeries);
  const DeviceBuffer<std::byte> rest(small.memory(), small.available_memory() - kHashes,
                                     "the rest");
  const std::vector<Fact> facts = step.facts();
  EXPECT_EQ(text(facts, "same bits"), "yes");
  EXPECT_THAT(text(facts, "not compared"), HasSubstr("bytes of device memory"));
}

}  // namespace
}  // namespace sluice::bench
