// The forward kernel of fused_mma by itself: what it stores and where, and how its tiles are
// chosen. That it computes an LSTM is for parity_test.cpp and fused_mma_test.cpp.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/fused_mma/tiles.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using reference::Floats;
using testing::download;
using testing::upload;

constexpr int kT = 3, kN = 37, kInputs = 5;  // three tiles, the last ragged
constexpr int kBeyond = 64;                  // rows behind the last one, which nobody may write

/// What a launch wrote, and what it was told to.
struct Stored {
  int gap = 0;        // elements between rows of x and of h_sequence
  bool stash = true;  // whether c and gates are kept, too
  bool floats = true;
  std::vector<float> h{}, h_last{}, c_last{}, sequence{}, gaps{}, c{}, gates{};
};

std::vector<float> as_floats(const std::vector<Bf16>& values) {
  std::vector<float> out;
  for (const Bf16 v : values) out.push_back(to_float(v));
  return out;
}
std::vector<float> as_floats(const std::vector<float>& values) { return values; }

template <typename E>
E element(float x) {
  if constexpr (std::is_same_v<E, Bf16>) {
    return to_bf16(x);
  } else {
    return x;
  }
}

/// H units in a layer with random weights and states.
template <Precision kPrecision>
void launch(DeviceContext& context, int H, int tiles, Stored& run) {
  using E = mma::Element<kPrecision>;
  DeviceMemory& memory = context.memory();
  const int units = mma::padded_units(H), warps = units / mma::kUnitsOfWarp;
  const int pitch = mma::input_pitch(kPrecision, kInputs);
  const int x_steps = mma::input_steps(kPrecision, pitch);
  std::mt19937 random(11);
  const auto numbers = [&](int size) {
    return upload(memory, reference::uniform(random, static_cast<std::size_t>(size), 0.5));
  };
  const auto W = numbers(4 * H * kInputs), R = numbers(4 * H * H), b = numbers(4 * H);
  const auto h_first = numbers(kN * H), c_first = numbers(kN * H);
  const int x_stride = pitch + 2 * run.gap * (16 / static_cast<int>(sizeof(E)));
  const int h_stride = units + 2 * run.gap;
  std::vector<E> x(static_cast<std::size_t>(kT * kN * x_stride), element<E>(99));
  for (int row = 0; row < kT * kN; ++row) {
    const Floats values = reference::uniform(random, static_cast<std::size_t>(pitch), 1);
    for (int i = 0; i < pitch; ++i) {
      x[static_cast<std::size_t>(row * x_stride + i)] =
          element<E>(i < kInputs ? values[static_cast<std::size_t>(i)] : 0);
    }
  }
  const auto device_x = upload(memory, x);
  const DeviceBuffer<std::uint32_t> forward(
      memory,
      std::int64_t{mma::hidden_steps(kPrecision, units) + x_steps} * warps * mma::kForwardFragment,
      "R");
  const DeviceBuffer<std::uint32_t> backward(
      memory, mma::gradient_steps(kPrecision, units) * warps * mma::kBackwardFragment, "R");
  const DeviceBuffer<float> bias(memory, 4 * units, "bias");
  const DeviceBuffer<E> packed_W(memory, std::int64_t{4} * units * pitch, "W");
  mma::pack<kPrecision>(
      {.H = H, .units = units, .inputs = kInputs, .W = W.data(), .R = R.data(), .b = b.data()},
      x_steps, pitch, forward.data(), bias.data(), backward.data(), packed_W.data(),
      context.stream());

  using Gate = mma::KeptGate<E>;
  const auto filled = [&](int rows, int width, auto value) {
    return upload(memory, std::vector(static_cast<std::size_t>((rows + kBeyond) * width), value));
  };
  const auto sequence = filled((kT + 1) * kN, h_stride, element<E>(-7));
  const auto c = filled((kT + 1) * kN, units, testing::kUnset);
  const auto gates = filled(kT * kN, 4 * units, Gate{77});
  const auto h = testing::unset(memory, static_cast<std::size_t>(kT * kN * H));
  const auto h_last = testing::unset(memory, static_cast<std::size_t>(kN * H));
  const auto c_last = testing::unset(memory, static_cast<std::size_t>(kN * H));
  mma::Forward<E> call{.steps = kT, .H = H, .units = units, .x_steps = x_steps, .x_pitch = pitch};
  call.N = kN;
  call.x_stride = x_stride;
  call.h_stride = h_stride;
  call.fragments = forward.data();
  call.bias = bias.data();
  call.x = device_x.data();
  call.h_first = h_first.data();
  call.c_first = c_first.data();
  call.h_sequence = sequence.data();
  if (run.floats) call.h = h.data(), call.h_last = h_last.data(), call.c_last = c_last.data();
  if (run.stash) call.c_sequence = c.data(), call.gates = gates.data();
  mma::launch_forward<kPrecision>(call, tiles, context.stream());

  run.h = download(h), run.h_last = download(h_last), run.c_last = download(c_last);
  const std::vector<float> rows = as_floats(download(sequence));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool inside = static_cast<int>(i) % h_stride < units;
    (inside ? run.sequence : run.gaps).push_back(rows[i]);
  }
  run.c = download(c);
  for (const Gate gate : download(gates)) run.gates.push_back(static_cast<float>(gate));
  const auto expect_untouched = [](const std::vector<float>& all, int width, float value) {
    const std::vector<float> end(all.end() - kBeyond * width, all.end());
    EXPECT_EQ(end, std::vector<float>(end.size(), value)) << "written behind the last row";
  };
  expect_untouched(rows, h_stride, -7);
  expect_untouched(run.c, units, testing::kUnset);
  expect_untouched(run.gates, 4 * units, 77);
}

class MmaForward : public testing::DeviceTest {
 protected:
  void SetUp() override {
    testing::DeviceTest::SetUp();
    if (!IsSkipped()) context_ = std::make_unique<DeviceContext>();
  }
  template <typename Check>
  void for_both(Check check) {
    check([this](int H, int tiles, Stored& run) {
      launch<Precision::bf16>(*context_, H, tiles, run);
    });
    check([this](int H, int tiles, Stored& run) {
      launch<Precision::tf32>(*context_, H, tiles, run);
    });
  }
  std::unique_ptr<DeviceContext> context_;
};

TEST_F(MmaForward, RowsMayLieFurtherApartThanTheirWidth) {
  if (IsSkipped()) return;
  for_both([](const auto& launch) {
    for (const int H : {16, 29}) {
      Stored close, apart{.gap = 3};
      launch(H, 2, close);
      launch(H, 2, apart);
      EXPECT_EQ(apart.sequence, close.sequence);
      EXPECT_EQ(apart.h, close.h);
      EXPECT_EQ(apart.c, close.c);
      EXPECT_EQ(apart.gates, close.gates);
      EXPECT_EQ(apart.gaps, std::vector<float>(apart.gaps.size(), -7)) << "written between rows";
    }
  });
}

// 29: odd, so rows of floats are not stored in pairs; 16: none is padded.
TEST_F(MmaForward, WhatIsStoredDoesNotChangeWhatIsComputed) {
  if (IsSkipped()) return;
  for_both([](const auto& launch) {
    for (const int H : {16, 29}) {
      for (const int tiles : {1, 3}) {
        Stored all, no_stash{.stash = false}, no_floats{.floats = false},
            sequence{.stash = false, .floats = false};
        for (Stored* run : {&all, &no_stash, &no_floats, &sequence}) launch(H, tiles, *run);
        EXPECT_EQ(no_stash.h, all.h);
        EXPECT_EQ(no_stash.h_last, all.h_last);
        EXPECT_EQ(no_stash.c_last, all.c_last);
        EXPECT_EQ(no_floats.gates, all.gates);
        EXPECT_EQ(no_floats.c, all.c);
        for (const Stored* run : {&no_stash, &no_floats, &sequence}) {
          EXPECT_EQ(run->sequence, all.sequence);
        }
        const auto last = all.h.end() - kN * H;
        EXPECT_EQ(all.h_last, std::vector<float>(last, all.h.end()));
        for (const float h : all.h) ASSERT_NE(h, testing::kUnset);
      }
    }
  });
}

/// An H100.
mma::ForwardLoad load_of(Precision precision, int units, std::int64_t N) {
  return {.precision = precision,
          .units = units,
          .x_steps = mma::input_steps(precision, mma::input_pitch(precision, 15)),
          .N = N,
          .multiprocessors = 132,
          .shared_bytes = 227 * 1024};
}

TEST(MmaTiles, FewSeriesAreDealtOverAllMultiprocessors) {
  for (const int units : {16, 32, 64, 128}) {
    EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, units, 256)), 1) << units;
    EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, units, 132 * 16)), 1) << units;
  }
}

// Where several CTAs of one tile fit, they hide each other's waiting; at 128 units one CTA fills a
// multiprocessor, and a second turn costs more than a second tile.
TEST(MmaTiles, ResidentCtasOfOneTileComeBeforeMoreTiles) {
  EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, 32, 4096)), 1);
  EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, 64, 4096)), 1);
  EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, 128, 4096)), 2);
  for (const int units : {32, 64}) {
    const mma::ForwardLoad load = load_of(Precision::bf16, units, 4096);
    EXPECT_GE(mma::forward_step_cycles(load, 2), 1.3 * mma::forward_step_cycles(load, 1)) << units;
  }
}

TEST(MmaTiles, ManySeriesTakeAllTilesThatFit) {
  for (const int units : {32, 64, 128}) {
    EXPECT_EQ(mma::forward_tiles(load_of(Precision::bf16, units, 32768)), 4) << units;
  }
  mma::ForwardLoad small = load_of(Precision::tf32, 128, 32768);
  small.x_steps = 0;
  small.shared_bytes = mma::forward_shared(Precision::tf32, 128, 2, 0, 2).end;
  EXPECT_EQ(mma::forward_tiles(small), 2);
}

TEST(MmaTiles, SharedMemoryLimitsResidentCtasAndAssembledSteps) {
  mma::ForwardLoad load = load_of(Precision::bf16, 32, 4096);
  EXPECT_EQ(mma::resident_forward(load, 1, 2), mma::resident_blocks(32));
  EXPECT_EQ(mma::assembled_ahead(load, 1), 8);
  const int bytes = mma::forward_shared(Precision::bf16, 32, 1, load.x_steps, 2).end;
  load.shared_bytes = 2 * (bytes + 1024) - 1024;
  EXPECT_EQ(mma::resident_forward(load, 1, 2), 2);
  EXPECT_EQ(mma::assembled_ahead(load, 1), 1) << "a step more would halve the resident CTAs";
  load.shared_bytes = bytes - 1;
  EXPECT_EQ(mma::resident_forward(load, 1, 2), 1);
}

}  // namespace
}  // namespace sluice
