#include "sluice/data/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "temporary.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

CatalogSpec spec_of(const std::filesystem::path& path) {
  CatalogSpec spec;
  spec.read.paths = {path};
  return spec;
}

/// All series' values of a channel, for comparison.
std::vector<std::vector<float>> series_of(const Catalog& catalog, int channel = 0) {
  std::vector<std::vector<float>> all;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto values = catalog.values(channel, s);
    all.emplace_back(values.begin(), values.end());
  }
  return all;
}

MATCHER_P(Values, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (std::size_t i = 0; i < arg.size(); ++i) {
    if (arg[i] != expected[i] && !(std::isnan(arg[i]) && std::isnan(expected[i]))) return false;
  }
  return true;
}
auto values(std::vector<float> expected) { return Values(std::move(expected)); }

class CatalogBuild : public WithFiles {
 protected:
  Catalog build(const CatalogSpec& spec) { return read_catalog(spec, &notes_); }
  Catalog build(const std::string& csv) { return build(spec(csv)); }
  CatalogSpec spec(const std::string& csv) { return spec_of(file("a.csv", csv)); }
  std::string error(const CatalogSpec& s) {
    return data_error([&] { read_catalog(s); });
  }
  CatalogNotes notes_;
};

TEST_F(CatalogBuild, LongFormIsFoundByItsUsualNames) {
  const Catalog catalog = build("unique_id,ds,y\nA,2022-01-01,1\nA,2022-01-02,2\nB,2022-01-02,3\n");
  EXPECT_EQ(notes_.layout, "long");
  EXPECT_THAT(notes_.id_columns, ElementsAre("unique_id"));
  EXPECT_THAT(notes_.time_columns, ElementsAre("ds"));
  EXPECT_THAT(notes_.target_columns, ElementsAre("y"));
  EXPECT_TRUE(notes_.frequency_inferred);
  EXPECT_EQ(to_string(catalog.frequency()), "D");
  EXPECT_THAT(catalog.ids(), ElementsAre("A", "B"));
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2}), values({3})));
  EXPECT_EQ(catalog.date(1, 0), "2022-01-02");
  EXPECT_EQ(catalog.date(1, 3), "2022-01-05");
}

TEST_F(CatalogBuild, OtherUsualNamesInAnyCaseAreUnderstood) {
  const Catalog catalog = build("Item_ID,Timestamp,Target\nA,2022-01-01,1\nA,2022-01-02,2\n");
  EXPECT_EQ(notes_.layout, "long");
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2})));
}

TEST_F(CatalogBuild, IdsStayAsTheyAreWritten) {
  const Catalog catalog = build(
      "id,ds,y\n007,2022-01-01,1\n7,2022-01-01,2\n\"a b, c\",2022-01-02,3\n店,2022-01-02,4\n");
  EXPECT_THAT(catalog.ids(), ElementsAre("007", "7", "a b, c", "店"));
}

TEST_F(CatalogBuild, SeveralIdColumnsAreJoined) {
  CatalogSpec s = spec("store,ds,item,y\n1,2022-01-01,x,1\n1,2022-01-01,y,2\n2,2022-01-02,x,3\n");
  s.id = {"store", "item"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("1/x", "1/y", "2/x"));
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1}), values({2}), values({3})));
}

TEST_F(CatalogBuild, ManyCombinationsOfIdsAreTheSameInAHash) {
  std::string csv = "a,b,ds,y\n";
  for (int i = 0; i < 3000; ++i) {
    csv += std::to_string(i) + "," + std::to_string(i * 7 % 3000) + ",2022-01-01,1\n";
    csv += std::to_string(i) + "," + std::to_string(i * 7 % 3000) + ",2022-01-02,2\n";
  }
  CatalogSpec s = spec(csv);
  s.id = {"a", "b"};
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.series_count(), 3000);
  EXPECT_EQ(catalog.id(2999), "2999/2993");
  EXPECT_THAT(catalog.values(0, 2999), values({1, 2}));
}

TEST_F(CatalogBuild, AmbiguousJoinedIdsAreRefused) {
  CatalogSpec s = spec("a,b,ds,y\nx/y,z,2022-01-01,1\nx,y/z,2022-01-01,1\n");
  s.id = {"a", "b"};
  s.frequency = "D";
  EXPECT_THAT(error(s), HasSubstr("two different series have the joined id 'x/y/z'"));
}

TEST_F(CatalogBuild, ColumnsAreNamedByPlaceToo) {
  CatalogSpec s = spec("k,t,a,b,c,d\nA,2022-01-01,1,2,3,4\nA,2022-01-02,5,6,7,8\n");
  s.id = {"#0"};
  s.time = "#1";
  s.targets = {"d"};
  s.past = {"#2:6"};
  s.future = {"b"};
  const Catalog catalog = build(s);
  ASSERT_EQ(catalog.channels().size(), 4u);
  EXPECT_EQ(catalog.target(0).name, "d") << "a label among the features is kept once, as target";
  EXPECT_EQ(catalog.channels()[1].name, "a");
  EXPECT_EQ(catalog.channels()[2].name, "c");
  EXPECT_EQ(catalog.channels()[3].name, "b");
  EXPECT_EQ(catalog.count(Role::past), 2);
  EXPECT_EQ(catalog.count(Role::future), 1);
  EXPECT_THAT(catalog.values(3, 0), values({2, 6}));
}

TEST_F(CatalogBuild, UnknownColumnNamesTheColumns) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01,1\n");
  s.targets = {"sale"};
  EXPECT_EQ(error(s), "a.csv: no column 'sale' (data.targets); the columns are: unique_id, ds, y");
  s.targets = {"#3"};
  EXPECT_EQ(error(s), "a.csv: no columns #3 (data.targets); the file has columns #0 to #2");
}

TEST_F(CatalogBuild, DuplicateHeaderNamesAreNamedByPlace) {
  CatalogSpec s = spec("ds,x,x\n2022-01-01,1,2\n2022-01-02,3,4\n");
  s.layout = Layout::single;
  s.targets = {"x"};
  EXPECT_EQ(error(s),
            "a.csv: two columns are named 'x' (data.targets); name the one you mean by its place: "
            "\"#1\" or \"#2\"");
  s.targets = {"#2"};
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({2, 4})));
}

TEST_F(CatalogBuild, WrongNumberIsNamedByFileLineAndColumn) {
  const std::string tail =
      ":y: 'abc' is not a number; correct the cell, or add the word to data.missing if it means no "
      "value";
  EXPECT_EQ(
      error(spec("unique_id,ds,y\nA,2022-01-01,1\n\n\"B\nC\",2022-01-01,3\nA,2022-01-02,abc\n")),
      "a.csv:6" + tail);
  CatalogSpec s = spec_of(path("d"));
  file("d/1.csv", "unique_id,ds,y\nA,2022-01-01,1\n");
  file("d/2.csv", "unique_id,ds,y\nA,2022-01-02,2\nA,2022-01-03,abc\n");
  EXPECT_EQ(error(s), "d/2.csv:3" + tail);
  s.read.missing = {"abc"};
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, kNone})));
}

TEST_F(CatalogBuild, InfiniteValuesAreRefused) {
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-01-02,inf\n")),
              HasSubstr("a.csv:3:y: inf is infinite or too large"));
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1e39\nA,2022-01-02,1\n")),
              HasSubstr("a.csv:2:y: 1e+39 is infinite or too large"));
}

TEST_F(CatalogBuild, MissingIdAndTimeAreNamed) {
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1\n,2022-01-02,2\n")),
              HasSubstr("a.csv:3:unique_id: the id is missing; fill the cell or remove the row"));
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1\nA,,2\n")),
              HasSubstr("a.csv:3:ds: the time is missing; fill the cell or remove the row"));
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-02-30,2\n")),
              HasSubstr("a.csv:3:ds: '2022-02-30' is not a time; write 2022-01-31"));
}

TEST_F(CatalogBuild, BooleansAreOneAndZero) {
  CatalogSpec s =
      spec("unique_id,ds,y,holiday,x\nA,2022-01-01,1,TRUE,true\nA,2022-01-02,2,FALSE,\n");
  s.future = {"holiday"};
  s.past = {"x"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.values(1, 0), values({1, kNone}));
  EXPECT_THAT(catalog.values(2, 0), values({1, 0}));
}

TEST_F(CatalogBuild, UnsortedRowsAreSortedAndCounted) {
  const Catalog catalog =
      build("unique_id,ds,y\nA,2022-01-03,3\nB,2022-01-01,9\nA,2022-01-01,1\nA,2022-01-02,2\n");
  EXPECT_EQ(notes_.unsorted_series, 1);
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2, 3}), values({9})));
}

constexpr const char* kGappy =
    "unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,,20\nA,2022-01-05,5,50\nB,2022-01-01,7,70\n"
    "B,2022-01-02,8,80\n";

TEST_F(CatalogBuild, GapsFollowTheirPolicy) {
  CatalogSpec s = spec(kGappy);
  s.past = {"p"};
  const Catalog missing = build(s);
  EXPECT_EQ(notes_.gap_steps, 2);
  EXPECT_EQ(notes_.gap_series, 1);
  EXPECT_EQ(notes_.example_gap, "A 2022-01-03");
  EXPECT_THAT(missing.values(0, 0), values({1, kNone, kNone, kNone, 5}));
  EXPECT_THAT(missing.values(1, 0), values({10, 20, kNone, kNone, 50}));
  s.gaps = GapPolicy::zero;
  const Catalog zero = build(s);
  EXPECT_THAT(zero.values(0, 0), values({1, kNone, 0, 0, 5})) << "an empty cell is no gap";
  EXPECT_THAT(zero.values(1, 0), values({10, 20, kNone, kNone, 50}));
  s.gaps = GapPolicy::forward_fill;
  const Catalog filled = build(s);
  EXPECT_THAT(filled.values(0, 0), values({1, kNone, kNone, kNone, 5}));
  EXPECT_THAT(filled.values(1, 0), values({10, 20, 20, 20, 50}));
  s.gaps = GapPolicy::error;
  EXPECT_EQ(
      error(s),
      "a.csv: 2 steps have no row in 1 series (the first one: A 2022-01-03); add the rows, or "
      "set data.gaps to missing, zero or forward_fill");
}

constexpr const char* kDoubled =
    "unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,2,20\nA,2022-01-02,4,40\nA,2022-01-02,,60\n"
    "A,2022-01-03,8,80\n";

TEST_F(CatalogBuild, DuplicatesFollowTheirPolicy) {
  CatalogSpec s = spec(kDoubled);
  s.past = {"p"};
  EXPECT_EQ(error(s),
            "a.csv:4: a second row for series 'A' 2022-01-02 (the first one: a.csv:3); remove one, "
            "name more id columns (data.id) or another time column (data.time), or set "
            "data.duplicates to first, last, sum or mean");
  const auto both = [&](DuplicatePolicy policy) {
    s.duplicates = policy;
    const Catalog catalog = build(s);
    EXPECT_EQ(notes_.duplicate_rows, 2);
    EXPECT_EQ(notes_.example_duplicate, "A 2022-01-02");
    return std::pair(series_of(catalog, 0)[0], series_of(catalog, 1)[0]);
  };
  EXPECT_THAT(both(DuplicatePolicy::first).first, values({1, 2, 8}));
  EXPECT_THAT(both(DuplicatePolicy::first).second, values({10, 20, 80}));
  EXPECT_THAT(both(DuplicatePolicy::last).first, values({1, kNone, 8}));
  EXPECT_THAT(both(DuplicatePolicy::last).second, values({10, 60, 80}));
  EXPECT_THAT(both(DuplicatePolicy::sum).first, values({1, 6, 8}));
  EXPECT_THAT(both(DuplicatePolicy::sum).second, values({10, 40, 80})) << "prices are averaged";
  EXPECT_THAT(both(DuplicatePolicy::mean).first, values({1, 3, 8}));
}

TEST_F(CatalogBuild, TimeOffTheGridNamesRowSeriesAndRemedy) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-07,1\nB,2022-01-14,2\nB,2022-01-15,2\n");
  s.frequency = "W-FRI";
  EXPECT_EQ(error(s),
            "a.csv:4:ds: series 'B' 2022-01-15 is not on the grid of frequency W-FRI; correct the "
            "row, or set data.frequency to the weekday of the rows (W-MON ... W-SUN)");
  s = spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-02-01,2\n");
  s.frequency = "M";
  EXPECT_THAT(error(s), HasSubstr("is not on the grid of frequency ME; correct the row, or set "
                                  "data.frequency: MS, QS, YS for first days"));
}

TEST_F(CatalogBuild, NoGridSaysWhichTimesAreOdd) {
  EXPECT_EQ(error(spec("unique_id,ds,y\nA,2022-01-01 00:00,1\nA,2022-01-01 01:00,1\nA,2022-01-01 "
                       "02:00,1\nA,2022-01-01 02:20,1\n")),
            "a.csv: cannot infer the frequency: the times lie on no regular grid of minutes or "
            "longer (most are 3600 seconds apart, but 2022-01-01 02:20:00 follows 2022-01-01 "
            "02:00:00); set data.frequency, or correct these rows");
  EXPECT_EQ(
      error(spec("unique_id,ds,y\nA,2022-01-01,1\n")),
      "a.csv: cannot infer the frequency from the single time 2022-01-01; set data.frequency");
}

TEST_F(CatalogBuild, GivenFrequencyTakesItsPhaseFromTheData) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01 00:30,1\nA,2022-01-01 02:30,3\n");
  s.frequency = "h";
  const Catalog catalog = build(s);
  EXPECT_FALSE(notes_.frequency_inferred);
  EXPECT_THAT(catalog.values(0, 0), values({1, kNone, 3}));
  EXPECT_EQ(catalog.date(0, 1), "2022-01-01 01:30:00");
}

TEST_F(CatalogBuild, FrequencyIsInferredAcrossSeries) {
  const Catalog catalog = build("unique_id,ds,y\nA,2022-01-03,1\nB,2022-01-01,1\nC,2022-01-02,1\n");
  EXPECT_EQ(to_string(catalog.frequency()), "D") << "no series alone has two times";
}

TEST_F(CatalogBuild, QuarterHoursMonthEndsAndLeapDaysKeepTheirSteps) {
  EXPECT_EQ(to_string(build("ds,y,z\n2022-01-01 00:00,1,1\n2022-01-01 00:15,2,2\n").frequency()),
            "15min");
  const Catalog ends = build("ds,y,z\n2024-01-31,1,1\n2024-02-29,2,2\n2024-03-31,3,3\n");
  EXPECT_EQ(to_string(ends.frequency()), "ME");
  EXPECT_EQ(ends.length(0), 3);
  const Catalog days = build("ds,y,z\n2024-02-27,1,1\n2024-02-28,2,2\n2024-03-01,4,4\n");
  EXPECT_THAT(days.values(0, 0), values({1, 2, kNone, 4}));
}

TEST_F(CatalogBuild, IntegerTimesAreKeptAsTheyAre) {
  const Catalog catalog = build("unique_id,ds,y\nA,10,1\nA,20,2\nA,40,4\n");
  EXPECT_TRUE(catalog.integer_times());
  EXPECT_EQ(to_string(catalog.frequency()), "10");
  EXPECT_THAT(catalog.values(0, 0), values({1, 2, kNone, 4}));
  EXPECT_EQ(catalog.date(0, 3), "40");
}

TEST_F(CatalogBuild, DatesOfDigitsAreDatesAndYearsWhereToldSo) {
  EXPECT_EQ(build("unique_id,ds,y\nA,20220131,1\nA,20220201,2\n").date(0, 1), "2022-02-01");
  CatalogSpec s = spec("unique_id,ds,y\nA,1999,1\nA,2000,2\n");
  EXPECT_TRUE(build(s).integer_times());
  s.frequency = "YE";
  EXPECT_EQ(build(s).date(0, 1), "2000-12-31");
  s.frequency = "D";
  EXPECT_THAT(error(s), HasSubstr("data.frequency is D, but the times are plain integers (1999)"));
}

TEST_F(CatalogBuild, OneWrongDateDoesNotFillTheMemory) {
  CatalogSpec s = spec("unique_id,ds,y\nA,0001-01-01 00:00,1\nA,9999-01-01 00:00,2\n");
  s.frequency = "min";
  EXPECT_THAT(error(s), HasSubstr("series 'A' reaches from 0001-01-01 00:00:00 to 9999-01-01"));
}

TEST_F(CatalogBuild, AllMissingSeriesAreCountedAndAllOfThemRefused) {
  build("unique_id,ds,y\nA,2022-01-01,1\nB,2022-01-02,\n");
  EXPECT_EQ(notes_.all_missing_series, 1);
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,\nA,2022-01-02,NA\n")),
              HasSubstr("a.csv: no series has any target value; check data.targets"));
  EXPECT_THAT(error(spec("unique_id,ds,y\n")), HasSubstr("a.csv: the file has no rows"));
}

TEST_F(CatalogBuild, HistoryEndsWithTheLastTarget) {
  CatalogSpec s = spec("unique_id,ds,y,p\nA,2022-01-01,1,1\nA,2022-01-02,2,2\nA,2022-01-03,,3\n");
  s.future = {"p"};
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.length(0), 3);
  EXPECT_EQ(catalog.history(0), 2);
}

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
  EXPECT_TRUE(catalog.integer_times());
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

TEST_F(CatalogBuild, RowsLayoutDoesNotDropColumnsBeforeAWrongCell) {
  EXPECT_EQ(error(spec("id,d_1,d_2,d_3\nA,1,2,3\nB,4,x,6\n")),
            "a.csv: column 'd_1' holds numbers but 'd_2' after it holds text; set data.first_value "
            "to the first value column, or name 'd_1' in data.id, data.static_reals or "
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

TEST_F(CatalogBuild, UnusualTimeNameIsNotTakenForASeriesInEachRow) {
  EXPECT_THAT(error(spec("Month,#Passengers\n1949-01,112\n1949-02,118\n")),
              HasSubstr("a.csv: no time column has a usual name"));
  EXPECT_THAT(error(spec("YEAR,SPOTS\n1700,5\n1701,11\n")),
              HasSubstr("a.csv: neither a time column nor an id column has a usual name; set"));
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
            "here and 'x' above; correct the cell, or make the column a past or future channel");
}

TEST_F(CatalogBuild, StaticFileIsJoinedByTheIdColumnsItHas) {
  CatalogSpec s =
      spec("store,item,ds,y\n01,a,2022-01-01,1\n01,b,2022-01-02,2\n02,a,2022-01-01,3\n");
  s.id = {"store", "item"};
  s.static_file = file("stores.csv", "store,type,size\n02,B,20\n01,A,10\n03,C,30\n");
  s.static_categories = {"type", "store"};
  s.static_reals = {"size"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "A", "B"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 1, 2));
  EXPECT_THAT(catalog.static_categories()[1].codes, ElementsAre(1, 1, 2));
  EXPECT_THAT(catalog.static_reals()[0].values, values({10, 10, 20}));
  s.static_file = file("twice.csv", "store,type,size\n01,A,1\n01,B,2\n");
  EXPECT_THAT(error(s),
              HasSubstr("twice.csv:3: a second row for '01' (the first one: twice.csv:2)"));
  s.static_file = file("other.csv", "shop,type,size\n01,A,1\n");
  EXPECT_THAT(error(s), HasSubstr("other.csv: none of the id columns is in this file"));
}

TEST_F(CatalogBuild, FutureFileAppendsKnownChannels) {
  CatalogSpec s = spec("unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,2,\nB,2022-01-01,3,30\n");
  s.future = {"p", "h"};
  s.future_file = file(
      "f.csv",
      "unique_id,ds,p,h\nA,2022-01-01,99,\nA,2022-01-02,22,1\nA,2022-01-04,44,0\nC,2022-01-01,9,9\n"
      "A,2021-12-31,7,7\n");
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
  EXPECT_THAT(build(s).values(0, 0), values({1, 2, kNone, kNone})) << "the future is no gap";
}

TEST_F(CatalogBuild, FutureFileWithoutIdsHoldsForEverySeries) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01,1\nB,2022-01-02,3\n");
  s.future = {"h"};
  s.future_file = file("f.csv", "ds,h\n2022-01-01,1\n2022-01-02,2\n2022-01-03,3\n");
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({1, 2, 3}), values({2, 3})));
  s.future_file = file("g.csv", "ds,h\n2022-01-01,1\n2022-01-01,2\n");
  EXPECT_THAT(error(s), HasSubstr("g.csv:3: a second row for 2022-01-01"));
  s.future_file = file("k.csv", "ds,h\n2022-01-01 12:00,1\n");
  EXPECT_THAT(error(s), HasSubstr("k.csv:2:ds: 2022-01-01 12:00:00 is not on the data's grid"));
}

TEST_F(CatalogBuild, EveryFormatGivesTheSameCatalogue) {
  OutputColumn id{.name = "unique_id", .text = {"A", "B"}, .codes = {0, 0, 1, 1}};
  OutputColumn ds{.name = "ds", .times = {0, 86400, 86400, 172800}};
  OutputColumn y{.name = "y", .numbers = {1, 2.5, std::nan(""), 4}};
  for (const char* name : {"a.csv", "a.csv.gz", "a.csv.zst", "a.parquet", "a.arrow", "a.feather"}) {
    write_table(path(name), {id, ds, y});
    const Catalog catalog = build(spec_of(path(name)));
    EXPECT_THAT(catalog.ids(), ElementsAre("A", "B")) << name;
    EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2.5}), values({kNone, 4}))) << name;
    EXPECT_EQ(catalog.date(1, 0), "1970-01-02") << name;
  }
}

TEST_F(CatalogBuild, ParquetFaultsNameTheRow) {
  write_table(path("a.parquet"), {{.name = "unique_id", .text = {"A", "A"}},
                                  {.name = "ds", .times = {0, 86400}},
                                  {.name = "y", .text = {"1", "x"}}});
  EXPECT_THAT(error(spec_of(path("a.parquet"))),
              HasSubstr("a.parquet: row 1: column 'y': 'x' is not a number"));
}

TEST_F(CatalogBuild, TextNumbersOfParquetAreReadWithTheMissingWords) {
  write_table(path("a.parquet"), {{.name = "unique_id", .text = {"A", "A", "A"}},
                                  {.name = "ds", .text = {"2022/1/1", "2022/1/2", "2022/1/3"}},
                                  {.name = "y", .text = {"1.5", "NA", " 3 "}}});
  EXPECT_THAT(series_of(build(spec_of(path("a.parquet")))), ElementsAre(values({1.5, kNone, 3})));
}

TEST_F(CatalogBuild, OneRowSeriesAreKept) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01,1\n");
  s.frequency = "D";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.length(0), 1);
  EXPECT_EQ(catalog.history(0), 1);
}

TEST(CatalogParts, ThatDoNotFitAreABug) {
  CatalogParts parts;
  parts.ids = {"A"};
  parts.offsets = {0, 2};
  parts.first = {0};
  parts.channels = {{"y", Role::target, {1, 2}}};
  EXPECT_NO_THROW(Catalog{parts});
  parts.channels[0].values.push_back(3);
  EXPECT_THROW(Catalog{parts}, InternalError);
  parts.channels[0].values.pop_back();
  parts.static_categories = {{"c", {"unknown"}, {1}}};
  EXPECT_THROW(Catalog{parts}, InternalError);
}

TEST(CatalogMemory, IsAlmostAllNumbers) {
  CatalogParts parts;
  parts.ids = {"A"};
  parts.offsets = {0, 100'000};
  parts.first = {0};
  parts.channels = {{"y", Role::target, std::vector<float>(100'000)}};
  const Catalog catalog(std::move(parts));
  EXPECT_GE(catalog.bytes(), 400'000);
  EXPECT_LT(catalog.bytes(), 401'000);
}

}  // namespace
}  // namespace sluice
