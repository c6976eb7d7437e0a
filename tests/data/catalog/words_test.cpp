// Channels of words: holidays, kinds of promotions.
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

class Words : public CatalogBuild {
 protected:
  /// Four days of two series; the state holiday is 0, a, b or c.
  CatalogSpec holidays() {
    CatalogSpec s = spec(
        "unique_id,ds,y,holiday,promo\nA,2024-01-01,1,0,False\nA,2024-01-02,2,c,True\n"
        "A,2024-01-03,3,,True\nB,2024-01-01,4,a,False\nB,2024-01-02,5,0,True\n");
    s.future_categories = {"holiday"};
    return s;
  }
};

TEST_F(Words, BecomeCodesOfASortedVocabularyWithUnknownForMissingCells) {
  const Catalog catalog = build(holidays());
  ASSERT_EQ(catalog.categories().size(), 1u);
  const CategoryChannelView& holiday = catalog.categories()[0];
  EXPECT_EQ(holiday.name, "holiday");
  EXPECT_EQ(holiday.role, Role::future);
  EXPECT_THAT(holiday.vocabulary, ElementsAre("unknown", "0", "a", "c"));
  EXPECT_THAT(holiday.codes, ElementsAre(1, 3, 0, 2, 1));
  EXPECT_THAT(check_text(catalog, notes_, check_catalog(catalog), "a.csv"),
              HasSubstr("future      holiday (3 kinds)\n"));
}

TEST_F(Words, ComeFromTheFutureFileToo) {
  CatalogSpec s = holidays();
  s.future_files = {file("f.csv",
                         "unique_id,ds,holiday\nA,2024-01-03,b\nA,2024-01-04,a\nB,2024-01-02,c\n"
                         "B,2024-01-03,b\n")};
  const Catalog catalog = build(s);
  const CategoryChannelView& holiday = catalog.categories()[0];
  EXPECT_THAT(holiday.vocabulary, ElementsAre("unknown", "0", "a", "b", "c"));
  EXPECT_THAT(holiday.codes, ElementsAre(1, 4, 3, 2, 2, 1, 3));
  EXPECT_THAT(notes_.remarks,
              Contains(HasSubstr("f.csv: 1 of its values of 'holiday' differs from the data's own "
                                 "(the first: B 2024-01-02, 'c' there and '0' in the data)")));
  EXPECT_EQ(notes_.future_coverage, "2 of 2 series, 2024-01-03 .. 2024-01-04 (1 end before)");
}

TEST_F(Words, MayBeInTheFutureFileOnlyAndHoldForAll) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2024-01-01,1\nA,2024-01-02,2\nB,2024-01-01,4\n");
  s.future_categories = {"event"};
  s.future_files = {file("e.csv", "ds,event\n2024-01-01,New Year\n2024-01-03,Sale\n")};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.categories()[0].vocabulary, ElementsAre("unknown", "New Year", "Sale"));
  EXPECT_THAT(catalog.categories()[0].codes, ElementsAre(1, 0, 2, 1, 0, 2));
}

TEST_F(Words, AreReadAsTheyAreWritten) {
  CatalogSpec s = spec("unique_id,ds,y,e,w\nA,2024-01-01,1,01,1.0\nA,2024-01-02,2,1,unknown\n");
  s.future_categories = {"e"};
  s.past_categories = {"#4"};
  const Catalog catalog = build(s);
  ASSERT_EQ(catalog.categories().size(), 2u);
  EXPECT_EQ(catalog.categories()[0].role, Role::past) << "past ones come first";
  EXPECT_THAT(catalog.categories()[0].vocabulary, ElementsAre("unknown", "1.0"));
  EXPECT_THAT(catalog.categories()[0].codes, ElementsAre(1, 0)) << "'unknown' is code 0";
  EXPECT_THAT(catalog.categories()[1].vocabulary, ElementsAre("unknown", "01", "1"));
}

TEST_F(Words, HaveOneRoleAndTheFutureOneWins) {
  CatalogSpec s = holidays();
  s.past_categories = {"holiday", "promo"};
  const Catalog catalog = build(s);
  ASSERT_EQ(catalog.categories().size(), 2u);
  EXPECT_EQ(catalog.categories()[0].name, "promo");
  EXPECT_EQ(catalog.categories()[1].role, Role::future);
  s = holidays();
  s.future = {"promo"};
  s.future_categories = {"promo"};
  EXPECT_EQ(error(s),
            "a.csv: column 'promo' is both in data.future_categories and in data.future; name it "
            "in one of them");
}

TEST_F(Words, InAColumnOfNumbersAreSentToTheSettingThatTakesThem) {
  CatalogSpec s = holidays();
  s.future_categories = {};
  s.future = {"holiday"};
  EXPECT_EQ(error(s),
            "a.csv:3:holiday: 'c' is a word, and data.future takes numbers: name the column in "
            "data.future_categories (words), or add the word to data.missing if it means no value");
  s.future = {};
  s.past = {"holiday"};
  EXPECT_THAT(error(s), HasSubstr("name the column in data.past_categories (words)"));
  s.past = {};
  s.static_categories = {"holiday"};
  EXPECT_THAT(error(s),
              HasSubstr("name the column in data.past_categories or data.future_categories"));
  s.static_categories = {};
  s.future = {"promo"};
  EXPECT_THAT(build(s).values(1, 0), values({0, 1, 1})) << "true and false are numbers";
  s = spec("unique_id,ds,y,x\nA,2024-01-01,1,1.5\nA,2024-01-02,2,abc\nA,2024-01-03,2,2.5\n");
  s.future = {"x"};
  EXPECT_THAT(error(s), HasSubstr("a.csv:3:x: 'abc' is not a number; correct the cell"))
      << "one wrong cell does not make a column of words";
  s = spec("unique_id,ds,y,x\nA,2024-01-01,1,1\nA,2024-01-02,2,1\n");
  s.future = {"x"};
  s.future_files = {file("f.csv", "unique_id,ds,x\nA,2024-01-03,big\n")};
  EXPECT_THAT(error(s), HasSubstr("f.csv:2:x: 'big' is a word, and data.future takes numbers"));
}

TEST_F(Words, OfStepsWithoutARowFollowCovariateGaps) {
  CatalogSpec s = spec(
      "unique_id,ds,y,e\nA,2024-01-01,1,a\nA,2024-01-04,2,\nA,2024-01-06,2,b\nB,2024-01-01,1,b\n");
  s.frequency = "D";
  s.future_categories = {"e"};
  const auto codes = [&](GapPolicy gaps, std::vector<std::string> words) {
    s.gaps = gaps;
    s.covariate_gaps = std::move(words);
    const Catalog catalog = build(s);
    const auto& all = catalog.categories()[0].codes;
    return std::vector<std::int32_t>(all.begin(), all.begin() + 6);
  };
  EXPECT_THAT(codes(GapPolicy::missing, {"auto"}), ElementsAre(1, 0, 0, 0, 0, 2));
  EXPECT_THAT(codes(GapPolicy::missing, {"forward_fill"}), ElementsAre(1, 1, 1, 0, 1, 2));
  EXPECT_THAT(codes(GapPolicy::forward_fill, {"auto"}), ElementsAre(1, 1, 1, 0, 1, 2));
  EXPECT_THAT(codes(GapPolicy::forward_fill, {"e=missing"}), ElementsAre(1, 0, 0, 0, 0, 2));
  s.gaps = GapPolicy::missing;
  s.covariate_gaps = {"forward_fill", "e=error"};
  EXPECT_THAT(error(s), HasSubstr("a.csv: e is missing in 3 of 3 steps without a row (the first "
                                  "one: A 2024-01-02)"));
}

TEST_F(Words, MayNotTellTheModelWhichTargetsWereFilledWithZero) {
  CatalogSpec s = spec("unique_id,ds,y,e\nA,2024-01-01,1,a\nA,2024-01-03,2,b\n");
  s.frequency = "D";
  s.future_categories = {"e"};
  s.gaps = GapPolicy::zero;
  s.covariate_gaps = {"auto"};
  EXPECT_THAT(error(s),
              HasSubstr("a.csv: e is missing in 1 of 1 step without a row (the first one: "
                        "A 2024-01-02) and in no row of the data, so that it would tell "
                        "the target"));
  s.future_files = {file("f.csv", "unique_id,ds,e\nA,2024-01-02,a\n")};
  EXPECT_THAT(build(s).categories()[0].codes, ElementsAre(1, 1, 2));
}

TEST_F(Words, OfSeveralRowsOfOneStepFollowDuplicates) {
  CatalogSpec s = spec(
      "unique_id,ds,y,e\nA,2024-01-01,1,\nA,2024-01-01,1,a\nA,2024-01-01,1,b\nA,2024-01-02,2,a\n");
  s.past_categories = {"e"};
  const auto codes = [&](DuplicatePolicy policy) {
    s.duplicates = policy;
    const Catalog catalog = build(s);
    const auto all = catalog.categories()[0].codes;
    return std::vector<std::int32_t>(all.begin(), all.end());
  };
  EXPECT_THAT(codes(DuplicatePolicy::first), ElementsAre(0, 1));
  EXPECT_THAT(codes(DuplicatePolicy::last), ElementsAre(2, 1));
  EXPECT_THAT(codes(DuplicatePolicy::sum), ElementsAre(1, 1));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("a.csv: 1 rows have another 'e' than the first")));
}

TEST_F(Words, HoldForAllSeriesSideBySideAndAreNoTargets) {
  CatalogSpec s = spec("ds,a,b,e\n2024-01-01,1,,1\n2024-01-02,3,4,2\n2024-01-03,5,6,1\n");
  s.future_categories = {"e"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("a", "b"));
  EXPECT_THAT(catalog.categories()[0].vocabulary, ElementsAre("unknown", "1", "2"));
  EXPECT_THAT(catalog.categories()[0].codes, ElementsAre(1, 2, 1, 2, 1)) << "b begins a day later";
}

TEST_F(Words, HaveNoPlaceWhereARowIsASeries) {
  CatalogSpec s = spec("id,e,v1,v2\nA,x,1,2\nB,y,3,4\n");
  s.layout = Layout::rows;
  s.past_categories = {"e"};
  EXPECT_THAT(error(s),
              HasSubstr("past and future channels have no place where a row is a series"));
}

}  // namespace
}  // namespace sluice
