#include "base/checksum.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sluice
