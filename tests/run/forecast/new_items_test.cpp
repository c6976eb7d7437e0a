// Series without history: forecast as the series that are like them, and marked so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "run/forecast/new_items.hpp"
#include "run/temporary_file.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using testing::kMissing;

/// Six series of 60 days: of family "small" about 5, 7 and 9, of family "large" about 500, 700 and
/// 900; store "a" and "b" in turn. Then a large one in store "a" without any value, whose three
/// rows lie ahead of the others' end.
CatalogParts with_new_item() {
  auto series = testing::weekly_series(3, 60);
  for (int s = 0; s < 3; ++s) {
    auto& large = series.emplace_back(series[static_cast<std::size_t>(s)]);
    for (float& y : large) y *= 100;
  }
  series.push_back({kMissing, kMissing, kMissing});
  CatalogParts parts = testing::daily_parts(series);
  parts.ids.back() = "NEW";
  parts.first.back() += 60;
  parts.static_categories.push_back({"store", {"unknown", "a", "b"}, {1, 2, 1, 2, 1, 2, 1}});
  parts.static_categories.push_back(
      {"family", {"unknown", "small", "large"}, {1, 1, 1, 2, 2, 2, 2}});
  return parts;
}

TEST(NewItems, AreForecastOnTheLevelOfTheirGroup) {
  const Catalog catalog(with_new_item());
  const Config c = testing::quick_config();
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_THAT(f.series, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(f.new_item, ElementsAre(0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(f.cutoff[6], 0);  // 2024-03-01, as the others
  EXPECT_EQ(remarks_text(f), "; 1 of them without history, by similar series");
  // s4 alone has both categories: about 700, where the mean of all series is about 350.
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(f.y(6, k, 0, 1), f.y(4, k, 0, 1), 0.02 * f.y(4, k, 0, 1));
  }
}

TEST(NewItems, AreOnTheClockOfTheOthers) {
  CatalogParts parts = with_new_item();
  parts.axis.frequency = parse_frequency("h");
  parts.axis.zone = "+02:00";
  parts.axis.clock = {{0, 7200}};
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  std::vector<std::int64_t> cutoff(6, 60);
  cutoff.push_back(-1);
  const NewItems items =
      make_new_items(testing::quick_model(c, catalog), catalog, cutoff, catalog.period(0, 60));
  ASSERT_TRUE(items.catalog);
  // 19,723 + 60 hours after 1970-01-01 00:00 UTC, on a clock that is two ahead.
  EXPECT_EQ(catalog.date(6, 0), "1972-04-04 09:00:00");
  EXPECT_EQ(items.catalog->date(0, items.cutoff[0]), "1972-04-04 09:00:00");
  EXPECT_EQ(items.catalog->axis().zone, "+02:00");
}

TEST(NewItems, TakeTheCategoryThatFewestShareWhereNoSeriesHasAll) {
  CatalogParts parts = with_new_item();
  // A third family of one series in store b; the item is of it, in store a, where nobody is.
  parts.static_categories[1].vocabulary.push_back("rare");
  parts.static_categories[1].codes = {1, 1, 1, 2, 2, 3, 3};
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_EQ(f.series.size(), 7u);
  for (std::size_t k = 0; k < 3; ++k) {  // s5, about 900: not s0, s2, s4 of store a
    EXPECT_NEAR(f.y(6, k, 0, 1), f.y(5, k, 0, 1), 0.02 * f.y(5, k, 0, 1));
  }
}

TEST(NewItems, TakeNoSeriesThatEndedForAnExampleThoughItIsForecastToo) {
  CatalogParts parts = with_new_item();
  parts.ended = {0, 0, 0, 0, 1, 0, 0};  // s4, which has both categories of the item
  const Catalog catalog(std::move(parts));
  Config c = testing::quick_config();
  c.forecast.ended = true;
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_THAT(f.series, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  // Of the other five two are in store a and two are large: either counts log(5/2).
  for (std::size_t k = 0; k < 3; ++k) {
    double mean = 0;
    for (const std::size_t r : {0u, 2u, 3u, 5u}) mean += f.y(r, k, 0, 1) / 4;
    EXPECT_NEAR(f.y(6, k, 0, 1), mean, 0.1 * mean);
  }
}

TEST(NewItems, WithoutCategoriesAreTheMeanOfAll) {
  CatalogParts parts = with_new_item();
  parts.static_categories.clear();
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_EQ(f.series.size(), 7u);
  for (std::size_t k = 0; k < 3; ++k) {
    double mean = 0;
    for (std::size_t r = 0; r < 6; ++r) mean += f.y(r, k, 0, 1) / 6;
    EXPECT_NEAR(f.y(6, k, 0, 1), mean, 0.1 * mean);
  }
}

// Rows whose target was never filled: the forecast begins where the others' do, not at the rows.
TEST(NewItems, AreSeriesWithOnlyEmptyTargetsToo) {
  CatalogParts parts = with_new_item();
  parts.first.back() -= 30;
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_EQ(f.series.back(), 6);
  EXPECT_EQ(catalog.date(6, f.cutoff.back()), "2024-03-01");
}

TEST(NewItems, AreNamedWhereTheyAreNotAskedForOrLackKnownValues) {
  CatalogParts parts = with_new_item();
  // Three known steps ahead for the others, too.
  std::vector<float> y, x;
  parts.offsets = {0};
  for (std::size_t s = 0; s < 7; ++s) {
    const std::size_t begin = s * 60, steps = s < 6 ? 60 : 3;
    const auto from = parts.channels[0].values.begin() + static_cast<std::ptrdiff_t>(begin);
    y.insert(y.end(), from, from + static_cast<std::ptrdiff_t>(steps));
    x.insert(x.end(), steps, 2.5f);
    if (s < 6) {
      y.insert(y.end(), 3, kMissing);
      x.insert(x.end(), 3, 2.5f);
    }
    parts.offsets.push_back(static_cast<std::int64_t>(y.size()));
  }
  x.back() = kMissing;
  parts.channels[0].values = y;
  parts.channels.push_back({"price", Role::future, x});
  CatalogParts complete = parts;
  complete.channels[1].values.back() = 400;  // dearer than anything before
  const Catalog catalog(std::move(parts)), all_known(std::move(complete));
  Config c = testing::quick_config();
  const Model model = testing::quick_model(c, catalog);
  EXPECT_EQ(left_out_text(forecast_series(model, catalog, c).left_out),
            "1 series left out: NEW (no history, and no price for 2024-03-03)");
  const Forecasts f = forecast_series(model, all_known, c);
  ASSERT_EQ(f.series.size(), 7u);
  // The price is no runaway: its largest value lies three deviations from the group's 2.5.
  std::vector<std::int64_t> cutoff(6, 60);
  cutoff.push_back(-1);
  const NewItems items = make_new_items(model, all_known, cutoff, all_known.period(0, 60));
  EXPECT_FLOAT_EQ(items.scaling.offset_of(1, 0), 2.5f);
  EXPECT_FLOAT_EQ(items.scaling.scale_of(1, 0), (400 - 2.5f) / 3);
  c.forecast.new_items = false;
  EXPECT_EQ(left_out_text(forecast_series(model, all_known, c).left_out),
            "1 series left out: NEW (no history; forecast.new_items = false)");
}

// The others have three rows ahead, the item the last one alone: two steps lack their price.
TEST(NewItems, WhoseRowsBeginLateLackTheStepsBefore) {
  auto series = testing::weekly_series(2, 60);
  for (auto& values : series) values.insert(values.end(), 3, kMissing);
  series.push_back({kMissing});
  CatalogParts parts = testing::daily_parts(series);
  parts.ids[2] = "NEW";
  parts.first[2] += 62;
  parts.channels.push_back({"price", Role::future, std::vector<float>(127, 2.5f)});
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  EXPECT_EQ(left_out_text(forecast_series(testing::quick_model(c, catalog), catalog, c).left_out),
            "1 series left out: NEW (no history, and no price for 2024-03-01 and 1 later step)");
}

TEST(NewItems, AreStoredBesideTheOffsetOfTheirGroup) {
  CatalogParts parts = with_new_item();
  parts.value_offset = {0, 0, 0, 1.6e9, 1.6e9, 1.6e9, 0};
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  ASSERT_EQ(f.series.size(), 7u);
  EXPECT_NEAR(f.y(6, 0, 0, 1), 1.6e9 + 700, 700);
}

TEST(NewItems, AreMarkedInTheFileOnlyWhereThereAreSome) {
  const auto file = temporary("new_items.csv");
  const Catalog catalog(with_new_item());
  Config c = testing::quick_config();
  c.forecast.levels = {};
  c.training.loss = "mae";
  const Model model = testing::quick_model(c, catalog);
  const auto written = [&] {
    write_forecasts(file, catalog, forecast_series(model, catalog, c), {});
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  };
  const std::string marked = written();
  EXPECT_THAT(marked, ::testing::StartsWith("unique_id,ds,sluice,new_item\ns0,2024-03-01,"));
  EXPECT_THAT(marked,
              ::testing::ContainsRegex("s5,2024-03-03,[0-9.]+,0\nNEW,2024-03-01,[0-9.]+,1\n"));
  c.forecast.new_items = false;
  EXPECT_THAT(written(), ::testing::StartsWith("unique_id,ds,sluice\n"));
}

}  // namespace
}  // namespace sluice
