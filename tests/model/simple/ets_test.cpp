// Exponential smoothing against statsforecast's numbers (golden.hpp) and against itself.
#include "model/simple/ets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "golden.hpp"
#include "model/simple/ets_recursion.hpp"

namespace sluice::simple {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

EtsForm form_of(const golden::Form& one) {
  EtsForm form;
  form.relative_error = one.error == 'M';
  const std::string trend = one.trend;
  form.trend = trend == "N"   ? EtsForm::Trend::none
               : trend == "A" ? EtsForm::Trend::additive
                              : EtsForm::Trend::damped;
  form.season = one.season == 'N'   ? EtsForm::Season::none
                : one.season == 'A' ? EtsForm::Season::additive
                                    : EtsForm::Season::multiplicative;
  return form;
}

/// The parameters that golden.py gave statsforecast.
EtsParameters fixed(const EtsForm& form) {
  EtsParameters out;
  out.alpha = golden::kAlpha;
  out.level = golden::kLevel;
  if (form.trend != EtsForm::Trend::none) {
    out.beta = golden::kBeta;
    out.slope = golden::kSlope;
  }
  if (form.trend == EtsForm::Trend::damped) out.phi = golden::kPhi;
  if (form.season != EtsForm::Season::none) {
    out.gamma = golden::kGamma;
    out.season = form.season == EtsForm::Season::additive ? golden::kAdded : golden::kRatios;
  }
  return out;
}

class EachForm : public testing::TestWithParam<golden::Form> {};

TEST_P(EachForm, HasStatsforecastsLikelihoodAndForecastsOfTheSameParameters) {
  const EtsForm form = form_of(GetParam());
  const EtsRun run = run_ets(form, fixed(form), golden::kSales);
  EXPECT_NEAR(run.likelihood, GetParam().likelihood, 1e-6);
  EXPECT_EQ(run.values, 28);
  EXPECT_THAT(forecast_ets(form, run.end, golden::kSteps),
              testing::Pointwise(testing::DoubleNear(1e-6), GetParam().forecast));
}

// The gain at which a whole search stops is 1e-3, twice in a row. The series has a trend, which
// (A,N,A) can follow by a large alpha or a large gamma; the search ends in the other valley.
TEST_P(EachForm, IsFittedNoWorseThanStatsforecastFitsItByMoreThanAHundredth) {
  const auto fit = fit_ets(form_of(GetParam()), golden::kSales, golden::kSeason, 200);
  ASSERT_TRUE(fit);
  const bool other_valley = to_string(fit->form) == "ETS(A,N,A)";
  EXPECT_LT(fit->run.likelihood, GetParam().found + (other_valley ? 8 : 0.01));
  // AICc counts the same parameters.
  EXPECT_NEAR(fit->aicc - fit->run.likelihood, GetParam().aicc - GetParam().found, 1e-9);
}

TEST_P(EachForm, KeepsItsParametersInTheirBounds) {
  const auto fit = fit_ets(form_of(GetParam()), golden::kSales, golden::kSeason);
  ASSERT_TRUE(fit);
  const EtsParameters& p = fit->parameters;
  EXPECT_THAT(p.alpha, testing::AllOf(testing::Ge(1e-4), testing::Le(0.9999)));
  EXPECT_LE(p.beta, p.alpha);
  EXPECT_LE(p.gamma, 1 - p.alpha);
  const bool damped = fit->form.trend == EtsForm::Trend::damped;
  EXPECT_THAT(p.phi, testing::AllOf(testing::Ge(damped ? 0.8 : 1), testing::Le(damped ? 0.98 : 1)));
  double sum = 0;
  for (const double s : p.season) sum += s;
  const bool ratios = fit->form.season == EtsForm::Season::multiplicative;
  EXPECT_NEAR(sum, ratios ? golden::kSeason : 0, 1e-6);
}

// Central differences of 1e-6 have a relative error of about 1e-8 here.
void expect_gradient(const EtsForm& form, std::span<const double> y) {
  EtsRecursion recursion(form, y, 4);
  EtsParameters at = fixed(form);
  EtsGradient gradient;
  ASSERT_TRUE(std::isfinite(recursion.objective(at)));
  recursion.gradient(gradient);
  const auto difference = [&](double& value) {
    const double kept = value, step = 1e-6 * std::max(1.0, std::abs(kept));
    value = kept + step;
    const double above = recursion.objective(at);
    value = kept - step;
    const double below = recursion.objective(at);
    value = kept;
    return (above - below) / (2 * step);
  };
  EXPECT_NEAR(gradient.alpha, difference(at.alpha), 1e-6);
  EXPECT_NEAR(gradient.level, difference(at.level), 1e-6);
  if (form.trend != EtsForm::Trend::none) {
    EXPECT_NEAR(gradient.beta, difference(at.beta), 1e-5);
    EXPECT_NEAR(gradient.slope, difference(at.slope), 1e-6);
  }
  if (form.trend == EtsForm::Trend::damped) {
    EXPECT_NEAR(gradient.phi, difference(at.phi), 1e-5);
  }
  if (form.season != EtsForm::Season::none) {
    EXPECT_NEAR(gradient.gamma, difference(at.gamma), 1e-6);
    for (std::size_t j = 0; j < 4; ++j)
      EXPECT_NEAR(gradient.season[j], difference(at.season[j]), 1e-6) << j;
  }
}

TEST_P(EachForm, HasTheGradientOfItsObjectiveAlsoAcrossMissingValues) {
  std::vector<double> y = golden::kSales;
  expect_gradient(form_of(GetParam()), y);
  y[5] = y[11] = y[12] = kNan;
  expect_gradient(form_of(GetParam()), y);
}

INSTANTIATE_TEST_SUITE_P(Ets, EachForm, testing::ValuesIn(golden::kForms),
                         [](const testing::TestParamInfo<golden::Form>& one) {
                           return std::string(1, one.param.error) + one.param.trend +
                                  one.param.season;
                         });

TEST(Ets, ChoosesAmongItsFormsByAicc) {
  const auto best = best_ets(golden::kSales, golden::kSeason);
  ASSERT_TRUE(best);
  double least = std::numeric_limits<double>::infinity();
  for (const golden::Form& one : golden::kForms) least = std::min(least, one.aicc);
  EXPECT_EQ(to_string(best->form), "ETS(M,A,M)");
  EXPECT_LT(best->aicc, least + 2) << "ten steps are near a whole search";
}

TEST(Ets, IsTheSameForecastInAnyUnit) {
  std::vector<double> large = golden::kSales;
  for (double& value : large) value *= 1e9;
  const auto a = best_ets(golden::kSales, 4), b = best_ets(large, 4);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->form, b->form);
  const auto small = forecast_ets(a->form, a->run.end, 4);
  const auto big = forecast_ets(b->form, b->run.end, 4);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(big[k] / 1e9, small[k], 1e-6 * small[k]);
}

TEST(Ets, MultipliesPositiveValuesOnly) {
  std::vector<double> y = golden::kSales;
  y[3] = 0;
  EtsForm form;
  form.relative_error = true;
  EXPECT_FALSE(fit_ets(form, y, 4));
  EXPECT_FALSE(fit_ets({false, EtsForm::Trend::none, EtsForm::Season::multiplicative}, y, 4));
  const auto best = best_ets(y, 4);
  ASSERT_TRUE(best);
  EXPECT_FALSE(best->form.relative_error);
  EXPECT_NE(best->form.season, EtsForm::Season::multiplicative);
}

TEST(Ets, ASeasonNeedsTwoOfItAndAtMost24Steps) {
  const EtsForm seasonal{false, EtsForm::Trend::none, EtsForm::Season::additive};
  std::vector<double> y;
  for (int t = 0; t < 60; ++t) y.push_back(10 + t % 25 + 0.01 * (t * 7 % 5));
  EXPECT_TRUE(fit_ets(seasonal, std::span(y).first(48), 24));
  EXPECT_FALSE(fit_ets(seasonal, std::span(y).first(47), 24));
  EXPECT_FALSE(fit_ets(seasonal, y, 25));
}

// ETS(A,N,N) has three parameters, the variance among them.
TEST(Ets, NeedsAsManyValuesAsItsAiccAndNoMore) {
  const std::vector<double> y = {3, 5, 4, 6, 5};
  EXPECT_FALSE(best_ets(std::span(y).first(4), 1));
  const auto best = best_ets(y, 1);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->form.trend, EtsForm::Trend::none);
}

TEST(Ets, AMissingValueIsPassedOverAndDoesNotCount) {
  std::vector<double> y;
  for (int t = 0; t < 40; ++t) y.push_back(t % 7 == 3 ? kNan : 100 + 2.0 * t);
  const EtsForm trend{false, EtsForm::Trend::additive, EtsForm::Season::none};
  const auto fit = fit_ets(trend, y, 1, 200);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->run.values, 34);
  EXPECT_THAT(forecast_ets(trend, fit->run.end, 3),
              testing::Pointwise(testing::DoubleNear(1e-3), {180.0, 182.0, 184.0}));
}

TEST(Ets, AMissingValueIsPassedOverBesideRatiosToo) {
  const std::vector<double> ratios = {1.5, 0.5, 0.75, 1.25};
  std::vector<double> y;
  for (std::size_t t = 0; t < 40; ++t) y.push_back(t % 7 == 3 ? kNan : 200 * ratios[t % 4]);
  const EtsForm form{true, EtsForm::Trend::none, EtsForm::Season::multiplicative};
  const EtsRun run = run_ets(form, {.alpha = 0.3, .gamma = 0.2, .level = 200, .season = ratios}, y);
  EXPECT_EQ(run.values, 34);
  EXPECT_NEAR(run.squares, 0, 1e-12);
  EXPECT_THAT(forecast_ets(form, run.end, 4),
              testing::Pointwise(testing::DoubleNear(1e-9), {300.0, 100.0, 150.0, 250.0}));
}

// A season that walks asks for the largest gamma there is.
TEST(Ets, AlphaAndGammaTogetherAreAtMostOne) {
  std::mt19937 noise(1);
  std::vector<double> y = {100, 140, 80, 120};
  while (y.size() < 60) y.push_back(y[y.size() - 4] + static_cast<double>(noise() % 21) - 10);
  const auto fit = fit_ets({false, EtsForm::Trend::none, EtsForm::Season::additive}, y, 4, 200);
  ASSERT_TRUE(fit);
  EXPECT_GT(fit->parameters.gamma, 0.5);
  EXPECT_LE(fit->parameters.alpha + fit->parameters.gamma, 1);
}

TEST(Ets, SeasonsGoOnWhereTheSeriesStopped) {
  std::vector<double> y;
  for (int t = 0; t < 30; ++t) y.push_back(50 + 10.0 * (t % 4) + 0.01 * (t * 5 % 3));
  const EtsForm seasonal{false, EtsForm::Trend::none, EtsForm::Season::additive};
  const auto fit = fit_ets(seasonal, y, 4);
  ASSERT_TRUE(fit);
  EXPECT_THAT(forecast_ets(seasonal, fit->run.end, 4),
              testing::Pointwise(testing::DoubleNear(0.05), {70.0, 80.0, 50.0, 60.0}));
}

}  // namespace
}  // namespace sluice::simple
