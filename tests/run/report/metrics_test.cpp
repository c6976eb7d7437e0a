#include "sluice/run/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
// Hand-computed values are exact decimals; the sums are doubles over float inputs that are exact.
constexpr double kExact = 1e-12;

using Values = std::vector<double>;
using History = std::vector<float>;  // as a catalogue holds it

Metrics score(const Values& actual, const Values& forecast) {
  Scorer scorer(1, {}, {});
  scorer.add({.actual = actual, .forecast = forecast});
  return scorer.total();
}

TEST(Metrics, AreTheirFormulasOnAHandComputedForecast) {
  // e = -2, 2, 4, -8
  const Values actual = {10, 2, 0, 8}, forecast = {8, 4, 4, 0};
  Scorer scorer(1, {}, {});
  scorer.add({.actual = actual,
              .forecast = forecast,
              .mase_scale = 8,
              .rmsse_scale = 5.5,
              .normal_scale = 11});
  const Metrics m = scorer.total();
  EXPECT_EQ(m.points, 4);
  EXPECT_NEAR(m.mae, 4, kExact);
  EXPECT_NEAR(m.rmse, std::sqrt(22.0), kExact);
  EXPECT_NEAR(m.smape, (200.0 * 2 / 18 + 200.0 * 2 / 6 + 200 + 200) / 4, 1e-10);
  EXPECT_NEAR(m.mase, 0.5, kExact);
  EXPECT_NEAR(m.rmsse, 2, kExact);
  EXPECT_NEAR(m.nmse, 2, kExact);
  EXPECT_NEAR(m.wape, 0.8, kExact);
  EXPECT_NEAR(m.bias, -0.2, kExact);
}

TEST(Metrics, SmapeOfZeroAgainstZeroCountsAsZero) {
  EXPECT_NEAR(score({0, 0}, {0, 3}).smape, 100, kExact);
}

TEST(Metrics, MissingActualsAndForecastsAreNotScored) {
  const Metrics m = score({1, kMissing, 3, 4}, {2, 5, 5, kMissing});
  EXPECT_EQ(m.points, 2);
  EXPECT_NEAR(m.mae, 1.5, kExact);
}

TEST(Metrics, WithoutPointsOrScalesAreNan) {
  const Metrics none = score({kMissing}, {1});
  EXPECT_EQ(none.points, 0);
  EXPECT_TRUE(std::isnan(none.mae));
  EXPECT_TRUE(std::isnan(none.smape));
  const Metrics zeros = score({0}, {1});
  EXPECT_NEAR(zeros.mae, 1, kExact);
  EXPECT_TRUE(std::isnan(zeros.wape));
  EXPECT_TRUE(std::isnan(zeros.mase));
  EXPECT_TRUE(std::isnan(zeros.rmsse));
  EXPECT_TRUE(std::isnan(zeros.nmse));
}

TEST(Metrics, ScaledErrorsOfARowAreTheMeanOverItsCutoffs) {
  Scorer scorer(1, {}, {});
  const Values a = {0, 0}, b = {2, 2}, c = {0}, d = {6};
  // Cutoff 1: MAE 2 / 1 = 2, sqrt(4 / 4) = 1, 4 / 2 = 2. Cutoff 2: 6 / 2 = 3, sqrt(36 / 4) = 3, 36
  // / 9 = 4.
  scorer.add({.actual = a, .forecast = b, .mase_scale = 1, .rmsse_scale = 4, .normal_scale = 2});
  scorer.add({.actual = c, .forecast = d, .mase_scale = 2, .rmsse_scale = 4, .normal_scale = 9});
  const Metrics m = scorer.row(0);
  EXPECT_NEAR(m.mase, 2.5, kExact);
  EXPECT_NEAR(m.rmsse, 2, kExact);
  EXPECT_NEAR(m.nmse, 3, kExact);
  EXPECT_NEAR(m.mae, 10.0 / 3, kExact);  // pooled over the three points
}

// Sums of dollars and of pieces are no weights of one kind.
TEST(Metrics, WeightsOfOneTargetSayNothingOfAnothers) {
  Scorer scorer(6, {}, {});
  const Values y = {0}, one = {1}, two = {2}, four = {4}, eight = {8};
  const Values* forecasts[] = {&one, &two, &four, &eight};  // series 0 and 1, targets 0 and 1
  for (std::int64_t i = 0; i < 4; ++i) {
    scorer.add({.row = i, .actual = y, .forecast = *forecasts[i], .rmsse_scale = 1});
  }
  const Values weight = {3, 1000, 1, 3000, 7, 7};  // the last series has no score
  // (3 * 1 + 1 * 4) / 4, (1000 * 2 + 3000 * 8) / 4000.
  EXPECT_NEAR(scorer.weighted_rmsse(0, 6, weight, 2), (1.75 + 6.5) / 2, kExact);
  EXPECT_NEAR(scorer.weighted_rmsse(0, 4, Values{1, 0, 1, 0, 0, 0}, 2), 2.5, kExact);
  EXPECT_TRUE(std::isnan(scorer.weighted_rmsse(4, 6, weight, 2)));
}

TEST(Metrics, TotalsPoolPointsButAverageRelativeScoresOverRows) {
  Scorer scorer(3, {}, {});
  const Values y0 = {10, 10, 10}, f0 = {11, 11, 11}, y1 = {4}, f1 = {12};
  scorer.add({.row = 0, .actual = y0, .forecast = f0, .mase_scale = 1});
  scorer.add({.row = 1, .actual = y1, .forecast = f1, .mase_scale = 2});
  const Metrics m = scorer.total();  // row 2 has no forecast and counts nowhere
  EXPECT_NEAR(m.mae, 11.0 / 4, kExact);
  EXPECT_NEAR(m.wape, 11.0 / 34, kExact);
  EXPECT_NEAR(m.mase, (1.0 + 4.0) / 2, kExact);
  EXPECT_NEAR(m.smape, (200.0 / 21 + 100) / 2, 1e-10);
  EXPECT_TRUE(std::isnan(scorer.row(2).mae));
}

TEST(Metrics, WeightedQuantileLossIsTwicePinballOverActuals) {
  Scorer scorer(1, {0.1, 0.5, 0.9}, {80});
  const Values actual = {10, 20}, point = {8, 22};
  const Values quantiles = {4, 8, 12, 21, 22, 30};
  scorer.add({.actual = actual, .forecast = point, .quantiles = quantiles});
  const Metrics m = scorer.total();
  // Pinball: y 10: .1*6 + .5*2 + .1*2 = 1.8; y 20: .9*1 + .5*2 + .1*10 = 2.9.
  EXPECT_NEAR(m.wql, 2 * (1.8 + 2.9) / 3 / 30, 1e-7);
  ASSERT_EQ(m.coverage.size(), 1u);
  EXPECT_NEAR(m.coverage[0], 0.5, kExact);
}

TEST(Metrics, CoverageCountsTheIntervalsEnds) {
  Scorer scorer(1, {0.1, 0.5, 0.9}, {80});
  const Values actual = {4, 12, 13, 3}, point = {8, 8, 8, 8};
  const Values quantiles = {4, 8, 12, 4, 8, 12, 4, 8, 12, 4, 8, 12};
  scorer.add({.actual = actual, .forecast = point, .quantiles = quantiles});
  EXPECT_NEAR(scorer.total().coverage[0], 0.5, kExact);
}

TEST(Metrics, PointForecastsHaveNoQuantileScores) {
  Scorer scorer(1, {0.1, 0.5, 0.9}, {80});
  const Values one = {1};
  const Values quantiles = {0, 1, 2};
  scorer.add({.actual = one, .forecast = one});
  EXPECT_TRUE(std::isnan(scorer.total().wql));
  ASSERT_EQ(scorer.total().coverage.size(), 1u);
  EXPECT_TRUE(std::isnan(scorer.total().coverage[0]));
  // Nor has a method that gives quantiles for a part of its points.
  scorer.add({.actual = one, .forecast = one, .quantiles = quantiles});
  EXPECT_TRUE(std::isnan(scorer.total().wql));
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const InternalError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Metrics, WrongShapesAreNamed) {
  const Values two = {1, 2}, one = {1};
  Scorer scorer(1, {0.5}, {});
  EXPECT_EQ(message_of([&] { scorer.add({.row = 1, .actual = one, .forecast = one}); }),
            "score: row 1 of 1 rows");
  EXPECT_EQ(message_of([&] { scorer.add({.actual = two, .forecast = one}); }),
            "score: 2 actual values, 1 forecasts");
  EXPECT_EQ(message_of([&] { scorer.add({.actual = two, .forecast = two, .quantiles = one}); }),
            "score: 1 quantile values where K = 2 and J = 1");
  EXPECT_EQ(message_of([] { Scorer(1, {0.5}, {80}); }),
            "score: the interval of level 80 needs the quantile 0.1, which is not among the "
            "forecast's probabilities");
}

TEST(Naive, SeasonalRepeatsTheLastSeasonAndSkipsMissingValues) {
  const History history = {1, 2, 3, 4, kMissing, 6};
  EXPECT_THAT(naive_seasonal(history, 3, 5), testing::ElementsAre(4, 2, 6, 4, 2));
}

TEST(Naive, SeasonalFallsBackOnTheLastValueWhereAPhaseHasNone) {
  EXPECT_THAT(naive_seasonal(History{5, 7}, 4, 5), testing::ElementsAre(7, 7, 5, 7, 7));
}

TEST(Naive, LastAndMeanSkipMissingValues) {
  const History history = {1, 2, 6, kMissing};
  EXPECT_THAT(naive_last(history, 2), testing::ElementsAre(6, 6));
  EXPECT_THAT(naive_mean(history, 2, 2), testing::ElementsAre(4, 4));
  EXPECT_THAT(naive_mean(history, 28, 1), testing::ElementsAre(3));
}

TEST(Naive, WithoutAnyValueIsNan) {
  for (const History& history : {History{}, History{kMissing, kMissing}}) {
    EXPECT_THAT(naive_seasonal(history, 2, 1), testing::ElementsAre(testing::IsNan()));
    EXPECT_THAT(naive_last(history, 1), testing::ElementsAre(testing::IsNan()));
    EXPECT_THAT(naive_mean(history, 3, 1), testing::ElementsAre(testing::IsNan()));
  }
}

TEST(Scale, SquaredStepsBeginAtTheFirstNonZeroValue) {
  EXPECT_NEAR(squared_step_scale(History{0, 0, 4, 4, 1, 1, 2}), (0 + 9 + 0 + 1) / 4.0, kExact);
  EXPECT_NEAR(squared_step_scale(History{kMissing, 0, 4, kMissing, 1, 3}), 4, kExact);
  EXPECT_NEAR(squared_step_scale(History{-5, -5, 0, 3}, 5), 9, kExact);  // y: 0, 0, 5, 8
  EXPECT_TRUE(std::isnan(squared_step_scale(History{0, 0})));
  EXPECT_TRUE(std::isnan(squared_step_scale(History{0, 5})));
}

TEST(Scale, VarianceIsThePopulations) {
  EXPECT_NEAR(variance_scale(History{1, kMissing, 3}), 1, kExact);
  EXPECT_TRUE(std::isnan(variance_scale(History{kMissing})));
}

// ---- The published figures of the M4 competition's hourly series.

std::vector<History> read_rows(const std::filesystem::path& path) {
  std::string text;
  FILE* pipe = popen(("zstd -dc '" + path.string() + "'").c_str(), "r");
  if (pipe == nullptr) return {};
  char buffer[1 << 16];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  if (pclose(pipe) != 0) return {};
  std::erase(text, '"');
  std::vector<History> rows;
  std::size_t begin = text.find('\n') + 1;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    History row;
    std::size_t cell = text.find(',', begin);
    while (cell < end && cell + 1 < end && text[cell + 1] != ',' && text[cell + 1] != '\r') {
      row.push_back(std::stof(text.substr(cell + 1, 24)));
      cell = text.find(',', cell + 1);
    }
    rows.push_back(std::move(row));
    begin = end + 1;
  }
  return rows;
}

Values in_double(const History& values) { return {values.begin(), values.end()}; }

double seasonal_mae(const History& y, std::size_t season) {
  double sum = 0;
  for (std::size_t t = season; t < y.size(); ++t)
    sum += std::abs(static_cast<double>(y[t]) - static_cast<double>(y[t - season]));
  return sum / static_cast<double>(y.size() - season);
}

// The published figures have three decimals.
constexpr double kThreeDecimals = 0.0005;

TEST(M4Hourly, NaiveMethodsHaveThePublishedScores) {
  const std::filesystem::path folder = SLUICE_SOURCE_DIR "/../shared/data/m4";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no M4 data in " << folder;
  const auto train = read_rows(folder / "Hourly-train.csv.zst");
  const auto test = read_rows(folder / "Hourly-test.csv.zst");
  const auto naive2 = read_rows(folder / "benchmark_Naive2.hourly.csv.zst");
  ASSERT_EQ(train.size(), 414u);
  ASSERT_EQ(test.size(), 414u);
  ASSERT_EQ(naive2.size(), 414u);
  Scorer seasonal(414, {}, {}), published(414, {}, {});
  for (std::size_t s = 0; s < 414; ++s) {
    const double scale = seasonal_mae(train[s], 24);
    const Values forecast = in_double(naive_seasonal(train[s], 24, 48));
    const Values actual = in_double(test[s]), naive = in_double(naive2[s]);
    const auto row = static_cast<std::int64_t>(s);
    seasonal.add({.row = row, .actual = actual, .forecast = forecast, .mase_scale = scale});
    published.add({.row = row, .actual = actual, .forecast = naive, .mase_scale = scale});
  }
  EXPECT_NEAR(seasonal.total().smape, 13.912, kThreeDecimals);
  EXPECT_NEAR(seasonal.total().mase, 1.193, kThreeDecimals);
  EXPECT_NEAR(published.total().smape, 18.383, kThreeDecimals);
  EXPECT_NEAR(published.total().mase, 2.395, kThreeDecimals);
}

}  // namespace
}  // namespace sluice
