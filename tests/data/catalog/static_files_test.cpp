// Several files of what belongs to a series, and a column that the data have, too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

using StaticFiles = CatalogBuild;

TEST_F(StaticFiles, EachOfTwoFilesOfStaticsSaysAColumnOfItsOwnSeries) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_categories = {"city"};
  s.static_files = {file("north.csv", "unique_id,city,size\n001,Kiel,10\n002,,20\n"),
                    file("south.csv", "unique_id,size,city,tax\n002,20,Ulm,1\n003,30,Bonn,2\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_reals()[0].values, values({10, 20, 30}));
  EXPECT_THAT(catalog.static_categories()[0].vocabulary,
              ElementsAre("unknown", "Bonn", "Kiel", "Ulm"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(2, 3, 1));
  expect_remark(
      "north.csv: 1 of 3 series has no row in it (003): what no other file says of them is "
      "missing, "
      "or \"unknown\"");
  s.static_categories = {"#1"};
  EXPECT_EQ(config_error(s),
            "data.static_categories: '#1' is another column in each of the 2 files of "
            "path.statics; give the column's name");
}

TEST_F(StaticFiles, AFileThatIsNotThereNamesTheSettingThatAsksForIt) {
  CatalogSpec s = shops();
  s.static_reals = {"size"};
  s.static_files = {path("none.csv")};
  EXPECT_THAT(error(s), HasSubstr("none.csv: no such file; check path.statics and the working"));
  s = shops();
  s.future = {"x"};
  s.future_files = {path("none.csv")};
  EXPECT_THAT(error(s), HasSubstr("none.csv: no such file; check path.future and the working"));
}

TEST_F(StaticFiles, TwoFilesOfStaticsThatSayDifferentThingsOfASeriesAreRefusedWithBothPlaces) {
  CatalogSpec s = shops();
  s.static_categories = {"city"};
  s.static_files = {file("north.csv", "unique_id,city\n001,Kiel\n002,Jena\n"),
                    file("south.csv", "unique_id,tax,city\n003,1,Bonn\n002,1,Ulm\n")};
  EXPECT_EQ(error(s),
            "south.csv:3:city: series '002' has 'Ulm' here and 'Jena' at north.csv:3:city; correct "
            "one of the files, or take the column city out of it");
  s.static_categories = {};
  s.static_reals = {"size"};
  s.static_files = {file("a1.csv", "unique_id,size\n001,1\n"),
                    file("b1.csv", "unique_id,tax,size\n001,1,2.5\n")};
  EXPECT_EQ(error(s),
            "b1.csv:2:size: series '001' has '2.5' here and '1' at a1.csv:2:size; correct one of "
            "the files, or take the column size out of it");
}

TEST_F(StaticFiles, TheDataSayAStaticColumnOfTheSeriesThatItsFileLeavesOut) {
  CatalogSpec s = spec(
      "unique_id,ds,y,city,size\nA,2024-01-01,1,Kiel,7\nA,2024-01-02,2,Kiel,7\n"
      "B,2024-01-01,3,Ulm,8\nB,2024-01-02,4,Ulm,8\n");
  s.static_categories = {"city"};
  s.static_reals = {"size"};
  s.static_files = {file("st.csv", "unique_id,city,size\nA,Bonn,1\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.static_categories()[0].vocabulary, ElementsAre("unknown", "Bonn", "Ulm"));
  EXPECT_THAT(catalog.static_categories()[0].codes, ElementsAre(1, 2));
  EXPECT_THAT(catalog.static_reals()[0].values, values({1, 8}));
}

// It said that a series without a row had no category, which the data give it.
TEST_F(StaticFiles, WhereTheDataHaveTheColumnASeriesWithoutARowIsNotCalledUnknown) {
  CatalogSpec s = spec("unique_id,ds,y,city\n001,2024-01-01,1,Rom\n002,2024-01-01,2,Bonn\n");
  s.frequency = "D";
  s.static_categories = {"city"};
  s.static_files = {file("st.csv", "unique_id,city\n001,Ulm\n")};
  EXPECT_THAT(build(s).static_categories()[0].vocabulary, ElementsAre("unknown", "Bonn", "Ulm"));
  expect_remark("st.csv: 1 of 2 series has no row in it (002): what no other file says of them is");
  s = shops();
  s.static_categories = {"city"};
  s.static_files = {file("st.csv", "unique_id,city\n001,Ulm\n")};
  build(s);
  expect_remark("(002, 003): their numbers are missing and their categories \"unknown\"");
}

TEST_F(StaticFiles, AColumnOfOtherWordsIsNoBridge) {
  CatalogSpec s = shops();
  s.static_categories = {"type"};  // of a shop
  s.static_files = {file("st.csv", "unique_id,type,size\n001,A,1\n002,B,2\n003,A,3\n")};
  s.future = {"open"};
  s.future_files = {file("h.csv", "ds,type,open\n2024-01-02,Holiday,1\n2024-01-03,Event,1\n")};
  EXPECT_THAT(error(s), HasSubstr("its column 'type' holds text that may say for which"));
  // Nor are numbers that are soon alike.
  s.future_files = {file("h2.csv", "ds,size,open\n2024-01-02,3,1\n2024-01-03,40,1\n")};
  EXPECT_THAT(series_of(build(s), 1).back(), values({kNone, 1, 1}));
}

}  // namespace
}  // namespace sluice
