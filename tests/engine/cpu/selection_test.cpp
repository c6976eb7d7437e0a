#include "engine/cpu/selection.hpp"

#include <gtest/gtest.h>

#include "engine/cpu/choice.hpp"
#include "engine/cpu/selection_table.hpp"
#include "engine/fused/kernels.hpp"

namespace sluice {
namespace {

/// Lanes, L, H, training, forward. Only the training's ratio decides.
constexpr CpuSelectionRow kRows[] = {
    {16, 1, 32, 2.0, 0.5}, {16, 1, 128, 0.97, 0.5}, {16, 1, 512, 0.96, 2.0},
    {16, 3, 32, 0.5, 2.0}, {16, 3, 128, 1.5, 2.0},  {8, 1, 512, 1.0, 1.0},
};

TEST(FusedIsChosen, ByTheTrainingRatioTiesIncluded) {
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 32, 1));
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 128, 1));
  EXPECT_FALSE(fused_is_chosen(kRows, 16, 512, 1));
  EXPECT_TRUE(fused_is_chosen(kRows, 8, 512, 1));
}

TEST(FusedIsChosen, ByTheNextMeasuredWidthUp) {
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 1, 1));
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 127, 1));
  EXPECT_FALSE(fused_is_chosen(kRows, 16, 129, 1));
  EXPECT_FALSE(fused_is_chosen(kRows, 16, 2000, 1));
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 2000, 3));
}

TEST(FusedIsChosen, ByTheNextMeasuredDepthDown) {
  EXPECT_TRUE(fused_is_chosen(kRows, 16, 32, 2));
  EXPECT_FALSE(fused_is_chosen(kRows, 16, 32, 3));
  EXPECT_FALSE(fused_is_chosen(kRows, 16, 32, 4));
  constexpr CpuSelectionRow deep[] = {{16, 3, 32, 2.0, 1.0}, {16, 4, 32, 0.5, 1.0}};
  EXPECT_TRUE(fused_is_chosen(deep, 16, 32, 1));
}

TEST(FusedIsChosen, NotWhereNothingWasMeasured) {
  EXPECT_FALSE(fused_is_chosen(kRows, 4, 32, 1));
  EXPECT_FALSE(fused_is_chosen({}, 16, 32, 1));
}

TEST(AutoRecurrence, FollowsTheTable) {
  const int lanes = fused_kernels().lanes;
  const CpuSelectionRow rows[] = {{lanes, 1, 32, 1.5, 0.5}, {lanes, 1, 64, 0.5, 1.5}};
  EXPECT_EQ(make_cpu_recurrence("auto", 3, 32, 1, 1, rows)->name(), "fused");
  EXPECT_EQ(make_cpu_recurrence("auto", 3, 64, 1, 1, rows)->name(), "onednn");
  EXPECT_EQ(make_cpu_recurrence("fused", 3, 64, 1, 1, rows)->name(), "fused");
  for (const CpuSelectionRow& row : kCpuSelection) {  // the measured one, where it has these lanes
    if (row.lanes != lanes) continue;
    EXPECT_EQ(make_cpu_recurrence("auto", 3, row.H, row.L, 1)->name(),
              fused_is_chosen(kCpuSelection, lanes, row.H, row.L) ? "fused" : "onednn")
        << "H " << row.H << ", L " << row.L;
  }
}

}  // namespace
}  // namespace sluice
