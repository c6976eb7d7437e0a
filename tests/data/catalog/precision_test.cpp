// Values keep their digits from the file to the catalogue.
#include "data/catalog/precision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/data/check.hpp"

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;

class CatalogPrecision : public CatalogBuild {
 protected:
  /// What the file says, as far as the catalogue keeps it.
  static std::vector<double> kept(const Catalog& catalog, std::int64_t s = 0, int m = 0) {
    std::vector<double> all;
    for (const float value : catalog.values(m, s)) {
      all.push_back(static_cast<double>(value) + catalog.value_offset(m, s));
    }
    return all;
  }
};

constexpr const char* kMeter =
    "unique_id,ds,y\nA,2023-01-01,1600000001\nA,2023-01-02,1600000004\nA,2023-01-03,1600000005\n"
    "A,2023-01-04,1600000010\nB,2023-01-01,3\nB,2023-01-02,0\nB,2023-01-03,7\nB,2023-01-04,5\n";

TEST_F(CatalogPrecision, ACounterKeepsItsStepsAndOthersStayAsTheyAre) {
  const Catalog catalog = build(kMeter);
  EXPECT_THAT(kept(catalog, 0), ElementsAre(1600000001, 1600000004, 1600000005, 1600000010));
  // The range is 9, of which the next power of two, 16, is left below the least value.
  EXPECT_EQ(catalog.value_offset(0, 0), 1600000001 - 16);
  EXPECT_THAT(catalog.values(0, 0), values({16, 19, 20, 25}));
  EXPECT_EQ(catalog.value_offset(0, 1), 0);
  EXPECT_THAT(catalog.values(0, 1), values({3, 0, 7, 5}));
}

TEST_F(CatalogPrecision, AConstantComesBackAsItIs) {
  const Catalog catalog = build(
      "unique_id,ds,y\nA,2023-01-01,16777217\nA,2023-01-02,16777217\nB,2023-01-01,0.1\n"
      "B,2023-01-02,0.1\nC,2023-01-01,16777216\nC,2023-01-02,16777216\n");
  EXPECT_THAT(kept(catalog, 0), ElementsAre(16777217, 16777217));
  EXPECT_EQ(catalog.value_offset(0, 1), 0) << "0.1 is written as a float writes it";
  EXPECT_EQ(catalog.value_offset(0, 2), 0) << "a float holds 2^24";
}

TEST_F(CatalogPrecision, ValuesThatFloatsHoldHaveNoOffset) {
  EXPECT_EQ(
      build("unique_id,ds,y\nA,2023-01-01,123456.78\nA,2023-01-02,134567.89\n").value_offset(0, 0),
      0);
  EXPECT_EQ(
      build("unique_id,ds,y\nA,2023-01-01,16000000\nA,2023-01-02,16000001\n").value_offset(0, 0),
      0);
  EXPECT_EQ(build("unique_id,ds,y\nA,2023-01-01,-1600000000\nA,2023-01-02,1600000003\n")
                .value_offset(0, 0),
            0)
      << "no offset helps";
}

TEST_F(CatalogPrecision, NegativeValuesStayNegativeAndMissingOnesMissing) {
  const Catalog catalog =
      build("unique_id,ds,y\nA,2023-01-01,-1600000001\nA,2023-01-02,\nA,2023-01-03,-1600000004\n");
  EXPECT_EQ(catalog.value_offset(0, 0), -1600000001 + 4);
  EXPECT_THAT(catalog.values(0, 0), values({-4, kNone, -7}));
}

TEST_F(CatalogPrecision, DecimalsKeepTheirCents) {
  const Catalog catalog =
      build("unique_id,ds,y\nA,2023-01-01,1234567.89\nA,2023-01-02,1234567.94\n");
  EXPECT_NEAR(kept(catalog)[0], 1234567.89, 1e-6);
  EXPECT_NEAR(kept(catalog)[1], 1234567.94, 1e-6);
}

TEST_F(CatalogPrecision, EveryLayoutAndTargetKeepsThem) {
  const Catalog columns =
      build("ds,A,B\n2023-01-01,3,1600000001\n2023-01-02,0,1600000004\n2023-01-03,7,1600000005\n");
  EXPECT_THAT(kept(columns, 1), ElementsAre(1600000001, 1600000004, 1600000005));
  EXPECT_EQ(columns.value_offset(0, 0), 0);
  const Catalog rows =
      build("name,2023-01-01,2023-01-02,2023-01-03\nA,3,0,7\nB,,1600000001,1600000004\n");
  EXPECT_THAT(kept(rows, 1), ElementsAre(1600000001, 1600000004));
  CatalogSpec tsf = spec_of(file("a.tsf",
                                 "@attribute series_name string\n@frequency daily\n@data\n"
                                 "A:3,0,7\nB:1600000001,1600000004\n"));
  EXPECT_THAT(kept(build(tsf), 1), ElementsAre(1600000001, 1600000004));
  CatalogSpec two =
      spec("unique_id,ds,a,b\nA,2023-01-01,1,1600000001\nA,2023-01-02,2,1600000004\n");
  two.targets = {"b", "a"};
  const Catalog both = build(two);
  EXPECT_THAT(kept(both, 0, 0), ElementsAre(1600000001, 1600000004));
  EXPECT_EQ(both.value_offset(1, 0), 0);
}

TEST_F(CatalogPrecision, WhatDataEndCutsOffDoesNotCount) {
  CatalogSpec s = spec(std::string(kMeter) + "A,2023-01-05,1000000\nA,2023-01-06,1000003\n");
  s.end = "2023-01-04";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.value_offset(0, 0), 1600000001 - 16);
  EXPECT_THAT(std::vector<double>(kept(catalog)).front(), 1600000001);
  s.duplicates = DuplicatePolicy::sum;
  s.aggregate = "D";
  EXPECT_EQ(build(s).value_offset(0, 0), 1600000001 - 16);
}

TEST_F(CatalogPrecision, WhatDataEndCutsOffDoesNotCountWhereARowIsASeries) {
  // With the last two values, a series that jumps by more than it is wide has no offset.
  CatalogSpec s = spec(
      "id,2023-01-01,2023-01-02,2023-01-03,2023-01-04,2023-01-05\n"
      "A,1600000001,1600000004,1600000002,5,7\n");
  s.end = "2023-01-03";
  // The range of what is left is 3, and 4 the next power of two.
  EXPECT_EQ(build(s).value_offset(0, 0), 1600000001 - 4);
  EXPECT_THAT(series_of(build(s)).front(), values({4, 7, 5, kNone, kNone}));
  const std::filesystem::path tsf =
      file("t.tsf",
           "@relation x\n@attribute series_name string\n@attribute start_timestamp date\n"
           "@frequency daily\n@data\n"
           "A:2023-01-01 00-00-00:1600000001,1600000004,1600000002,5,7\n");
  CatalogSpec lists = spec_of(tsf);
  lists.end = "2023-01-03";
  EXPECT_EQ(build(lists).value_offset(0, 0), 1600000001 - 4);
  EXPECT_THAT(series_of(build(lists)).front(), values({4, 7, 5, kNone, kNone}));
}

TEST_F(CatalogPrecision, AnInputThatLosesItsStepsIsTold) {
  CatalogSpec s = spec(
      "unique_id,ds,y,x,z\nA,2023-01-01,1,67108864,3\nA,2023-01-02,2,67108867,4\n"
      "A,2023-01-03,3,67108864,5\n");
  s.targets = {"y"};
  s.past = {"x", "z"};
  build(s);
  EXPECT_THAT(notes_.remarks, testing::Contains(HasSubstr("column 'x': its values are so large")));
  EXPECT_THAT(notes_.remarks, Each(testing::Not(HasSubstr("'z': its values"))));
  // Where a later value, which data.end cuts off, would have hidden it.
  CatalogSpec cut = spec(
      "unique_id,ds,y,x\nA,2023-01-01,1,67108864\nA,2023-01-02,2,67108867\n"
      "A,2023-01-03,3,67108864\nA,2023-01-04,3,0\n");
  cut.targets = {"y"};
  cut.past = {"x"};
  cut.end = "2023-01-03";
  build(cut);
  EXPECT_THAT(notes_.remarks, testing::Contains(HasSubstr("column 'x': its values are so large")));
}

TEST_F(CatalogPrecision, AnInputOfAFileBesideTheDataThatLosesItsStepsIsTold) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2023-01-01,1\nA,2023-01-02,2\n");
  s.future = {"x", "z"};
  const std::string first = "A,2023-01-01,67108864,3\nA,2023-01-02,67108867,4\n";
  const std::string ahead = "A,2023-01-03,67108864,5\nA,2023-01-04,67108869,6\n";
  s.future_files = {file("f.csv", "unique_id,ds,x,z\n" + first + ahead)};
  build(s);
  EXPECT_THAT(notes_.remarks, testing::Contains(HasSubstr("column 'x': its values are so large")));
  EXPECT_THAT(notes_.remarks, Each(testing::Not(HasSubstr("'z': its values"))));
  s.duplicates = DuplicatePolicy::mean;
  s.future_files = {file("f.csv", "unique_id,ds,x,z\n" + first + first + ahead)};
  build(s);
  EXPECT_THAT(notes_.remarks, testing::Contains(HasSubstr("column 'x': its values are so large")));
}

TEST_F(CatalogPrecision, ACheckCountsWhatTheFileSays) {
  const Catalog catalog = build(kMeter);
  const DataCheck check = check_catalog(catalog);
  EXPECT_EQ(check.zeros, 1);
  EXPECT_EQ(check.negatives, 0);
  CatalogSpec s = spec(
      "unique_id,ds,y\nA,2023-01-01,1600000001\nA,2023-01-02,1600000004\nA,2023-01-04,"
      "1600000005\n");
  s.gaps = GapPolicy::zero;
  const Catalog zeros = build(s);
  EXPECT_EQ(zeros.value_offset(0, 0), 0);
  EXPECT_EQ(zeros.values(0, 0)[2], 0);
  EXPECT_EQ(zeros.values(0, 0)[0], 1600000001.0f);
}

TEST_F(CatalogPrecision, SumsAreThoseOfTheNumbersInTheFile) {
  std::string csv = "unique_id,ds,y\nA,2024-01-01,50\n";
  for (int row = 0; row < 10'000; ++row) csv += "A,2024-01-02,0.10\n";
  CatalogSpec s = spec(csv);
  s.duplicates = DuplicatePolicy::sum;
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({50, 1000})));
  // The first number is lost beside the second one unless what rounding takes off is kept.
  CatalogSpec far = spec(
      "unique_id,ds,y\nA,2024-01-01,3\nA,2024-01-01,1e17\nA,2024-01-01,-1e17\n"
      "A,2024-01-02,5\n");
  far.duplicates = DuplicatePolicy::sum;
  EXPECT_THAT(series_of(build(far)), ElementsAre(values({3, 5})));
}

TEST_F(CatalogPrecision, SumsAndMeansOfRowsKeepTheirSteps) {
  // Two meters of a house: 800,000,001 + 800,000,000 and so on.
  const std::string csv =
      "unique_id,ds,y\nA,2023-01-01,800000001\nA,2023-01-01,800000000\nA,2023-01-02,800000003\n"
      "A,2023-01-02,800000001\nA,2023-01-03,800000005\nA,2023-01-03,800000006\n";
  CatalogSpec s = spec(csv);
  s.duplicates = DuplicatePolicy::sum;
  EXPECT_THAT(kept(build(s)), ElementsAre(1600000001, 1600000004, 1600000011));
  EXPECT_THAT(notes_.remarks, IsEmpty());
  s.duplicates = DuplicatePolicy::mean;
  EXPECT_THAT(kept(build(s)), ElementsAre(800000000.5, 800000002, 800000005.5));
  s.duplicates = DuplicatePolicy::error;
  s.aggregate = "D";
  EXPECT_THAT(kept(build(s)), ElementsAre(1600000001, 1600000004, 1600000011));
  s.aggregate_by = {"y=max"};
  EXPECT_THAT(kept(build(s)), ElementsAre(800000001, 800000003, 800000006));
}

TEST_F(CatalogPrecision, ASumThatIsTooLargeIsAnError) {
  CatalogSpec s = spec(
      "unique_id,ds,y\nA,2023-01-01,1\nB,2023-01-01,1\nB,2023-01-02,3e38\nB,2023-01-02,3e38\n");
  s.duplicates = DuplicatePolicy::sum;
  EXPECT_THAT(error(s), HasSubstr("a.csv: the rows of series 'B' 2023-01-02 make 6e+38 of 'y', "
                                  "which is too large (beyond 3.4e38); correct them"));
}

}  // namespace
}  // namespace sluice
