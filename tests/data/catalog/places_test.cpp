#include "data/catalog/places.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

using Rows = std::vector<std::pair<std::int64_t, std::int64_t>>;  // place, row

Rows by_places(const Places& places, std::int64_t row, std::int64_t count) {
  Rows rows;
  places.each(row, count, [&](std::int64_t place, std::int64_t i) { rows.emplace_back(place, i); });
  return rows;
}

Rows by_hand(const std::vector<std::int64_t>& of_rows, std::int64_t row, std::int64_t count) {
  Rows rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t place = of_rows[static_cast<std::size_t>(row + i)];
    if (place >= 0) rows.emplace_back(place, i);
  }
  return rows;
}

/// Stretches of `mean` rows or so, every fifth of them without places.
std::vector<std::int64_t> some_rows(int mean) {
  std::mt19937 random(7);
  std::vector<std::int64_t> rows;
  while (rows.size() < 2000) {
    const auto length = 1 + random() % static_cast<unsigned>(2 * mean);
    std::int64_t place = random() % 5 == 0 ? -1 : static_cast<std::int64_t>(random() % 100'000);
    for (unsigned i = 0; i < length; ++i) rows.push_back(place < 0 ? -1 : place++);
  }
  return rows;
}

TEST(Places, AreThoseOfTheRowsInAnyPartOfThem) {
  for (const int mean : {1, 3, 20, 1000}) {
    const auto rows = some_rows(mean);
    const Places places(rows);
    EXPECT_EQ(places.by_stretches(), mean >= 20) << mean;
    const std::int64_t size = std::ssize(rows);
    for (std::int64_t row = 0; row < size; row += 13) {
      for (const std::int64_t count :
           {std::int64_t{0}, std::int64_t{1}, std::int64_t{64}, std::int64_t{700}, size - row}) {
        if (row + count > size) continue;
        ASSERT_EQ(by_places(places, row, count), by_hand(rows, row, count)) << row << " " << count;
      }
    }
  }
}

TEST(Places, OfNoRowsAreNone) {
  EXPECT_TRUE(by_places(Places(std::vector<std::int64_t>()), 0, 0).empty());
  EXPECT_TRUE(by_places(Places(std::vector<std::int64_t>(100, -1)), 0, 100).empty());
}

}  // namespace
}  // namespace sluice
