// The rate probes on the interpreter: that they compute on normal numbers, and what they say beside
// their time.
#include "gpu/rates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "benchmarks/gpu/facts.hpp"
#include "gpu/bench.hpp"
#include "gpu/tanh_error.hpp"
#include "standin/standin.hpp"

namespace sluice::bench {
namespace {

class Rates : public testing::Test {
 protected:
  void SetUp() override {
    standin::reset();
    standin::Device device;
    device.multiprocessors = 1;
    standin::set_device(device);
  }
  void TearDown() override {
    standin::finish();
    standin::reset();
  }

  static std::vector<float> results(void (*spend)(RateShape, DeviceSpan<float>, cudaStream_t),
                                    int rounds) {
    DeviceContext context;
    const DeviceBuffer<float> out(context.memory(), kRateThreads, "results");
    spend({.blocks = 1, .rounds = rounds}, out.span(), context.stream());
    PinnedBuffer<float> host(out.size(), "results");
    copy_to_host(DeviceSpan<const float>(out.span()), host.span(), context.stream());
    context.synchronize();
    return {host.span().begin(), host.span().end()};
  }
  static RateCase find(const std::string& name) {
    for (RateCase& c : rate_cases(use_device(0))) {
      if (c.name.starts_with(name)) return c;
    }
    throw std::out_of_range("no rate " + name);
  }
};

// Of 8 chains of 4 sums: each at most 1, and after an odd number of rounds a product of 16 more.
TEST_F(Rates, AreMeasuredOnRandomNormalNumbersHoweverLongTheyRun) {
  constexpr float kMost = kChains * 4 * (1 + 16);
  for (const auto spend : {spend_tanh, spend_fma, spend_mma_bf16, spend_mma_tf32}) {
    for (const int rounds : {1, 40}) {
      const std::vector<float> values = results(spend, rounds);
      const auto normal = std::ranges::count_if(values, [](float v) { return std::isnormal(v); });
      EXPECT_GE(normal, kRateThreads - 8);  // a sum may be zero by chance
      for (const float v : values) {
        EXPECT_TRUE(std::isfinite(v));
        EXPECT_TRUE(spend == spend_fma || std::abs(v) < kMost) << v;
      }
      EXPECT_GT((std::set<float>(values.begin(), values.end()).size()), values.size() / 2);
    }
  }
}

TEST_F(Rates, OfMatrixInstructionsAddAndTakeAwayTheSame) {
  for (const auto spend : {spend_mma_bf16, spend_mma_tf32}) {
    const std::vector<float> two = results(spend, 2), many = results(spend, 20);
    for (std::size_t i = 0; i < two.size(); ++i) EXPECT_NEAR(two[i], many[i], 1e-3);
    EXPECT_NE(results(spend, 1), two);
  }
}

// The interpreter's tanh.approx keeps 11 bits (tests/simt), so its error is half a unit in the last
// place at most: 2^-11 relative.
TEST_F(Rates, TheErrorOfTanhIsATableByRange) {
  DeviceContext context;
  const std::vector<Fact> facts = find("tanh.approx error").make(context).facts();
  EXPECT_EQ(facts.size(), 1 + 3 * tanh_ranges().size());
  EXPECT_GT(number(facts, "every n-th input"), 1);
  EXPECT_NEAR(number(facts, "max rel 0.1..1"), std::pow(2, -11), 2e-4);
  EXPECT_LE(number(facts, "max rel 0.1..1"), std::pow(2, -11) * 1.001);
  EXPECT_NEAR(number(facts, "max abs from 10"), 1 - std::tanh(10.0), 1e-10);
  EXPECT_LT(number(facts, "max abs 1e-3..1e-2"), 1e-2 * std::pow(2, -11));
}

TEST_F(Rates, ARangeOfTanhEndsWithItsLastFloatAndTheLastWithInfinity) {
  DeviceContext context;
  TanhProbe probe(context);
  // 2^-10 has no error but that of x for tanh x; the last float before half a step of 11 bits has
  // the largest.
  const float from = 0x1p-10f, to = 0x1.001p-10f;
  const TanhRange range{"half a step", from, to};
  EXPECT_EQ(TanhProbe::inputs(range, 1), 2 * 2048);
  EXPECT_EQ(TanhProbe::inputs(range, 1 << 20), 4);
  probe.run(range, 1 << 20);
  EXPECT_NEAR(probe.result().relative, std::pow(2, -12), 1e-6);
  EXPECT_EQ(std::abs(probe.result().relative_at), std::nextafter(to, from));
  EXPECT_EQ(tanh_ranges().front().from, 0);
  for (std::size_t i = 1; i < tanh_ranges().size(); ++i) {
    EXPECT_EQ(tanh_ranges()[i].from, tanh_ranges()[i - 1].to);
  }
  EXPECT_TRUE(std::isinf(tanh_ranges().back().to));
}

// Who chooses them has no device and asks for them by name; who measures them has one.
TEST_F(Rates, HaveTheNamesThatTheyAreChosenByOnEveryDevice) {
  const auto names_on = [](int multiprocessors) {
    std::vector<std::string> names;
    DeviceInfo device;
    device.multiprocessors = multiprocessors;
    device.memory_bytes = std::int64_t{multiprocessors} << 30;
    for (const RateCase& rate : rate_cases(device)) names.push_back(rate.name);
    return names;
  };
  const std::vector<std::string> chosen = names_on(0);
  EXPECT_THAT(chosen, testing::Contains("product bf16 512x160x786432"));
  EXPECT_EQ(names_on(1), chosen);
  EXPECT_EQ(names_on(132), chosen);
}

TEST_F(Rates, AProductTellsItsBytesAndWhoMadeIt) {
  DeviceContext context;
  const RateCase one = find("product bf16 512x16x");
  const std::vector<Fact> facts = one.make(context).facts();
  EXPECT_EQ(text(facts, "kernels"), "cublasGemmEx");
  const double k = one.work / (2 * 512 * 16);
  EXPECT_DOUBLE_EQ(number(facts, "bytes"), 2 * (512 + 16) * k + 4 * 512 * 16);
}

}  // namespace
}  // namespace sluice::bench
