// Files beside the main one: which of their rows belong to which series, and what is said of those
// that find no partner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/data/check.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using SideFiles = CatalogBuild;

TEST_F(SideFiles, StaticsNoneOfWhoseIdsIsInTheDataAreRefusedWithAnExampleOfEachSide) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,size\n1,10\n2,20\n3,30\n")};
  EXPECT_EQ(error(s),
            "st.csv: none of its 3 values of unique_id is in the data (there: '1'; in the data: "
            "'001'); '1' there and '001' in the data look like the same, so do 2 more: "
            "spreadsheets drop leading zeros, and ids that were read as numbers end in .0; write "
            "the column as text in both");
  s.static_files = {file("point.csv", "unique_id,size\n3.0,10\n")};
  EXPECT_THAT(error(s), HasSubstr("'3' there and '003' in the data look like the same"));
  s.static_files = {file("other.csv", "unique_id,size\nA,10\n")};
  EXPECT_EQ(error(s),
            "other.csv: none of its 1 values of unique_id is in the data (there: 'A'; in the data: "
            "'001'); write them alike in both files");
}

TEST_F(SideFiles, IdsThatLookAlikeAreToldFromThoseThatAreOthers) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  const auto expect = [&](const std::string& here, const std::string& there,
                          const std::string& why) {
    s.read.paths = {
        file("a.csv", "unique_id,ds,y\n" + here + ",2024-01-01,1\n" + here + ",2024-01-02,2\n")};
    s.static_files = {file("st.csv", "unique_id,size\n" + there + ",1\n")};
    EXPECT_THAT(error(s), HasSubstr("'" + there + "' there and '" + here +
                                    "' in the data look like the same: " + why));
  };
  // "é" as one character, and as "e" with an accent behind it.
  expect("Caf\u00E9", "Cafe\u0301", "they differ in how Unicode writes their letters");
  expect("Caf\u00E9", "caf\u00E9", "they differ by case or spaces only");
  expect("CAF\u00C9", "caf\u00E9 ", "they differ by case or spaces only");
  expect("CAFE\u0301", "cafe\u0301", "they differ by case or spaces only");
  expect("CAF\u00C9", "cafe\u0301", "they differ by case, and in how Unicode writes their letters");
  expect("A\u00A0", "A",
         "they differ in how Unicode writes their letters (é as one character, or "
         "as e and an accent) or in kinds of spaces");
  expect("Shop A", "shop a ", "they differ by case or spaces only");
  expect("007", "7", "spreadsheets drop leading zeros");
  s.read.paths = {file("a.csv",
                       "unique_id,ds,y\n4012345678901,2024-01-01,1\n"
                       "4012345678901,2024-01-02,1\n")};
  s.static_files = {file("st.csv", "unique_id,size\n4.01235E+12,1\n")};
  EXPECT_THAT(error(s), HasSubstr("'4.01235E+12' there is a long number that a spreadsheet has "
                                  "rounded: write the column as text"));
  s.static_files = {file("st.csv", "unique_id,size\nother,1\n")};
  EXPECT_THAT(error(s), HasSubstr("write them alike in both files"));
}

TEST_F(SideFiles, ANewSeriesWhoseIdLooksLikeAKnownOneIsSaidToBeSo) {
  CatalogSpec s = shops();
  s.future = {"x"};
  s.future_files = {file("f.csv",
                         "unique_id,ds,x\n001,2024-01-03,1\n002,2024-01-03,2\n003,2024-01-03,3\n"
                         "1,2024-01-04,1\n2,2024-01-04,2\n")};
  EXPECT_EQ(build(s).series_count(), 5);
  expect_remark(
      "f.csv: 2 of its 5 ids are not in the data (1, 2): series without a history; '1' there and "
      "'001' in the data look like the same, so do 1 more: spreadsheets drop leading zeros");
}

TEST_F(SideFiles, AColumnThatOnlyStaticsHaveIsNoBridgeToAnotherFile) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,city,size\n001,1,10\n002,2,20\n003,1,30\n")};
  s.future = {"holiday"};
  // One row a time, and no text: without the statics its rows would hold for all.
  s.future_files = {file("h.csv", "city,ds,holiday\n1,2024-01-02,1\n2,2024-01-03,1\n")};
  EXPECT_EQ(error(s),
            "h.csv: it has no unique_id; its column 'city' stands beside unique_id in st.csv, and "
            "a file beside the data is joined with the data alone: write city into the data (that "
            "of each unique_id, from st.csv), or unique_id into this file, or set "
            "data.future_for_all = true if every row holds for all series");
  CatalogSpec all = s;
  all.future_for_all = true;
  EXPECT_THAT(series_of(build(all), 1).back(), values({kNone, 1, 1}));
  // As it says: the city in the data.
  s.read.paths = {file("a.csv",
                       "unique_id,ds,y,city\n001,2024-01-01,1,1\n001,2024-01-02,2,1\n"
                       "002,2024-01-01,3,2\n002,2024-01-02,4,2\n003,2024-01-01,5,1\n"
                       "003,2024-01-02,6,1\n")};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({kNone, 1}), values({kNone, kNone, 1}), values({kNone, 1})));
  CatalogSpec two = shops();
  two.static_reals = {"size", "income"};
  two.static_files = {s.static_files.front(), file("c.csv", "city,income\n1,7\n2,8\n")};
  EXPECT_THAT(error(two),
              HasSubstr("c.csv: none of the id columns (unique_id) is in this file; its column "
                        "'city' stands beside unique_id in st.csv, and a file beside the data is "
                        "joined with the data alone: write city into the data"));
}

TEST_F(SideFiles, StaticsSayHowManySeriesHaveNoRowAndHowManyRowsNoSeries) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,size\n002,20\n7,70\n8,80\n9,90\n10,1\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_reals()[0].values, values({kNone, 20, kNone}));
  expect_remark("st.csv: 2 of 3 series have no row in it (001, 003): their numbers are missing");
  expect_remark("4 of its 5 values of unique_id are not in the data (7, 8, 9, ...): not used");
  EXPECT_EQ(notes_.static_coverage, "1 of 3 series");
  s.static_files = {file("some.csv", "unique_id,size\n002,20\n3,30\n")};
  build(s);
  expect_remark("their categories \"unknown\"; '3' there and '003' in the data look like the same");
  s.static_files = {file("all.csv", "unique_id,size\n001,1\n002,2\n003,3\n")};
  build(s);
  EXPECT_THAT(notes_.remarks, IsEmpty());
  EXPECT_EQ(notes_.static_coverage, "3 of 3 series");
}

TEST_F(SideFiles, WordsInAColumnOfStaticNumbersNameTheSettingThatTakesWords) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,size\n001,big\n002,small\n003,big\n")};
  EXPECT_EQ(error(s),
            "st.csv:2:size: 'big' is a word, and data.static_reals takes numbers: name the column "
            "in data.static_categories (words), or add the word to data.missing if it means no "
            "value");
  s.static_files = {file("st.csv", "unique_id,size\n001,10\n002,n/a\n003,30\n")};
  EXPECT_THAT(error(s), HasSubstr("st.csv:3:size: 'n/a' is not a number; correct the cell, or add "
                                  "the word to data.missing"));
  s.read.missing.push_back("n/a");
  EXPECT_THAT(build(s).static_reals()[0].values, values({10, kNone, 30}));
  s.static_files = {file("two.csv", "unique_id,size\n001,1\n002,2\n001,3\n")};
  EXPECT_THAT(error(s), HasSubstr("two.csv:4: a second row for '001' (the first one: two.csv:2)"));
}

TEST_F(SideFiles, StaticRowsThatSayTheSameTwiceAreOne) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {
      file("st.csv", "unique_id,size,seen\n001,1,may\n002,2,may\n003,3,may\n001,1,june\n")};
  EXPECT_THAT(build(s).static_reals()[0].values, values({1, 2, 3}));
  expect_remark("st.csv: 1 row says the same as another row of its series");
}

TEST_F(SideFiles, SeveralFilesAreReadTogether) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {file("s1.csv", "unique_id,size\n001,1\n"),
                    file("s2.csv", "unique_id,size\n002,2\n003,3\n")};
  s.future = {"x"};
  s.future_files = {file("f1.csv", "unique_id,ds,x\n001,2024-01-03,7\n"),
                    file("f2.csv", "unique_id,ds,x\n002,2024-01-03,8\n003,2024-01-03,9\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_reals()[0].values, values({1, 2, 3}));
  EXPECT_THAT(
      series_of(catalog, 1),
      ElementsAre(values({kNone, kNone, 7}), values({kNone, kNone, 8}), values({kNone, kNone, 9})));
}

TEST_F(SideFiles, FilesOfOtherColumnsAreJoinedEachInItsOwnWay) {
  CatalogSpec s = spec(
      "store,item,date,y\n1,7,2024-01-01,1\n2,7,2024-01-01,2\n1,7,2024-01-02,3\n"
      "2,7,2024-01-02,4\n");
  s.id = {"store", "item"};
  s.future = {"promo", "rain", "oil"};
  s.future_categories = {"event"};
  s.future_files = {
      file("oil.csv", "date,oil\n2024-01-03,80\n"),
      file("weather.csv", "store,date,rain,event\n1,2024-01-03,0.5,Fair\n2,2024-01-03,0.25,\n"),
      // A new item, which is to have the weather of its store.
      file("items.csv", "store,item,date,promo\n1,7,2024-01-03,1\n1,9,2024-01-03,0\n"),
      file("more_items.csv", "store,item,date,promo\n2,7,2024-01-03,5\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("1/7", "2/7", "1/9"));
  const auto last_of = [&](int channel) {
    std::vector<float> last;
    for (const auto& values : series_of(catalog, channel)) last.push_back(values.back());
    return last;
  };
  EXPECT_THAT(last_of(1), ElementsAre(1, 5, 0));
  EXPECT_THAT(last_of(2), ElementsAre(0.5f, 0.25f, 0.5f));
  EXPECT_THAT(last_of(3), ElementsAre(80, 80, 80));
  EXPECT_THAT(catalog.categories()[0].codes, ElementsAre(0, 0, 1, 0, 0, 0, 1));
  EXPECT_THAT(notes_.future_coverage, HasSubstr("all 3 series, 2024-01-03 .. 2024-01-03 ("));
  s.future.push_back("snow");
  EXPECT_THAT(error(s), HasSubstr("none of these files has the column 'snow' (data.future)"));
  s.future.pop_back();
  s.future_files.push_back(file("other.csv", "date,x\n2024-01-03,1\n"));
  EXPECT_THAT(error(s), HasSubstr("other.csv: it has no column that data.future or "
                                  "data.future_categories names; its columns are: date, x"));
}

TEST_F(SideFiles, StaticFilesOfOtherColumnsAreJoinedEachInItsOwnWay) {
  CatalogSpec s = spec("store,item,date,y\n1,7,2024-01-01,1\n2,7,2024-01-01,2\n1,8,2024-01-01,3\n");
  s.id = {"store", "item"};
  s.frequency = "D";
  s.static_reals = {"size"};
  s.static_categories = {"family"};
  s.static_files = {file("stores.csv", "store,size\n1,10\n2,20\n"),
                    file("items.csv", "item,family\n7,food\n8,toys\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_reals()[0].values, values({10, 20, 10}));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 1, 2));
  EXPECT_THAT(notes_.static_coverage, HasSubstr("stores.csv); 3 of 3 series ("));
}

TEST_F(SideFiles, AStaticColumnThatNeitherFileHasNamesTheColumnsOfBoth) {
  CatalogSpec s = shops();
  s.static_categories = {"kind"};
  s.static_files = {file("st.csv", "unique_id,type\n001,a\n")};
  EXPECT_EQ(error(s),
            "st.csv: no column 'kind' (data.static_categories), and none in a.csv; the columns "
            "are: unique_id, type; those of a.csv are: unique_id, ds, y");
}

TEST_F(SideFiles, StaticsOfACountryAreJoinedOnTheCountryOfEachSeries) {
  CatalogSpec s = spec(
      "unique_id,ds,y,country\nA,2024-01-01,1,DE\nB,2024-01-01,2,FR\nC,2024-01-01,"
      "3,DE\nA,2024-01-02,1,DE\n");
  s.static_files = {file("st.csv", "country,people\nFR,68\nDE,84\n")};
  s.static_reals = {"people"};
  EXPECT_THAT(build(s).static_reals()[0].values, values({84, 68, 84}));
  expect_remark("st.csv: joined on country");
  s.static_categories = {"country"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "DE", "FR"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 2, 1));
}

TEST_F(SideFiles, FutureRowsNoneOfWhoseIdsIsInTheDataAreRefused) {
  CatalogSpec s = shops();
  s.future = {"x"};
  s.future_files = {file("f.csv", "unique_id,ds,x\n1,2024-01-03,10\n2,2024-01-03,20\n")};
  EXPECT_THAT(error(s), HasSubstr("f.csv: none of its 2 values of unique_id is in the data (there: "
                                  "'1'; in the data: '001'); '1' there and '001'"));
}

TEST_F(SideFiles, KnownValuesOfAStoreHoldForAllItsItems) {
  CatalogSpec s = spec(
      "Store,Dept,Date,y\n1,7,2024-01-01,1\n1,8,2024-01-01,2\n2,7,2024-01-01,3\n1,7,2024-01-02,4\n"
      "1,8,2024-01-02,5\n2,7,2024-01-02,6\n");
  s.id = {"Store", "Dept"};
  s.future = {"temperature"};
  s.future_files = {
      file("features.csv",
           "store,Date,temperature\n1,2024-01-01,10\n1,2024-01-02,11\n1,2024-01-03,12\n"
           "2,2024-01-01,20\n2,2024-01-02,21\n2,2024-01-03,22\n5,2024-01-03,50\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("1/7", "1/8", "2/7"));
  EXPECT_THAT(series_of(catalog, 1),
              ElementsAre(values({10, 11, 12}), values({10, 11, 12}), values({20, 21, 22})));
  expect_remark("features.csv: joined on Store and the time, because it has no Dept");
  expect_remark("features.csv: 1 of its 3 values of Store is not in the data (5): not used");
  EXPECT_EQ(notes_.future_rows_unmatched, 1);
  EXPECT_EQ(notes_.future_coverage, "3 of 3 series, 2024-01-03 .. 2024-01-03");
}

TEST_F(SideFiles, HolidaysOfACountryAreJoinedOnTheCountryOfEachSeries) {
  CatalogSpec s = spec(
      "unique_id,ds,y,country,region,year\nA,2024-12-30,1,DE,1,2024\nB,2024-12-30,2,FR,2,2024\n"
      "A,2024-12-31,1,DE,1,2024\nB,2024-12-31,2,FR,2,2024\n");
  s.future = {"holiday"};
  // The year is constant in every series too, and says nothing about for whom a row is.
  s.future_files = {file("h.csv",
                         "ds,country,year,holiday\n2024-12-31,DE,2024,3\n2025-01-01,DE,2025,1\n"
                         "2025-01-01,FR,2025,2\n")};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({kNone, 3, 1}), values({kNone, kNone, 2})));
  expect_remark("h.csv: joined on country and the time, because it has no unique_id");
  // Whole numbers join too, where a time has several of them.
  s.future_files = {file("r.csv", "ds,region,holiday\n2025-01-01,1,8\n2025-01-01,2,9\n")};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({kNone, kNone, 8}), values({kNone, kNone, 9})));
  // One country only: the other one's series get nothing rather than its holidays.
  s.future_files = {file("d.csv", "ds,country,holiday\n2025-01-01,DE,1\n")};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({kNone, kNone, 1}), values({kNone, kNone})));
  expect_remark("1 of 2 series has no row in it (B): nothing is known of their future");
}

TEST_F(SideFiles, RowsWithoutAnIdHoldForAllOnlyWhereNoOtherTextMayBeTheId) {
  CatalogSpec s = shops();
  s.future = {"x"};
  s.future_files = {file("f.csv", "ds,x\n2024-01-03,10\n")};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({kNone, kNone, 10}), values({kNone, kNone, 10}),
                          values({kNone, kNone, 10})));
  expect_remark("f.csv: no column says for which series a row is: its rows hold for all 3");
  EXPECT_EQ(notes_.future_coverage, "all 3 series, 2024-01-03 .. 2024-01-03");
  s.future_for_all = false;
  EXPECT_THAT(error(s), HasSubstr("f.csv: data.future_for_all is false, and it has no unique_id"));
  s.future_for_all = std::nullopt;
  s.future_files = {file("g.csv", "ds,shop,x\n2024-01-03,003,10\n")};
  s.static_categories = {};
  EXPECT_THAT(build(s).length(0), 3) << "whole numbers, one row a time: the shape is obvious";
  s.future_files = {file("t.csv", "ds,shop,x\n2024-01-03,S3,10\n")};
  EXPECT_THAT(error(s),
              HasSubstr("t.csv: it has no unique_id, and its column 'shop' holds text that may say "
                        "for which of the 3 series a row is; name that column as in the data, or "
                        "set data.future_for_all = true"));
  s.future_for_all = true;
  EXPECT_THAT(build(s).values(1, 2), values({kNone, kNone, 10}));
  s.future_files = {file("i.csv", "unique_id,ds,x\n001,2024-01-03,10\n")};
  EXPECT_THAT(error(s), HasSubstr("i.csv: data.future_for_all says that its rows hold for every "
                                  "series, but its column 'unique_id' says for which"));
}

TEST_F(SideFiles, SeriesSideBySideAreToldThatTheFutureHoldsForAllOfThem) {
  CatalogSpec s = spec("ds,a,b\n2024-01-01,1,2\n2024-01-02,3,4\n");
  s.future = {"x"};
  s.future_files = {file("f.csv", "ds,x\n2024-01-03,10\n")};
  EXPECT_EQ(build(s).series_count(), 2);
  expect_remark("f.csv: no column says for which series a row is: its rows hold for all 2");
  EXPECT_EQ(notes_.future_coverage, "all 2 series, 2024-01-03 .. 2024-01-03");
  s.future_files = {file("g.csv", "unique_id,ds,x\na,2024-01-03,10\n")};
  EXPECT_THAT(error(s), HasSubstr("its column 'unique_id' holds text that may say for which of the "
                                  "2 series a row is"));
}

TEST_F(SideFiles, AnIdThatOnlyTheFutureFileHasIsASeriesWithoutHistoryBehindTheOthers) {
  CatalogSpec s = shops();
  s.future = {"x"};
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,size\n001,1\n002,2\n003,3\n900,9\n")};
  s.future_files = {file("f.csv",
                         "unique_id,ds,x\n900,2024-01-02,8\n900,2024-01-04,9\n900,2024-01-05,7\n"
                         "001,2024-01-03,1\n002,2024-01-03,2\nold,2023-12-31,5\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("001", "002", "003", "900"));
  EXPECT_EQ(notes_.new_series, 1);
  EXPECT_EQ(catalog.history(3), 0);
  EXPECT_EQ(catalog.date(3, 0), "2024-01-02") << "a forecast may begin before the data end";
  EXPECT_THAT(catalog.values(0, 3), values({kNone, kNone, kNone, kNone}));
  EXPECT_THAT(catalog.values(1, 3), values({8, kNone, 9, 7}));
  EXPECT_THAT(catalog.values(1, 0), values({kNone, kNone, 1}));
  EXPECT_THAT(catalog.static_reals()[0].values, values({1, 2, 3, 9}));
  expect_remark("f.csv: 1 of 3 series has no row in it (003): nothing is known of their future");
  expect_remark("f.csv: 1 of its 4 ids are not in the data (900): series without a history");
  expect_remark(
      "f.csv: 1 of its 4 ids are not in the data and have no row after its end, 2024-01-02 (old): "
      "not used");
  EXPECT_EQ(notes_.future_coverage, "3 of 4 series, 2024-01-03 .. 2024-01-05 (2 end before)");
  EXPECT_EQ(notes_.static_coverage, "4 of 4 series");
  const std::string text = check_text(catalog, notes_, check_catalog(catalog), "a.csv");
  EXPECT_THAT(text, HasSubstr("series      3, and 1 only in path.future\n"));
  EXPECT_THAT(text, HasSubstr("path.future covers 3 of 4 series, 2024-01-03 .. 2024-01-05"));
  EXPECT_THAT(text, HasSubstr("path.statics covers 4 of 4 series\n"));
  EXPECT_THAT(text, Not(HasSubstr("without any target value")));
}

TEST_F(SideFiles, AnIdOfSeveralColumnsThatOnlyTheFutureFileHasKeepsItsParts) {
  CatalogSpec s = spec("store,item,ds,y\n1,7,2024-01-01,1\n2,7,2024-01-01,3\n1,7,2024-01-02,4\n");
  s.id = {"store", "item"};
  s.future = {"x"};
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "item,size\n7,1\n9,3\n")};
  s.future_files = {file("f.csv", "item,store,ds,x\n7,1,2024-01-03,1\n9,2,2024-01-03,2\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("1/7", "2/7", "2/9"));
  EXPECT_THAT(catalog.static_reals()[0].values, values({1, 1, 3}));
  s.static_categories = {"item"};
  s.static_files.clear();
  s.static_reals = {};
  const Catalog of_ids = build(s);
  EXPECT_THAT(of_ids.static_categories()[0].vocabulary, ElementsAre("unknown", "7", "9"));
  EXPECT_THAT(of_ids.static_categories()[0].codes, ElementsAre(1, 1, 2)) << "from its id";
}

TEST_F(SideFiles, ANewIdHasTheStaticCategoriesThatTheFutureFileSays) {
  CatalogSpec s = spec("item,ds,y,family\n7,2024-01-01,1,food\n7,2024-01-02,1,food\n");
  s.id = {"item"};
  s.future = {"x"};
  s.static_categories = {"family"};
  s.future_files = {file("f.csv",
                         "item,ds,x,family\n7,2024-01-03,1,toys\n8,2024-01-03,1,food\n"
                         "9,2024-01-03,1,toys\n5,2024-01-03,1,\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("7", "8", "9", "5"));
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "food", "toys"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 1, 2, 0));
}

TEST_F(SideFiles, AFileIsReadAsItIsWrittenThoughTheDataAreWrittenOtherwise) {
  CatalogSpec s = spec("unique_id;ds;y;x\nCaf\xE9;2024-01-01;1,5;1\nCaf\xE9;2024-01-02;2,5;2\n");
  s.read.encoding = "cp1252";
  s.read.delimiter = ';';
  s.read.decimal = ',';
  s.future = {"x"};
  s.future_files = {file("f.csv", "unique_id,ds,x\nCafé,2024-01-03,3.459\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 2, 3.459f}));
  expect_remark("f.csv: was read as UTF-8");
  s.future_files = {file("t.csv", "unique_id\tds\tx\nCafé\t2024-01-03\t4.5\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 2, 4.5}));
  expect_remark("t.csv: its decimal sign is '.'");
  // What is in doubt is what the settings say.
  s.future_files = {file("d.csv", "unique_id;ds;x\nCaf\xE9;2024-01-03;1.200\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 2, 1200}));
  expect_remark("d.csv: column 'x': '1.200' is read as 1200");

  s = spec("unique_id,ds,y,x\nA,2024-01-01,1.5,1\nA,2024-01-02,2.5,2\n");
  s.read.delimiter = ',';
  s.read.decimal = '.';
  s.future = {"x"};
  s.future_files = {file("s.csv", "unique_id;ds;x\nA;2024-01-03;3,25\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 2, 3.25}));
  expect_remark("s.csv: ';' separates the fields");
  s.future_files = {file("e.csv", "sep=|\nunique_id|ds|x\nA|2024-01-03|7\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 2, 7}));
}

TEST_F(SideFiles, KnownValuesInsideTheHistoryFillGapsAndSayWhereTheyDiffer) {
  CatalogSpec s = spec(
      "unique_id,ds,y,x\nA,2024-01-01,1,5\nA,2024-01-02,2,\nA,2024-01-03,3,7\nA,2024-01-04,3,8\n");
  s.future = {"x"};
  s.future_files = {file("f.csv",
                         "unique_id,ds,x\nA,2024-01-01,5\nA,2024-01-02,6\nA,2024-01-03,70\n"
                         "A,2024-01-04,80\nA,2024-01-05,9\n")};
  EXPECT_THAT(build(s).values(1, 0), values({5, 6, 7, 8, 9}));
  expect_remark(
      "f.csv: 2 of its values of 'x' differ from the data's own (the first: A 2024-01-03, 70 there "
      "and 7 in the data); the data's count");
}

TEST_F(SideFiles, TheFutureFileMayBeTheMainFileOrADirectoryOfFiles) {
  CatalogSpec s = spec("unique_id,ds,y,x\nA,2024-01-01,1,5\nA,2024-01-02,2,6\nA,2024-01-03,,7\n");
  s.future = {"x"};
  s.future_files = {path("a.csv")};
  Catalog catalog = build(s);
  EXPECT_THAT(catalog.values(1, 0), values({5, 6, 7}));
  EXPECT_EQ(catalog.history(0), 2);
  EXPECT_THAT(notes_.remarks, IsEmpty());
  EXPECT_EQ(notes_.future_coverage, "1 of 1 series, 2024-01-03 .. 2024-01-03");
  file("dir/1.csv", "unique_id,ds,x\nA,2024-01-04,8\n");
  file("dir/2.csv", "unique_id,ds,x\nA,2024-01-05,9\n");
  s.future_files = {path("dir")};
  EXPECT_THAT(build(s).values(1, 0), values({5, 6, 7, 8, 9}));
}

TEST_F(SideFiles, SeveralKnownRowsOfOneStepBecomeWhatDuplicatesSays) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2024-01-01,1\nA,2024-01-02,2\n");
  s.future = {"x"};
  s.future_files = {file(
      "f.csv", "unique_id,ds,x\nA,2024-01-03,4\nA,2024-01-03,\nA,2024-01-03,7\nA,2024-01-04,1\n")};
  EXPECT_THAT(error(s), HasSubstr("f.csv:3: a second row for unique_id 'A' 2024-01-03 (the first "
                                  "one: f.csv:2)"));
  const auto known = [&](DuplicatePolicy policy) {
    s.duplicates = policy;
    return series_of(build(s), 1)[0];
  };
  EXPECT_THAT(known(DuplicatePolicy::first), values({kNone, kNone, 4, 1}));
  EXPECT_THAT(known(DuplicatePolicy::last), values({kNone, kNone, 7, 1}));
  EXPECT_THAT(known(DuplicatePolicy::mean), values({kNone, kNone, 5.5, 1}));
  EXPECT_THAT(known(DuplicatePolicy::sum), values({kNone, kNone, 5.5, 1}));
}

}  // namespace
}  // namespace sluice
