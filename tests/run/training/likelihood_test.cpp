// A distribution is found again in numbers drawn from it, and its parameters outlive the training.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using testing::daily_parts;
using ::testing::HasSubstr;
using testing::quick_config;
using testing::quick_model;

constexpr int kSeries = 16, kLength = 240;

/// Series of numbers that `draw` gives, all of one distribution.
template <typename Draw>
Catalog drawn(Draw draw) {
  std::mt19937 random(7);
  std::vector<std::vector<float>> series(kSeries);
  for (auto& values : series) {
    for (int t = 0; t < kLength; ++t) values.push_back(static_cast<float>(draw(random)));
  }
  return Catalog(daily_parts(series));
}

/// Independent numbers have nothing to forecast but their distribution: a level that hardly moves,
/// no inputs that vary, and an average over many steps.
Config config_for(const std::string& loss) {
  Config c = quick_config();
  c.data.valid = 12;
  c.training.loss = loss;
  c.training.steps = 500;
  c.training.steps_per_epoch = 100;
  c.training.batch_size = 32;
  c.training.learning_rate = 0.005;
  c.training.average_decay = 0.99;
  c.network.space = "linear";
  c.network.level_window = 112;
  c.network.context = 0;
  c.network.seasonal_context = 0;
  c.network.lags = std::vector<int>{};
  c.network.calendar = false;
  c.network.base = "none";
  c.forecast.levels = {50, 80};
  return c;
}

struct Found {
  double mean = 0;
  std::vector<double> quantiles;  ///< at .1 .25 .5 .75 .9
};

/// Mean over series and steps of what is forecast.
Found found(const Config& config, const Catalog& catalog) {
  const Model model = quick_model(config, catalog);
  Forecaster forecaster(model, catalog, config.forecast.levels, config.engine);
  const Forecasts f = forecaster.at(std::vector<std::int64_t>(kSeries, kLength));
  EXPECT_EQ(f.series.size(), std::size_t{kSeries});
  EXPECT_FALSE(f.mean.empty());
  Found out;
  out.quantiles.resize(f.probabilities.size());
  const auto K = static_cast<std::size_t>(f.K);
  const double share = 1.0 / static_cast<double>(f.series.size() * K);
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    for (std::size_t k = 0; k < K; ++k) {
      out.mean += share * f.point(r, k, 0);
      for (std::size_t j = 0; j < out.quantiles.size(); ++j) {
        out.quantiles[j] += share * f.y(r, k, 0, j);
      }
    }
  }
  return out;
}

// Tolerances. 16 * 240 numbers have a mean that is good to a standard deviation / 62; the model's
// own noise (its level is the mean of 112 of them) is larger: 5 % of the mean, and quantiles within
// 12 % of the width between those of .1 and .9.

TEST(LikelihoodTraining, FindsAGaussian) {
  std::normal_distribution<double> draw(50, 8);
  const Found f = found(config_for("gaussian"), drawn([&](auto& r) { return draw(r); }));
  EXPECT_NEAR(f.mean, 50, 2.5);
  EXPECT_NEAR(f.quantiles[4] - f.quantiles[0], 2 * 1.2816 * 8, 0.12 * 20.5);
}

TEST(LikelihoodTraining, FindsAStudentsTailAndWidth) {
  std::student_t_distribution<double> draw(4);
  const Found f = found(config_for("student_t"), drawn([&](auto& r) { return 50 + 5 * draw(r); }));
  EXPECT_NEAR(f.mean, 50, 2.5);
  EXPECT_NEAR(f.quantiles[4] - f.quantiles[0], 2 * 1.5332 * 5, 0.12 * 15.3);
  EXPECT_NEAR(f.quantiles[3] - f.quantiles[1], 2 * 0.7407 * 5, 0.12 * 7.4);
}

TEST(LikelihoodTraining, FindsAPoissonsMean) {
  std::poisson_distribution<int> draw(6);
  const Found f = found(config_for("poisson"), drawn([&](auto& r) { return draw(r); }));
  EXPECT_NEAR(f.mean, 6, 0.3);
  EXPECT_NEAR(f.quantiles[0], 3, 0.12 * 6);  // SciPy's poisson(6)
  EXPECT_NEAR(f.quantiles[4], 9, 0.12 * 6);
}

TEST(LikelihoodTraining, FindsANegativeBinomialsMeanAndDispersion) {
  // A Poisson of a gamma variable: mean 8, variance 8 + 0.5 * 64.
  std::gamma_distribution<double> rate(2, 4);
  const Found f = found(config_for("negative_binomial"),
                        drawn([&](auto& r) { return std::poisson_distribution<int>(rate(r))(r); }));
  EXPECT_NEAR(f.mean, 8, 0.4);
  EXPECT_NEAR(f.quantiles[0], 1, 0.12 * 15);  // SciPy's nbinom(2, .2)
  EXPECT_NEAR(f.quantiles[2], 7, 0.12 * 15);
  EXPECT_NEAR(f.quantiles[4], 16, 0.12 * 15);
}

TEST(LikelihoodTraining, FindsATweediesMeanZerosAndWidth) {
  // Power 1.5, mean 4, dispersion 2: Poisson(2) sums of gamma(1, 2).
  std::poisson_distribution<int> count(2);
  const Found f = found(config_for("tweedie"), drawn([&](auto& r) {
                          const int n = count(r);
                          return n == 0 ? 0.0 : std::gamma_distribution<double>(n, 2)(r);
                        }));
  EXPECT_NEAR(f.mean, 4, 0.25);
  EXPECT_NEAR(f.quantiles[0], 0, 0.05);    // more than a tenth are zeros
  EXPECT_NEAR(f.quantiles[4], 9.46, 0.6);  // tests/golden/likelihoods.py
}

/// A model of `loss` that hardly was trained.
Model small_model(const std::string& loss, double power = 1.5) {
  Config c = config_for(loss);
  c.training.steps = 3;
  c.training.tweedie_power = power;
  std::poisson_distribution<int> draw(6);
  return quick_model(c, drawn([&](auto& r) { return 1 + draw(r); }));
}

TEST(LikelihoodModel, KeepsItsDistributionInTheFile) {
  for (const char* loss : {"gaussian", "student_t", "poisson", "negative_binomial", "tweedie"}) {
    const Model model = small_model(loss, 1.25);
    const auto path = temporary("likelihood.safetensors");
    save_model(path, model);
    EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "3");
    const Model again = load_model(path);
    EXPECT_EQ(again.spec, model.spec) << loss;
    EXPECT_EQ(again.members, model.members);
  }
  EXPECT_EQ(small_model("tweedie", 1.25).spec.tweedie_power, 1.25f);
}

TEST(LikelihoodModel, GivesAnyLevelAndTheMeanOfItsMembers) {
  const Model one = small_model("negative_binomial");
  Model two = one;
  std::poisson_distribution<int> draw(6);
  const Catalog catalog = drawn([&](auto& r) { return 1 + draw(r); });
  const std::vector<std::int64_t> at(kSeries, 100);
  const auto forecasts = [&](const Model& model) {
    return Forecaster(model, catalog, {33, 98}, model.config.engine).at(at);
  };
  for (float& p : two.members[0]) p *= 1.5f;
  Model both = one;
  both.members.push_back(two.members[0]);
  const Forecasts a = forecasts(one), b = forecasts(two), mean = forecasts(both);
  ASSERT_EQ(mean.J(), 5);
  for (std::size_t i = 0; i < mean.mean.size(); ++i) {
    EXPECT_NEAR(mean.mean[i], (a.mean[i] + b.mean[i]) / 2, 1e-4f);
  }
  for (std::size_t i = 0; i < mean.values.size(); ++i) {
    EXPECT_NEAR(mean.values[i], (a.values[i] + b.values[i]) / 2, 1e-4f);
  }
}

std::vector<std::string> column_names(const Model& model, const Catalog& catalog) {
  const Forecasts f = Forecaster(model, catalog, {80}, model.config.engine)
                          .at(std::vector<std::int64_t>(kSeries, 100));
  std::vector<std::string> names;
  for (const OutputColumn& column :
       forecast_columns(catalog, {&f, 1}, {80}, ForecastRows::forecasts_alone)) {
    names.push_back(column.name);
  }
  return names;
}

TEST(LikelihoodForecast, HasMeanAndMedianInTheTable) {
  std::poisson_distribution<int> draw(6);
  const Catalog catalog = drawn([&](auto& r) { return 1 + draw(r); });
  const Model model = small_model("negative_binomial");
  EXPECT_THAT(column_names(model, catalog),
              ::testing::ElementsAre("unique_id", "ds", "sluice", "sluice-median", "sluice-lo-80",
                                     "sluice-hi-80"));
  const Forecasts f = Forecaster(model, catalog, {80}, model.config.engine)
                          .at(std::vector<std::int64_t>(kSeries, 100));
  const auto columns = forecast_columns(catalog, {&f, 1}, {80}, ForecastRows::forecasts_alone);
  EXPECT_EQ(columns[2].numbers[4], static_cast<double>(f.mean[4]));
  EXPECT_EQ(columns[3].numbers[4], f.y(1, 1, 0, 1));
  EXPECT_NE(columns[2].numbers[4], columns[3].numbers[4]);
}

TEST(LikelihoodForecast, OfALogNormalHasItsMeanAndOfALogStudentTheMedianAlone) {
  std::poisson_distribution<int> draw(6);
  const Catalog catalog = drawn([&](auto& r) { return 1 + draw(r); });
  Config c = config_for("gaussian");
  c.network.space = "log";
  c.training.steps = 3;
  const Model gaussian = quick_model(c, catalog);
  const Forecasts f = Forecaster(gaussian, catalog, {68.268949}, c.engine)
                          .at(std::vector<std::int64_t>(kSeries, 100));
  for (std::size_t k = 0; k < 3; ++k) {
    // One standard deviation of the logarithm to each side; the mean is half its square above.
    const double sigma = std::log(f.y(0, k, 0, 2) / f.y(0, k, 0, 1));
    EXPECT_NEAR(sigma, std::log(f.y(0, k, 0, 1) / f.y(0, k, 0, 0)), 1e-4);
    EXPECT_NEAR(f.point(0, k, 0), f.y(0, k, 0, 1) * std::exp(sigma * sigma / 2),
                1e-4 * f.point(0, k, 0));
  }
  c.training.loss = "student_t";
  EXPECT_THAT(column_names(quick_model(c, catalog), catalog),
              ::testing::ElementsAre("unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80"));
}

std::string refusal(const Config& config, const Catalog& catalog) {
  try {
    quick_model(config, catalog);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(LikelihoodTraining, NamesTheFirstNumberThatIsNoCount) {
  auto series = std::vector(3, std::vector<float>(60, 4.0f));
  series[1][9] = 2.6f;
  series[2][20] = -3;
  const Catalog catalog(daily_parts(series));
  series[2][20] = 3;
  const Catalog fraction(daily_parts(series));
  for (const char* loss : {"poisson", "negative_binomial"}) {
    EXPECT_THAT(refusal(config_for(loss), catalog),
                AllOf(HasSubstr("series 's2', 2024-01-21: y is -3"), HasSubstr("numbers from 0 on"),
                      HasSubstr("\"student_t\"")));
    EXPECT_THAT(refusal(config_for(loss), fraction),
                AllOf(HasSubstr("series 's1', 2024-01-10: y is 2.6,"), HasSubstr("whole numbers"),
                      HasSubstr("training.loss = \"tweedie\"")));
  }
  EXPECT_THAT(refusal(config_for("tweedie"), catalog), HasSubstr("series 's2', 2024-01-21"));
  Config c = config_for("tweedie");
  c.training.steps = 2;
  EXPECT_EQ(refusal(c, fraction), "no error");
  c.training.loss = "student_t";
  EXPECT_EQ(refusal(c, catalog), "no error");
}

TEST(LikelihoodTraining, RefusesSpacesWithoutAZero) {
  const Catalog catalog(daily_parts(std::vector(3, std::vector<float>(60, 4.0f))));
  for (const char* loss : {"poisson", "negative_binomial", "tweedie"}) {
    Config c = config_for(loss);
    c.training.steps = 2;
    c.network.space = "log";
    EXPECT_THAT(refusal(c, catalog), AllOf(HasSubstr("network.space = \"log\" has no 0"),
                                           HasSubstr("set network.space = \"linear\"")));
    c.network.space = "auto";
    EXPECT_EQ(refusal(c, catalog), "no error");
    c.network.scaling = "window_mean";
    EXPECT_THAT(refusal(c, catalog), HasSubstr("network.scaling = window_* shifts it"));
    c.network.scaling = "standard";
    c.network.level = "none";
    EXPECT_THAT(refusal(c, catalog),
                AllOf(HasSubstr("network.scaling = \"standard\" shifts"), HasSubstr("\"auto\"")));
    c.network.scaling = "auto";
    EXPECT_EQ(refusal(c, catalog), "no error");
  }
}

TEST(LikelihoodTraining, ResumesToTheSameBits) {
  std::poisson_distribution<int> draw(6);
  const Catalog catalog = drawn([&](auto& r) { return draw(r); });
  const auto path = temporary("resumed.safetensors");
  Config c = config_for("tweedie");
  c.training.tweedie_power = 1.3;
  c.training.steps = 30;
  c.training.steps_per_epoch = 10;
  c.path.model = path.string();
  const Model whole = quick_model(c, catalog);
  c.training.checkpoint_seconds = 0;
  TrainOptions options;
  options.announce = false;
  options.watch = [](const sluice::TrainProgress& p) { return p.step < 12; };
  EXPECT_TRUE(train(c, catalog, options).interrupted);
  c.mode.resume = true;
  options.watch = {};
  EXPECT_EQ(train(c, catalog, options).model.members, whole.members);
}

}  // namespace
}  // namespace sluice
