// What is special to fused_mma: the order of its packed weights, padded units, tiles and tails, the
// input product before the kernel, long sequences in several launches, x assembled from windows,
// and what it refuses. That it computes an LSTM is for engine/parity_test.cpp.
#include "recurrence/fused_mma/recurrence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "recurrence/fused_mma/kernels.hpp"
#include "recurrence/shared/elements.hpp"
#include "sluice/base/error.hpp"
#include "support/device_recurrence.hpp"
#include "support/head_problem.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceCase;
using reference::RecurrenceProblem;
using testing::DeviceRun;
using testing::download;
using testing::upload;

constexpr Precision kPrecisions[] = {Precision::bf16, Precision::tf32};

RecurrenceSpec spec_of(const RecurrenceShape& s, Precision precision) {
  return {.C = s.C, .H = s.H, .L = s.L, .precision = precision};
}

class FusedMma : public testing::DeviceTest {
 protected:
  void SetUp() override {
    testing::DeviceTest::SetUp();
    if (!IsSkipped()) context_ = std::make_unique<DeviceContext>();
  }

  /// All that infer(), forward() and backward() give.
  std::vector<Floats> results(const RecurrenceProblem& problem, Precision precision,
                              const FusedMmaChoices& choices) {
    DeviceRun run(*context_, problem,
                  make_fused_mma(spec_of(problem.shape, precision), *context_, choices));
    run.infer();
    std::vector<Floats> all{download(run.h), download(run.h_last), download(run.c_last)};
    run.forward();
    run.backward();
    for (Floats& result : run.results()) all.push_back(std::move(result));
    return all;
  }

  void expect_reference(const RecurrenceProblem& problem, const std::vector<Floats>& got) {
    problem.expect_near("infer h", got[0], problem.trace_infer.h());
    problem.expect_near("infer hT", got[1], problem.trace_infer.h_last);
    problem.expect_near("infer cT", got[2], problem.trace_infer.c_last);
    problem.expect_near("h", got[3], problem.trace.h());
    problem.expect_near("hT", got[4], problem.trace.h_last);
    problem.expect_near("cT", got[5], problem.trace.c_last);
    problem.expect_near("dx", got[6], problem.gradients.dx);
    problem.expect_weights_near(got[7]);
    problem.expect_near("dh0", got[8], problem.gradients.dh0);
    problem.expect_near("dc0", got[9], problem.gradients.dc0);
  }

  /// The same bits on the stand-in. cuBLAS may sum a product of 19 rows in another order than one
  /// of 95, and what is then rounded to bf16 or tf32 may fall to the other side: on CUDA both agree
  /// with the reference as each of them has to.
  void expect_same(const RecurrenceProblem& problem, const std::vector<Floats>& got,
                   const std::vector<Floats>& want) {
    if (testing::on_standin()) {
      EXPECT_EQ(got, want);
    } else {
      expect_reference(problem, got);
    }
  }

  std::unique_ptr<DeviceContext> context_;
};

/// The element of a B fragment of 16 (bf16) or 8 (tf32) rows that lane `lane` holds: its row, by
/// the PTX manual; the column is lane / 4.
int fragment_row(Precision precision, int lane, int word, int half) {
  return precision == Precision::bf16 ? 8 * word + 2 * (lane % 4) + half : 4 * word + lane % 4;
}

float rounded(Precision precision, float x) {
  if (precision == Precision::bf16) return to_float(to_bf16(x));
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x1000u) & 0xffffe000u;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

float element_of(Precision precision, std::uint32_t word, int half) {
  if (precision == Precision::bf16) {
    return to_float(Bf16{static_cast<std::uint16_t>(half == 0 ? word : word >> 16)});
  }
  float x;
  std::memcpy(&x, &word, sizeof x);
  return x;
}

template <Precision kPrecision>
void check_packing(DeviceContext& context) {
  constexpr int H = 20, units = 32, I = 3, gates = 4 * H;
  const int pitch = mma::input_pitch(kPrecision, I), x_steps = mma::input_steps(kPrecision, pitch);
  const int depth = mma::step_depth(kPrecision), warps = units / 8;
  const int steps = mma::hidden_steps(kPrecision, units) + x_steps;
  const int back_steps = mma::gradient_steps(kPrecision, units);
  std::mt19937 random(5);
  const Floats W = reference::uniform(random, gates * I, 1);
  const Floats R = reference::uniform(random, gates * H, 1);
  const Floats b = reference::uniform(random, gates, 1);
  DeviceMemory& memory = context.memory();
  const auto device_W = upload(memory, W), device_R = upload(memory, R),
             device_b = upload(memory, b);
  const DeviceBuffer<std::uint32_t> forward(memory, std::int64_t{256} * steps * warps, "forward");
  const DeviceBuffer<std::uint32_t> backward(memory, std::int64_t{64} * back_steps * warps,
                                             "backward");
  const DeviceBuffer<float> bias(memory, 4 * units, "bias");
  const DeviceBuffer<mma::Element<kPrecision>> packed_W(memory, std::int64_t{4} * units * pitch,
                                                        "W");
  mma::pack<kPrecision>({.H = H,
                         .units = units,
                         .inputs = I,
                         .W = device_W.data(),
                         .R = device_R.data(),
                         .b = device_b.data()},
                        x_steps, pitch, forward.data(), bias.data(), backward.data(),
                        packed_W.data(), context.stream());
  const auto w = [&](int gate, int unit, int k) {
    return unit < H && k < I ? W[static_cast<std::size_t>((gate * H + unit) * I + k)] : 0.0f;
  };
  const auto r = [&](int gate, int unit, int k) {
    return unit < H && k < H ? R[static_cast<std::size_t>((gate * H + unit) * H + k)] : 0.0f;
  };
  const auto fold = [](int gate) { return gate == 2 ? 1.0f : 0.5f; };
  const int halves = kPrecision == Precision::bf16 ? 2 : 1;

  const auto words = download(forward);
  std::size_t at = 0;
  for (int step = 0; step < steps; ++step) {
    for (int warp = 0; warp < warps; ++warp) {
      for (int pair_of_gates = 0; pair_of_gates < 2; ++pair_of_gates) {
        for (int lane = 0; lane < 32; ++lane) {
          for (int word = 0; word < 4; ++word, ++at) {
            const int gate = 2 * pair_of_gates + word / 2, unit = 8 * warp + lane / 4;
            for (int half = 0; half < halves; ++half) {
              const int k = step * depth + fragment_row(kPrecision, lane, word % 2, half);
              const float weight = k < units ? r(gate, unit, k) : w(gate, unit, k - units);
              ASSERT_EQ(element_of(kPrecision, words[at], half),
                        rounded(kPrecision, fold(gate) * weight))
                  << "step " << step << " warp " << warp << " lane " << lane << " word " << word;
            }
          }
        }
      }
    }
  }
  const auto back = download(backward);
  at = 0;
  for (int step = 0; step < back_steps; ++step) {
    for (int warp = 0; warp < warps; ++warp) {
      for (int lane = 0; lane < 32; ++lane) {
        for (int word = 0; word < 2; ++word, ++at) {
          for (int half = 0; half < halves; ++half) {
            const int column = step * depth + fragment_row(kPrecision, lane, word, half);
            // [i2|f2|g2|o2] of two neighbouring units
            const int gate = column % 8 / 2, unit = column / 8 * 2 + column % 2;
            ASSERT_EQ(element_of(kPrecision, back[at], half),
                      rounded(kPrecision, r(gate, unit, 8 * warp + lane / 4)))
                << "step " << step << " warp " << warp << " lane " << lane << " word " << word;
          }
        }
      }
    }
  }
  const auto biases = download(bias);
  const auto operand = download(packed_W);
  for (int unit = 0; unit < units; ++unit) {
    for (int gate = 0; gate < 4; ++gate) {
      const auto column = static_cast<std::size_t>(unit / 2 * 8 + gate * 2 + unit % 2);
      const float value = unit < H ? fold(gate) * b[static_cast<std::size_t>(gate * H + unit)] : 0;
      ASSERT_EQ(biases[column], value) << "unit " << unit << " gate " << gate;
      for (int k = 0; k < pitch; ++k) {
        const auto element =
            operand[column * static_cast<std::size_t>(pitch) + static_cast<std::size_t>(k)];
        if constexpr (kPrecision == Precision::bf16) {
          ASSERT_EQ(to_float(element), rounded(kPrecision, w(gate, unit, k)));
        } else {
          ASSERT_EQ(element, w(gate, unit, k));
        }
      }
    }
  }
}

TEST_F(FusedMma, PackedWeightsLieWhereTheFragmentsOfTheManualWantThem) {
  if (IsSkipped()) return;
  check_packing<Precision::bf16>(*context_);
  check_packing<Precision::tf32>(*context_);
}

// 50 to 64, 90 to 96, 100 and 128 to 128 units: sizes that the parity test leaves to a card; those
// above 96 keep a part of R in shared memory in tf32.
TEST_F(FusedMma, PaddedUnitsAreNotSeen) {
  if (IsSkipped()) return;
  int count = 0;
  for (const Precision precision : kPrecisions) {
    for (const int H : {33, 50, 90, 100, 128}) {
      const RecurrenceCase c{.shape = {.T = 3, .N = 2, .C = 3, .H = H, .L = 1 + count % 2},
                             .states = count % 2 == 0};
      SCOPED_TRACE(::testing::PrintToString(c));
      const RecurrenceProblem problem(c, precision);
      expect_reference(problem, results(problem, precision, {}));
      ++count;
    }
  }
}

// 70 series: several CTAs, a tail, tiles without any series.
TEST_F(FusedMma, AnyNumberOfTilesGivesTheSameBits) {
  if (IsSkipped()) return;
  for (const Precision precision : kPrecisions) {
    const RecurrenceCase c{.shape = {.T = 3, .N = 70, .C = 5, .H = 12, .L = 1}, .states = true};
    const RecurrenceProblem problem(c, precision);
    const auto one = results(problem, precision, {.tiles = 1});
    expect_reference(problem, one);
    for (int tiles = 2; tiles <= mma::kMostTiles; ++tiles) {
      EXPECT_EQ(results(problem, precision, {.tiles = tiles}), one) << tiles;
    }
  }
}

// One byte of workspace: a step a launch. Two steps of 5: a part is left over.
TEST_F(FusedMma, InputProductsBeforeTheKernelAgreeWithTheReferenceInAnyParts) {
  if (IsSkipped()) return;
  for (const Precision precision : kPrecisions) {
    const RecurrenceCase c{.shape = {.T = 5, .N = 19, .C = 5, .H = 20, .L = 3},
                           .states = true,
                           .dropout = {.rate = 0.25f, .seed = 9, .step = 4}};
    const RecurrenceProblem problem(c, precision);
    const auto whole = results(problem, precision, {.hoist_input = true});
    expect_reference(problem, whole);
    for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{2 * 19 * 4 * 32 * 4}}) {
      expect_same(problem,
                  results(problem, precision, {.hoist_input = true, .workspace_bytes = bytes}),
                  whole);
    }
    expect_same(problem, results(problem, precision, {.workspace_bytes = 1}),
                results(problem, precision, {}));
  }
}

TEST_F(FusedMma, BackwardTwiceGivesTheSameBits) {
  if (IsSkipped()) return;
  const RecurrenceCase c{.shape = {.T = 3, .N = 5, .C = 4, .H = 9, .L = 2},
                         .dropout = {.rate = 0.5f, .seed = 1, .step = 2}};
  const RecurrenceProblem problem(c, Precision::bf16);
  DeviceRun run(*context_, problem,
                make_fused_mma(spec_of(problem.shape, Precision::bf16), *context_));
  run.forward();
  run.backward();
  const auto once = run.results();
  run.backward();
  EXPECT_EQ(run.results(), once);
}

// The input product and the states that are carried between its parts belong to the graph, too.
TEST_F(FusedMma, AReplayedGraphTakesNewWeightsAndTheMasksOfItsOwnStep) {
  if (IsSkipped()) return;
  const RecurrenceCase c{.shape = {.T = 4, .N = 5, .C = 4, .H = 9, .L = 2},
                         .states = true,
                         .dropout = {.rate = 0.5f, .seed = 1, .step = 2}};
  const RecurrenceProblem problem(c, Precision::bf16);
  const FusedMmaChoices choices{.hoist_input = true, .workspace_bytes = 1};
  const auto make = [&] {
    return DeviceRun(*context_, problem,
                     make_fused_mma(spec_of(problem.shape, Precision::bf16), *context_, choices));
  };
  DeviceRun run = make();
  const auto train = [](DeviceRun& now) {
    now.load();
    now.forward();
    now.backward();
  };
  check(cudaStreamBeginCapture(context_->stream(), cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
  train(run);
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(context_->stream(), &captured), "cudaStreamEndCapture");
  const Graph graph(captured);
  cudaGraphExec_t made = nullptr;
  check(cudaGraphInstantiate(&made, captured, 0), "cudaGraphInstantiate");
  const GraphExec replay(made);
  for (std::int64_t step = 3; step <= 4; ++step) {
    Floats weights = problem.weights;
    for (float& w : weights) w *= 1 / static_cast<float>(step);
    DeviceRun direct = make();
    for (DeviceRun* now : {&run, &direct}) {
      copy_to_device(std::span<const float>(weights), now->weights.span(), context_->stream());
      copy_to_device(std::span<const std::int64_t>(&step, 1), now->step.span(), context_->stream());
      testing::synchronize_device();
    }
    check(cudaGraphLaunch(replay.get(), context_->stream()), "cudaGraphLaunch");
    train(direct);
    EXPECT_EQ(run.results(), direct.results()) << step;
  }
}

/// Gradients of made-up gates. Many warps and steps: a warp has to run well ahead of another to
/// show a missing barrier.
template <Precision kPrecision>
std::vector<Floats> walk_back(DeviceContext& context, int units) {
  using E = mma::Element<kPrecision>;
  const int T = 12, N = 18, H = units - 4;
  const auto size = [](int of) { return static_cast<std::size_t>(of); };
  DeviceMemory& memory = context.memory();
  std::mt19937 random(7);
  std::vector<mma::KeptGate<E>> made;
  for (const float x : reference::uniform(random, size(T * N * 4 * units), 0.9)) {
    made.push_back(
        static_cast<mma::KeptGate<E>>(kPrecision == Precision::bf16 ? 32768 + 32767 * x : x));
  }
  const auto gates = upload(memory, made);
  const auto c = upload(memory, reference::uniform(random, size((T + 1) * N * units), 1));
  const auto dh = upload(memory, reference::uniform(random, size(T * N * H), 1));
  const auto R = upload(memory, reference::uniform(random, size(4 * H * H), 0.3));
  const auto W = upload(memory, Floats(size(4 * H))), b = upload(memory, Floats(size(4 * H)));
  const int warps = units / mma::kUnitsOfWarp, steps = mma::hidden_steps(kPrecision, units) + 1;
  const DeviceBuffer<std::uint32_t> forward(memory, steps * warps * mma::kForwardFragment, "R");
  const DeviceBuffer<std::uint32_t> backward(
      memory, mma::gradient_steps(kPrecision, units) * warps * mma::kBackwardFragment, "R");
  const DeviceBuffer<float> bias(memory, 4 * units, "bias");
  const DeviceBuffer<E> packed_W(memory, 4 * units * 8, "W");
  mma::pack<kPrecision>(
      {.H = H, .units = units, .inputs = 1, .W = W.data(), .R = R.data(), .b = b.data()}, 1, 8,
      forward.data(), bias.data(), backward.data(), packed_W.data(), context.stream());
  const DeviceBuffer<E> da(memory, T * N * 4 * units, "da");
  const DeviceBuffer<float> dh_first(memory, N * H, "dh"), dc_first(memory, N * H, "dc");
  mma::Backward<E> call{.steps = T, .H = H, .units = units, .dh_pitch = H};
  call.N = N;
  call.fragments = backward.data();
  call.dh = dh.data();
  call.gates = gates.data();
  call.c_sequence = c.data();
  call.dh_first = dh_first.data();
  call.dc_first = dc_first.data();
  call.da = da.data();
  mma::launch_backward<kPrecision>(call, context.stream());
  Floats all_da;
  for (const E x : download(da)) all_da.push_back(to_float(x));
  return {download(dh_first), download(dc_first), all_da};
}

// Warps run in another order each time, on the interpreter by design.
TEST_F(FusedMma, AWalkBackGivesTheSameBitsInAnyOrderOfItsWarps) {
  if (IsSkipped()) return;
  for (const int units : {16, 64, 128}) {  // one warp by itself, or 2 or 4 together
    const auto bf16 = walk_back<Precision::bf16>(*context_, units);
    const auto tf32 = walk_back<Precision::tf32>(*context_, units);
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(walk_back<Precision::bf16>(*context_, units), bf16) << units;
      EXPECT_EQ(walk_back<Precision::tf32>(*context_, units), tf32) << units;
    }
  }
}

// The same bits on the stand-in. On CUDA nvcc contracts a row's products and sums to FMA, each of
// which may move a value by its last bit of fp32 and so, now and then, over the middle between two
// neighbours of its 11 (tf32) or 8 (bf16) bits: by 2^-10 or 2^-7 of it. A pre-activation moves by
// no more than that of sum_k |W_k x_k| <= 5 x 0.2 x largest |x|; h by no more than c, whose largest
// slope (tanh of the candidate) is 1; and later steps add what is left of it, less than half each
// time at these weights: twice as much, in two layers twice again.
void check_assembled(DeviceContext& context, int steps) {
  ModelSpec wanted;
  wanted.T = steps;
  wanted.H = 30;
  wanted.embeddings = {{.cardinality = 5, .width = 2}};
  const testing::HeadProblem problem = testing::head_problem(wanted, 37, 0.1);
  const std::vector<std::int64_t> calendar_row(static_cast<std::size_t>(problem.series()), 0);
  WindowRows host = problem.on_host();
  host.space.calendar_row = calendar_row.data();
  const int T = wanted.T, C = host.space.C, N = static_cast<int>(problem.N());
  ASSERT_EQ(C, 5);
  Floats x(static_cast<std::size_t>(T * N * C));
  for (int t = 0; t < T; ++t) {
    for (int n = 0; n < N; ++n) input_row(host, n, t, x.data() + (t * N + n) * C);
  }

  DeviceMemory& memory = context.memory();
  std::vector<std::any> owners;
  const auto place = [&](const auto& values) {
    using Value = typename std::remove_cvref_t<decltype(values)>::value_type;
    auto buffer = std::make_shared<DeviceBuffer<Value>>(upload(memory, values));
    owners.emplace_back(buffer);
    return buffer->data();
  };
  WindowRows rows = problem.view(place);
  rows.space.calendar_row = place(calendar_row);
  const auto dense = upload(memory, x);
  std::mt19937 random(3);
  const RecurrenceSpec shape{.C = C, .H = wanted.H, .L = 2};
  const auto weights = upload(
      memory,
      reference::uniform(random, static_cast<std::size_t>(recurrence_params(C, wanted.H, 2)), 0.2));
  const DeviceBuffer<float> h(memory, T * N * wanted.H, "h"), last(memory, 4 * N * wanted.H, "h");
  const DeviceStateOut to{last.first(2 * N * wanted.H),
                          last.span().subspan(2 * N * wanted.H, 2 * N * wanted.H)};
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  for (const Precision precision : kPrecisions) {
    const float tolerance = testing::on_standin()
                                ? 0
                                : 4 * largest * (precision == Precision::tf32 ? 0x1p-10f : 0x1p-7f);
    const auto expect_close = [&](const Floats& got, const Floats& numbers, const char* what) {
      ASSERT_EQ(got.size(), numbers.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], numbers[i], tolerance)
            << to_string(precision) << " " << what << " " << i;
      }
    };
    for (const FusedMmaChoices& choices : {FusedMmaChoices{.tiles = 1}, FusedMmaChoices{.tiles = 4},
                                           FusedMmaChoices{.tiles = 1, .workspace_bytes = 70000}}) {
      RecurrenceSpec spec = shape;
      spec.precision = precision;
      const auto recurrence = make_fused_mma(spec, context, choices);
      ASSERT_TRUE(recurrence->assembles_input());
      recurrence->prepare(T, N, false);
      recurrence->load(weights.span());
      recurrence->infer(T, N, {.x = dense.span()}, {}, h.span(), to);
      const Floats want = download(h), want_last = download(last);
      set_zero(h.span(), context.stream());
      set_zero(last.span(), context.stream());
      recurrence->infer(T, N, {.x = {}, .rows = &rows}, {}, h.span(), to);
      expect_close(download(h), want, "h");
      expect_close(download(last), want_last, "last states");
      set_zero(last.span(), context.stream());
      recurrence->infer(T, N, {.x = {}, .rows = &rows}, {}, {}, to);
      expect_close(download(last), want_last, "last states without h");
    }
  }
}

// 20 steps: more than are assembled at a time (8 with one tile of 32 units, 2 with four); 3: fewer.
TEST_F(FusedMma, AssembledWindowsGiveTheNumbersOfDenseInput) {
  if (IsSkipped()) return;
  for (const int steps : {3, 20}) check_assembled(*context_, steps);
}

DeviceInfo device_with(std::int64_t shared_bytes) {
  DeviceInfo device;
  device.compute_capability = 80;
  device.multiprocessors = 108;
  device.shared_bytes = shared_bytes;
  return device;
}

TEST(FusedMmaRefusal, NamesWhatIsNeeded) {
  const DeviceInfo a100 = device_with(163 * 1024);
  const auto refusal = [&](int H, Precision precision, const DeviceInfo& device) {
    return fused_mma_refusal({.C = 3, .H = H, .L = 2, .precision = precision}, device);
  };
  EXPECT_EQ(refusal(64, Precision::fp32, a100), "fused_mma needs tf32 or bf16, not fp32");
  EXPECT_EQ(refusal(200, Precision::bf16, a100), "fused_mma needs H <= 128, not 200");
  DeviceInfo old = a100;
  old.compute_capability = 75;
  EXPECT_EQ(refusal(64, Precision::bf16, old), "fused_mma needs compute capability 8.0, not 7.5");
  EXPECT_EQ(refusal(128, Precision::tf32, device_with(99 * 1024)),
            "fused_mma with H = 128 in tf32 needs 164096 bytes of shared memory to a block, and "
            "the device has 101376");
  for (const Precision precision : kPrecisions) {
    for (int H = 1; H <= 128; ++H) EXPECT_EQ(refusal(H, precision, a100), "") << H;
  }
  EXPECT_EQ(refusal(128, Precision::bf16, device_with(99 * 1024)), "");
}

TEST_F(FusedMma, MakingWhatIsRefusedThrowsTheRefusal) {
  if (IsSkipped()) return;
  EXPECT_THAT([&] { make_fused_mma({.H = 200, .precision = Precision::bf16}, *context_); },
              ::testing::ThrowsMessage<DeviceError>("fused_mma needs H <= 128, not 200"));
}

}  // namespace
}  // namespace sluice
