#include "sluice/data/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "base/text.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Days from 2023-01-01 (day 19358 since 1970). A: six steps of which the last knows the price only;
// B: empty; C: constant, and ends early.
CatalogParts parts() {
  CatalogParts p;
  p.axis.frequency = parse_frequency("D");
  p.ids = {"A", "B", "C"};
  p.offsets = {0, 6, 7, 9};
  p.first = {19358, 19358, 19359};
  p.channels = {{"y", Role::target, {1, kMissing, 0, -2, 5, kMissing, kMissing, 3, 3}},
                {"price", Role::future, {1, 1, 1, 1, 1, 1, 1, 1, 1}}};
  return p;
}

TEST(CheckCatalog, CountsWhatIsInTheHistories) {
  const DataCheck check = check_catalog(Catalog(parts()));
  EXPECT_EQ(check.series, 3);
  EXPECT_EQ(check.steps, 7);
  EXPECT_EQ(check.values, 6);
  EXPECT_EQ(check.missing, 1);
  EXPECT_EQ(check.zeros, 1);
  EXPECT_EQ(check.negatives, 1);
  EXPECT_EQ(check.empty_series, 1);
  EXPECT_EQ(check.constant_series, 1);
  EXPECT_EQ(check.shortest, 2);
  EXPECT_EQ(check.longest, 5);
  EXPECT_EQ(check.median_length, 3.5);
  EXPECT_EQ(check.shortest_id, "C");
  EXPECT_EQ(check.first_date, "2023-01-01");
  EXPECT_EQ(check.last_date, "2023-01-05");
  EXPECT_GE(check.catalog_bytes, 18 * 4);
}

TEST(CheckCatalog, OfEmptySeriesOnlyHasNoSpan) {
  CatalogParts p;
  p.axis.frequency = parse_frequency("D");
  p.ids = {"A"};
  p.offsets = {0, 1};
  p.first = {0};
  p.channels = {{"y", Role::target, {kMissing}}};
  const Catalog catalog(std::move(p));
  const DataCheck check = check_catalog(catalog);
  EXPECT_EQ(check.empty_series, 1);
  EXPECT_EQ(check.first_date, "");
  EXPECT_THAT(check_text(catalog, {}, check, "a.csv"), Not(HasSubstr("span")));
}

TEST(CheckText, SaysWhatWasFound) {
  const Catalog catalog(parts());
  CatalogNotes notes;
  notes.layout = "long";
  notes.id_columns = {"store", "item"};
  notes.time_columns = {"ds"};
  notes.frequency_inferred = true;
  notes.gap_steps = 12;
  notes.gap_series = 2;
  notes.example_gap = "A 2023-01-02";
  notes.duplicate_rows = 1;
  notes.example_duplicate = "C 2023-01-03";
  const std::string text = check_text(catalog, notes, check_catalog(catalog), "sales.csv");
  EXPECT_THAT(text, HasSubstr("file        sales.csv\nlayout      long\nid          store, item\n"
                              "time        ds\ntarget      y\nfuture      price\n"
                              "inputs as   price binary\nseries      3\n"));
  EXPECT_THAT(text, HasSubstr("length      2 to 5 steps, median 3.5; the shortest: C\n"));
  EXPECT_THAT(text, HasSubstr("span        2023-01-01 .. 2023-01-05\n"));
  EXPECT_THAT(text, HasSubstr("frequency   D (inferred)\n"));
  EXPECT_THAT(text, HasSubstr("values      6; missing 1 (14.3 %), zero 1 (16.7 %), negative 1 "
                              "(16.7 %)\n"));
  EXPECT_THAT(text, HasSubstr("gaps        12 steps without a row in 2 series, the first: A "
                              "2023-01-02\n"));
  EXPECT_THAT(text, HasSubstr("duplicates  1 row, the first: C 2023-01-03\n"));
  EXPECT_THAT(text, HasSubstr("note        1 series is without any target value"));
  EXPECT_THAT(text, HasSubstr("note        1 series never changes\n"));
  EXPECT_THAT(text, HasSubstr("memory      "));
}

TEST(CheckText, TellsNamesApartWhateverSignsTheyHold) {
  CatalogNotes notes;
  notes.id_columns = {"store", "item, size"};
  notes.target_columns = {"net\nsales", "gross; sales"};
  const Catalog catalog(parts());
  const std::string text = check_text(catalog, notes, check_catalog(catalog), "a.csv");
  EXPECT_THAT(text, HasSubstr("id          store, 'item, size'\n"));
  EXPECT_THAT(text, HasSubstr("target      2: net\\x0asales, 'gross; sales'\n"));
}

TEST(CheckText, LeavesNothingOutHoweverLongTheNamesAre) {
  CatalogParts p = parts();
  for (int i = 0; i < 30; ++i)
    p.channels.push_back(
        {"下单商品件数" + std::to_string(i), Role::future, std::vector<float>(9, 1.0f)});
  p.ids[2] = std::string(100, 'x');
  const Catalog catalog(std::move(p));
  const std::string text = check_text(catalog, {}, check_catalog(catalog), std::string(200, '/'));
  EXPECT_THAT(text, HasSubstr(std::string(200, '/') + "\n"));
  EXPECT_THAT(text, HasSubstr("下单商品件数29\n"));
  EXPECT_THAT(text, HasSubstr(std::string(100, 'x') + "\n"));
}

TEST(CheckText, NamesTheUsersColumnsWhereTheChannelHasANameOfItsOwn) {
  CatalogNotes notes;
  notes.layout = "columns";
  notes.target_columns = {"OT", "HUFL"};
  const Catalog catalog(parts());
  EXPECT_THAT(check_text(catalog, notes, check_catalog(catalog), "a.csv"),
              HasSubstr("target      2: OT, HUFL\n"));
}

TEST(CheckText, ListsEveryColumnWithItsUse) {
  CatalogNotes notes;
  notes.columns = {{"id", "id", ""},           {"d_1", "value", ""}, {"d_2", "value", ""},
                   {"d_3", "value", ""},       {"d_4", "value", ""}, {"d_5", "value", ""},
                   {"", "", "it has no value"}};
  const Catalog catalog(parts());
  const std::string text = check_text(catalog, notes, check_catalog(catalog), "a.csv");
  EXPECT_THAT(text, HasSubstr("columns     id: id\n            d_1 .. d_5 (5): value\n            "
                              "#6: not used, because it has no value\n"));
}

}  // namespace
}  // namespace sluice
