// Forecasts of plain arrays by the C library, beside those of tables.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "api/c_api.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;

TEST_F(CApi, ForecastsArraysAsItForecastsTables) {
  const Job work = job();
  const CModel model = train(work);
  sluice_forecaster* made = nullptr;
  EXPECT_SAID(sluice_forecaster_new(work.get(), model.get(), &made, error), SLUICE_OK, "");
  const CForecaster forecaster(made);
  std::int64_t K = 0, M = 0, J = 0;
  const double* probabilities = nullptr;
  sluice_forecaster_shape(forecaster.get(), &K, &M, &J, &probabilities);
  EXPECT_THAT((std::vector{K, M, J}), ElementsAre(3, 1, 3));
  EXPECT_THAT(std::vector(probabilities, probabilities + J),
              ElementsAre(::testing::DoubleEq(0.1), 0.5, ::testing::DoubleEq(0.9)));

  const auto columns = sales();
  std::vector<sluice_series> series;
  std::vector<std::string> names;
  for (int s = 0; s < kSeries; ++s) names.push_back("s" + std::to_string(s));
  for (int s = 0; s < kSeries; ++s) {
    series.push_back({.id = names[static_cast<std::size_t>(s)].c_str(),
                      .start = kStart,
                      .history = kLength,
                      .steps = kLength,
                      .values = columns[2].numbers.data() + s * kLength,
                      .static_reals = nullptr,
                      .static_categories = nullptr});
  }
  std::vector<double> out(static_cast<std::size_t>(kSeries * K * J), -1);
  EXPECT_SAID(
      sluice_forecaster_run(forecaster.get(), series.data(), series.size(), out.data(), error),
      SLUICE_OK, "");
  ASSERT_EQ(sluice_model_save(model.get(), path("m.safetensors").c_str(), nullptr), SLUICE_OK);
  const Config settings = config();
  const Catalog data = catalog(settings);
  const Forecasts expected = forecast_series(load_model(path("m.safetensors")), data, settings);
  for (std::size_t s = 0, at = 0; s < kSeries; ++s) {
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t j = 0; j < 3; ++j, ++at) {
        EXPECT_NEAR(out[at], expected.y(s, k, 0, j), 1e-5 * std::abs(out[at])) << s << k << j;
      }
    }
  }
  // One at a time, and without its name: scaled by its own history.
  std::vector<double> one(static_cast<std::size_t>(K * J));
  series[2].id = nullptr;
  EXPECT_SAID(sluice_forecaster_run(forecaster.get(), &series[2], 1, one.data(), error), SLUICE_OK,
              "");
  EXPECT_GT(one[1], 0);
}

TEST_F(CApi, GivesTheMeansOfADistributionBesideItsQuantiles) {
  for (const bool distribution : {false, true}) {
    Job work = job();
    if (distribution) {
      ASSERT_EQ(sluice_job_set(work.get(), "training.loss", "tweedie", nullptr), SLUICE_OK);
    }
    const CModel model = train(work);
    sluice_forecaster* made = nullptr;
    EXPECT_SAID(sluice_forecaster_new(work.get(), model.get(), &made, error), SLUICE_OK, "");
    const CForecaster forecaster(made);
    const auto columns = sales();
    const sluice_series series = {.id = "s0",
                                  .start = kStart,
                                  .history = kLength,
                                  .steps = kLength,
                                  .values = columns[2].numbers.data(),
                                  .static_reals = nullptr,
                                  .static_categories = nullptr};
    std::vector<double> out(9, -1), same(9, -1), means(3, -1);
    EXPECT_SAID(sluice_forecaster_run(forecaster.get(), &series, 1, same.data(), error), SLUICE_OK,
                "");
    EXPECT_SAID(sluice_forecaster_run_with_means(forecaster.get(), &series, 1, out.data(),
                                                 means.data(), error),
                SLUICE_OK, "");
    EXPECT_EQ(out, same);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(means[k] == out[3 * k + 1], !distribution);  // else the median
      EXPECT_GT(means[k], out[3 * k]);
      EXPECT_LT(means[k], out[3 * k + 2]);
    }
  }
}

TEST_F(CApi, SaysWhichSeriesOfArraysIsWrong) {
  const Job work = job();
  const CModel model = train(work);
  sluice_forecaster* made = nullptr;
  ASSERT_EQ(sluice_forecaster_new(work.get(), model.get(), &made, nullptr), SLUICE_OK);
  const CForecaster forecaster(made);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> values(20, 1.0), none(20, nan);
  std::vector<double> out(100);
  sluice_series series[2] = {{"A", kStart, 20, 20, values.data(), nullptr, nullptr},
                             {"B", kStart, 20, 20, none.data(), nullptr, nullptr}};
  const auto run = [&](sluice_error** error) {
    return sluice_forecaster_run(forecaster.get(), series, 2, out.data(), error);
  };
  EXPECT_SAID(run(error), SLUICE_DATA_ERROR, "series 1 ('B')");
  series[1] = {"A", kStart, 20, 20, values.data(), nullptr, nullptr};
  EXPECT_SAID(run(error), SLUICE_DATA_ERROR, "series 0 and 1 have one id, 'A'");
  series[1] = {"B", kStart + 7, 20, 20, values.data(), nullptr, nullptr};
  EXPECT_SAID(run(error), SLUICE_DATA_ERROR, "series 1 ('B'): its start");
  series[1] = {"B", kStart, 0, 20, values.data(), nullptr, nullptr};
  EXPECT_SAID(run(error), SLUICE_CONFIG_ERROR, "series 1 ('B')");
  series[1] = {"B", kStart, 20, 20, nullptr, nullptr, nullptr};
  EXPECT_SAID(run(error), SLUICE_CONFIG_ERROR, "series 1 ('B'): values is NULL");
}

/// A trained model made ready, and a series of 20 steps that it may be asked for.
class CArrays : public CApi {
 protected:
  CArrays() : series_{"A", kStart, 20, 20, values_.data(), nullptr, nullptr} {
    sluice_forecaster* made = nullptr;
    EXPECT_SAID(sluice_forecaster_new(work_.get(), model_.get(), &made, error), SLUICE_OK, "");
    forecaster_.reset(made);
  }
  sluice_status run(sluice_error** error = nullptr) {
    return sluice_forecaster_run(forecaster_.get(), &series_, 1, out_.data(), error);
  }

  const Job work_ = job();
  const CModel model_ = train(work_);
  CForecaster forecaster_;
  std::vector<double> values_ = std::vector<double>(20, 1.0), out_ = std::vector<double>(9, -1.0);
  sluice_series series_;
};

// A table with such a cell is refused; here they led to forecasts of 0 or beyond all reason.
TEST_F(CArrays, ANumberThatIsNoneIsNamedAndNotForecastFrom) {
  for (const double bad : {std::numeric_limits<double>::infinity(), -1e39, 1e300}) {
    values_[7] = bad;
    EXPECT_SAID(run(error), SLUICE_DATA_ERROR,
                "series 0 ('A'): step 7: 'y': " + fmt::format("{}", bad) +
                    " is infinite or too large (beyond 3.4e38); correct it, or give NaN where it "
                    "is missing");
  }
  EXPECT_EQ(out_, std::vector<double>(9, -1.0)) << "no output is touched when a call fails";
  values_[7] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(run(), SLUICE_OK) << "missing";
}

TEST_F(CArrays, AStaticNumberThatIsNoneIsNamed) {
  OutputColumn id{.name = "unique_id"}, size{.name = "size"};
  for (int s = 0; s < kSeries; ++s) {
    id.text.push_back("s" + std::to_string(s));
    id.codes.push_back(s);
    size.numbers.push_back(s);
  }
  const Job sized = job();
  set(sized, "data.id", "unique_id");
  set(sized, "data.static_reals", "size");
  add(sized, SLUICE_TABLE_STATICS, "static_df", {id, size});
  const CModel model = train(sized);
  sluice_forecaster* made = nullptr;
  EXPECT_SAID(sluice_forecaster_new(sized.get(), model.get(), &made, error), SLUICE_OK, "");
  forecaster_.reset(made);
  double number = -std::numeric_limits<double>::infinity();
  series_.static_reals = &number;
  EXPECT_SAID(run(error), SLUICE_DATA_ERROR, "series 0 ('A'): 'size': -inf is infinite");
  number = 2;
  EXPECT_SAID(run(error), SLUICE_OK, "");
}

TEST_F(CArrays, TheHostsOpenMpIsLeftAsItWas) {
  const int before = omp_get_max_threads();
  for (const int threads : {1, before + 2}) {
    const Job other = job();
    set(other, "engine.threads", std::to_string(threads));
    sluice_forecaster* made = nullptr;
    EXPECT_SAID(sluice_forecaster_new(other.get(), model_.get(), &made, error), SLUICE_OK, "");
    forecaster_.reset(made);
    EXPECT_EQ(omp_get_max_threads(), before);
    EXPECT_SAID(run(error), SLUICE_OK, "");
    EXPECT_EQ(omp_get_max_threads(), before);
  }
}

// OpenMP ends the process where it cannot start a thread.
TEST_F(CArrays, ThreadsThatCannotBeStartedAreAnError) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "takes more memory than the limit leaves";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto forecast_without_memory = [&] {
    const Job other = job();
    set(other, "engine.threads", "2");
    sluice_forecaster* made = nullptr;
    EXPECT_SAID(sluice_forecaster_new(other.get(), model_.get(), &made, error), SLUICE_OK, "");
    forecaster_.reset(made);
    // A thread of the host's own, for which OpenMP keeps none yet; its stack is there already.
    std::thread([&] {
      std::int64_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      const auto now = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE));
      const rlimit limit{now + (1 << 20), now + (1 << 20)};
      ::setrlimit(RLIMIT_AS, &limit);
      const Said was = said([&](sluice_error** error) { return run(error); });
      std::fprintf(stderr, "%s\n", was.message.c_str());
      ::_exit(was.status);
    }).join();
  };
  EXPECT_EXIT(forecast_without_memory(), ::testing::ExitedWithCode(SLUICE_DEVICE_ERROR),
              "only 1 of 2 threads can be started .*; allow more .*or set engine.threads = 1");
}

// A fork does not copy OpenMP's threads, and the copy would wait for them for ever.
TEST_F(CArrays, AForkOfAProcessThatForecastIsToldThatItsThreadsAreLost) {
  GTEST_FLAG_SET(death_test_style, "fast");  // which forks
  const Job other = job();
  set(other, "engine.threads", "2");
  sluice_forecaster* made = nullptr;
  EXPECT_SAID(sluice_forecaster_new(other.get(), model_.get(), &made, error), SLUICE_OK, "");
  forecaster_.reset(made);
  EXPECT_SAID(run(error), SLUICE_OK, "");
  const auto forecast_again = [&] {
    ::alarm(20);
    const Said was = said([&](sluice_error** error) { return run(error); });
    std::fprintf(stderr, "%s\n", was.message.c_str());
    ::_exit(was.status);
  };
  EXPECT_EXIT(forecast_again(), ::testing::ExitedWithCode(SLUICE_DEVICE_ERROR), "was forked from");
}

TEST_F(CArrays, WhatNoForecasterCanDoIsSaidBeforeTheFirstForecast) {
  sluice_forecaster* made = nullptr;
  const Job levels = job();
  set(levels, "forecast.levels", "95");
  EXPECT_SAID(sluice_forecaster_new(levels.get(), model_.get(), &made, error), SLUICE_CONFIG_ERROR,
              "forecast.levels asks for the quantile 0.025");
  const Job far = job();
  set(far, "engine.device", "cuda:77");
  EXPECT_SAID(sluice_forecaster_new(far.get(), model_.get(), &made, error), SLUICE_DEVICE_ERROR,
              "");
  EXPECT_EQ(made, nullptr);
}

// c_api.h on sluice_series.start.
TEST_F(CArrays, ShortStepsOfTimesWithAZoneBeginInUtcOrInTheZonesStandardTime) {
  constexpr std::int64_t kHour = 3600, kSummer = 1'719'266'400;  // 2024-06-24 22:00 UTC
  OutputColumn id{.name = "unique_id", .text = {"A"}}, ds{.name = "ds"}, y{.name = "y"};
  ds.time_zone = "Europe/Berlin";
  for (int t = 0; t < 200; ++t) {
    id.codes.push_back(0);
    ds.times.push_back(kSummer + t * kHour);
    y.numbers.push_back(10 + 5 * std::sin(t / 4.0) + t % 24);
  }
  for (const bool zone : {false, true}) {
    const Job hourly = job({id, ds, y});
    if (zone) set(hourly, "data.time_zone", "Europe/Berlin");
    const CModel model = train(hourly);
    ArrowArrayStream stream;
    EXPECT_SAID(sluice_forecast(hourly.get(), model.get(), &stream, nullptr, error), SLUICE_OK, "");
    CatalogSpec spec;
    spec.targets = {"sluice"};
    spec.read.paths = {"result"};
    spec.read.memory["result"] = std::make_shared<const Table>(taken(stream));
    const Catalog expected = read_catalog(spec);
    sluice_forecaster* made = nullptr;
    EXPECT_SAID(sluice_forecaster_new(hourly.get(), model.get(), &made, error), SLUICE_OK, "");
    forecaster_.reset(made);
    series_ = {"A", kSummer + (zone ? kHour : 0), 200, 200, y.numbers.data(), nullptr, nullptr};
    EXPECT_SAID(run(error), SLUICE_OK, "");
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(static_cast<float>(out_[3 * k + 1]), expected.values(0, 0)[k]) << zone;
    }
  }
}

}  // namespace
}  // namespace sluice
