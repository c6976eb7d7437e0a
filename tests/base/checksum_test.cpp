#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

namespace sluice {
namespace {

std::uint64_t of(std::string_view bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.value();
}

TEST(Checksum, EveryFlippedBitAndEveryLengthHasAnotherOne) {
  std::string bytes = "19 bytes of a file.";
  std::set<std::uint64_t> seen = {of(bytes), of(bytes + '\0'), of(bytes.substr(1))};
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    seen.insert(of(bytes));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_EQ(seen.size(), 3 + 8 * bytes.size());
}

// The highest bit of a word is only carried out of a product.
TEST(Checksum, TwoFlippedSignsDoNotCancelOut) {
  std::vector<float> numbers = {1, 2, 3, 4};
  const auto of_numbers = [&] {
    Checksum sum;
    sum.add(std::span<const float>(numbers));
    return sum.value();
  };
  const std::uint64_t before = of_numbers();
  numbers = {1, -2, 3, -4};
  EXPECT_NE(of_numbers(), before);
}

TEST(Checksum, WhereOnePartEndsAndTheNextBeginsCounts) {
  Checksum one, two;
  one.add("ab");
  one.add("c");
  two.add("a");
  two.add("bc");
  EXPECT_NE(one.value(), two.value());
}

TEST(Checksum, SideBySideEachIsTheOneThatItIsAlone) {
  std::string bytes;
  for (int i = 0; i < 400; ++i) bytes += static_cast<char>(37 * i + i / 8);
  const std::string_view all = bytes;
  const std::vector<std::array<std::string_view, 4>> cases = {
      {all, all.substr(1), all.substr(2, 300), all.substr(3, 77)},
      {all.substr(0, 8), all.substr(0, 9), all.substr(8, 16), all.substr(5, 15)},
      {all, all, all, ""},
      {"", "", "", ""}};
  for (const auto& texts : cases) {
    std::array<Checksum, 4> alone, together;
    for (std::size_t i = 0; i < 4; ++i) {
      alone[i].add(std::uint64_t{i}), together[i].add(std::uint64_t{i});
      alone[i].add(texts[i]);
    }
    Checksum::add_each(together, texts);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(together[i].value(), alone[i].value()) << i;
  }
}

}  // namespace
}  // namespace sluice
