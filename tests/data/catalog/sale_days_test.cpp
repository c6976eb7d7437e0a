// Rows on the days of a sale only are told from rows that are missing.
#include "data/catalog/sale_days.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class SaleDays : public CatalogBuild {
 protected:
  /// The day `day` from 2024-01-01 on, of its first 90.
  static std::string date(int day) {
    const int month = day < 31 ? 1 : day < 60 ? 2 : 3;
    return fmt::format("2024-{:02}-{:02}", month, day - (month - 1) * 31 + month / 3 * 2 + 1);
  }
  /// Rows of the series A (each day) and B (the days that `sells` says) of 2024's first 90 days.
  CatalogSpec rows(const std::function<bool(int)>& sells, const std::string& value = "2") {
    std::string csv = "unique_id,ds,y\n";
    for (int day = 0; day < 90; ++day) {
      csv += "A," + date(day) + ",3\n";
      if (sells(day)) csv += "B," + date(day) + "," + value + "\n";
    }
    CatalogSpec s = spec(csv);
    s.frequency = "D";
    return s;
  }
  /// A fifth of the days, by chance.
  static bool rarely(int day) { return (day * day * 7 + day * 3 + day / 4) % 11 < 2; }
  void expect(bool said) {
    const auto remark = HasSubstr("set data.gaps = \"zero\"");
    if (said) {
      EXPECT_THAT(notes_.remarks, Contains(remark));
    } else {
      EXPECT_THAT(notes_.remarks, Not(Contains(remark)));
    }
  }
};

TEST_F(SaleDays, RareSalesWithoutARowForTheOtherDaysAreSaidWithTheRemedy) {
  CatalogSpec s = rows(rarely);
  build(s);
  EXPECT_THAT(notes_.remarks,
              Contains("1 of 2 series has rows at few of their steps only (B: 17 of 89), and every "
                       "value of y is a count above 0: if a step without a row is one without a "
                       "sale, set data.gaps = \"zero\"; with data.gaps = \"missing\" forecasts say "
                       "what is sold at a step that has a row"));
  s.gaps = GapPolicy::zero;
  build(s);
  expect(false);
}

TEST_F(SaleDays, ADayWithoutASaleThatHasARowSaysThatTheOthersAreUnknown) {
  build(rows(rarely, "0"));
  expect(false);
}

// They stay unknown, whatever data.gaps is.
TEST_F(SaleDays, EmptyCellsOfRowsAreNoGapsThatASettingFills) {
  const auto with_row_where = [&](const std::function<bool(int)>& has_row) {
    std::string csv = "unique_id,ds,y\n";
    for (int day = 0; day < 90; ++day) {
      if (has_row(day)) csv += fmt::format("A,{},{}\n", date(day), rarely(day) ? "2" : "");
    }
    CatalogSpec s = spec(csv);
    s.frequency = "D";
    build(s);
  };
  with_row_where([](int) { return true; });
  EXPECT_EQ(notes_.gap_steps, 0);
  expect(false);
  with_row_where([](int day) { return rarely(day) || day % 3 != 0; });
  EXPECT_GT(notes_.gap_steps, 0);
  expect(false);
  with_row_where([](int day) { return rarely(day) || day % 9 == 0; });
  expect(true);
}

TEST_F(SaleDays, MeasurementsAreNoSales) {
  build(rows(rarely, "2.5"));
  expect(false);
  build(rows(rarely, "-1"));
  expect(false);
}

TEST_F(SaleDays, RowsAtRegularDistancesAreNoRareSales) {
  build(rows([](int day) { return day % 7 == 0; }));
  expect(false);
  build(rows(
      [](int day) { return day % 7 == 0 && (day < 20 || day == 42 || day == 49 || day == 84); }));
  expect(false);
  build(rows([](int day) { return day % 7 == 0 || day % 7 == 3; }));
  expect(false);
}

TEST_F(SaleDays, OneLongGapIsAnOutage) {
  build(rows([](int day) { return day < 20 || day > 75; }));
  expect(false);
}

TEST_F(SaleDays, SalesOnMostDaysHaveAForecastOfTheirOwn) {
  build(rows([](int day) { return !rarely(day); }));
  expect(false);
  // More than half of the days, half of the sales with none on the next day.
  build(rows([](int day) {
    const int at = day % 14;
    return day <= 84 && (at <= 4 || at == 6 || at == 8 || at == 10);
  }));
  expect(false);
}

}  // namespace
}  // namespace sluice
