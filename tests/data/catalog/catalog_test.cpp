#include "sluice/data/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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
  s.targets.clear();
  const std::pair<std::vector<std::string> CatalogSpec::*, const char*> settings[] = {
      {&CatalogSpec::id, "data.id"},
      {&CatalogSpec::past, "data.past"},
      {&CatalogSpec::future, "data.future"},
      {&CatalogSpec::past_categories, "data.past_categories"},
      {&CatalogSpec::future_categories, "data.future_categories"},
      {&CatalogSpec::static_reals, "data.static_reals"},
      {&CatalogSpec::static_categories, "data.static_categories"}};
  for (const auto& [names, key] : settings) {
    CatalogSpec named = s;
    named.frequency = "D";
    named.*names = {"sale"};
    EXPECT_THAT(error(named), HasSubstr(std::string("no column 'sale' (") + key + ")"));
  }
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
      "value: --data.missing 'NA,NaN,nan,null,NULL,None,N/A,?,abc'";
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

TEST_F(CatalogBuild, ALongCellIsCutBetweenCharacters) {
  std::string shop = "a", shown = "a";
  for (int i = 0; i < 30; ++i) shop += "店";
  for (int i = 0; i < 19; ++i) shown += "店";  // 3 bytes each, of 60
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-01-02," + shop + "\n")),
              HasSubstr("a.csv:3:y: '" + shown + "' is not a number"));
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

TEST_F(CatalogBuild, OfATableWithoutIdsAnExampleIsATime) {
  CatalogSpec s = spec("ds,y\n2022-01-01,1\n2022-01-02,1\n2022-01-02,2\n2022-01-04,3\n");
  s.layout = Layout::single;
  s.duplicates = DuplicatePolicy::last;
  build(s);
  EXPECT_EQ(notes_.example_gap, "2022-01-03");
  EXPECT_EQ(notes_.example_duplicate, "2022-01-02");
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
            "name more id columns (data.id) or another time column (data.time), set "
            "data.duplicates to first, last, sum or mean, or add rows (sales at the till) up by "
            "data.aggregate");
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
  EXPECT_EQ(
      error(s),
      "a.csv:4:ds: series 'B' 2022-01-15 is not on the grid of frequency W-FRI; correct the "
      "row, or set data.frequency to the weekday of the rows (W-MON ... W-SUN); --data.frequency "
      "W-FRI --data.align period takes each row for the period that holds it, data.aggregate "
      "adds rows of a period up");
  s = spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-02-01,2\n");
  s.frequency = "M";
  EXPECT_THAT(error(s), HasSubstr("is not on the grid of frequency ME; correct the row, or set "
                                  "data.frequency: MS, QS, YS for first days"));
}

TEST_F(CatalogBuild, NoGridSaysWhichTimesAreOdd) {
  EXPECT_EQ(
      error(spec("unique_id,ds,y\nA,2022-01-01 00:00,1\nA,2022-01-01 01:00,1\nA,2022-01-01 "
                 "02:00,1\nA,2022-01-01 02:20,1\n")),
      "a.csv: cannot infer the frequency: the times lie on no regular grid (most are 3600 seconds "
      "apart, but 2022-01-01 02:20:00 follows 2022-01-01 "
      "02:00:00); correct these rows, or set data.frequency, with data.align = \"period\" where "
      "rows lie inside their periods; where several are of one period (sales at the till) "
      "--data.aggregate D adds them up to days");
  EXPECT_THAT(
      error(spec("unique_id,ds,y\nA,2022-01-01 09:00,1\nA,2022-01-01 09:07,1\nA,2022-01-01 "
                 "09:18,1\nA,2022-01-02 09:20,1\nA,2022-01-02 09:51,1\n")),
      HasSubstr("); where several rows are of one period (sales at the till) --data.aggregate D"));
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
  EXPECT_TRUE(catalog.axis().integers);
  EXPECT_EQ(to_string(catalog.frequency()), "10");
  EXPECT_THAT(catalog.values(0, 0), values({1, 2, kNone, 4}));
  EXPECT_EQ(catalog.date(0, 3), "40");
}

TEST_F(CatalogBuild, DatesOfDigitsAreDatesAndYearsWhereToldSo) {
  EXPECT_EQ(build("unique_id,ds,y\nA,20220131,1\nA,20220201,2\n").date(0, 1), "2022-02-01");
  CatalogSpec s = spec("unique_id,ds,y\nA,1999,1\nA,2000,2\n");
  EXPECT_TRUE(build(s).axis().integers);
  s.frequency = "YE";
  EXPECT_EQ(build(s).date(0, 1), "2000-12-31");
  s.frequency = "D";
  EXPECT_THAT(error(s), HasSubstr("data.frequency is D, but the times are plain integers (1999)"));
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

TEST(CatalogMemory, CountsWhatBelongsToASeriesToo) {
  CatalogParts parts;
  parts.offsets = {0};
  for (int s = 0; s < 1000; ++s) {
    parts.ids.push_back(std::to_string(s));
    parts.offsets.push_back(s + 1);
  }
  parts.first.resize(1000);
  parts.channels = {{"y", Role::target, std::vector<float>(1000)}};
  const std::int64_t before = Catalog(parts).bytes();
  parts.value_offset.resize(1000);
  parts.ended.resize(1000);
  EXPECT_EQ(Catalog(parts).bytes() - before, 9000);
}

}  // namespace
}  // namespace sluice
