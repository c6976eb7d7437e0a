// Many series' simple forecasts at once are each series' own.
#include "run/calibration/simple_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::vector<std::vector<float>> histories_of(std::size_t count) {
  std::vector<std::vector<float>> out(count);
  for (std::size_t s = 0; s < count; ++s) {
    for (std::size_t t = 0; t < 10 + s % 23; ++t)
      out[s].push_back(static_cast<float>((t * 13 + s * 7) % 11 + s % 3 * 5));
  }
  return out;
}

TEST(SimpleRows, GivesEachSeriesTheForecastsThatItHasAlone) {
  const std::vector<std::string> names = {"sba", "ets", "ets+theta"};
  SimpleRows rows(names, 4, 5);
  const auto values = histories_of(300);
  std::vector<SimpleHistory> histories;
  for (const auto& one : values) histories.push_back({one, 0});
  std::vector<double> out(300 * 3 * 5);
  rows.forecast(histories, out);
  const simple::Method methods[] = {simple::Method::croston_sba, simple::Method::ets,
                                    simple::Method::ets_theta};
  for (std::size_t s = 0; s < 300; ++s) {
    const std::vector<double> y(values[s].begin(), values[s].end());
    for (std::size_t i = 0; i < 3; ++i) {
      const auto alone = simple::simple_forecast(methods[i], y, 4, 5).points;
      const auto got = std::span(out).subspan((s * 3 + i) * 5, 5);
      ASSERT_THAT(got, testing::ElementsAreArray(alone)) << s << " " << names[i];
    }
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_GT(rows.seconds(i), 0) << names[i];
}

// Counters stored as differences to a large number: a ratio among them would be nonsense.
TEST(SimpleRows, ForecastsValuesAndNotWhatIsStoredBesideAnOffset) {
  const std::vector<std::string> names = {"ets", "theta"};
  SimpleRows rows(names, 1, 2);
  std::vector<float> stored;
  std::vector<double> y;
  for (int t = 0; t < 30; ++t) {
    stored.push_back(static_cast<float>(t * 3 + t % 2));
    y.push_back(1e6 + stored.back());
  }
  const SimpleHistory history{stored, 1e6};
  std::vector<double> out(4);
  rows.forecast({&history, 1}, out);
  const auto ets = simple::simple_forecast(simple::Method::ets, y, 1, 2).points;
  EXPECT_DOUBLE_EQ(out[0], ets[0]);
  EXPECT_NEAR(out[1], 1e6 + 93, 3);
  EXPECT_NEAR(out[3], 1e6 + 93, 3);
}

TEST(SimpleRows, RefusesANameThatIsNoneAndTooLittleRoom) {
  const std::vector<std::string> wrong = {"holt"}, right = {"tsb"};
  EXPECT_THROW(SimpleRows(wrong, 7, 3), InternalError);
  SimpleRows rows(right, 7, 3);
  const SimpleHistory history;
  std::vector<double> out(2);
  EXPECT_THROW(rows.forecast({&history, 1}, out), InternalError);
}

}  // namespace
}  // namespace sluice
