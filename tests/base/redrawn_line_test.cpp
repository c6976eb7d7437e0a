#include "base/redrawn_line.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(RedrawnLine, IsDrawnInItsPlaceAndGoneAtTheEnd) {
  ::testing::internal::CaptureStderr();
  {
    RedrawnLine line;
    line.draw("one", 0);
    line.draw("two", 1);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "\r\033[Kone\r\033[Ktwo\r\033[K");
}

TEST(RedrawnLine, OneThatWasNeverDrawnOrIsGoneWritesNothing) {
  ::testing::internal::CaptureStderr();
  {
    const RedrawnLine never;
    RedrawnLine line;
    line.draw("one", 0);
    line.clear();
    line.clear();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "\r\033[Kone\r\033[K");
}

TEST(RedrawnLine, IsDueAtOnceAndThenFiveTimesASecond) {
  ::testing::internal::CaptureStderr();
  RedrawnLine line;
  EXPECT_TRUE(line.is_due(0));
  line.draw("", 0);
  EXPECT_FALSE(line.is_due(0.1));
  EXPECT_TRUE(line.is_due(0.2));
  line.clear();
  ::testing::internal::GetCapturedStderr();
}

TEST(BarText, IsOfAShareBetweenNoneAndAll) {
  EXPECT_EQ(bar_text(0.34), "[####--------]  34 %");
  EXPECT_EQ(bar_text(-1), "[------------]   0 %");
  EXPECT_EQ(bar_text(1.5), "[############] 100 %");
}

TEST(ClockText, HasHoursWhereThereAreSome) {
  EXPECT_EQ(clock_text(-3), "0:00");
  EXPECT_EQ(clock_text(251.6), "4:12");
  EXPECT_EQ(clock_text(3599.5), "1:00:00");
  EXPECT_EQ(clock_text(3998), "1:06:38");
}

}  // namespace
}  // namespace sluice
