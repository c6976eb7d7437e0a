// What the recurrences share: dropout, casts, column sums.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "recurrence/shared/cast.hpp"
#include "recurrence/shared/column_sums.hpp"
#include "recurrence/shared/dropout.hpp"
#include "recurrence/shared/pack.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"
#include "support/device.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice {
namespace {

using reference::Floats;

class RecurrenceParts : public testing::DeviceTest {
 protected:
  DeviceMemory memory_;
};

Floats numbers(std::int64_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  return reference::uniform(random, static_cast<std::size_t>(size), 1);
}

std::vector<Bf16> to_bf16(const Floats& values) {
  std::vector<Bf16> out;
  for (const float value : values) out.push_back(sluice::to_bf16(value));
  return out;
}

Floats to_floats(const std::vector<Bf16>& values) {
  Floats out;
  for (const Bf16 value : values) out.push_back(to_float(value));
  return out;
}

constexpr float kGap = -77;

// Rows 2..6 of a layer's output, sizes that are multiples of a Philox group and such that are not,
// with and without gaps between the rows.
TEST_F(RecurrenceParts, DropoutDrawsTheDocumentedMasks) {
  if (IsSkipped()) return;
  const auto step = testing::upload(memory_, std::vector<std::int64_t>{11});
  const DeviceDropout dropout{.rate = 0.4f, .seed = 0x9876543210ull, .step = step.data()};
  for (const int H : {1, 3, 4, 6, 300}) {
    for (const int gap : {0, 1, 4}) {
      const int rows = 5, first = 2, layer = 1;
      const std::int64_t pitch = H + gap;
      const RecurrenceShape shape{.T = 1, .N = first + rows, .C = 1, .H = H, .L = 3};
      std::vector<std::size_t> places;
      for (int n = 0; n < shape.N; ++n) places.push_back(static_cast<std::size_t>(n));
      const auto mask = reference::documented_masks(
          shape, {.rate = dropout.rate, .seed = dropout.seed, .step = 11}, shape.N, places)[layer];
      const Floats in = numbers(rows * H);
      Floats want(static_cast<std::size_t>(rows * pitch), kGap), want_bf16 = want;
      std::vector<Bf16> want_rounded = to_bf16(want);
      for (int row = 0; row < rows; ++row) {
        for (int j = 0; j < H; ++j) {
          const auto at = static_cast<std::size_t>(row * pitch + j);
          const auto from = static_cast<std::size_t>(row * H + j);
          const auto factor = static_cast<float>(mask[static_cast<std::size_t>(first * H) + from]);
          want[at] = in[from] * factor;
          want_bf16[at] = to_float(sluice::to_bf16(want[at]));
          want_rounded[at] = sluice::to_bf16(to_float(sluice::to_bf16(in[from])) * factor);
        }
      }
      const DropoutRows array{
          .rows = rows, .H = H, .from_pitch = H, .to_pitch = pitch, .first_row = first};
      const auto from = testing::upload(memory_, in);
      const auto from_bf16 = testing::upload(memory_, to_bf16(in));
      const auto gaps = Floats(want.size(), kGap);
      const auto to = testing::upload(memory_, gaps);
      const auto to_half = testing::upload(memory_, to_bf16(gaps));
      apply_dropout(dropout, layer, array, from.data(), to.data(), nullptr);
      EXPECT_EQ(testing::download(to), want) << H << " " << gap;
      apply_dropout(dropout, layer, array, from.data(), to_half.data(), nullptr);
      EXPECT_EQ(to_floats(testing::download(to_half)), want_bf16) << H << " " << gap;
      apply_dropout(dropout, layer, array, from_bf16.data(), to_half.data(), nullptr);
      EXPECT_EQ(to_floats(testing::download(to_half)), to_floats(want_rounded)) << H << " " << gap;
    }
  }
}

TEST_F(RecurrenceParts, DropoutOfRateZeroCopies) {
  if (IsSkipped()) return;
  const Floats in = numbers(24);
  const auto from = testing::upload(memory_, in), to = testing::upload(memory_, Floats(24));
  apply_dropout({}, 0, {.rows = 3, .H = 8, .from_pitch = 8, .to_pitch = 8}, from.data(), to.data(),
                nullptr);
  EXPECT_EQ(testing::download(to), in);
}

TEST_F(RecurrenceParts, CastsRoundAndLeaveTheGapsBetweenRows) {
  if (IsSkipped()) return;
  for (const std::int64_t columns : {1, 4, 5, 8, 600}) {
    for (const std::int64_t gap : {0, 3, 4}) {
      const std::int64_t rows = 7, pitch = columns + gap;
      const Floats in = numbers(rows * columns);
      Floats padded(static_cast<std::size_t>(rows * pitch), kGap);
      for (std::int64_t e = 0; e < rows * columns; ++e) {
        padded[static_cast<std::size_t>(e / columns * pitch + e % columns)] =
            in[static_cast<std::size_t>(e)];
      }
      const Floats rounded = to_floats(to_bf16(in));
      const auto from = testing::upload(memory_, in);
      const auto gaps = Floats(padded.size(), kGap);
      const auto wide = testing::upload(memory_, gaps);
      const auto half = testing::upload(memory_, to_bf16(gaps));
      const auto back = testing::upload(memory_, Floats(in.size(), kGap));
      const CastShape out{
          .rows = rows, .columns = columns, .from_pitch = columns, .to_pitch = pitch};
      const CastShape in_again{
          .rows = rows, .columns = columns, .from_pitch = pitch, .to_pitch = columns};
      cast(out, from.data(), wide.data(), nullptr);
      EXPECT_EQ(testing::download(wide), padded);
      cast(out, from.data(), half.data(), nullptr);
      EXPECT_EQ(to_floats(testing::download(half)), to_floats(to_bf16(padded)));
      cast(in_again, half.data(), back.data(), nullptr);
      EXPECT_EQ(testing::download(back), rounded);
      cast(rows * columns, from.data(), half.data(), nullptr);
      const Floats dense = to_floats(testing::download(half));
      EXPECT_TRUE(std::equal(rounded.begin(), rounded.end(), dense.begin()));
    }
  }
}

// Each of n additions rounds a sum of at most some sqrt(n) by 2^-24 of it, at random: together by
// 2^-24 n, and four times that for the largest of many. Sums of two numbers are rounded, too.
TEST_F(RecurrenceParts, ColumnSumsAddAllRowsInTheSameOrderEachTime) {
  if (IsSkipped()) return;
  for (const std::int64_t rows : {0, 1, 33, 1024, 1025, 1100, 20000}) {
    for (const std::int64_t columns : {1, 4, 12, 31, 132}) {
      if (rows == 20000 && columns > 12) continue;
      const std::int64_t pitch = columns + (columns == 12 ? 4 : 0);
      const Floats in = numbers(rows * pitch + 1);
      std::vector<double> want(static_cast<std::size_t>(columns));
      const std::vector<Bf16> half = to_bf16(in);
      std::vector<double> want_half = want;
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t column = 0; column < columns; ++column) {
          const auto at = static_cast<std::size_t>(row * pitch + column);
          const auto to = static_cast<std::size_t>(column);
          want[to] += static_cast<double>(in[at]);
          want_half[to] += static_cast<double>(to_float(half[at]));
        }
      }
      const auto a = testing::upload(memory_, in);
      const auto a_half = testing::upload(memory_, half);
      const auto sums = testing::upload(memory_, Floats(want.size(), kGap));
      const DeviceBuffer<float> workspace(
          memory_, std::max<std::int64_t>(column_sums_workspace(rows, columns), 1), "a test");
      const auto expect = [&](const std::vector<double>& expected, double times) {
        const Floats got = testing::download(sums);
        for (std::size_t c = 0; c < got.size(); ++c) {
          EXPECT_NEAR(got[c], times * expected[c], 4 * 0x1p-24 * static_cast<double>(rows))
              << rows << " x " << columns << " at " << c;
        }
        return got;
      };
      ColumnSumsShape shape{.rows = rows, .columns = columns, .pitch = pitch};
      column_sums(shape, a.data(), sums.data(), workspace.span(), nullptr);
      const Floats once = expect(want, 1);
      column_sums(shape, a.data(), sums.data(), workspace.span(), nullptr);
      EXPECT_EQ(testing::download(sums), once);
      shape.add = true;
      column_sums(shape, a.data(), sums.data(), workspace.span(), nullptr);
      expect(want, 2);
      shape.add = false;
      column_sums(shape, a_half.data(), sums.data(), workspace.span(), nullptr);
      expect(want_half, 1);
    }
  }
}

TEST_F(RecurrenceParts, ColumnSumsOfFewRowsNeedNoWorkspace) {
  if (IsSkipped()) return;
  ASSERT_EQ(column_sums_workspace(1024, 8), 0);
  ASSERT_GT(column_sums_workspace(1025, 8), 0);
  const auto a = testing::upload(memory_, Floats(8 * 1025, 0.5f)),
             sums = testing::upload(memory_, Floats(8, kGap));
  ColumnSumsShape shape{.rows = 1024, .columns = 8, .pitch = 8};
  column_sums(shape, a.data(), sums.data(), {}, nullptr);
  EXPECT_EQ(testing::download(sums), Floats(8, 512));
  shape.rows = 1025;
  EXPECT_THROW(column_sums(shape, a.data(), sums.data(), {}, nullptr), InternalError);
}

// An array may have fewer rows than the workspace was made for, and then more shares: 16,384 rows
// are 256 of 64, 16,500 are 254 of 65.
TEST(ColumnSumsWorkspace, IsEnoughForArraysOfFewerRows) {
  for (std::int64_t rows = 1; rows < 40'000; rows += 7) {
    ASSERT_GE(column_sums_workspace(rows + 7, 1), column_sums_workspace(rows, 1)) << rows;
  }
}

TEST(LayerWeights, LieOneBehindTheOther) {
  const int C = 5, H = 7;
  std::int64_t at = 0;
  for (int l = 0; l < 4; ++l) {
    const LayerWeights layer = layer_weights(C, H, l);
    EXPECT_EQ(layer.inputs, l == 0 ? C : H);
    EXPECT_EQ(layer.W, at);
    EXPECT_EQ(layer.R, at + 4 * H * layer.inputs);
    EXPECT_EQ(layer.b, layer.R + 4 * H * H);
    at = layer.end(H);
    EXPECT_EQ(at, lstm_weights(C, H, l + 1));
  }
}

TEST(RowShares, CoverAllRowsWithFewerThan2To31ItemsEach) {
  std::int64_t next = 0, shares = 0;
  for_row_shares(1'000'000, 10'000, [&](std::int64_t first, std::int64_t rows) {
    EXPECT_EQ(first, next);
    EXPECT_LT(rows * 10'000, std::int64_t{1} << 31);
    next += rows;
    ++shares;
  });
  EXPECT_EQ(next, 1'000'000);
  EXPECT_EQ(shares, 5);
}

}  // namespace
}  // namespace sluice
