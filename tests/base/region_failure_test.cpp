#include "base/region_failure.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace sluice {
namespace {

TEST(RegionFailure, NothingIsThrownWhereNothingFailed) {
  RegionFailure failure;
  int done = 0;
  failure.keep([&] { ++done; });
  failure.rethrow();
  EXPECT_EQ(done, 1);
}

TEST(RegionFailure, TheFirstFailureComesOutBehindTheRegionWithItsType) {
  RegionFailure failure;
  failure.keep([] { throw std::bad_alloc(); });
  failure.keep([] { throw std::runtime_error("second"); });
  EXPECT_THROW(failure.rethrow(), std::bad_alloc);
}

}  // namespace
}  // namespace sluice
