// The rows that fused_mma keeps of a training's layers: where their parts lie, and that layers
// agree with the reference with and without columns for what dropout leaves of h.
#include "recurrence/fused_mma/rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/fused_mma/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using mma::TrainingRows;
using reference::Floats;
using reference::RecurrenceCase;
using reference::RecurrenceProblem;
using testing::DeviceRun;
using testing::download;

constexpr Precision kPrecisions[] = {Precision::bf16, Precision::tf32};

std::vector<TrainingRows> layouts() {
  std::vector<TrainingRows> all;
  for (const Precision precision : kPrecisions) {
    for (const int L : {1, 2, 4}) {
      for (const int C : {1, 9, 15, 40}) {
        for (const bool copies : {false, true}) {
          all.push_back(mma::training_rows(precision, L, 48, C, copies));
        }
      }
    }
  }
  return all;
}

TEST(TrainingRowsLayout, PartsOfALayerLieSideBySideOnWholeSectors) {
  for (const TrainingRows& rows : layouts()) {
    for (int l = 0; l < rows.layers; ++l) {
      const int input = l == 0 ? rows.input : rows.units;
      EXPECT_EQ(rows.one(l), rows.h(l) + rows.units);
      EXPECT_EQ(rows.x(l), rows.one(l) + rows.sector);
      EXPECT_EQ(rows.width(l), rows.x(l) + input - rows.h(l));
      EXPECT_LE(rows.h(l) + rows.width(l), rows.pitch());
      for (const int column : {rows.h(l), rows.one(l), rows.x(l), rows.pitch()}) {
        EXPECT_EQ(column % rows.sector, 0);
      }
    }
  }
}

/// Everything that is written at (row, column), by step: a place has one writer.
TEST(TrainingRowsLayout, NoPlaceIsWrittenForTwoThings) {
  const int T = 3;
  for (const TrainingRows& rows : layouts()) {
    std::set<std::int64_t> taken;
    const auto take = [&](std::int64_t row, int column, int count) {
      EXPECT_LT(row, rows.rows(T, 1));
      for (int k = column; k < column + count; ++k) {
        EXPECT_TRUE(taken.insert(row * rows.pitch() + k).second) << "row " << row << ", " << k;
      }
    };
    for (int l = 0; l < rows.layers; ++l) {
      for (std::int64_t row = 0; row < rows.rows(T, 1); ++row) take(row, rows.one(l), rows.sector);
      for (int t = 0; t <= T; ++t) take(rows.row(l, t, 1), rows.h(l), rows.units);
      for (int t = 0; t < T && (l == 0 || rows.copies); ++t) {
        take(rows.row(l, t, 1), rows.x(l), l == 0 ? rows.input : rows.units);
      }
    }
  }
}

TEST(TrainingRowsLayout, WithoutCopiesALayersInputIsTheOutputOfTheLayerBelow) {
  for (const TrainingRows& rows : layouts()) {
    if (rows.copies) continue;
    for (int l = 1; l < rows.layers; ++l) {
      EXPECT_EQ(rows.x(l), rows.h(l - 1));
      EXPECT_EQ(rows.row(l, 5, 7), rows.row(l - 1, 5 + 1, 7));  // h_t is a step behind x_t
    }
  }
}

class TrainingRowsOnDevice : public testing::DeviceTest {
 protected:
  void SetUp() override {
    testing::DeviceTest::SetUp();
    if (!IsSkipped()) context_ = std::make_unique<DeviceContext>();
  }

  DeviceRun run_of(const RecurrenceProblem& problem, Precision precision, bool dropout,
                   const FusedMmaChoices& choices = {}) {
    const RecurrenceShape& s = problem.shape;
    return {
        *context_, problem,
        make_fused_mma({.C = s.C, .H = s.H, .L = s.L, .precision = precision, .dropout = dropout},
                       *context_, choices)};
  }

  std::unique_ptr<DeviceContext> context_;
};

template <typename E>
std::vector<E> ones_in(DeviceMemory& memory, const mma::Ones& ones, E one) {
  const std::int64_t size = ones.rows * ones.pitch;
  const DeviceBuffer<E> to(memory, size, "rows");
  set_zero(to.span(), nullptr);
  mma::fill_ones(ones, to.data(), nullptr);
  std::vector<E> got = download(to);
  for (std::int64_t row = 0; row < ones.rows; ++row) {
    for (int k = 0; k < ones.count; ++k) {
      auto& at = got[static_cast<std::size_t>(row * ones.pitch + ones.first + k * ones.stride)];
      EXPECT_EQ(std::memcmp(&at, &one, sizeof one), 0) << row << " " << k;
      at = E{};
    }
  }
  return got;
}

TEST_F(TrainingRowsOnDevice, OnesAreExactAndNothingElseIsTouched) {
  if (IsSkipped()) return;
  const mma::Ones ones{.rows = 100, .pitch = 40, .first = 3, .stride = 12, .count = 3};
  EXPECT_THAT(ones_in<float>(context_->memory(), ones, 1.0f), ::testing::Each(0.0f));
  for (const Bf16 rest : ones_in<Bf16>(context_->memory(), ones, to_bf16(1.0f))) {
    EXPECT_EQ(rest.bits, 0);
  }
}

// A tail of a tile, padded units, padded inputs and such that fill their 16 bytes, input products
// before the kernel in parts of one step, more layers than steps.
TEST_F(TrainingRowsOnDevice, LayersWithoutDropoutAgreeWithTheReference) {
  if (IsSkipped()) return;
  for (const Precision precision : kPrecisions) {
    int count = 0;
    for (const int L : {1, 2, 4, 6}) {
      for (const int C : {5, 8}) {
        for (const bool hoist : {false, true}) {
          const int T = L == 6 ? 1 : 4;
          const RecurrenceCase c{.shape = {.T = T, .N = 19, .C = C, .H = 20, .L = L},
                                 .states = ++count % 2 == 0};
          SCOPED_TRACE(::testing::PrintToString(c));
          const RecurrenceProblem problem(c, precision);
          DeviceRun run = run_of(problem, precision, false,
                                 {.hoist_input = hoist, .workspace_bytes = hoist ? 1 : 1 << 20});
          run.forward();
          run.backward();
          problem.expect_near("h", download(run.h), problem.trace.h());
          problem.expect_near("dx", download(run.dx), problem.gradients.dx);
          problem.expect_weights_near(download(run.dweights));
          problem.expect_near("dh0", download(run.dh0), problem.gradients.dh0);
          problem.expect_near("dc0", download(run.dc0), problem.gradients.dc0);
          // dx costs a product of its own only where it is asked for.
          const Floats weights = download(run.dweights);
          run.recurrence->backward(run.dh.span(), run.dlast(), {}, run.dweights.span(),
                                   {run.dh0.span(), run.dc0.span()});
          EXPECT_EQ(download(run.dweights), weights) << "without dx";
        }
      }
    }
  }
}

TEST_F(TrainingRowsOnDevice, RoomForDropoutChangesNothingWhereNoneIsDrawn) {
  if (IsSkipped()) return;
  for (const Precision precision : kPrecisions) {
    const RecurrenceCase c{.shape = {.T = 3, .N = 5, .C = 3, .H = 12, .L = 3}, .states = true};
    const RecurrenceProblem problem(c, precision);
    DeviceRun with = run_of(problem, precision, true), without = run_of(problem, precision, false);
    for (DeviceRun* run : {&with, &without}) {
      run->forward();
      run->backward();
    }
    EXPECT_EQ(download(with.h), download(without.h));
    EXPECT_EQ(download(with.h_last), download(without.h_last));
    problem.expect_weights_near(download(with.dweights));
    problem.expect_weights_near(download(without.dweights));
  }
}

// What a larger shape left in the rows is not seen: each shape writes all that it reads.
TEST_F(TrainingRowsOnDevice, ASmallerShapeAfterALargerSeesNothingOfIt) {
  if (IsSkipped()) return;
  for (const bool dropout : {false, true}) {
    const RecurrenceShape shape{.T = 4, .N = 9, .C = 3, .H = 12, .L = 3};
    const DropoutKey key{.rate = dropout ? 0.5f : 0.0f, .seed = 1, .step = 2};
    RecurrenceShape smaller = shape;
    smaller.T = 2;
    smaller.N = 5;
    const RecurrenceProblem large({.shape = shape, .states = true, .dropout = key},
                                  Precision::bf16);
    const RecurrenceProblem small({.shape = smaller, .states = true, .dropout = key},
                                  Precision::bf16);
    DeviceRun before = run_of(large, Precision::bf16, dropout);
    before.forward();
    before.backward();
    DeviceRun fresh = run_of(small, Precision::bf16, dropout);
    fresh.forward();
    fresh.backward();
    const auto want = fresh.results();
    fresh.recurrence = std::move(before.recurrence);
    fresh.recurrence->prepare(smaller.T, smaller.N, true);
    fresh.load();
    fresh.forward();
    fresh.backward();
    EXPECT_EQ(fresh.results(), want) << dropout;
  }
}

TEST_F(TrainingRowsOnDevice, DropoutWithoutRoomForItIsNamed) {
  if (IsSkipped()) return;
  const RecurrenceCase c{.shape = {.T = 2, .N = 2, .C = 3, .H = 5, .L = 2},
                         .dropout = {.rate = 0.25f, .seed = 1, .step = 2}};
  const RecurrenceProblem problem(c, Precision::bf16);
  DeviceRun run = run_of(problem, Precision::bf16, false);
  EXPECT_THAT([&] { run.forward(); },
              ::testing::ThrowsMessage<InternalError>(
                  "fused_mma, forward: a dropout of 0.25, but RecurrenceSpec::dropout was false"));
}

}  // namespace
}  // namespace sluice
