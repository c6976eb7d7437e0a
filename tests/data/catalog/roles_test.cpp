// Which column is what where no setting says it: by usual names, by what the columns hold, with a
// sentence on everything that was guessed, and an error where a file leaves a choice.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "data/catalog/names.hpp"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ColumnNames, AreUnderstoodInSeveralLanguagesAndSpellings) {
  for (const char* name : {"Datetime", "visit_date", "InvoiceDate", "Invoice Date", "WEEK", "Monat",
                           "fecha", "日期", "时间", "дата", "week-ending"}) {
    EXPECT_TRUE(is_time_name(name)) << name;
  }
  for (const char* name : {"DayOfWeek", "CompetitionOpenSinceYear", "update", "candidate"}) {
    EXPECT_FALSE(is_time_name(name)) << name;
  }
  EXPECT_TRUE(is_time_name_of_integers("YEAR"));
  EXPECT_FALSE(is_time_name_of_integers("lead_time"));
  for (const char* name :
       {"Store", "shop_id", "item_nbr", "StockCode", "SKU", "店铺", "商品编号"}) {
    EXPECT_TRUE(is_id_name(name)) << name;
  }
  EXPECT_FALSE(is_id_name("paid"));
  for (const char* name :
       {"qty", "sold", "Weekly_Sales", "Umsatz", "销量", "成交金额", "pay_count"}) {
    EXPECT_TRUE(is_target_name(name)) << name;
  }
  EXPECT_FALSE(is_target_name("sales_price"));
}

TEST_F(CatalogBuild, ALongFileWithUnusualNamesIsLongAndSaysSo) {
  const Catalog catalog = build(
      "air_store_id,visit_date,visitors\nair_1,2016-01-01,25\nair_2,2016-01-01,9\n"
      "air_1,2016-01-02,32\nair_2,2016-01-02,11\n");
  EXPECT_EQ(notes_.layout, "long");
  EXPECT_THAT(catalog.ids(), ElementsAre("air_1", "air_2"));
  EXPECT_THAT(series_of(catalog), ElementsAre(values({25, 32}), values({9, 11})));
  EXPECT_EQ(catalog.date(0, 1), "2016-01-02");
  EXPECT_THAT(
      notes_.remarks,
      ElementsAre("the time is taken from the column visit_date (it holds dates; data.time)",
                  "the series are named by the column air_store_id (data.id)",
                  "visitors is forecast (by its name; data.targets)"));
}

TEST_F(CatalogBuild, AColumnOfDatesIsTheTimeWhateverItsNameAndPlace) {
  for (const char* name : {"datetime", "month", "datum", "", "when"}) {
    const Catalog catalog =
        build("sales," + std::string(name) + "\n5,2022-01-01\n6,2022-02-01\n7,2022-03-01\n");
    EXPECT_EQ(to_string(catalog.frequency()), "MS") << name;
    EXPECT_THAT(catalog.ids(), ElementsAre("sales")) << name;
    ASSERT_EQ(notes_.remarks.size(), 1u) << name;
    EXPECT_THAT(notes_.remarks.front(), HasSubstr("the time is taken from")) << name;
  }
  EXPECT_THAT(build("Month,#Passengers\n1949-01,112\n1949-02,118\n").ids(),
              ElementsAre("#Passengers"));
  const Catalog years = build("YEAR,SPOTS\n1700,5\n1701,11\n");
  EXPECT_EQ(years.history(0), 2);
  EXPECT_EQ(notes_.layout, "columns");
}

TEST_F(CatalogBuild, SeveralColumnsThatCouldBeTheTimeAreAnError) {
  EXPECT_EQ(
      error(spec("ordered,shipped,sales\n2022-01-01,2022-01-03,1\n2022-01-02,2022-01-04,2\n")),
      "a.csv: several columns hold dates: ordered, shipped; say which one is the time of a "
      "row: --data.time ordered");
  EXPECT_THAT(error(spec("year,month,sales\n2022,1,5\n2022,2,6\n")),
              HasSubstr("'year' and 'month' together are the time: --data.time year,month"));
  EXPECT_THAT(error(spec("sku,launched,d_1,d_2,d_3\nA,2022-01-03,1,2,3\nB,2022-01-04,4,5,6\n")),
              AllOf(HasSubstr("'launched' holds dates, and the columns d_1 to d_3 count on"),
                    HasSubstr("data.layout")));
}

TEST_F(CatalogBuild, WithoutATimeARowIsASeriesOnlyWhereValuesCountOn) {
  build("key,d_1,d_2,d_3\nA,1,2,3\nB,4,5,6\n");
  EXPECT_EQ(notes_.layout, "rows");
  EXPECT_THAT(notes_.remarks, Contains("no column holds times and d_1 to d_3 count on: a row is "
                                       "taken for a series (data.layout)"));
  EXPECT_THAT(error(spec("key,price,sales\nA,1,2\nB,3,4\n")),
              AllOf(HasSubstr("which column is the time?"), HasSubstr("key, price, sales")));
}

TEST_F(CatalogBuild, RepeatedTimesProposeTheColumnsThatAreUniqueTogether) {
  const std::string walmart =
      "Store,Dept,Date,Weekly_Sales\n1,1,2010-02-05,10\n1,2,2010-02-05,20\n2,1,2010-02-05,30\n"
      "1,1,2010-02-12,11\n1,2,2010-02-12,21\n2,1,2010-02-12,31\n";
  EXPECT_EQ(error(spec(walmart)),
            "a.csv: several columns could name the series: Store, Dept; rows repeat for one time; "
            "Store and Dept together are unique: --data.id Store,Dept");
  CatalogSpec s = spec(walmart);
  s.id = {"Store"};
  EXPECT_THAT(error(s), HasSubstr("a.csv:3: a second row for series '1' 2010-02-05 (the first one: "
                                  "a.csv:2); rows repeat for one time; Store and Dept together are "
                                  "unique: --data.id Store,Dept; else remove one"));
  s.id = {"Store", "Dept"};
  EXPECT_THAT(build(s).ids(), ElementsAre("1/1", "1/2", "2/1"));
  EXPECT_THAT(error(spec("date,region,sales\n2022-01-01,north,1\n2022-01-01,the south,2\n"
                         "2022-01-02,north,3\n2022-01-02,the south,4\n")),
              HasSubstr("region alone is unique: --data.id region; else"));
}

TEST_F(CatalogBuild, OneNameOfAnIdThatIsUniqueIsUsed) {
  const Catalog catalog = build(
      "day,store,item,units\n2022-01-01,1,a,1\n2022-01-01,1,b,2\n2022-01-02,1,a,3\n"
      "2022-01-02,1,b,4\n");
  EXPECT_THAT(catalog.ids(), ElementsAre("a", "b")) << "there is one store only";
  EXPECT_THAT(notes_.remarks,
              testing::Contains("the series are named by the column item (data.id)"));
  EXPECT_THAT(build("Date,Store,Sales\n2022-01-01,007,1\n2022-01-02,007,2\n").ids(),
              ElementsAre("007"));
  EXPECT_THAT(error(spec("date,store,online\n2022-01-01,5,1\n2022-01-02,6,2\n")),
              HasSubstr("'store' has the name of an id, but each time has one row only"));
}

TEST_F(CatalogBuild, TwoTimeColumnsAreToldApartByWhatRepeats) {
  EXPECT_THAT(error(spec("Time,Load,Date\n2012-01-01 00:00,5,2012-01-01\n"
                         "2012-01-01 01:00,6,2012-01-01\n2012-01-02 00:00,7,2012-01-02\n")),
              HasSubstr("the times of 'Time' do not repeat: --data.time Time; else"));
  EXPECT_THAT(error(spec("Date,Time,Load\n2012-01-01,00:00:00,5\n2012-01-01,01:00:00,6\n"
                         "2012-01-02,00:00:00,7\n")),
              HasSubstr("'Date' and 'Time' together are the time: --data.time Date,Time; else"));
}

TEST_F(CatalogBuild, AnIdThatNumbersTheRowsIsRefused) {
  EXPECT_THAT(
      error(spec("id,date,store_nbr,sales\n0,2022-01-01,1,5\n1,2022-01-01,2,6\n"
                 "2,2022-01-02,1,7\n3,2022-01-02,2,8\n")),
      HasSubstr("the column 'id' is different in every row, so that no series would have two "
                "steps; store_nbr alone is unique: --data.id store_nbr"));
}

TEST_F(CatalogBuild, TheTargetIsTheOneOfAUsualNameOrTheOnlyOne) {
  EXPECT_EQ(build("sku,date,units,price\na,2022-01-01,1,9\na,2022-01-02,2,9\n").history(0), 2);
  EXPECT_THAT(notes_.target_columns, ElementsAre("units"));
  EXPECT_THAT(error(spec("sku,date,units,revenue\na,2022-01-01,1,9\na,2022-01-02,2,9\n")),
              HasSubstr("several have usual names; set data.targets to one or more of: units, "
                        "revenue"));
  build("sku,date,kWh,open\na,2022-01-01,1,true\na,2022-01-02,2,false\n");
  EXPECT_THAT(notes_.target_columns, ElementsAre("kWh"));
}

TEST_F(CatalogBuild, ATextInTheTargetIsNamedByItsCell) {
  EXPECT_THAT(error(spec("ds,y\n2023-01-01,1\n2023-01-02,-\n2023-01-03,4\n")),
              HasSubstr("a.csv:3:y: '-' is not a number"));
  EXPECT_THAT(
      error(spec("date,north,south\n2023-01-01,1,2\n2023-01-02,3,#DIV/0!\n2023-01-03,4,5\n")),
      HasSubstr("a.csv:3:south: '#DIV/0!' is not a number"));
}

TEST_F(CatalogBuild, ASingleColumnOfValuesIsMeantWhateverItIsCalledOrHolds) {
  EXPECT_THAT(build("date,shop,,\n2024-01-01,1,,\n2024-01-02,1,,\n2024-01-03,3,,\n").ids(),
              ElementsAre("shop"));
  EXPECT_THAT(error(spec("date,sales\n2023-01-01,1 x\n2023-01-02,2 x\n")),
              HasSubstr("a.csv:2:sales: '1 x' is not a number"));
  EXPECT_THAT(error(spec("when,umsatz\n2023-01-01,1 x\n2023-01-02,2 x\n")),
              HasSubstr("a.csv:2:umsatz: '1 x' is not a number"));
}

TEST_F(CatalogBuild, AFileWithoutAHeaderIsNotReadWithItsFirstRowAsNames) {
  EXPECT_THAT(error(spec("20150601,0\n20150602,0\n20150603,1\n")),
              HasSubstr("a.csv: the first line holds values ('20150601' is a time), not names"));
}

TEST_F(CatalogBuild, ColumnsThatAreNoSeriesAreLeftOutWithTheirReasons) {
  const Catalog catalog = build(
      ",date,north,weekday,promo,lat,note,empty,,\n0,2022-01-01,1,6,true,52.5,x,,,\n"
      "1,2022-01-02,2,7,false,52.5,y,,,\n");
  EXPECT_THAT(catalog.ids(), ElementsAre("north"));
  std::vector<std::string> uses;
  for (const ColumnUse& use : notes_.columns) {
    uses.push_back(use.name + "=" + use.role + (use.reason.empty() ? "" : "|" + use.reason));
  }
  EXPECT_THAT(
      uses,
      ElementsAre("=|it has no name (row numbers)", "date=time", "north=target",
                  "weekday=|it says when a row is, as the time does",
                  "promo=|it holds true and false (data.past or data.future takes it)",
                  "lat=|it says where a series is (data.static_reals)", "note=|it holds text ('x')",
                  "empty=|it has no value", "=|there is neither a name nor a value",
                  "=|there is neither a name nor a value"));
  EXPECT_THAT(notes_.remarks, testing::Contains("#0 is not used: it has no name (row numbers)"));
  EXPECT_THAT(notes_.remarks,
              testing::Contains("#8, #9 are not used: there is neither a name nor a value"));
  EXPECT_THAT(build("__index_level_0__,date,sales\n7,2022-01-01,1\n9,2022-01-02,2\n").ids(),
              ElementsAre("sales"));
  EXPECT_THAT(build("date,sales,index\n2022-01-01,5,0\n2022-01-02,6,1\n").ids(),
              ElementsAre("sales"));
  EXPECT_THAT(error(spec("date,sales,\n2022-01-01,5,3\n2022-01-02,6,1\n")),
              HasSubstr("column #2 holds numbers and has no name"));
}

TEST_F(CatalogBuild, ASeriesInEachColumnByGuessIsSaid) {
  build("date,sales,price\n2022-01-01,1,2\n2022-01-02,3,4\n");
  ASSERT_EQ(notes_.remarks.size(), 1u);
  EXPECT_THAT(notes_.remarks.front(),
              HasSubstr("each of 2 columns is one (data.layout \"columns\"): sales, price"));
  CatalogSpec s = spec("date,sales,price\n2022-01-01,1,2\n2022-01-02,3,4\n");
  s.layout = Layout::columns;
  build(s);
  EXPECT_THAT(notes_.remarks, IsEmpty()) << "the user said so";
}

TEST_F(CatalogBuild, TwoColumnsOfOneNameAreRefusedWithTheirPlaces) {
  EXPECT_EQ(
      error(spec("date,OT,OT\n2024-01-01,1,2\n2024-01-02,1,2\n")),
      "a.csv: two columns are named 'OT' (#1 and #2); rename one, or name the one you mean by "
      "its place: --data.targets '#1'");
  EXPECT_THAT(error(spec("unique_id,ds,y,y\nA,2024-01-01,1,2\n")),
              HasSubstr("two columns are named 'y' (#2 and #3)"));
  CatalogSpec s = spec("date,OT,OT\n2024-01-01,1,2\n2024-01-02,1,2\n");
  s.targets = {"#1", "#2"};
  EXPECT_THAT(error(s), HasSubstr("two columns are named 'OT' and would be two series"));
  s.targets = {"#2"};
  EXPECT_THAT(build(s).values(0, 0), values({2, 2}));
}

TEST_F(CatalogBuild, IdsThatDifferByCaseOrSpacesAreSaidAndBlankOnesRefused) {
  build(
      "unique_id,ds,y\nA,2024-01-01,1\na ,2024-01-01,2\nB,2024-01-01,3\nA,2024-01-02,1\n"
      "a ,2024-01-02,2\nB,2024-01-02,3\n");
  EXPECT_THAT(notes_.remarks, ElementsAre("1 id differs from another one only by case or spaces, "
                                          "and is a series of its own: 'A' and 'a '"));
  EXPECT_THAT(error(spec("unique_id,ds,y\nA,2024-01-01,1\n  ,2024-01-02,2\n")),
              HasSubstr("a.csv:3:unique_id: the id is missing"));
}

TEST_F(CatalogBuild, RowsOfSeriesAreNamedByTheColumnThatDoesNotRepeat) {
  const std::string m5 =
      "id,item_id,store_id,d_1,d_2,d_3\na_1,a,1,1,2,3\na_2,a,2,4,5,6\nb_1,b,1,7,8,9\n";
  EXPECT_THAT(build(m5).ids(), ElementsAre("a_1", "a_2", "b_1"));
  EXPECT_THAT(notes_.remarks, testing::Contains("the series are named by the column id (data.id): "
                                                "item_id repeats"));
  CatalogSpec s = spec(m5);
  s.id = {"item_id"};
  EXPECT_THAT(error(s), HasSubstr("the id must be unique: item_id and store_id together are "
                                  "unique: --data.id item_id,store_id; else remove one"));
}

TEST_F(CatalogBuild, ASecondLineOfTheHeaderIsNamed) {
  EXPECT_THAT(
      error(spec("Sales,a,b\ndate,north,south\n2022-01-01,1,2\n2022-01-02,3,4\n2022-01-03,5,6"
                 "\n")),
      HasSubstr("a.csv:2:Sales: 'date' stands above dates: this line seems to belong to the "
                "header"));
}

TEST_F(CatalogBuild, OfTwoUsualNamesTheFirstIsTakenAndTheOtherIsNamed) {
  EXPECT_THAT(series_of(build("date,store,value,sales\n2022-01-01,A,7,1\n2022-01-01,B,8,2\n"
                              "2022-01-02,A,9,3\n2022-01-02,B,6,4\n")),
              ElementsAre(values({7, 9}), values({8, 6})));
  EXPECT_THAT(notes_.remarks,
              Contains("value is forecast, although sales has a usual name, too: --data.targets "
                       "sales chooses it"));
  CatalogSpec s = spec("unique_id,ds,y,sales\nA,2022-01-01,1,9\nA,2022-01-02,2,9\n");
  s.past = {"sales"};
  build(s);
  EXPECT_THAT(notes_.remarks, IsEmpty()) << "an input is no choice";

  EXPECT_EQ(build("timestamp,date,sales\n2022-01-02 05:00,2022-01-01,1\n"
                  "2022-01-03 05:00,2022-01-02,2\n")
                .date(0, 0),
            "2022-01-02 05:00:00");
  EXPECT_THAT(notes_.remarks,
              Contains("the time is taken from the column timestamp, although date has a usual "
                       "name and holds dates, too: --data.time date chooses it"));
}

TEST_F(CatalogBuild, AColumnThatNumbersTheRowsIsNotProposedAsAnId) {
  std::string csv = "row_id,date,country,store,product,sold\n";
  int row = 0;
  for (const char* day : {"2022-01-01", "2022-01-02"}) {
    for (const char* country : {"FI", "NO"}) {
      for (const char* store : {"Mart", "Rama"}) {
        for (const char* product : {"Mug", "Hat"}) {
          csv += fmt::format("{},{},{},{},{},{}\n", row, day, country, store, product, 100 + row);
          ++row;
        }
      }
    }
  }
  EXPECT_EQ(error(spec(csv)),
            "a.csv: several columns could name the series: store, product; rows repeat for one "
            "time; store, product and country together are unique: --data.id "
            "store,product,country");
}

TEST_F(CatalogBuild, AFlagOfAFewRowsIsNoId) {
  std::string csv = "product_id,created_at,amount,op\n";
  for (int day = 1; day <= 28; ++day) {
    for (const char* product : {"P", "Q"}) {
      csv += fmt::format("{},2022-02-{:02},{},I\n", product, day, day);
    }
  }
  EXPECT_THAT(error(spec(csv + "P,2022-02-07,70,U\nQ,2022-02-09,90,D\n")),
              AllOf(HasSubstr("2 of 58 rows repeat a time of their series, and 'op' would make "
                              "series of hardly any rows: --data.duplicates last keeps the later "
                              "row of the file; else"),
                    testing::Not(HasSubstr("--data.id"))));
  CatalogSpec last = spec(csv + "P,2022-02-07,70,U\\n");
  last.duplicates = DuplicatePolicy::last;
  EXPECT_EQ(build(last).values(0, 0)[6], 70) << "as proposed";
  for (int day = 1; day <= 28; ++day) csv += fmt::format("P,2022-02-{:02},5,U\n", day);
  EXPECT_THAT(error(spec(csv)), HasSubstr("--data.id product_id,op; else"))
      << "28 rows are a series";
}

TEST_F(CatalogBuild, AnIdAboveABlockOfRowsIsToBeFilledDown) {
  const std::string rows =
      "North,2022-01-01,1\n,2022-01-02,2\n,2022-01-03,3\nSouth,2022-01-01,4\n,2022-01-02,5\n"
      ",2022-01-03,6\n";
  EXPECT_THAT(error(spec("Region,Date,Sales\n" + rows)),
              HasSubstr("'Region' has a value in 2 of 6 rows, each above a block: fill it down in "
                        "the file, so that every row has its own; else"));
  EXPECT_THAT(error(spec("Store,Date,Sales\n" + rows)),
              HasSubstr("a.csv:3:Store: the id is missing; 2 of 6 rows have one: if each stands "
                        "above a block, fill it down; else fill the cell"));
}

TEST_F(CatalogBuild, WholeNumbersWithAPointAreTheIdsWithoutIt) {
  CatalogSpec s = spec(
      "store,date,sales\n1.0,2022-01-01,1\n2.0,2022-01-01,2\n1.0,2022-01-02,3\n2.0,2022-01-02,4"
      "\n");
  EXPECT_THAT(build(s).ids(), ElementsAre("1", "2"));
  s.future = {"promo"};
  s.future_files = {file("future.csv",
                         "store,date,promo\n1,2022-01-01,5\n2,2022-01-01,6\n1,2022-01-02,7\n"
                         "2,2022-01-02,8\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({5, 7}), values({6, 8})));
  EXPECT_THAT(build("store,date,sales\n1.0,2022-01-01,1\n1.5,2022-01-01,2\n1.0,2022-01-02,3\n"
                    "1.5,2022-01-02,4\n")
                  .ids(),
              ElementsAre("1.0", "1.5"))
      << "a version is no whole number";

  write_table(path("floats.parquet"),
              {{.name = "store", .numbers = {1, 2, 1, 2}},
               {.name = "date", .text = {"2022-01-01", "2022-01-01", "2022-01-02", "2022-01-02"}},
               {.name = "sales", .numbers = {1, 2, 3, 4}}});
  const Catalog floats = build(spec_of(path("floats.parquet")));
  EXPECT_THAT(floats.ids(), ElementsAre("1", "2"));
  EXPECT_THAT(series_of(floats), ElementsAre(values({1, 3}), values({2, 4})));
}

TEST_F(CatalogBuild, DatesOfAnotherFormThanIsoAreDates) {
  EXPECT_EQ(error(spec("Zeitraum,Umsatz\n30.12.2024,1\n31.12.2024,2\n01.01.2025,3\n")),
            "a.csv:2:Zeitraum: '30.12.2024' is not a time in ISO 8601; all times here fit "
            "%d.%m.%Y: set it by --data.time_format '%d.%m.%Y'");
  CatalogSpec s = spec("Zeitraum,Umsatz\n30.12.2024,1\n31.12.2024,2\n01.01.2025,3\n");
  s.time_format = "%d.%m.%Y";
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3})));
  EXPECT_THAT(error(spec("von,bis,kWh\n30.12.2024,31.12.2024,1\n31.12.2024,01.01.2025,2\n")),
              HasSubstr("several columns hold dates: von, bis; say which one is the time of a row: "
                        "--data.time von"));
  CatalogSpec hours = spec("Datum,Stunde,kWh\n30.12.2024,0,1\n30.12.2024,1,2\n31.12.2024,0,3\n");
  hours.time_format = "%d.%m.%Y";
  EXPECT_THAT(error(hours),
              HasSubstr("'Datum' and 'Stunde' together are the time: --data.time Datum,Stunde"));
  EXPECT_THAT(error(spec("Zeitraum,Umsatz\n30.12.2024,1\n31.12.2024,2\nSumme,3\n")),
              HasSubstr("all times here fit %d.%m.%Y"));
}

TEST_F(CatalogBuild, ANameWithACommaIsProposedByItsPlace) {
  const std::string rows =
      "2022-01-01,A,x,1\n2022-01-01,A,y,2\n2022-01-01,B,x,3\n2022-01-02,A,x,4\n"
      "2022-01-02,A,y,5\n2022-01-02,B,x,6\n";
  CatalogSpec s = spec("Date,\"Store, No\",\"Item, No\",Sales\n" + rows);
  EXPECT_THAT(error(s), HasSubstr("'Store, No' and 'Item, No' together are unique: --data.id "
                                  "'#1,#2'"));
  s.id = {"#1", "#2"};
  EXPECT_THAT(build(s).ids(), ElementsAre("A/x", "A/y", "B/x"));
  EXPECT_THAT(error(spec("\"a, b\",\"c, d\",sales\n2022-01-01,2022-01-03,1\n"
                         "2022-01-02,2022-01-04,2\n")),
              HasSubstr("say which one is the time of a row: --data.time '#0'"));
}

TEST_F(CatalogBuild, AnIdOfWordsThatChangesFromTimeToTimeIsAskedAboutByFlags) {
  EXPECT_EQ(error(spec("shop,closed_at,gross\nMitte,2022-01-01,1\nNord,2022-01-02,2\n"
                       "Mitte,2022-01-03,3\n")),
            "a.csv: 'shop' has the name of an id, but each time has one row only; if it names 2 "
            "series: --data.id shop; if all rows are of one series: --data.layout columns");
  EXPECT_THAT(error(spec("date,store,online\n2022-01-01,5,1\n2022-01-02,6,2\n")),
              HasSubstr("if it holds values: --data.layout columns"));
}

}  // namespace
}  // namespace sluice
