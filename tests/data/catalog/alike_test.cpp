// Ids of the data that look like one and are two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;

using AlikeIds = CatalogBuild;

TEST_F(AlikeIds, TwoIdsOfTheDataThatUnicodeWritesTwiceAreSaidToBeTwo) {
  build(
      "unique_id,ds,y\nCaf\u00E9,2024-01-01,1\nCaf\u00E9,2024-01-02,1\n"
      "Cafe\u0301,2024-01-01,1\nCafe\u0301,2024-01-02,1\nA 11,2024-01-01,1\n"
      "A 11,2024-01-02,1\nA1 1,2024-01-01,1\nA1 1,2024-01-02,1\n");
  EXPECT_THAT(notes_.remarks,
              ElementsAre("1 id differs from another one only by case, how Unicode writes a letter "
                          "or spaces, and is a series of its own: 'Caf\u00E9' and 'Cafe\u0301'"));
}

TEST_F(AlikeIds, TwoIdsOfTheDataThatDifferByTheCaseOfAnAccentedLetterAreSaidToDifferByCase) {
  for (const auto& [upper, lower] :
       {std::pair{"CAF\u00C9", "caf\u00E9"}, std::pair{"CAFE\u0301", "cafe\u0301"}}) {
    const std::string a = upper, b = lower;
    build("unique_id,ds,y\n" + a + ",2024-01-01,1\n" + a + ",2024-01-02,1\n" + b +
          ",2024-01-01,1\n" + b + ",2024-01-02,1\n");
    EXPECT_THAT(notes_.remarks,
                ElementsAre("1 id differs from another one only by case or spaces, and is a series "
                            "of its own: '" +
                            a + "' and '" + b + "'"));
  }
}

}  // namespace
}  // namespace sluice
