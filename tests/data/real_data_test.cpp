// Real files of every layout, where they are at hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sluice/base/error.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(folder_)) GTEST_SKIP() << folder_ << " is not here";
  }
  CatalogSpec spec(const std::string& name) const {
    CatalogSpec spec;
    spec.read.paths = {folder_ / name};
    return spec;
  }
  Catalog build(const CatalogSpec& spec) { return read_catalog(spec, &notes_); }

  const std::filesystem::path folder_ = std::filesystem::path(SLUICE_SOURCE_DIR) / "../shared/data";
  CatalogNotes notes_;
};

TEST_F(RealData, ShopIsOneSeriesOfFourteenChannels) {
  CatalogSpec shop = spec("shop_ops_seed/Data.csv.zst");
  shop.layout = Layout::single;
  shop.targets = {"下单商品件数"};
  shop.past = {"#1:14"};
  const Catalog catalog = build(shop);
  EXPECT_EQ(catalog.channels().size(), 14u);
  EXPECT_EQ(catalog.count(Role::past), 13);
  EXPECT_EQ(catalog.length(0), 400);
  EXPECT_EQ(catalog.date(0, 0), "2022-01-01");
  EXPECT_EQ(catalog.date(0, 399), "2023-02-04");
  EXPECT_EQ(catalog.values(0, 0)[1], 40220.0f);
  EXPECT_EQ(notes_.gap_steps, 0);
}

TEST_F(RealData, ShopColumnsAreFourteenSeries) {
  const Catalog catalog = build(spec("shop_ops_seed/Data.csv.zst"));
  EXPECT_EQ(notes_.layout, "columns");
  EXPECT_EQ(catalog.series_count(), 14);
  EXPECT_EQ(catalog.id(0), "浏览量");
}

TEST_F(RealData, WalmartFoodsAreRows) {
  CatalogSpec foods = spec("m5/sales_train_evaluation.CA_1_FOODS.csv.zst");
  foods.id = {"item_id"};
  foods.start = "2011-01-29";
  foods.frequency = "D";
  foods.first_value = "d_1";
  foods.static_categories = {"dept_id", "item_id"};
  const Catalog catalog = build(foods);
  EXPECT_EQ(catalog.series_count(), 1437);
  EXPECT_EQ(catalog.total_steps(), 1437 * 1941);
  EXPECT_EQ(catalog.date(0, 1940), "2016-05-22");
  EXPECT_EQ(catalog.static_categories()[0].vocabulary.size(), 4u);
  EXPECT_EQ(catalog.static_categories()[1].vocabulary.size(), 1438u);
  EXPECT_LT(catalog.bytes(), 2 * 4 * catalog.total_steps());
}

TEST_F(RealData, WalmartMonthsAreDatedByTheirHeader) {
  CatalogSpec months = spec("m5/sales_monthly_all_30490.csv.zst");
  EXPECT_THROW(build(months), DataError) << "item_id alone is not unique";
  months.id = {"item_id", "store_id"};
  const Catalog catalog = build(months);
  EXPECT_EQ(catalog.series_count(), 30'490);
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
  EXPECT_EQ(catalog.date(0, 0), "2011-01-01");
}

TEST_F(RealData, WalmartPricesAreIntegerWeeks) {
  CatalogSpec prices = spec("m5/sell_prices.CA_1_FOODS.csv.zst");
  prices.id = {"store_id", "item_id"};
  prices.time = "wm_yr_wk";
  prices.targets = {"sell_price"};
  EXPECT_THROW(build(prices), DataError) << "11152 is followed by 11201: years and weeks";
  prices.frequency = "1";
  const Catalog catalog = build(prices);
  EXPECT_EQ(catalog.series_count(), 1437);
  EXPECT_TRUE(catalog.axis().integers);
  EXPECT_EQ(to_string(catalog.frequency()), "1");
  EXPECT_EQ(catalog.total_steps() - notes_.gap_steps, 329'666);
  EXPECT_EQ(notes_.duplicate_rows, 0);
}

TEST_F(RealData, M4HourlyIsTheSameFromTsfAndCsv) {
  const Catalog tsf = build(spec("m4/m4_hourly_dataset.tsf.zst"));
  EXPECT_EQ(tsf.series_count(), 414);
  EXPECT_EQ(to_string(tsf.frequency()), "h");
  EXPECT_EQ(tsf.date(0, 0), "2015-07-01 12:00:00");
  const Catalog csv = build(spec("m4/Hourly-train.csv.zst"));
  EXPECT_EQ(csv.series_count(), 414);
  EXPECT_EQ(csv.id(413), "H414");
  for (std::int64_t s = 0; s < csv.series_count(); ++s) {
    // The .tsf file holds the 48 test values too.
    ASSERT_EQ(tsf.length(s), csv.length(s) + 48);
    for (std::int64_t t = 0; t < csv.length(s); ++t) {
      const auto i = static_cast<std::size_t>(t);
      ASSERT_FLOAT_EQ(tsf.values(0, s)[i], csv.values(0, s)[i]) << csv.id(s) << " " << t;
    }
  }
}

TEST_F(RealData, EttIsASeriesInEachColumn) {
  const Catalog hourly = build(spec("ett/ETTh1.csv.zst"));
  EXPECT_THAT(hourly.ids(), ElementsAre("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"));
  EXPECT_EQ(hourly.total_steps(), 7 * 17'420);
  EXPECT_EQ(to_string(hourly.frequency()), "h");
  EXPECT_EQ(to_string(build(spec("ett/ETTm1.csv.zst")).frequency()), "15min");
}

TEST_F(RealData, WalmartDepartmentsAreFridays) {
  CatalogSpec weekly = spec("walmart_weekly/train.csv.zst");
  weekly.id = {"Store", "Dept"};
  weekly.targets = {"Weekly_Sales"};
  weekly.future = {"IsHoliday"};
  weekly.static_files = {folder_ / "walmart_weekly/stores.csv.zst"};
  weekly.static_categories = {"Type", "Dept"};
  weekly.static_reals = {"Size"};
  weekly.future_files = {folder_ / "walmart_weekly/test.csv.zst"};
  const Catalog catalog = build(weekly);
  EXPECT_EQ(catalog.series_count(), 3331 + 11) << "the test file has 11 that the other lacks";
  EXPECT_EQ(notes_.new_series, 11);
  EXPECT_EQ(catalog.history(3331), 0);
  EXPECT_EQ(to_string(catalog.frequency()), "W-FRI");
  EXPECT_EQ(catalog.id(0), "1/1");
  EXPECT_EQ(catalog.history(0), 143);
  EXPECT_EQ(catalog.length(0), 143 + 39);
  EXPECT_EQ(catalog.static_reals()[0].values[0], 151'315.0f);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "A", "B", "C"));
  EXPECT_GT(notes_.gap_steps, 0);
}

TEST_F(RealData, HospitalIsMonthly) {
  const Catalog catalog = build(spec("monash_tsf/hospital_dataset.tsf.zst"));
  EXPECT_EQ(catalog.series_count(), 767);
  EXPECT_EQ(catalog.total_steps(), 767 * 84);
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
}

}  // namespace
}  // namespace sluice
