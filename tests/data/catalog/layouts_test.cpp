// Layouts other than long, and the files beside the main one.
#include "sluice/data/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(CatalogBuild, SingleLayoutHasManyTargets) {
  CatalogSpec s = spec("\xEF\xBB\xBF日期,a,b,c\n2022/1/1,1,2,3\n2022/1/2,4,5,6\n");
  s.layout = Layout::single;
  EXPECT_EQ(error(s),
            "a.csv: which column is to be forecast? none has a usual name (y, target, value, "
            "sales); set data.targets to one or more of: a, b, c");
  s.targets = {"c", "a"};
  s.past = {"#1:4"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("series"));
  EXPECT_EQ(catalog.count(Role::target), 2);
  EXPECT_EQ(catalog.channels()[2].name, "b");
  EXPECT_THAT(catalog.values(0, 0), values({3, 6}));
}

TEST_F(CatalogBuild, ColumnsLayoutHasASeriesInEachNumericColumn) {
  CatalogSpec s =
      spec("date,a,note,b,h\n2022-01-01,,x,4,1\n2022-01-02,2,y,5,0\n2022-01-04,3,z,,1\n");
  const Catalog catalog = build(s);
  EXPECT_EQ(notes_.layout, "columns");
  EXPECT_THAT(catalog.ids(), ElementsAre("a", "b", "h"));
  EXPECT_EQ(catalog.target(0).name, "y");
  EXPECT_THAT(series_of(catalog),
              ElementsAre(values({2, kNone, 3}), values({4, 5}), values({1, 0, kNone, 1})));
  EXPECT_EQ(catalog.date(0, 0), "2022-01-02");
  s.future = {"h"};
  const Catalog shared = build(s);
  EXPECT_THAT(shared.ids(), ElementsAre("a", "b"));
  EXPECT_THAT(series_of(shared, 1), ElementsAre(values({0, kNone, 1}), values({1, 0, kNone, 1})));
}

TEST_F(CatalogBuild, RowsLayoutTrimsEmptyCells) {
  CatalogSpec s = spec("V1,V2,V3,V4\nH1,1,2,\nH2,,3,4\nH3,5,,6\nH4,,,\n");
  const Catalog catalog = build(s);
  EXPECT_EQ(notes_.layout, "rows");
  EXPECT_TRUE(catalog.axis().integers);
  EXPECT_THAT(catalog.ids(), ElementsAre("H1", "H2", "H3", "H4"));
  EXPECT_THAT(series_of(catalog),
              ElementsAre(values({1, 2}), values({3, 4}), values({5, kNone, 6}), values({kNone})));
  EXPECT_EQ(catalog.date(1, 0), "1");
  EXPECT_EQ(notes_.all_missing_series, 1);
}

TEST_F(CatalogBuild, RowsLayoutTakesStartFrequencyAndCategories) {
  CatalogSpec s = spec("id,dept,area,d_1,d_2\nA,x,7,1,2\nB,,8,3,4\nC,w,9,5,6\n");
  s.static_categories = {"dept", "id"};
  s.static_reals = {"area"};
  s.start = "2011-01-29";
  s.first_value = "d_1";
  EXPECT_THROW(build(s), ConfigError) << "a date without a frequency";
  s.frequency = "D";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.date(0, 1), "2011-01-30");
  ASSERT_EQ(catalog.static_categories().size(), 2u);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "w", "x"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(2, 0, 1));
  EXPECT_THAT(catalog.static_categories()[1].codes, ElementsAre(1, 2, 3));
  EXPECT_THAT(catalog.static_reals()[0].values, values({7, 8, 9}));
  s.start = "soon";
  EXPECT_THROW(build(s), ConfigError);
}

TEST_F(CatalogBuild, RowsLayoutReadsDatesFromTheHeader) {
  const Catalog catalog = build("item_id,2011-01,2011-02,2011-03\nA,1,2,3\n");
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
  EXPECT_EQ(catalog.date(0, 2), "2011-03-01");
  EXPECT_EQ(build("country,1960,1961\nA,1,2\n").date(0, 1), "1961");
  EXPECT_THAT(error(spec("item_id,2011-01,2011-02,2011-04\nA,1,2,3\n")),
              HasSubstr("value column '2011-04' does not follow '2011-02' by one step"));
}

// Settings that were made for another file.
TEST_F(CatalogBuild, RowsLayoutRefusesAStartThatDatesInTheHeaderContradict) {
  CatalogSpec s = spec("item_id,2011-01,2011-02,2011-03\nA,1,2,3\n");
  s.frequency = "MS";
  s.start = "2010-05-01";
  EXPECT_EQ(error(s),
            "a.csv: data.start is 2010-05-01, and the first value column is named '2011-01'; where "
            "columns are named by their times leave data.start out (--data.start '')");
  s.start = "2011-01-01";
  EXPECT_EQ(build(s).date(0, 2), "2011-03-01");
  s = spec("item_id,1,2,3\nA,1,2,3\n");  // places, which a start makes dates of
  s.frequency = "MS";
  s.start = "2010-05-01";
  EXPECT_EQ(build(s).date(0, 2), "2010-07-01");
}

TEST_F(CatalogBuild, RowsLayoutDoesNotDropColumnsBeforeAWrongCell) {
  EXPECT_THAT(error(spec("id,d_1,d_2,d_3\nA,1,2,3\nB,4,x,6\n")),
              HasSubstr("a.csv:3:d_2: 'x' is not a number"))
      << "the names count on over it";
  EXPECT_EQ(error(spec("id,a,b,d_1,d_2\nA,1,u,2,3\nB,4,x,6,7\n")),
            "a.csv: column 'a' holds numbers but 'b' after it holds text; set data.first_value "
            "to the first value column, or name 'a' in data.id, data.static_reals or "
            "data.static_categories");
  CatalogSpec s = spec("id,d_1,d_2,d_3\nA,1,2,3\nB,4,x,6\n");
  s.first_value = "d_1";
  EXPECT_THAT(error(s), HasSubstr("a.csv:3:d_2: 'x' is not a number"));
}

TEST_F(CatalogBuild, RowsLayoutRefusesASecondRowOfASeries) {
  EXPECT_EQ(
      error(spec("id,d_1,d_2\nA,1,2\nB,3,4\nA,5,6\n")),
      "a.csv:4: a second row for series 'A' (the first one: a.csv:2); where a row is a series "
      "the id must be unique: remove one, or name more id columns (data.id)");
}

TEST_F(CatalogBuild, TsfGivesStartsAndFrequency) {
  const std::string head =
      "@attribute series_name string\n@attribute start_timestamp date\n@frequency ";
  const Catalog months = build(spec_of(
      file("a.tsf",
           head + "monthly\n@data\nT1:2000-01-15 12-00-00:?,1,?,3,?\nT2:2001-05-01 00-00-00:4\n")));
  EXPECT_EQ(notes_.layout, "rows");
  EXPECT_EQ(to_string(months.frequency()), "MS");
  EXPECT_THAT(series_of(months), ElementsAre(values({1, kNone, 3}), values({4})));
  EXPECT_EQ(months.date(0, 0), "2000-02-01");
  EXPECT_EQ(months.date(1, 0), "2001-05-01");
  const Catalog weeks =
      build(spec_of(file("b.tsf", head + "weekly\n@data\nT1:2012-01-01 00-00-00:1,2\n")));
  EXPECT_EQ(to_string(weeks.frequency()), "W-SUN");
  EXPECT_EQ(weeks.date(0, 1), "2012-01-08");
}

// 2012-01-01 is a Sunday, 2012-01-03 a Tuesday, 2011-12-30 the Friday before: 30 + 7 = 6 January.
TEST_F(CatalogBuild, WeeklySeriesOfTsfKeepTheirOwnWeekdays) {
  const Catalog weeks = build(spec_of(file(
      "a.tsf",
      "@attribute series_name string\n@attribute start_timestamp date\n@frequency weekly\n@data\n"
      "A:2011-12-30 00-00-00:1,2\nB:2012-01-03 00-00-00:3,4\nC:2012-01-10 12-00-00:5,6\n"
      "D:2012-01-01 00-00-00:?,8\n")));
  EXPECT_EQ(to_string(weeks.frequency()), "W-TUE") << "the most frequent one";
  EXPECT_EQ(weeks.date(0, 1), "2012-01-06");
  EXPECT_EQ(weeks.date(1, 2), "2012-01-17");
  EXPECT_EQ(weeks.date(2, 0), "2012-01-10");
  EXPECT_EQ(weeks.date(3, 0), "2012-01-08") << "the missing first week is no step";
  EXPECT_EQ(weeks.time(3, 0), 15347 * 86400) << "midnight of 2012-01-08";
  EXPECT_EQ(weeks.period(2, 0), weeks.period(1, 1)) << "B and C are a week apart";
  EXPECT_THAT(notes_.remarks, ElementsAre("2 of 4 series begin on another weekday than W-TUE's; "
                                          "each keeps its own"));
}

TEST_F(CatalogBuild, TsfMonthsThatBeginInsideOneAreSaid) {
  build(spec_of(file("a.tsf",
                     "@attribute series_name string\n@attribute start_timestamp date\n"
                     "@frequency monthly\n@data\nA:2000-01-15 12-00-00:1,2\nB:2000-02-01:3\n")));
  EXPECT_THAT(notes_.remarks,
              ElementsAre("1 of 2 series begins inside a step of frequency MS; a start means its "
                          "step: 2000-01-15 of series 'A' is 2000-01-01"));
}

TEST_F(CatalogBuild, TsfDaysAtNoonAreDays) {
  const Catalog days = build(spec_of(
      file("a.tsf",
           "@attribute series_name string\n@attribute start_timestamp date\n@frequency daily\n"
           "@data\nT1:1994-03-01 12-00-00:1,2\n")));
  EXPECT_EQ(days.date(0, 1), "1994-03-02");
}

TEST_F(CatalogBuild, StaticColumnsOfLongRowsMustBeConstant) {
  CatalogSpec s =
      spec("unique_id,ds,y,type,area\nA,2022-01-01,1,,5\nA,2022-01-02,2,x,\nB,2022-01-01,3,,\n");
  s.static_categories = {"type"};
  s.static_reals = {"area"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 0));
  EXPECT_THAT(catalog.static_reals()[0].values, values({5, kNone}));
  s = spec("unique_id,ds,y,type\nA,2022-01-01,1,x\nA,2022-01-02,2,z\n");
  s.static_categories = {"type"};
  EXPECT_EQ(error(s),
            "a.csv:3:type: a static column must be constant in a series, but series 'A' has 'z' "
            "here and 'x' above; correct the cell, or name the column in data.past_categories or "
            "data.future_categories");
}

TEST_F(CatalogBuild, StaticFileIsJoinedByTheIdColumnsItHas) {
  CatalogSpec s =
      spec("store,item,ds,y\n01,a,2022-01-01,1\n01,b,2022-01-02,2\n02,a,2022-01-01,3\n");
  s.id = {"store", "item"};
  s.static_files = {file("stores.csv", "store,type,size\n02,B,20\n01,A,10\n03,C,30\n")};
  s.static_categories = {"type", "store"};
  s.static_reals = {"size"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "A", "B"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 1, 2));
  EXPECT_THAT(catalog.static_categories()[1].codes, ElementsAre(1, 1, 2));
  EXPECT_THAT(catalog.static_reals()[0].values, values({10, 10, 20}));
  s.static_files = {file("twice.csv", "store,type,size\n01,A,1\n01,B,2\n")};
  EXPECT_THAT(error(s),
              HasSubstr("twice.csv:3: a second row for '01' (the first one: twice.csv:2)"));
  s.static_files = {file("other.csv", "shop,type,size\n01,A,1\n")};
  EXPECT_THAT(error(s),
              HasSubstr("other.csv: none of the id columns (store, item) is in this file"));
}

TEST_F(CatalogBuild, FutureFileAppendsKnownChannels) {
  CatalogSpec s = spec("unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,2,\nB,2022-01-01,3,30\n");
  s.future = {"p", "h"};
  s.future_files = {file(
      "f.csv",
      "unique_id,ds,p,h\nA,2022-01-01,99,\nA,2022-01-02,22,1\nA,2022-01-04,44,0\nC,2022-01-01,9,9\n"
      "A,2021-12-31,7,7\n")};
  const Catalog catalog = build(s);
  EXPECT_EQ(notes_.future_rows_unmatched, 1);
  EXPECT_EQ(notes_.gap_steps, 0);
  EXPECT_EQ(catalog.length(0), 4);
  EXPECT_EQ(catalog.history(0), 2);
  EXPECT_EQ(catalog.length(1), 1);
  EXPECT_THAT(catalog.values(0, 0), values({1, 2, kNone, kNone}));
  EXPECT_THAT(catalog.values(1, 0), values({10, 22, kNone, 44})) << "the data's own 10 stays";
  EXPECT_THAT(catalog.values(2, 0), values({kNone, 1, kNone, 0}));
  s.gaps = GapPolicy::zero;
  s.covariate_gaps = {"missing"};
  EXPECT_THAT(build(s).values(0, 0), values({1, 2, kNone, kNone})) << "the future is no gap";
}

TEST_F(CatalogBuild, FutureFileWithoutIdsHoldsForEverySeries) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01,1\nB,2022-01-02,3\n");
  s.future = {"h"};
  s.future_files = {file("f.csv", "ds,h\n2022-01-01,1\n2022-01-02,2\n2022-01-03,3\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({1, 2, 3}), values({2, 3})));
  s.future_files = {file("g.csv", "ds,h\n2022-01-01,1\n2022-01-01,2\n")};
  EXPECT_THAT(error(s), HasSubstr("g.csv:3: a second row for 2022-01-01"));
  s.future_files = {file("k.csv", "ds,h\n2022-01-01 12:00,1\n")};
  EXPECT_THAT(error(s), HasSubstr("k.csv:2:ds: 2022-01-01 12:00:00 is not on the data's grid"));
}

}  // namespace
}  // namespace sluice
