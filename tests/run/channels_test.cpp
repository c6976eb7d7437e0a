#include "run/channels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/base/error.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::size_t kHistory = 60, kHorizon = 7;

/// A price that is known for the horizon, and on one day of the history where `day` names it.
CatalogParts shop(Role role, std::size_t day = kHistory) {
  std::vector<float> sales(kHistory + kHorizon, testing::kMissing), price = sales;
  for (std::size_t t = 0; t < kHistory; ++t) sales[t] = static_cast<float>(10 + t % 7);
  for (std::size_t t = kHistory; t < price.size(); ++t) price[t] = 1499;
  if (day < kHistory) price[day] = 1299;
  CatalogParts parts = testing::daily_parts({sales});
  parts.channels.push_back({"price", role, price});
  return parts;
}

std::string refused(const CatalogParts& parts, std::int64_t end) {
  try {
    refuse_unseen_inputs(Catalog(parts), std::vector<std::int64_t>{end});
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(UnseenInputs, OfWhichNoTrainedHistoryHasAValueAreRefused) {
  EXPECT_THAT(refused(shop(Role::future), kHistory),
              AllOf(HasSubstr("'price' (data.future) has no value"), HasSubstr("path.future")));
  EXPECT_THAT(refused(shop(Role::past), kHistory), HasSubstr("'price' (data.past) has no value"));
  EXPECT_EQ(refused(shop(Role::future, 30), kHistory), "");
  EXPECT_THAT(refused(shop(Role::future, 30), 30), HasSubstr("'price'")) << "not before the end";
}

TEST(UnseenInputs, EndATrainingBeforeItBegins) {
  EXPECT_THROW(testing::quick_model(testing::quick_config(), Catalog(shop(Role::future))),
               DataError);
}

}  // namespace
}  // namespace sluice
