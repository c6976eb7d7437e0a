#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cpu/selection.hpp"
#include "engine/cpu/selection_table.hpp"

namespace sluice::bench {
namespace {

TEST(SelectionSource, IsWhatTheReaderIncludes) {
  const std::vector<CpuSelectionRow> rows = {{16, 1, 64, 1.625, 1.5}, {8, 2, 512, 0.98, 1.004}};
  EXPECT_EQ(
      selection_source({"on a machine", "2 threads"}, rows),
      R"(// Measured, not written by hand. By which rule it is read: selection.hpp. Made by
//   sluice-bench cpu --selection host/engine/cpu/selection_table.hpp
// on a machine
// 2 threads
#pragma once

#include <array>

#include "engine/cpu/selection.hpp"

namespace sluice {

/// Lanes, L, H; fused over onednn in training and forward.
// clang-format off
inline constexpr std::array<CpuSelectionRow, 2> kCpuSelection = {{
    {16, 1, 64, 1.62, 1.50},
    {8, 2, 512, 0.98, 1.00},
}};
// clang-format on

}  // namespace sluice
)");
}

// The table in the tree is as the benchmark wrote it: its rows and its lines of origin, written
// again, give the same file.
TEST(SelectionSource, WroteTheTableInTheTree) {
  std::ifstream file(SLUICE_SOURCE_DIR "/host/engine/cpu/selection_table.hpp");
  std::ostringstream text;
  text << file.rdbuf();
  std::istringstream lines(text.str());
  std::vector<std::string> origin;
  int number = 0;
  for (std::string line; std::getline(lines, line) && line.starts_with("// "); ++number) {
    if (number >= 2) origin.push_back(line.substr(3));
  }
  EXPECT_FALSE(origin.empty());
  EXPECT_EQ(text.str(), selection_source(origin, kCpuSelection));
}

Result result(int H, const char* phase, const char* kind, double seconds) {
  Result r;
  r.benchmark.group = "recurrence/" + std::to_string(H) + "/" + phase;
  r.benchmark.kind = kind;
  r.benchmark.parameters = {{"H", H}, {"L", 2}};
  r.benchmark.work = 1;
  // Other work fell on one of the two.
  r.seconds = {std::string(kind) == "fused" ? 9 * seconds : seconds, seconds, 9 * seconds};
  return r;
}

TEST(SelectionRows, HoldTheRatiosOfTheFastestSamplesOfBothPhases) {
  const std::vector<Result> results = {
      result(16, "forward", "fused", 1), result(16, "forward", "onednn", 3),
      result(16, "train", "fused", 2),   result(16, "train", "onednn", 8),
      result(32, "forward", "fused", 5), result(32, "forward", "onednn", 5),
      result(32, "train", "fused", 2),   result(32, "train", "onednn", 1)};
  const std::vector<CpuSelectionRow> rows = selection_rows(8, results);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].lanes, 8);
  EXPECT_EQ(rows[0].L, 2);
  EXPECT_EQ(rows[0].H, 16);
  EXPECT_DOUBLE_EQ(rows[0].training, 4);
  EXPECT_DOUBLE_EQ(rows[0].forward, 3);
  EXPECT_EQ(rows[1].H, 32);
  EXPECT_DOUBLE_EQ(rows[1].training, 0.5);
  EXPECT_DOUBLE_EQ(rows[1].forward, 1);
}

}  // namespace
}  // namespace sluice::bench
