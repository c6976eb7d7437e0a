// What the names of value columns say, where a row is a series; and tables of one series in rows
// and columns.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

using ValueNames = CatalogBuild;

TEST_F(ValueNames, ATotalBehindTheMonthsIsNoMonth) {
  const Catalog catalog = build("Product,2019-01,2019-02,2019-03,Total\nA,1,2,3,6\nB,4,5,,9\n");
  EXPECT_THAT(series_of(catalog), testing::ElementsAre(values({1, 2, 3}), values({4, 5})));
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
  EXPECT_THAT(notes_.remarks,
              Contains("Total is not used: it is the sum of the other value columns"));
}

TEST_F(ValueNames, ATotalThatIsNotTheSumIsRefused) {
  const CatalogSpec wrong = spec("Product,2019-01,2019-02,Summe\nA,1,2,3\nB,4,5,8\n");
  EXPECT_EQ(error(wrong),
            "a.csv:3:Summe: 8 is named as a total, and is not the sum of the 2 other values of its "
            "row, 9; remove this column, or name it by what it holds");
}

TEST_F(ValueNames, ATotalWithoutAnyValueIsNotCalledASum) {
  const Catalog catalog = build("Product,2019-01,2019-02,Total\nA,1,2,\nB,4,5,\n");
  EXPECT_THAT(series_of(catalog), testing::ElementsAre(values({1, 2}), values({4, 5})));
  EXPECT_THAT(notes_.remarks,
              Contains("Total is not used: it has the name of a total, and no value"));
  // Where some rows have it, these count.
  build("Product,2019-01,2019-02,Total\nA,1,2,3\nB,4,5,\n");
  EXPECT_THAT(notes_.remarks,
              Contains("Total is not used: it is the sum of the other value columns"));
  EXPECT_THAT(error(spec("Product,2019-01,2019-02,Total\nA,1,2,\nB,4,5,8\n")),
              HasSubstr("a.csv:3:Total: 8 is named as a total, and is not the sum"));
}

TEST_F(ValueNames, OneOddNameAmongDatesIsNamed) {
  CatalogSpec odd = spec("Product,2019-01,2019-02,Average,2019-03\nA,1,2,2,3\n");
  odd.layout = Layout::rows;
  EXPECT_EQ(error(odd),
            "a.csv: the value column Average is named by no time, and 3 others are (2019-01 .. "
            "2019-03); rename what holds a step, and remove what holds none (a sum, a mean)");
  odd = spec("Product,Cost,Jan-19,Feb-19,Mar-19\nA,9,1,2,3\n");
  EXPECT_THAT(error(odd),
              HasSubstr("Cost is named by no time, and 3 others are (Jan-19 .. Mar-19); "
                        "the values begin with Jan-19: --data.first_value Jan-19"));
  odd.first_value = "Jan-19";
  EXPECT_THAT(series_of(build(odd)), testing::ElementsAre(values({1, 2, 3})));
}

TEST_F(ValueNames, DatesInAnotherFormAreReadByThePatternThatFitsThemAll) {
  Catalog catalog = build("Product,Nov-19,Dec-19,Jan-20\nA,1,2,3\n");
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
  EXPECT_EQ(catalog.time(0, 0), *parse_time("2019-11-01"));
  EXPECT_THAT(notes_.remarks, Contains("the names of the value columns, Nov-19 .. Jan-20, are read "
                                       "as times by %b-%y (data.time_format)"));
  // 01.02. is the first of February: the fifth of months that follow each other.
  catalog = build("P,30.01.2024,31.01.2024,01.02.2024\nA,1,2,3\n");
  EXPECT_EQ(to_string(catalog.frequency()), "D");
}

TEST_F(ValueNames, DatesOfTwoReadingsAreAskedAbout) {
  CatalogSpec two = spec("Product,01/01/2024,02/01/2024,03/01/2024\nA,1,2,3\n");
  EXPECT_EQ(error(two),
            "a.csv: the names of the value columns, 01/01/2024 .. 03/01/2024, fit %d/%m/%Y as well "
            "as %m/%d/%Y: say which it is, --data.time_format '%d/%m/%Y' or '%m/%d/%Y'");
  two.time_format = "%m/%d/%Y";
  EXPECT_EQ(to_string(build(two).frequency()), "MS");
}

TEST_F(ValueNames, StepsCountedFromZeroAreSaid) {
  CatalogSpec counted = spec("Product,a,b,c\nA,1,2,3\n");
  counted.layout = Layout::rows;
  EXPECT_EQ(build(counted).time(0, 2), 2);
  EXPECT_THAT(notes_.remarks,
              Contains("the value columns are not named by times (a .. c): their steps are counted "
                       "from 0; data.start and data.frequency can say when they were"));
}

std::string months_of_year(const std::string& first, const std::string& row) {
  return first + ",Jan,Feb,Mrz,Apr,Mai,Jun,Jul,Aug,Sep,Okt,Nov,Dez\n" + row;
}

TEST_F(ValueNames, MonthsAcrossYearsAreNoTwelveSeries) {
  CatalogSpec across = spec(months_of_year("Jahr",
                                           "2022,1,2,3,4,5,6,7,8,9,10,11,12\n"
                                           "2023,1,2,3,4,5,6,7,8,9,10,11,12\n"));
  EXPECT_THAT(
      error(across),
      HasSubstr("the columns Jan to Dez are the months of the years in Jahr; one series lies "
                "in rows and columns: write a row for each of the months, with a column of "
                "times (2000-01, 2000-02, ...) and one of values."));
  across.layout = Layout::columns;
  EXPECT_EQ(build(across).series_count(), 12);
}

TEST_F(ValueNames, YearsAcrossMonthsAreNoTwelveSeries) {
  std::string csv = "Month,2021,2022\n";
  for (const char* month : {"January", "February", "March", "April", "May", "June", "July",
                            "August", "September", "October", "November", "December"}) {
    csv += std::string(month) + ",1,2\n";
  }
  CatalogSpec down = spec(csv);
  EXPECT_THAT(error(down), HasSubstr("the rows January to December of Month are the months of the "
                                     "years 2021 to 2022; one series lies in rows and columns"));
  down.layout = Layout::rows;
  EXPECT_EQ(build(down).series_count(), 12);
}

TEST_F(ValueNames, HoursAcrossDaysAreNoSeries) {
  std::string header = "day", row = "2024-01-01", next = "2024-01-02";
  for (int hour = 1; hour <= 24; ++hour) {
    header += ",H" + std::to_string(hour);
    row += ",1";
    next += ",2";
  }
  EXPECT_THAT(error(spec(header + "\n" + row + "\n" + next + "\n")),
              HasSubstr("the columns H1 to H24 are the hours of the days in day; one series"));
}

TEST_F(ValueNames, WeekdaysAcrossWeeksAreRefusedWithWaysOutThatWork) {
  const std::string header = "week,visits,mon,tue,wed,thu,fri,sat,sun\n";
  CatalogSpec across = spec(header + "2024-01-01,9,1,2,3,4,5,6,7\n2024-01-08,9,2,3,4,5,6,7,8\n");
  EXPECT_THAT(
      error(across),
      HasSubstr("the columns mon to sun are the weekdays of the weeks in week; one series"));
  EXPECT_THAT(error(across), HasSubstr("--data.layout columns; if they say something of another "
                                       "column, which is to be forecast: --data.targets visits"));
  CatalogSpec columns = across, target = across, inputs = across;
  columns.layout = Layout::columns;
  EXPECT_EQ(build(columns).series_count(), 8);
  target.targets = {"visits"};
  EXPECT_THAT(series_of(build(target)), testing::ElementsAre(values({9, 9})));
  // Nor are columns that a setting makes inputs.
  inputs.past = {"mon", "#3:9"};
  EXPECT_THAT(series_of(build(inputs)), testing::ElementsAre(values({9, 9})));
}

TEST_F(ValueNames, ColumnsForEachHourAreInputsOfATargetThatIsNamed) {
  std::string header = "day,load_mw", row = "\n2024-01-01,5", next = "\n2024-01-02,6";
  for (int hour = 0; hour < 24; ++hour) {
    header += ",H" + std::to_string(hour);
    row += ",7";
    next += ",8";
  }
  CatalogSpec hours = spec(header + row + next + "\n");
  EXPECT_THAT(error(hours), HasSubstr("--data.targets load_mw"));
  hours.targets = {"load_mw"};
  EXPECT_THAT(series_of(build(hours)), testing::ElementsAre(values({5, 6})));
}

TEST_F(ValueNames, FlagsOfPeriodsAreNoCrossTableAndNoSeries) {
  const std::string weekdays = "mon,tue,wed,thu,fri,sat,sun\n";
  const auto expect = [&](const std::string& csv, const std::vector<float>& y) {
    EXPECT_THAT(series_of(build(csv)), testing::ElementsAre(values(y))) << csv;
    EXPECT_THAT(notes_.remarks,
                Contains(HasSubstr("not used: it is 0 or 1 by when a row is, as its time says "
                                   "(data.future takes it)")));
  };
  expect("date,x," + weekdays + "2024-01-01,7,1,0,0,0,0,0,0\n2024-01-02,8,0,1,0,0,0,0,\n", {7, 8});
  // Days of delivery in a week.
  expect("date,x," + weekdays + "2024-01-01,7,1,0,1,0,0,0,0\n2024-01-08,8,0,1,0,1,0,0,0\n", {7, 8});
  expect(
      "date,x,jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec\n"
      "2024-01-31,7,1,0,0,0,0,0,0,0,0,0,0,0\n2024-02-01,8,0,1,0,0,0,0,0,0,0,0,0,0\n",
      {7, 8});
  // As libraries name and sort them, the first one left out.
  expect(
      "date,dow_Fri,dow_Sat,dow_Sun,dow_Thu,dow_Tue,dow_Wed,x\n2024-01-01,0,0,0,0,0,0,7\n"
      "2024-01-02,0,0,0,0,1,0,8\n",
      {7, 8});
  expect(
      "date,x,m_2,m_3,m_4,m_5,m_6,m_7,m_8,m_9,m_10,m_11,m_12\n2024-01-31,7,0,0,0,0,0,0,0,0,0,0,0\n"
      "2024-02-01,8,1,0,0,0,0,0,0,0,0,0,0\n",
      {7, 8});
  // Not what only ends in numbers, nor some of the days, nor more than flags.
  const auto count = [&](const std::string& names, const std::string& cells) {
    return build("date,x" + names + "\n2024-01-01,7" + cells + "\n2024-01-02,8" + cells + "\n")
        .series_count();
  };
  EXPECT_EQ(count(",a_1,a_2,a_3,a_4,a_5,a_6,a_7", ",1,0,0,0,0,0,0"), 8);
  EXPECT_EQ(count(",is_fri,is_sat,is_sun", ",1,0,0"), 4);
  EXPECT_EQ(count(",at_fri,at_sat,at_sun,at_thu,at_tue,at_wed", ",1,0,0,2,0,0"), 7);
  // A file of nothing else holds seven series of 0 and 1.
  EXPECT_EQ(build("date," + weekdays + "2024-01-01,1,0,0,0,0,0,1\n2024-01-02,0,1,0,0,0,0,1\n")
                .series_count(),
            7);
}

TEST_F(ValueNames, BesideDaysThatAreNotWeeksApartWeekdaysAreNoCrossTable) {
  const std::string rows = "2024-01-01,7,1,2,3,4,5,6,7\n2024-01-02,8,2,3,4,5,6,7,8\n";
  EXPECT_EQ(build("date,x,mon,tue,wed,thu,fri,sat,sun\n" + rows).series_count(), 8);
  EXPECT_EQ(build("date,y,Mo,Di,Mi,Do,Fr,Sa,So\n" + rows).series_count(), 8);
}

/// A Parquet file of a list column beside others.
std::filesystem::path with_lists(const std::filesystem::path& path,
                                 const std::shared_ptr<arrow::ArrayBuilder>& items) {
  arrow::StringBuilder ids, days;
  arrow::DoubleBuilder sales;
  arrow::ListBuilder lists(arrow::default_memory_pool(), items);
  for (const char* day : {"2024-01-01", "2024-01-02", "2024-01-03"}) {
    EXPECT_TRUE(ids.Append("a").ok() && days.Append(day).ok() && sales.Append(5).ok());
    EXPECT_TRUE(lists.Append().ok() && items->AppendEmptyValue().ok());
  }
  const auto table = arrow::Table::Make(
      arrow::schema({arrow::field("store_id", arrow::utf8()), arrow::field("day", arrow::utf8()),
                     arrow::field("sales", arrow::float64()),
                     arrow::field("tags", arrow::list(items->type()))}),
      {*ids.Finish(), *days.Finish(), *sales.Finish(), *lists.Finish()});
  const auto out = *arrow::io::FileOutputStream::Open(path.string());
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out).ok());
  EXPECT_TRUE(out->Close().ok());
  return path;
}

TEST_F(ValueNames, ListsOfWordsAreNoValues) {
  const Catalog catalog =
      build(spec_of(with_lists(path("a.parquet"), std::make_shared<arrow::StringBuilder>())));
  EXPECT_EQ(notes_.layout, "long");
  EXPECT_THAT(series_of(catalog), testing::ElementsAre(values({5, 5, 5})));
}

TEST_F(ValueNames, BesideATimeThatIsNamedListsOfAnIdThatRepeatsAreNoValues) {
  CatalogSpec named =
      spec_of(with_lists(path("a.parquet"), std::make_shared<arrow::DoubleBuilder>()));
  named.time = "day";
  build(named);
  EXPECT_EQ(notes_.layout, "long");
}

TEST_F(ValueNames, ListsOfAnIdThatRepeatsOrBesideATimeAndWhatIsSoldAreNoValues) {
  const auto lists = [&] {
    return spec_of(with_lists(path("a.parquet"), std::make_shared<arrow::DoubleBuilder>()));
  };
  const Catalog by_names = build(lists());
  EXPECT_EQ(notes_.layout, "long");
  EXPECT_THAT(series_of(by_names), testing::ElementsAre(values({5, 5, 5})));
  CatalogSpec by_id = lists(), by_target = lists(), tags = lists();
  by_id.id = {"store_id"};
  by_target.targets = {"sales"};
  for (const CatalogSpec& s : {by_id, by_target}) {
    EXPECT_THAT(series_of(build(s)), testing::ElementsAre(values({5, 5, 5})));
    EXPECT_EQ(notes_.layout, "long");
  }
  tags.targets = {"tags"};
  EXPECT_THROW(build(tags), DataError);  // a row is a series, and its id repeats
}

TEST_F(ValueNames, ANumberInFrontOfStepsThatCountIsNotTheFirstStep) {
  const std::string csv = "item_id,price,d_1,d_2,d_3\nA,9.5,1,2,3\nB,7.5,4,5,6\n";
  CatalogSpec s = spec(csv);
  EXPECT_EQ(
      error(s),
      "a.csv: the value column price is not named as the 3 behind it (d_1 .. d_3); the values "
      "begin with d_1: --data.first_value d_1; what belongs to the series is named in "
      "data.static_reals");
  s.first_value = "d_1";
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3}), values({4, 5, 6})));
  s.first_value = "";
  s.static_reals = {"price"};
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3}), values({4, 5, 6})));
  s = spec(csv);
  s.first_value = "price";  // whoever names it means it
  EXPECT_THAT(series_of(build(s)).front(), values({9.5, 1, 2, 3}));
  // With a start, too, which says nothing about the names.
  s = spec("item_id,rank,price,d_1,d_2,d_3\nA,1,9.5,1,2,3\nB,2,7.5,4,5,6\n");
  s.start = "2024-01-01";
  s.frequency = "D";
  EXPECT_THAT(error(s), HasSubstr("the value columns rank, price are not named as the 3 behind"));
}

TEST_F(ValueNames, MonthsThatBeginAgainWithEachYearAreAllSteps) {
  EXPECT_THAT(series_of(build("item_id,y2022p11,y2022p12,y2023p1,y2023p2,y2023p3\nA,1,2,3,4,5\n"
                              "B,6,7,8,9,10\n")),
              ElementsAre(values({1, 2, 3, 4, 5}), values({6, 7, 8, 9, 10})));
}

TEST_F(ValueNames, AStepThatIsLeftOutOfTheCountIsNamed) {
  CatalogSpec s = spec("item_id,d_1,d_2,d_3,d_5,d_6\nA,1,2,3,5,6\nB,1,2,3,5,6\n");
  s.layout = Layout::rows;
  EXPECT_EQ(error(s),
            "a.csv: the value column d_5 does not follow d_3 as d_2 follows d_1; add the columns "
            "that are left out, without values, or name the columns one step apart");
  s = spec("item_id,d_7,d_14,d_21\nA,1,2,3\nB,4,5,6\n");
  s.layout = Layout::rows;
  EXPECT_THAT(series_of(build(s)).front(), values({1, 2, 3}));
}

TEST_F(ValueNames, ColumnsFromTheNewestToTheOldestAreTurnedRound) {
  const auto expect = [&](const std::vector<std::string>& names, const std::string& first,
                          const std::string& last) {
    const Catalog catalog =
        build("item_id," + names[0] + "," + names[1] + "," + names[2] + "\nA,3,2,1\nB,6,5,4\n");
    EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2, 3}), values({4, 5, 6})));
    EXPECT_EQ(catalog.date(0, 0), first);
    EXPECT_EQ(catalog.date(1, 2), last);
    EXPECT_THAT(notes_.remarks,
                Contains("the value columns stand from the newest, " + names[0] +
                         ", to the oldest, " + names[2] + ": they are read the other way round"));
  };
  expect({"2022-01-03", "2022-01-02", "2022-01-01"}, "2022-01-01", "2022-01-03");
  expect({"15.03.2022", "14.03.2022", "13.03.2022"}, "2022-03-13", "2022-03-15");
  expect({"Mar-22", "Feb-22", "Jan-22"}, "2022-01-01", "2022-03-01");
  expect({"2022", "2021", "2020"}, "2020", "2022");
  expect({"202201", "202112", "202111"}, "2021-11-01", "2022-01-01");
}

TEST_F(ValueNames, NumbersThatCountDownMayBeStepsAgoAndAreNotGuessedAt) {
  const std::string csv = "item_id,lag_3,lag_2,lag_1\nA,1,2,3\nB,4,5,6\n";
  CatalogSpec s = spec(csv);
  EXPECT_EQ(error(s),
            "a.csv: no column holds times, and the names of the columns lag_3 to lag_1 count down: "
            "if lag_3 is the oldest value of a row (so many steps ago), --data.layout rows; if it "
            "is the newest, turn the columns round; where a row is a time, set data.time");
  s.layout = Layout::rows;
  EXPECT_THAT(series_of(build(s)).front(), values({1, 2, 3}));
  EXPECT_THAT(notes_.remarks, Contains("the names of the value columns count down: lag_3 is taken "
                                       "for the oldest value of a row, lag_1 for the newest"));
  s = spec("item_id,3,2,1\nA,1,2,3\nB,4,5,6\n");
  s.layout = Layout::rows;
  EXPECT_EQ(error(s),
            "a.csv: the names of the value columns, 3 .. 1, count down, which does not say whether "
            "3 is the newest value or the oldest one (so many steps ago); name them from the "
            "oldest to the newest, 1, 2, ...");
}

TEST_F(ValueNames, PlainNumbersThatCountDownComeWithAWayOutThatWorks) {
  EXPECT_THAT(
      error(spec("item_id,3,2,1\nA,1,2,3\nB,4,5,6\n")),
      HasSubstr("if 3 is the oldest value of a row (so many steps ago), name them 1, 2, ... "
                "as they stand, with --data.layout rows; if it is the newest"));
  CatalogSpec s = spec("item_id,1,2,3\nA,1,2,3\nB,4,5,6\n");
  s.layout = Layout::rows;
  EXPECT_THAT(series_of(build(s)).front(), values({1, 2, 3}));
}

TEST_F(ValueNames, TwoThingsThatCountAreNotTheStepsOfOne) {
  CatalogSpec s = spec(
      "item_id,sold_1,sold_2,sold_3,price_1,price_2,price_3\nA,1,2,3,7,8,9\n"
      "B,4,5,6,7,8,9\n");
  EXPECT_EQ(error(s),
            "a.csv: sold_1 to sold_3 and price_1 to price_3 count steps of two things, and in this "
            "layout a row has those of one: take the columns of the other out of the file; if all "
            "of them are steps of one thing: --data.first_value sold_1");
  s.first_value = "sold_1";
  EXPECT_THAT(series_of(build(s)).front(), values({1, 2, 3, 7, 8, 9}));
  EXPECT_THAT(notes_.remarks, Contains("the value columns are not named alike: price_1 follows "
                                       "sold_3; each is taken for one step more"));
}

}  // namespace
}  // namespace sluice
