#include "run/config/left_out_columns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/base/error.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A target, a past channel, two future ones and a future category.
Catalog shop() {
  CatalogParts parts = testing::daily_parts({{1, 2, 3}});
  parts.channels.push_back({"guests", Role::past, {4, 5, 6}});
  parts.channels.push_back({"price", Role::future, {7, 8, 9}});
  parts.channels.push_back({"deal", Role::future, {0, 1, 0}});
  parts.categories.push_back({"day", Role::future, {"unknown", "feast"}, {0, 1, 0}});
  return Catalog(std::move(parts));
}

Config::Data columns(std::vector<std::string> left_out) {
  Config::Data data;
  data.past = {"guests"};
  data.future = {"#3", "deal"};  // as they are named in the settings
  data.future_categories = {"day"};
  data.left_out = std::move(left_out);
  return data;
}

std::vector<std::string> names(const Catalog& catalog) {
  std::vector<std::string> out;
  for (const ChannelView& channel : catalog.channels()) out.push_back(channel.name);
  for (const CategoryChannelView& channel : catalog.categories()) out.push_back(channel.name);
  return out;
}

TEST(LeftOutColumns, AreGoneFromTheCatalogueAndNothingElseIs) {
  const auto one = reduced_catalog(shop(), columns({"#3"}));
  ASSERT_TRUE(one);
  EXPECT_THAT(names(*one), ElementsAre("y", "guests", "deal", "day"));
  EXPECT_THAT(one->values(2, 0), ElementsAre(0, 1, 0));
  EXPECT_EQ(one->history(0), 3);
  const auto all = reduced_catalog(shop(), columns({"#3", "deal", "day"}));
  ASSERT_TRUE(all);
  EXPECT_THAT(names(*all), ElementsAre("y", "guests"));
}

TEST(LeftOutColumns, OfWhichThereAreNoneLeaveTheCatalogueAlone) {
  EXPECT_FALSE(reduced_catalog(shop(), columns({})));
  Config::Data open = columns({});
  open.left_out.reset();
  EXPECT_FALSE(reduced_catalog(shop(), open));
}

TEST(LeftOutColumns, AreAllThatARangeOfPlacesNames) {
  Config::Data data = columns({"#3:5", "day"});
  data.future = {"#3:5"};
  const auto none = reduced_catalog(shop(), data);
  ASSERT_TRUE(none);
  EXPECT_THAT(names(*none), ElementsAre("y", "guests"));
  EXPECT_FALSE(reduced_catalog(*none, data));
}

TEST(LeftOutColumns, AreNotTakenOffTwice) {
  const Config::Data data = columns({"#3", "day"});
  const auto once = reduced_catalog(shop(), data);
  ASSERT_TRUE(once);
  EXPECT_FALSE(reduced_catalog(*once, data));
}

TEST(LeftOutColumns, AreNotReadAndMustBeKnown) {
  EXPECT_THAT(without_left_out({"#3", "deal"}, columns({"#3"})), ElementsAre("deal"));
  EXPECT_NO_THROW(check_left_out(columns({"day"})));
  try {
    check_left_out(columns({"prise"}));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("data.left_out names 'prise'"));
    EXPECT_THAT(e.what(), HasSubstr("[#3, deal]"));
  }
}

TEST(LeftOutColumns, WithoutColumnsThatAreKnownAheadTheSettingIsRefused) {
  Config::Data data;
  data.left_out = {{"price"}};
  try {
    check_left_out(data);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("names 'price', and neither data.future nor"));
  }
}

}  // namespace
}  // namespace sluice
