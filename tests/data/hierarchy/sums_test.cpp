// Sums of series as series: what they hold, what they are called, and what is refused.
#include "data/hierarchy/sums.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sluice/base/error.hpp"
#include "sluice/data/check.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using testing::kMissing;

/// Four series of stores A1, A2 (state A) and B1, of foods and toys, of five days.
CatalogParts shops() {
  CatalogParts parts = testing::daily_parts(
      {{1, 2, 3, 4, 5}, {10, 20, 30, 40, 50}, {100, 200, 300, 400, 500}, {7, 7, 7, 7, 7}});
  parts.static_categories.push_back({"state", {"unknown", "A", "B"}, {1, 1, 1, 2}});
  parts.static_categories.push_back({"store", {"unknown", "A1", "A2", "B1"}, {1, 1, 2, 3}});
  parts.static_categories.push_back({"cat", {"unknown", "foods", "toys"}, {1, 2, 1, 1}});
  return parts;
}

Catalog summed(CatalogParts parts, const std::vector<std::string>& groups,
               CatalogNotes* notes = nullptr) {
  CatalogNotes unused;
  return with_sums(Catalog(std::move(parts)), groups, notes != nullptr ? *notes : unused);
}

std::int64_t series_of(const Catalog& catalog, const std::string& id) {
  return std::find(catalog.ids().begin(), catalog.ids().end(), id) - catalog.ids().begin();
}

template <typename E, typename Do>
std::string message(Do&& run) {
  try {
    run();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Sums, ThatTheirSeriesDifferIsNoKindOfACategory) {
  CatalogNotes notes;
  const Catalog c = summed(shops(), {"total", "state"}, &notes);
  EXPECT_THAT(c.static_categories()[1].vocabulary,
              ElementsAre("unknown", "A1", "A2", "B1", "(several)"));
  EXPECT_THAT(check_text(c, notes, check_catalog(c), "a.csv"),
              HasSubstr("state (2 kinds), store (3 kinds), cat (2 kinds)"));
}

TEST(Sums, StandBehindTheirSeriesLevelByLevelInTheOrderOfTheirWords) {
  const Catalog c = summed(shops(), {"total", "state", "state/cat"});
  EXPECT_EQ(c.bottom_count(), 4);
  EXPECT_THAT(c.ids(), ElementsAre("s0", "s1", "s2", "s3", "total", "state=A", "state=B",
                                   "state=A/cat=foods", "state=A/cat=toys", "state=B/cat=foods"));
  EXPECT_THAT(c.values(0, 4), ElementsAre(118, 229, 340, 451, 562));
  EXPECT_THAT(c.values(0, 7), ElementsAre(101, 202, 303, 404, 505));
  ASSERT_EQ(c.hierarchy().levels.size(), 3u);
  EXPECT_EQ(c.hierarchy().levels[2].name, "state/cat");
  EXPECT_THAT(c.hierarchy().levels[2].sum_of, ElementsAre(7, 8, 7, 9));
  EXPECT_FALSE(c.is_sum(3));
  EXPECT_TRUE(c.is_sum(4));
}

TEST(Sums, HaveTheInputsOfWhatHasAHistoryAndNotOfANewItem) {
  CatalogParts parts = shops();
  parts.history = {3, 3, 0, 0};  // s2 is new beside others, s3 by itself
  parts.channels.push_back({"price", Role::future, {2,  2,  2,  2,  2,  4, 4, 4, 4, 4,  //
                                                    90, 90, 90, 90, 90, 6, 6, 6, 6, 6}});
  parts.static_reals.push_back({"area", {1, 3, 50, 7}});
  const Catalog c = summed(std::move(parts), {"state", "cat"});
  const auto a = series_of(c, "state=A"), b = series_of(c, "state=B");
  EXPECT_THAT(c.values(1, a), ElementsAre(3, 3, 3, 3, 3));
  EXPECT_THAT(c.values(1, b), ElementsAre(6, 6, 6, 6, 6));
  EXPECT_EQ(c.static_reals()[0].values[static_cast<std::size_t>(a)], 2);
  EXPECT_EQ(c.static_categories()[1].codes[static_cast<std::size_t>(a)], 1) << "A1, where both are";
  EXPECT_EQ(c.hierarchy().levels[0].sum_of[2], a) << "it is part of the sum all the same";
}

TEST(Sums, CountASeriesAsZeroBeforeItBeginsAndAfterItEndedLongAgo) {
  CatalogParts parts = shops();
  parts.first[1] += 2;  // ends two days after the others
  parts.history = {5, 3, 5, 2};
  parts.ended = {0, 0, 0, 1};
  const Catalog c = summed(std::move(parts), {"total", "cat"});
  EXPECT_EQ(c.history(4), 5);
  EXPECT_EQ(c.length(4), 7);  // rows that only know what is ahead
  EXPECT_THAT(c.values(0, 4).first(5), ElementsAre(108, 209, 313, 424, 535));
  EXPECT_THAT(c.values(0, 4)[5], IsNan());
  EXPECT_FALSE(c.ended(4));
}

TEST(Sums, AreMissingWhereAValueIsAndSayWhichOne) {
  CatalogParts parts = shops();
  parts.channels[0].values[7] = kMissing;  // s1, third day
  CatalogNotes notes;
  const Catalog c = summed(std::move(parts), {"total", "cat"}, &notes);
  EXPECT_THAT(c.values(0, 4), ElementsAre(118, 229, IsNan(), 451, 562));
  EXPECT_THAT(c.values(0, series_of(c, "cat=foods")), ElementsAre(108, 209, 310, 411, 512));
  ASSERT_EQ(notes.remarks.size(), 1u);
  EXPECT_EQ(notes.remarks[0],
            "2 of 15 values of the sums (data.groups) are missing, because one of their series is "
            "(the first: total, as s1 has no value 2024-01-03); where a step without a value means "
            "0, set data.gaps = \"zero\"");
}

TEST(Sums, OfSeriesThatEndEarlyAreMissingFromThere) {
  CatalogParts parts = shops();
  parts.history = {5, 5, 5, 3};
  CatalogNotes notes;
  const Catalog c = summed(std::move(parts), {"total", "cat"}, &notes);
  EXPECT_THAT(c.values(0, 4), ElementsAre(118, 229, 340, IsNan(), IsNan()));
  EXPECT_THAT(notes.remarks, ElementsAre(HasSubstr("as s3 has no value 2024-01-04")));
}

TEST(Sums, TakeMeansOfInputsAndWordsThatAllAgreeOn) {
  CatalogParts parts = shops();
  parts.channels.push_back(
      {"price", Role::future, {1, 1, 1,        1, kMissing, 3, 3, 3, 3, kMissing,
                               5, 5, kMissing, 5, kMissing, 9, 9, 9, 9, 9}});
  parts.categories.push_back(
      {"event", Role::future, {"unknown", "easter", "fair"}, {0, 1, 0, 2, 0, 0, 1, 0, 0, 0,
                                                              0, 1, 0, 1, 0, 0, 1, 0, 0, 0}});
  parts.static_reals.push_back({"area", {10, 20, kMissing, 30}});
  const Catalog c = summed(std::move(parts), {"state"});
  const std::int64_t a = series_of(c, "state=A");
  EXPECT_THAT(c.values(1, a), ElementsAre(3, 3, 2, 3, IsNan()));
  const CategoryChannelView& event = c.categories()[0];
  ASSERT_THAT(event.vocabulary, ElementsAre("unknown", "easter", "fair", "(several)"));
  const auto* codes = event.codes.data() + c.offset(a);
  EXPECT_THAT(std::vector(codes, codes + 5), ElementsAre(0, 1, 0, 3, 0));
  EXPECT_EQ(c.static_reals()[0].values[static_cast<std::size_t>(a)], 15);
  const auto word = [&](std::size_t category, std::int64_t s) {
    const StaticCategory& of = c.static_categories()[category];
    return of.vocabulary[static_cast<std::size_t>(of.codes[static_cast<std::size_t>(s)])];
  };
  EXPECT_EQ(word(0, a), "A");
  EXPECT_EQ(word(1, a), "(several)");
  EXPECT_EQ(word(1, series_of(c, "state=B")), "B1");
}

TEST(Sums, KeepWhatWasTakenOffTheValuesOfEachTarget) {
  CatalogParts parts = shops();
  Channel second = parts.channels[0];
  second.name = "y2";
  parts.channels.push_back(second);
  parts.value_offset = {1000, 0, 0, 0, 0, 0, 0, 500};
  const Catalog c = summed(std::move(parts), {"total", "cat"});
  EXPECT_EQ(c.value_offset(0, 0), 1000);
  EXPECT_EQ(c.value_offset(1, 3), 500);
  EXPECT_EQ(c.value_offset(1, 4), 0);
  EXPECT_THAT(c.values(0, 4)[0], 1118);
  EXPECT_THAT(c.values(1, 4)[0], 618);
}

TEST(Sums, LeaveOutLevelsThatAreAnotherOneOrTheSeriesAndSaySo) {
  CatalogNotes notes;
  const Catalog c = summed(shops(), {"total", "store", "state/store", "store/cat"}, &notes);
  ASSERT_EQ(c.hierarchy().levels.size(), 2u);
  EXPECT_THAT(notes.remarks,
              ElementsAre("data.groups: 'state/store' is left out: its sums are those of 'store'",
                          "data.groups: 'store/cat' is left out: each of its sums holds one "
                          "series, which has a forecast anyway"));
}

TEST(Sums, RefuseWhatAddsUpNothing) {
  EXPECT_EQ(message<DataError>([] { summed(shops(), {"store/cat"}); }),
            "data.groups: none of store/cat adds up anything (4 series); leave data.groups out, or "
            "name categories that several series share");
}

TEST(Sums, RefuseACategoryThatIsNotThereAndSayWhichOnesAre) {
  EXPECT_EQ(message<ConfigError>([] { summed(shops(), {"state/stor"}); }),
            "data.groups: 'stor' of 'state/stor' is neither \"total\" nor a static category; the "
            "static categories are: state, store, cat; name further columns in "
            "data.static_categories");
  CatalogParts none = shops();
  none.static_categories.clear();
  EXPECT_EQ(message<ConfigError>([&] { summed(std::move(none), {"state"}); }),
            "data.groups: 'state' is neither \"total\" nor a static category; there is none: name "
            "its column in data.static_categories, too");
}

TEST(Sums, RefuseTheSameLevelTwiceInAnyOrder) {
  EXPECT_EQ(message<ConfigError>([] {
              summed(shops(), {"state/cat", "cat/state"});
            }),
            "data.groups: 'state/cat' and 'cat/state' are the same sums; leave one out");
  EXPECT_EQ(message<ConfigError>([] { summed(shops(), {"cat/cat"}); }),
            "data.groups: 'cat/cat' names 'cat' twice; leave one out");
}

TEST(Sums, RefuseASeriesWithoutItsCategory) {
  CatalogParts parts = shops();
  parts.static_categories[0].codes[2] = 0;
  EXPECT_EQ(message<DataError>([&] {
              summed(std::move(parts), {"total", "state"});
            }),
            "data.groups: 1 series has no 'state', by which 'state' adds up (the first one: s2); "
            "give it, or leave 'state' out of data.groups");
}

TEST(Sums, RefuseAnIdThatASumHas) {
  CatalogParts parts = shops();
  parts.ids[2] = "total";
  EXPECT_THAT(message<DataError>([&] { summed(std::move(parts), {"total"}); }),
              HasSubstr("a sum is called 'total', and so is another series"));
}

TEST(Sums, KnowACategoryWhoseNameHoldsASlash) {
  CatalogParts parts = shops();
  parts.static_categories[0].name = "state/land";
  const Catalog c = summed(std::move(parts), {"state/land/cat"});
  EXPECT_EQ(c.id(4), "state/land=A/cat=foods");
}

/// Every sum against a plain loop, over series of all lengths and beginnings.
TEST(Sums, OfManySeriesAreThoseOfAPlainLoop) {
  std::mt19937 random(5);
  std::vector<std::vector<float>> values;
  CatalogParts parts;
  std::vector<std::int32_t> region, kind;
  for (int s = 0; s < 200; ++s) {
    auto& own = values.emplace_back(1 + random() % 30);
    for (float& y : own) y = static_cast<float>(random() % 100);
    region.push_back(static_cast<std::int32_t>(1 + random() % 5));
    kind.push_back(static_cast<std::int32_t>(1 + random() % 4));
  }
  parts = testing::daily_parts(values);
  const std::int64_t end = parts.first[0] + 40;
  for (std::size_t s = 0; s < values.size(); ++s) parts.first[s] = end - std::ssize(values[s]);
  const std::vector<std::int64_t> first = parts.first;
  parts.static_categories.push_back({"region", {"unknown", "1", "2", "3", "4", "5"}, region});
  parts.static_categories.push_back({"kind", {"unknown", "1", "2", "3", "4"}, kind});
  const Catalog c = summed(std::move(parts), {"region", "region/kind", "total"});
  EXPECT_EQ(c.series_count(), 200 + 5 + 20 + 1);
  for (const auto& level : c.hierarchy().levels) {
    for (std::int64_t sum = level.first; sum < level.first + level.count; ++sum) {
      for (std::int64_t t = 0; t < c.length(sum); ++t) {
        double expected = 0;
        for (std::size_t s = 0; s < values.size(); ++s) {
          const std::int64_t own = c.period(sum, t) - first[s];
          if (level.sum_of[s] == sum && own >= 0)
            expected += static_cast<double>(values[s][static_cast<std::size_t>(own)]);
        }
        ASSERT_EQ(static_cast<double>(c.values(0, sum)[static_cast<std::size_t>(t)]), expected);
      }
    }
  }
}

}  // namespace
}  // namespace sluice
