// What `sluice convert` writes: that the catalogue is the same one again, bit for bit, and that a
// file that is not whole, or not what it says, is refused.
#include "sluice/data/cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <random>

#include "data/cache/open.hpp"
#include "data/hierarchy/sums.hpp"
#include "data/temporary.hpp"
#include "support/rich_catalog.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Of each number its bits: a missing one is equal to itself.
template <typename Numbers>
std::vector<std::uint64_t> bits(const Numbers& numbers) {
  std::vector<std::uint64_t> all;
  for (const auto number : numbers) {
    if constexpr (std::is_same_v<std::remove_cv_t<decltype(number)>, float>) {
      all.push_back(std::bit_cast<std::uint32_t>(number));
    } else if constexpr (std::is_same_v<std::remove_cv_t<decltype(number)>, double>) {
      all.push_back(std::bit_cast<std::uint64_t>(number));
    } else {
      all.push_back(static_cast<std::uint64_t>(number));
    }
  }
  return all;
}

void expect_same(const Catalog& a, const Catalog& b) {
  EXPECT_EQ(a.ids(), b.ids());
  EXPECT_EQ(bits(a.offsets()), bits(b.offsets()));
  EXPECT_EQ(bits(a.histories()), bits(b.histories()));
  EXPECT_EQ(a.parts().first, b.parts().first);
  EXPECT_EQ(a.parts().ended, b.parts().ended);
  EXPECT_EQ(bits(a.parts().value_offset), bits(b.parts().value_offset));
  EXPECT_EQ(a.frequency(), b.frequency());
  EXPECT_EQ(a.axis().integers, b.axis().integers);
  EXPECT_EQ(a.axis().format, b.axis().format);
  EXPECT_EQ(a.axis().zone, b.axis().zone);
  EXPECT_EQ(a.axis().clock, b.axis().clock);
  EXPECT_EQ(a.axis().ahead_of_utc, b.axis().ahead_of_utc);
  EXPECT_EQ(a.axis().offsets_differ, b.axis().offsets_differ);
  EXPECT_EQ(a.axis().shift, b.axis().shift);
  ASSERT_EQ(a.channels().size(), b.channels().size());
  for (std::size_t c = 0; c < a.channels().size(); ++c) {
    EXPECT_EQ(a.channels()[c].name, b.channels()[c].name);
    EXPECT_EQ(a.channels()[c].role, b.channels()[c].role);
    EXPECT_EQ(bits(a.channels()[c].values), bits(b.channels()[c].values));
  }
  ASSERT_EQ(a.categories().size(), b.categories().size());
  for (std::size_t c = 0; c < a.categories().size(); ++c) {
    EXPECT_EQ(a.categories()[c].name, b.categories()[c].name);
    EXPECT_EQ(a.categories()[c].role, b.categories()[c].role);
    EXPECT_EQ(a.categories()[c].vocabulary, b.categories()[c].vocabulary);
    EXPECT_EQ(bits(a.categories()[c].codes), bits(b.categories()[c].codes));
  }
  ASSERT_EQ(a.static_reals().size(), b.static_reals().size());
  for (std::size_t r = 0; r < a.static_reals().size(); ++r) {
    EXPECT_EQ(a.static_reals()[r].name, b.static_reals()[r].name);
    EXPECT_EQ(bits(a.static_reals()[r].values), bits(b.static_reals()[r].values));
  }
  ASSERT_EQ(a.static_categories().size(), b.static_categories().size());
  for (std::size_t c = 0; c < a.static_categories().size(); ++c) {
    EXPECT_EQ(a.static_categories()[c].name, b.static_categories()[c].name);
    EXPECT_EQ(a.static_categories()[c].vocabulary, b.static_categories()[c].vocabulary);
    EXPECT_EQ(a.static_categories()[c].codes, b.static_categories()[c].codes);
  }
  ASSERT_EQ(a.hierarchy().levels.size(), b.hierarchy().levels.size());
  EXPECT_EQ(a.hierarchy().bottom, b.hierarchy().bottom);
  for (std::size_t l = 0; l < a.hierarchy().levels.size(); ++l) {
    EXPECT_EQ(a.hierarchy().levels[l].name, b.hierarchy().levels[l].name);
    EXPECT_EQ(a.hierarchy().levels[l].first, b.hierarchy().levels[l].first);
    EXPECT_EQ(a.hierarchy().levels[l].count, b.hierarchy().levels[l].count);
    EXPECT_EQ(a.hierarchy().levels[l].sum_of, b.hierarchy().levels[l].sum_of);
  }
}

class Cache : public WithFiles {
 protected:
  Catalog through(const Catalog& catalog, const CatalogNotes& notes = {}) const {
    write_cache(path("c.slc"), catalog, notes, origin_);
    return open_cache(path("c.slc"));
  }
  /// What is said of a file with these bytes.
  std::string refused(const std::string& bytes) const {
    file("bad.slc", bytes);
    return data_error([&] { open_cache(path("bad.slc")); });
  }

  CacheOrigin origin_{.settings = "[data]\nid = [\"store\"]\n",
                      .sources = {{"/data/sales.csv", 12, 1700000000000000001}}};
};

TEST_F(Cache, GivesEveryPartOfACatalogueAgain) {
  CatalogParts parts = testing::rich_parts(true);
  parts.value_offset = {0, 1e9, 0.1, -7, 0, 3};
  parts.ended = {0, 1, 0, 0, 1, 0};
  parts.axis.zone = "Europe/Berlin", parts.axis.format = "%d.%m.%Y";
  parts.axis.clock = {{.from = -5, .seconds = 3600}, {.from = 1'600'000'000, .seconds = 7200}};
  parts.axis.ahead_of_utc = 3600, parts.axis.offsets_differ = true;
  parts.axis.shift = {0, 86400, 0, 0, 172800, 0};
  parts.history = {60, 50, 60, 9, 31, 0};
  const Catalog catalog(parts);
  expect_same(catalog, through(catalog));
}

TEST_F(Cache, GivesSumsAgain) {
  CatalogNotes notes;
  CatalogParts parts = testing::rich_parts(false);
  parts.static_categories[0].codes = {1, 2, 1, 1, 2, 2};
  const Catalog sums = with_sums(Catalog(parts), {"shop", "total"}, notes);
  ASSERT_EQ(sums.hierarchy().levels.size(), 2u);
  expect_same(sums, through(sums));
}

TEST_F(Cache, GivesWhatWasMetOnTheWayAgain) {
  CatalogNotes notes;
  notes.layout = "long", notes.gap_steps = 7, notes.example_gap = "A/7 2022-01-05";
  notes.columns = {{"y", "target", "by its name"}};
  notes.remarks = {"a \"quoted\" remark\nof two lines"}, notes.early_ends = "3 end early";
  notes.remark_on_forecast("of the future");
  write_cache(path("c.slc"), testing::rich_catalog(true), notes, origin_);
  CatalogNotes read;
  open_cache(path("c.slc"), &read);
  EXPECT_EQ(read.layout, notes.layout);
  EXPECT_EQ(read.gap_steps, 7);
  EXPECT_EQ(read.example_gap, notes.example_gap);
  ASSERT_EQ(read.columns.size(), 1u);
  EXPECT_EQ(read.columns[0].reason, "by its name");
  EXPECT_EQ(read.remarks, notes.remarks);
  EXPECT_EQ(read.of_forecast, notes.of_forecast);
  EXPECT_EQ(read.early_ends, notes.early_ends);
  const CacheOrigin origin = cache_origin(path("c.slc"));
  EXPECT_EQ(origin.settings, origin_.settings);
  EXPECT_EQ(origin.sources, origin_.sources);
}

TEST_F(Cache, NamesMayHaveAnyBytes) {
  CatalogParts parts = testing::rich_parts(false);
  parts.ids[2] = "caf\xE9", parts.ids[4] = std::string("a\0b", 3), parts.ids[5] = "";
  parts.static_categories[0].vocabulary[1] = "\xFF";
  const Catalog catalog(parts);
  expect_same(catalog, through(catalog));
}

TEST_F(Cache, IsTheSameFileForTheSameCatalogue) {
  through(testing::rich_catalog(true));
  const std::string once = text_of(path("c.slc"));
  through(testing::rich_catalog(true));
  EXPECT_EQ(text_of(path("c.slc")), once);
}

TEST_F(Cache, StaysReadableWhereAnotherTakesItsPlace) {
  const Catalog before = through(testing::rich_catalog(true));
  through(testing::rich_catalog(false));
  expect_same(before, testing::rich_catalog(true));
}

TEST_F(Cache, CanBeLeftInputsOutOfAndTakenApart) {
  const Catalog catalog = testing::rich_catalog(true);
  Catalog mapped = through(catalog);
  const int channels[] = {1}, categories[] = {0};
  expect_same(mapped.without(channels, categories), catalog.without(channels, categories));
  expect_same(Catalog(std::move(mapped).take_parts()), catalog);
}

TEST_F(Cache, ADamagedOneIsRefusedWhereverItIsDamaged) {
  through(testing::rich_catalog(true));
  const std::string whole = text_of(path("c.slc"));
  std::mt19937 random(1);
  int refusals = 0, unharmed = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    const std::string error = refused(bytes);
    if (error.empty()) {
      // Between the columns: no bit of the catalogue.
      expect_same(open_cache(path("bad.slc")), testing::rich_catalog(true));
      ++unharmed;
    } else {
      EXPECT_THAT(error, AllOf(StartsWith("bad.slc: "), HasSubstr("convert")));
      ++refusals;
    }
  }
  EXPECT_GT(refusals, 200) << unharmed;
}

TEST_F(Cache, WhatAForgedOneSaysIsHeldAgainstItsOwnLengths) {
  through(testing::rich_catalog(true));
  const std::string whole = text_of(path("c.slc"));
  std::mt19937 random(2);
  int refusals = 0;
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    file("bad.slc", bytes);
    const std::string error = data_error([&] {
      const Catalog catalog = cache::open(path("bad.slc"), nullptr, false);
      // Every number can be read.
      for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
        for (int c = 0; c < static_cast<int>(catalog.channels().size()); ++c) {
          bits(catalog.values(c, s));
        }
        EXPECT_LE(catalog.history(s), catalog.length(s));
      }
    });
    refusals += error.empty() ? 0 : 1;
  }
  EXPECT_GT(refusals, 50);
}

TEST_F(Cache, TimesThatNoFileHasAreRefused) {
  const auto error = [&](const auto& forge) {
    CatalogParts parts = testing::rich_parts(false);
    forge(parts);
    write_cache(path("c.slc"), Catalog(parts), {}, origin_);
    return data_error([&] { open_cache(path("c.slc")); });
  };
  EXPECT_EQ(error([](CatalogParts&) {}), "");
  for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 62}) {
    EXPECT_EQ(error([&](CatalogParts& parts) { parts.axis.frequency.multiple = bad; }),
              "c.slc: the catalogue is damaged (its times); convert the data again");
  }
  EXPECT_THAT(error([](CatalogParts& parts) { parts.first[3] = std::int64_t{1} << 60; }),
              HasSubstr("its times"));
  EXPECT_THAT(error([](CatalogParts& parts) { parts.axis.frequency.anchor = 7; }),
              HasSubstr("its times"));
  EXPECT_THAT(error([](CatalogParts& parts) {
                parts.axis.clock = {{0, 1'000'000}};
              }),
              HasSubstr("its times"));
}

TEST_F(Cache, ManySeriesMayHaveMoreStepsThanThereIsTime) {
  CatalogParts parts = testing::daily_parts(std::vector(200, std::vector<float>(100, 1.0f)));
  parts.axis.frequency = parse_frequency("YS");
  std::ranges::fill(parts.first, 30);
  const Catalog catalog(parts);
  expect_same(catalog, through(catalog));
}

TEST_F(Cache, OneThatWasCutIsRefusedWhereverItWasCut) {
  through(testing::rich_catalog(true));
  const std::string whole = text_of(path("c.slc"));
  for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 97) {
    EXPECT_NE(refused(whole.substr(0, length)), "") << length;
  }
}

TEST_F(Cache, WhatIsNoneIsRefused) {
  EXPECT_THAT(refused("unique_id,ds,y\n"), StartsWith("bad.slc: "));
  EXPECT_THAT(data_error([&] { open_cache(path("none.slc")); }), HasSubstr("No such file"));
  write_table(path("t.arrow"), {{.name = "y", .numbers = {1, 2}}});
  EXPECT_THAT(refused(text_of(path("t.arrow"))),
              StartsWith("bad.slc: no catalogue of `sluice convert`"));
}

TEST_F(Cache, OneOfAnotherFormatSaysSo) {
  through(testing::rich_catalog(true));
  std::string bytes = text_of(path("c.slc"));
  const std::string format = "\"format\":1";
  std::size_t found = 0;
  for (std::size_t at = 0; (at = bytes.find(format, at)) != std::string::npos; ++found) {
    bytes[at + format.size() - 1] = '9';
  }
  ASSERT_GT(found, 0u);
  EXPECT_EQ(refused(bytes),
            "bad.slc: a catalogue of format 9, and this version reads format 1; convert the data "
            "again");
}

TEST_F(Cache, NumbersThatAreNotWholeAreRefused) {
  CatalogNotes notes;
  notes.duplicate_rows = 1234567;
  write_cache(path("c.slc"), testing::rich_catalog(true), notes, origin_);
  std::string bytes = text_of(path("c.slc"));
  const std::string count = "\"duplicate_rows\":1234567";
  std::size_t found = 0;
  for (std::size_t at = 0; (at = bytes.find(count, at)) != std::string::npos; ++found) {
    bytes.replace(at, count.size(), "\"duplicate_rows\":1.7e+99");
  }
  ASSERT_GT(found, 0u);
  EXPECT_EQ(refused(bytes),
            "bad.slc: the catalogue is damaged (its metadata have the number 1.7e+99); convert the "
            "data again");
}

TEST_F(Cache, KnowsItsFiles) {
  CatalogSpec spec;
  spec.read.paths = {file("data/a.csv", "x\n"), path("data")};
  spec.static_files = {file("s.csv", "x\n")};
  file("data/_hidden.csv", "x\n");
  const std::vector<CacheSource> sources = sources_of(spec);
  ASSERT_EQ(sources.size(), 3u);
  EXPECT_EQ(sources[1].path, path("data/a.csv"));
  EXPECT_EQ(sources[2].path, path("s.csv"));
  EXPECT_EQ(sources[0].size, 2);
  EXPECT_EQ(sources_of(spec), sources);
  file("s.csv", "xy\n");
  EXPECT_NE(sources_of(spec), sources);
}

}  // namespace
}  // namespace sluice
