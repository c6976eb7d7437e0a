// Rows that the program makes carry nothing about the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class CatalogGaps : public CatalogBuild {
 protected:
  /// Two days without a sale between four with one.
  CatalogSpec sales() {
    CatalogSpec s = spec(
        "unique_id,ds,y,price\nA,2022-01-01,1,10\nA,2022-01-02,2,20\nA,2022-01-05,5,50\n"
        "A,2022-01-06,6,60\n");
    s.gaps = GapPolicy::zero;
    return s;
  }
};

TEST_F(CatalogGaps, AnInputThatIsMissingOnlyWhereTargetsWereMadeUpIsAnError) {
  CatalogSpec s = sales();
  s.future = {"price"};
  EXPECT_EQ(
      error(s),
      "a.csv: price is missing in 2 of 2 steps without a row (the first one: A 2022-01-03) and in "
      "no row of the data, so that it would tell the target, which data.gaps = \"zero\" made up "
      "there; give it for all steps in path.future, which may reach back into the history, or say "
      "what it is there: data.covariate_gaps = [\"price=forward_fill\"] (a price holds until it "
      "changes) or \"price=zero\", or name it in data.past, if it is not known ahead");
  s.gaps = GapPolicy::missing;
  EXPECT_THAT(build(s).values(1, 0), values({10, 20, kNone, kNone, 50, 60})) << "nothing made up";
}

TEST_F(CatalogGaps, APastInputIsNotSeenOverTheHorizonAndStaysMissing) {
  CatalogSpec s = sales();
  s.past = {"price"};
  EXPECT_THAT(build(s).values(1, 0), values({10, 20, kNone, kNone, 50, 60}));
}

TEST_F(CatalogGaps, EachInputFollowsItsRule) {
  CatalogSpec s = sales();
  s.future = {"price"};
  const auto with = [&](std::vector<std::string> rules) {
    s.covariate_gaps = std::move(rules);
    const Catalog catalog = build(s);
    EXPECT_THAT(catalog.values(0, 0), values({1, 2, 0, 0, 5, 6}));
    return series_of(catalog, 1)[0];
  };
  EXPECT_THAT(with({"forward_fill"}), values({10, 20, 20, 20, 50, 60}));
  EXPECT_THAT(notes_.remarks, Contains("price: 2 steps without a row are the value before "
                                       "(data.covariate_gaps)"));
  EXPECT_THAT(with({"price=zero"}), values({10, 20, 0, 0, 50, 60}));
  EXPECT_THAT(with({"zero", "price=missing"}), values({10, 20, kNone, kNone, 50, 60}));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("price is missing in 2 of 2 steps without a row "
                                                 "and so tells the target")));
  s.gaps = GapPolicy::missing;
  s.covariate_gaps = {"price=error"};
  EXPECT_THAT(error(s), HasSubstr("price is missing in 2 of 2 steps without a row"));
}

TEST_F(CatalogGaps, AValueThatHoldsIsTheLastKnownOne) {
  CatalogSpec s = spec(
      "unique_id,ds,y,price\nA,2022-01-01,1,10\nA,2022-01-02,2,\nA,2022-01-04,5,50\n"
      "B,2022-01-01,1,\nB,2022-01-03,1,7\n");
  s.gaps = GapPolicy::zero;
  s.end = "series";
  s.future = {"price"};
  s.covariate_gaps = {"forward_fill"};
  EXPECT_THAT(series_of(build(s), 1),
              ElementsAre(values({10, kNone, 10, 50}), values({kNone, kNone, 7})))
      << "an empty cell of a row stays one, and no series takes a value of another";
}

TEST_F(CatalogGaps, AFutureFileThatReachesBackGivesTheInputs) {
  CatalogSpec s = sales();
  s.future = {"price"};
  s.future_files = {
      file("f.csv", "unique_id,ds,price\nA,2022-01-03,30\nA,2022-01-04,40\nA,2022-01-07,70\n")};
  EXPECT_THAT(build(s).values(1, 0), values({10, 20, 30, 40, 50, 60, 70}));
  s.future_files = {file("g.csv", "unique_id,ds,price\nA,2022-01-03,30\nA,2022-01-07,70\n")};
  EXPECT_THAT(error(s), HasSubstr("price is missing in 1 of 2 steps without a row (the first one: "
                                  "A 2022-01-04)"));
}

TEST_F(CatalogGaps, AnInputThatIsAsOftenMissingInRowsTellsNothing) {
  CatalogSpec s = spec(
      "unique_id,ds,y,price\nA,2022-01-01,1,10\nA,2022-01-02,2,\nA,2022-01-04,5,\n"
      "A,2022-01-06,6,60\n");
  s.frequency = "D";
  s.gaps = GapPolicy::zero;
  s.future = {"price"};
  // Without values of the two steps: missing in all of them and in half of the rows.
  EXPECT_THAT(error(s), HasSubstr("price is missing in 2 of 2 steps without a row (the first one: "
                                  "A 2022-01-03) and in 2 of 4 rows of the data"));
  s.future_files = {file("f.csv", "unique_id,ds,price\nA,2022-01-03,30\n")};
  EXPECT_THAT(build(s).values(1, 0), values({10, kNone, 30, kNone, kNone, 60}));
}

TEST_F(CatalogGaps, ForwardFilledTargetsAreMadeUpToo) {
  CatalogSpec s = sales();
  s.gaps = GapPolicy::forward_fill;
  s.future = {"price"};
  EXPECT_THAT(build(s).values(1, 0), values({10, 20, 20, 20, 50, 60}));
  s.future = {"promo"};  // which only the other file has, and only for the rows
  s.covariate_gaps = {"missing"};
  s.future_files = {file("f.csv",
                         "unique_id,ds,promo\nA,2022-01-01,1\nA,2022-01-02,1\nA,2022-01-05,0\n"
                         "A,2022-01-06,0\n")};
  EXPECT_THAT(build(s).values(1, 0), values({1, 1, kNone, kNone, 0, 0}));
  s.covariate_gaps = {"error"};
  EXPECT_THAT(error(s), HasSubstr("promo is missing in 2 of 2 steps without a row"));
}

TEST_F(CatalogGaps, ARuleForAnUnknownColumnOrOfAnUnknownWordIsRefused) {
  CatalogSpec s = sales();
  s.future = {"price"};
  s.covariate_gaps = {"prise=zero"};
  EXPECT_EQ(config_error(s),
            "data.covariate_gaps names 'prise', which is no past or future column; these are: "
            "price");
  s.covariate_gaps = {"price=interpolate"};
  EXPECT_EQ(config_error(s),
            "data.covariate_gaps has \"price=interpolate\"; it takes auto, forward_fill, zero, "
            "missing or error, for all columns, or for one: \"price=forward_fill\"");
}

TEST_F(CatalogGaps, AnEmptyCellOfAWideFileIsAStepWithoutARow) {
  CatalogSpec s = spec("ds,a,b,h\n2022-01-01,1,2,0\n2022-01-02,,3,1\n2022-01-04,4,,0\n");
  s.targets = {"a", "b"};
  s.future = {"h"};
  s.gaps = GapPolicy::zero;
  s.covariate_gaps = {"forward_fill"};
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 0, 0, 4}), values({2, 3, 0, 0})));
  EXPECT_THAT(catalog.values(1, 0), values({0, 1, 1, 0}));
}

}  // namespace
}  // namespace sluice
