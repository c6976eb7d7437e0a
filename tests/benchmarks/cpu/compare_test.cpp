#include "cpu/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace sluice::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// B,T,I,H,L = 4096,10,16,128,1.
Result result(const std::string& phase, const std::string& kind, std::vector<double> seconds,
              double work = 100) {
  Result r;
  r.benchmark.group = "recurrence/4096,10,16,128,1/" + phase;
  r.benchmark.kind = kind;
  r.benchmark.parameters = {{"B", 4096}, {"T", 10}, {"I", 16}, {"H", 128}, {"L", 1}};
  r.benchmark.work = work;
  r.seconds = std::move(seconds);
  return r;
}

/// 50 GFLOP/s of a peak of 200; 2.5 times as fast as oneDNN, 12.5 times as fast as PyTorch.
std::vector<Result> results() {
  return {result("forward", "fma", {1, 1, 1}, 200), result("forward", "fused", {2, 2, 1}),
          result("forward", "onednn", {4, 6, 5}),   result("forward", "pytorch", {25, 20, 30}),
          result("train", "fma", {1, 1, 1}, 200),   result("train", "fused", {4, 4, 4})};
}

TEST(Ratio, IsOfTheMediansWithTheRangeOfSamplesTakenTogether) {
  const std::vector<Result> r = results();
  const Spread s = ratio(r[1], r[2]);
  EXPECT_DOUBLE_EQ(s.median, 2.5);
  EXPECT_DOUBLE_EQ(s.low, 2);
  EXPECT_DOUBLE_EQ(s.high, 5);
}

TEST(Ratio, IsOfRatesWhereTheWorkDiffers) {
  EXPECT_DOUBLE_EQ(ratio(result("train", "a", {1}, 30), result("train", "b", {1}, 10)).median, 3);
}

TEST(Share, ComparesASampleWithThePeakOfItsTurn) {
  const Spread s =
      share(result("train", "fused", {1, 2, 4}, 100), result("train", "fma", {1, 2, 1}, 200));
  EXPECT_DOUBLE_EQ(s.high, 0.5);
  EXPECT_DOUBLE_EQ(s.median, 0.5);
  EXPECT_DOUBLE_EQ(s.low, 0.125);
}

TEST(Comparison, HasALineAShapeAndPhase) {
  const std::string text = comparison(results());
  EXPECT_THAT(text, HasSubstr("\nforward              fused    onednn   pytorch  over onednn   "
                              "  over pytorch\n"
                              "4096,10,16,128,1   50  25%   20  10%    4   2%"
                              "  2.50 2.00-5.00  12.5 10.0-30.0\n"));
  EXPECT_THAT(text, HasSubstr("200 GFLOP/s (200-200)"));
}

TEST(Comparison, MarksWhatAGroupLacks) {
  EXPECT_THAT(comparison(results()),
              HasSubstr("4096,10,16,128,1   25  12%         -         -     -               -\n"));
}

TEST(Comparison, KeepsThePhasesApart) {
  const std::string text = comparison(results());
  const std::size_t train = text.find("\ntrain ");
  ASSERT_NE(train, std::string::npos);
  EXPECT_EQ(text.substr(0, train).find("   25  12%"), std::string::npos);
  EXPECT_EQ(text.find("   50  25%", train), std::string::npos);
}

TEST(Comparison, LeavesOutARivalThatNoGroupHas) {
  std::vector<Result> r = results();
  std::erase_if(r, [](const Result& one) { return one.benchmark.kind == "pytorch"; });
  EXPECT_THAT(comparison(r), Not(HasSubstr("pytorch")));
  EXPECT_THAT(comparison(r), HasSubstr("2.50 2.00-5.00\n"));
}

TEST(Comparison, IsEmptyWithoutAKindThatHasRivals) {
  std::vector<Result> r = results();
  std::erase_if(r, [](const Result& one) { return one.benchmark.kind == "fused"; });
  EXPECT_EQ(comparison(r), "");
}

TEST(Comparison, HasAtMostEightyColumns) {
  std::vector<Result> all = results();
  for (Result& r : all) {
    for (double& s : r.seconds) s /= r.benchmark.kind == "pytorch" ? 0.123 : 99.9;
  }
  std::istringstream lines(comparison(all));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Groups, KeepTheOrderOfMeasurement) {
  const std::vector<Result> r = {result("b", "x", {1}), result("a", "x", {1}),
                                 result("b", "y", {1})};
  const NamedGroups groups = groups_of(r);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_TRUE(groups[0].first.ends_with("/b"));
  EXPECT_EQ(groups[0].second.at("y"), &r[2]);
}

// The order in which samples are taken is what makes ratios of one run mean something.
TEST(Run, TakesASampleOfEachOfAGroupInTurn) {
  std::vector<std::string> order;
  std::vector<Benchmark> benchmarks;
  for (const auto& [group, kind] :
       {std::pair{"g", "a"}, std::pair{"h", "c"}, std::pair{"g", "b"}}) {
    Benchmark b;
    b.group = group, b.kind = kind;
    b.make = [&order, name = b.kind] {
      return [&order, name](int times) {
        order.push_back(name);
        return 0.5 * times;
      };
    };
    benchmarks.push_back(b);
  }
  std::vector<std::string> groups;
  const auto note = [&](const std::string& group) { groups.push_back(group); };
  const std::vector<Result> got =
      run_benchmarks(benchmarks, {.repeat = 2, .sample_seconds = 3}, note);
  EXPECT_THAT(groups, ElementsAre("g", "h"));
  EXPECT_THAT(order, ElementsAre("a", "a", "b", "b", "a", "b", "a", "b", "c", "c", "c", "c"));
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[1].benchmark.kind, "b");
  // Twice was a second, so that a sample of three seconds is three times.
  EXPECT_THAT(got[1].seconds, ElementsAre(1.5, 1.5));
}

}  // namespace
}  // namespace sluice::bench
