// What is special to fused_simt: its forms (R in registers or in shared memory, input products
// hoisted or not, inputs read or assembled), its cuts, its refusals. That it computes an LSTM is
// for engine/parity_test.cpp; here one form is held against the reference, and the others against
// it.
//
// Tolerance: forms differ in the order of sums and in nothing else, so their outputs differ like
// fp32 sums of K = I + H + 1 products of order 1, by some u sqrt(K) (u = 2^-24), carried over a few
// steps; gradients are sums over T N of those: 64 u sqrt(K) of an array's largest element (or of
// 0.1, where gradients decay) is 5 standard deviations or more.
#include "recurrence/fused_simt/recurrence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/graph.hpp"
#include "recurrence/fused_simt/register_walk.hpp"
#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/dropout.hpp"
#include "support/device.hpp"
#include "support/head_problem.hpp"
#include "support/reference_lstm.hpp"

namespace sluice {
namespace {

using fused_simt::Form;
using ::testing::HasSubstr;
using Floats = std::vector<float>;

struct Shape {
  int T = 1, N = 1, C = 1, H = 1, L = 1;
  float dropout = 0;
  bool states = true;
};

Floats uniform(std::mt19937& random, std::int64_t size, double range) {
  std::uniform_real_distribution<float> value(static_cast<float>(-range),
                                              static_cast<float>(range));
  Floats out(static_cast<std::size_t>(size));
  for (float& v : out) v = value(random);
  return out;
}

struct Inputs {
  Floats x, weights, h0, c0, dh, dh_last, dc_last;

  explicit Inputs(const Shape& s) {
    std::mt19937 random(static_cast<std::mt19937::result_type>(s.T + 7 * s.N + 31 * s.H));
    const std::int64_t rows = std::int64_t{s.T} * s.N, states = s.L * s.N * s.H;
    x = uniform(random, rows * s.C, 1.5);
    weights = uniform(random, lstm_weights(s.C, s.H, s.L), 1 / std::sqrt(s.H));
    dh = uniform(random, rows * s.H, 1);
    if (!s.states) return;
    for (Floats* array : {&h0, &c0, &dh_last, &dc_last}) *array = uniform(random, states, 1);
  }
};

/// All that a recurrence gives, by name.
using Outputs = std::vector<std::pair<std::string, Floats>>;

class FusedSimt : public testing::DeviceTest {
 protected:
  void SetUp() override {
    testing::DeviceTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) context_ = std::make_unique<DeviceContext>();
  }

  Outputs run(const Shape& s, const Inputs& in, const std::optional<Form>& form) {
    const RecurrenceSpec spec{.C = s.C, .H = s.H, .L = s.L};
    const auto recurrence =
        form ? fused_simt::make(spec, *context_, *form) : make_fused_simt(spec, *context_);
    recurrence->prepare(s.T, s.N, false);
    recurrence->prepare(s.T, s.N, true);
    DeviceMemory& memory = context_->memory();
    const auto weights = testing::upload(memory, in.weights), x = testing::upload(memory, in.x);
    const auto h0 = testing::upload(memory, in.h0), c0 = testing::upload(memory, in.c0);
    const auto dh = testing::upload(memory, in.dh);
    const auto dh_last = testing::upload(memory, in.dh_last);
    const auto dc_last = testing::upload(memory, in.dc_last);
    const auto step = testing::upload(memory, std::vector<std::int64_t>{3});
    const std::int64_t states = std::int64_t{s.L} * s.N * s.H;
    const DeviceBuffer<float> h(memory, dh.size(), "h"), dx(memory, x.size(), "dx");
    const DeviceBuffer<float> h_last(memory, states, "h"), c_last(memory, states, "c");
    const DeviceBuffer<float> dh0(memory, states, "dh"), dc0(memory, states, "dc");
    const DeviceBuffer<float> dweights(memory, weights.size(), "dweights");

    recurrence->load(weights.span());
    Outputs out;
    const DeviceStateIn initial{h0.span(), c0.span()};
    const DeviceStateOut last{h_last.span(), c_last.span()};
    recurrence->infer(s.T, s.N, {.x = x.span()}, initial, h.span(), last);
    out.emplace_back("infer h", testing::download(h));
    out.emplace_back("infer h_last", testing::download(h_last));
    out.emplace_back("infer c_last", testing::download(c_last));
    recurrence->infer(s.T, s.N, {.x = x.span()}, initial, {}, last);
    out.emplace_back("infer h_last alone", testing::download(h_last));
    recurrence->forward(s.T, s.N, x.span(), initial,
                        {.rate = s.dropout, .seed = 5, .step = step.data()}, h.span(), last);
    out.emplace_back("h", testing::download(h));
    out.emplace_back("h_last", testing::download(h_last));
    out.emplace_back("c_last", testing::download(c_last));
    recurrence->backward(dh.span(), {dh_last.span(), dc_last.span()}, dx.span(), dweights.span(),
                         {dh0.span(), dc0.span()});
    out.emplace_back("dx", testing::download(dx));
    out.emplace_back("dweights", testing::download(dweights));
    out.emplace_back("dh0", testing::download(dh0));
    out.emplace_back("dc0", testing::download(dc0));
    return out;
  }

  std::unique_ptr<DeviceContext> context_;
};

Floats narrow(const reference::Vector& values) { return {values.begin(), values.end()}; }

Outputs reference_outputs(const Shape& s, const Inputs& in) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  const reference::LstmShape shape{
      .T = size(s.T), .N = size(s.N), .C = size(s.C), .H = size(s.H), .L = size(s.L)};
  const std::size_t states = shape.L * shape.N * shape.H;
  const auto widen = [](const Floats& values, std::size_t count) {
    reference::Vector out(values.begin(), values.end());
    out.resize(count);
    return out;
  };
  reference::LstmInput input{.x = widen(in.x, in.x.size()),
                             .weights = widen(in.weights, in.weights.size()),
                             .h0 = widen(in.h0, states),
                             .c0 = widen(in.c0, states),
                             .mask = {}};
  const auto plain = lstm_forward(shape, input);
  for (int l = 0; l + 1 < s.L; ++l) {
    auto& mask = input.mask.emplace_back(in.dh.size());
    for (std::size_t e = 0; e < mask.size(); ++e) {
      mask[e] =
          static_cast<double>(dropout_factor(dropout_numbers(5, 3, l, e / 4).v[e % 4], s.dropout));
    }
  }
  const auto trace = lstm_forward(shape, input);
  const auto gradients = lstm_backward(shape, input, trace, widen(in.dh, in.dh.size()),
                                       widen(in.dh_last, states), widen(in.dc_last, states));
  return {{"infer h", narrow(plain.h())},
          {"infer h_last", narrow(plain.h_last)},
          {"infer c_last", narrow(plain.c_last)},
          {"infer h_last alone", narrow(plain.h_last)},
          {"h", narrow(trace.h())},
          {"h_last", narrow(trace.h_last)},
          {"c_last", narrow(trace.c_last)},
          {"dx", narrow(gradients.dx)},
          {"dweights", narrow(gradients.dweights)},
          {"dh0", narrow(gradients.dh0)},
          {"dc0", narrow(gradients.dc0)}};
}

void expect_near(const Shape& s, const Outputs& got, const Outputs& want) {
  ASSERT_EQ(got.size(), want.size());
  const double tolerance = 64 * 0x1p-24 * std::sqrt(std::max(s.C, s.H) + s.H + 1);
  for (std::size_t k = 0; k < want.size(); ++k) {
    const auto& [name, values] = want[k];
    ASSERT_EQ(got[k].second.size(), values.size()) << name;
    double largest = 0.1, worst = 0;
    for (std::size_t e = 0; e < values.size(); ++e) {
      largest = std::max(largest, static_cast<double>(std::fabs(values[e])));
      const double error = std::fabs(static_cast<double>(got[k].second[e] - values[e]));
      if (!(error <= worst)) worst = error;  // takes NaN, too
    }
    EXPECT_LE(worst, tolerance * largest) << name;
  }
}

/// Every way through the kernels. With `least_blocks` 1 series are cut as coarsely as can be.
std::vector<std::pair<std::string, Form>> forms(int least_blocks) {
  const auto form = [&](bool hoist_first, bool hoist_upper, std::int64_t product_floats) {
    return Form{.hoist_first = hoist_first,
                .hoist_upper = hoist_upper,
                .least_blocks = least_blocks,
                .product_floats = product_floats};
  };
  const auto in_registers = [&](bool hoist_first, bool hoist_upper, std::int64_t product_floats) {
    Form registers = form(hoist_first, hoist_upper, product_floats);
    registers.registers = registers.own_gradients = true;
    return registers;
  };
  return {{"in registers", in_registers(false, false, 1 << 20)},
          {"in registers, hoisted a step at a time", in_registers(true, true, 1)},
          {"in registers, first hoisted", in_registers(true, false, 1 << 20)},
          {"in registers, upper hoisted", in_registers(false, true, 1 << 20)},
          {"in shared memory", form(false, false, 1 << 20)},
          {"first hoisted", form(true, false, 1 << 20)},
          {"upper hoisted", form(false, true, 1 << 20)},
          {"hoisted a step at a time", form(true, true, 1)}};
}

TEST_F(FusedSimt, EveryFormAgreesWithTheReference) {
  for (const Shape& s : {Shape{.T = 4, .N = 3, .C = 5, .H = 7, .L = 3, .dropout = 0.25f},
                         Shape{.T = 1, .N = 17, .C = 1, .H = 1, .L = 1},
                         Shape{.T = 3, .N = 20, .C = 2, .H = 4, .L = 2, .states = false}}) {
    const Inputs in(s);
    const Outputs want = reference_outputs(s, in);
    for (const auto& [name, form] : forms(132)) {
      SCOPED_TRACE(name + " H=" + std::to_string(s.H));
      expect_near(s, run(s, in, form), want);
    }
  }
}

// H = 33 and 35 series: an odd unit, and 3 CTAs of 16 with 4 series a thread, or 1 of 64 with 8.
TEST_F(FusedSimt, EveryCutAgreesWithTheReference) {
  const Shape s{.T = 3, .N = 35, .C = 3, .H = 33, .L = 1};
  const Inputs in(s);
  const Outputs want = reference_outputs(s, in);
  for (const int least_blocks : {1, 132}) {
    for (const auto& [name, form] : forms(least_blocks)) {
      if (form.hoist_upper) continue;
      SCOPED_TRACE(name + (least_blocks == 1 ? ", coarse" : ", fine"));
      expect_near(s, run(s, in, form), want);
    }
  }
}

// Of every size that registers have kernels for: the largest H, with as many inputs as it takes
// itself; 9 series are two of four and one, or nine of one.
TEST_F(FusedSimt, EverySizeInRegistersAgreesWithTheReference) {
  for (const int H : {16, 32, 48, 64, 96}) {
    for (const int C : {fused_simt::register_inputs(H), 15}) {
      const Shape s{.T = 3, .N = 9, .C = C, .H = H, .L = 1};
      const Inputs in(s);
      const Outputs want = reference_outputs(s, in);
      for (const int least_blocks : {1, 132}) {
        SCOPED_TRACE(std::to_string(H) + " units, " + std::to_string(C) + " inputs, " +
                     std::to_string(least_blocks));
        expect_near(
            s,
            run(s, in,
                Form{.registers = true, .own_gradients = true, .least_blocks = least_blocks}),
            want);
      }
    }
  }
}

// A hoisted product is read a step ahead, over all steps of a stretch.
TEST_F(FusedSimt, TakesHoistedProductsOfManyStepsIntoRegisters) {
  const Shape s{.T = 9, .N = 5, .C = 40, .H = 20, .L = 2};
  const Inputs in(s);
  const Outputs want = reference_outputs(s, in);
  for (const int least_blocks : {1, 132}) {
    expect_near(s,
                run(s, in,
                    Form{.hoist_first = true,
                         .hoist_upper = true,
                         .registers = true,
                         .own_gradients = true,
                         .least_blocks = least_blocks}),
                want);
  }
}

// 16 KB are 256 steps of 16 inputs of one series, 64 of four.
TEST_F(FusedSimt, BringsInputsToRegistersInStretchesOfSteps) {
  const Shape s{.T = 70, .N = 6, .C = 3, .H = 5, .L = 1};
  const Inputs in(s);
  expect_near(s, run(s, in, Form{.registers = true, .least_blocks = 1}), reference_outputs(s, in));
}

TEST_F(FusedSimt, ReadsInputsOfSeveralStepsAtATime) {
  const Shape s{.T = 11, .N = 2, .C = 3, .H = 64, .L = 1};  // 128 threads for 16 series: 8 steps
  const Inputs in(s);
  expect_near(s, run(s, in, Form{.least_blocks = 132}), reference_outputs(s, in));
}

TEST_F(FusedSimt, GivesTheSameBitsAgain) {
  const Shape s{.T = 5, .N = 19, .C = 2, .H = 6, .L = 2, .dropout = 0.5f};
  const Inputs in(s);
  EXPECT_EQ(run(s, in, {}), run(s, in, {}));
}

TEST_F(FusedSimt, WindowsGiveWhatTheirRowsGive) {
  ModelSpec model;
  model.T = 13, model.H = 9, model.M = 2;
  model.embeddings = {{.cardinality = 3, .width = 2}};
  const int N = 21;
  const testing::HeadProblem problem = testing::head_problem(model, N, 0.2);
  const Shape s{.T = model.T, .N = N, .C = problem.spec.inputs(), .H = model.H, .L = 2};
  Inputs in(s);
  WindowRows on_host = problem.on_host();
  const std::vector<std::int64_t> no_calendar(problem.offset.size(), 0);
  on_host.space.calendar_row = no_calendar.data();
  int before_start = 0;
  for (int t = 0; t < s.T; ++t) {
    for (int n = 0; n < N; ++n) {
      input_row(on_host, n, t, in.x.data() + (t * N + n) * s.C);
      before_start += on_host.windows[n].origin - s.T + 1 + t < 0 ? 1 : 0;
    }
  }
  EXPECT_GT(before_start, 0);  // rows of zeros are among them
  const Outputs want = run(s, in, {});

  DeviceMemory& memory = context_->memory();
  std::vector<DeviceBuffer<std::byte>> kept;
  const auto place = [&]<typename T>(const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    kept.push_back(
        testing::upload(memory, std::vector<std::byte>(bytes, bytes + values.size() * sizeof(T))));
    return reinterpret_cast<const T*>(kept.back().data());
  };
  WindowRows rows = problem.view(place);
  rows.space.calendar_row = place(no_calendar);
  const auto recurrence = make_fused_simt({.C = s.C, .H = s.H, .L = s.L}, *context_);
  ASSERT_TRUE(recurrence->assembles_input());
  recurrence->prepare(s.T, N, false);
  const auto weights = testing::upload(memory, in.weights);
  const auto h0 = testing::upload(memory, in.h0), c0 = testing::upload(memory, in.c0);
  recurrence->load(weights.span());
  const DeviceBuffer<float> h(memory, std::int64_t{s.T} * N * s.H, "h");
  recurrence->infer(s.T, N, {.x = {}, .rows = &rows}, {h0.span(), c0.span()}, h.span(), {});
  expect_near(s, {{"h", testing::download(h)}}, {want.front()});
}

TEST_F(FusedSimt, TakesWindowsOnlyWhereTheInputProductIsNotHoisted) {
  const Form hoisted{.hoist_first = true};
  const auto recurrence = fused_simt::make({.C = 2, .H = 3, .L = 1}, *context_, hoisted);
  EXPECT_FALSE(recurrence->assembles_input());
  recurrence->prepare(2, 2, false);
  const WindowRows rows;
  EXPECT_THROW(recurrence->infer(2, 2, {.x = {}, .rows = &rows}, {}, {}, {}), InternalError);
}

// The last states go where the initial ones came from, and backward still knows those.
TEST_F(FusedSimt, StatesMayBeReplacedInPlace) {
  const Shape s{.T = 3, .N = 5, .C = 2, .H = 6, .L = 2};
  const Inputs in(s);
  const Outputs want = run(s, in, {});
  const auto recurrence = make_fused_simt({.C = s.C, .H = s.H, .L = s.L}, *context_);
  recurrence->prepare(s.T, s.N, true);
  DeviceMemory& memory = context_->memory();
  const auto weights = testing::upload(memory, in.weights), x = testing::upload(memory, in.x);
  const auto h0 = testing::upload(memory, in.h0), c0 = testing::upload(memory, in.c0);
  const auto dh = testing::upload(memory, in.dh), dh_last = testing::upload(memory, in.dh_last);
  const auto dc_last = testing::upload(memory, in.dc_last);
  const DeviceBuffer<float> h(memory, dh.size(), "h");
  const DeviceBuffer<float> dweights(memory, weights.size(), "dweights");
  recurrence->load(weights.span());
  recurrence->forward(s.T, s.N, x.span(), {h0.span(), c0.span()}, {}, h.span(),
                      {h0.span(), c0.span()});
  recurrence->backward(dh.span(), {dh_last.span(), dc_last.span()}, {}, dweights.span(),
                       {dh_last.span(), dc_last.span()});
  const Outputs got = {{"h_last", testing::download(h0)},
                       {"c_last", testing::download(c0)},
                       {"dweights", testing::download(dweights)},
                       {"dh0", testing::download(dh_last)},
                       {"dc0", testing::download(dc_last)}};
  for (const auto& [name, values] : got) {
    for (const auto& [wanted, numbers] : want) {
      if (wanted == name) {
        EXPECT_EQ(values, numbers) << name;
      }
    }
  }
}

TEST_F(FusedSimt, AReplayedGraphDrawsTheMasksOfItsStep) {
  const Shape s{.T = 3, .N = 5, .C = 2, .H = 6, .L = 2, .dropout = 0.5f};
  const Inputs in(s);
  const auto recurrence = make_fused_simt({.C = s.C, .H = s.H, .L = s.L}, *context_);
  recurrence->prepare(s.T, s.N, true);
  DeviceMemory& memory = context_->memory();
  const auto weights = testing::upload(memory, in.weights), x = testing::upload(memory, in.x);
  const auto dh = testing::upload(memory, in.dh);
  const auto step = testing::upload(memory, std::vector<std::int64_t>{1});
  const DeviceBuffer<float> h(memory, dh.size(), "h");
  const DeviceBuffer<float> dweights(memory, weights.size(), "dweights");
  recurrence->load(weights.span());
  const auto train = [&] {
    recurrence->forward(s.T, s.N, x.span(), {}, {.rate = s.dropout, .seed = 5, .step = step.data()},
                        h.span(), {});
    recurrence->backward(dh.span(), {}, {}, dweights.span(), {});
  };
  const auto gradients_of = [&](std::int64_t number, const auto& run) {
    const std::vector<std::int64_t> value{number};
    copy_to_device(std::span(value), step.span(), context_->stream());
    run();
    context_->synchronize();
    return testing::download(dweights);
  };
  const GraphExec graph = capture_graph(context_->stream(), train);
  const auto replay = [&] {
    check(cudaGraphLaunch(graph.get(), context_->stream()), "cudaGraphLaunch");
  };
  const Floats first = gradients_of(1, train), second = gradients_of(2, train);
  EXPECT_NE(first, second);
  EXPECT_EQ(gradients_of(1, replay), first);
  EXPECT_EQ(gradients_of(2, replay), second);
}

TEST_F(FusedSimt, RefusesAShapeThatWasNotPrepared) {
  const auto recurrence = make_fused_simt({.C = 1, .H = 2, .L = 2}, *context_);
  recurrence->prepare(2, 3, true);
  const DeviceBuffer<float> x(context_->memory(), 12, "x"), h(context_->memory(), 24, "h");
  EXPECT_THROW(recurrence->forward(4, 3, x.span(), {}, {}, h.span(), {}), InternalError);
}

TEST_F(FusedSimt, RefusesABatchOfMoreRowsThanAnIntCounts) {
  if (IsSkipped()) return;
  const auto recurrence = make_fused_simt({.C = 3, .H = 4, .L = 1}, *context_);
  EXPECT_THAT([&] { recurrence->prepare(1 << 15, 1 << 16, false); },
              ::testing::ThrowsMessage<DeviceError>(
                  ::testing::HasSubstr("the rows of a batch (steps times sequences): 2147483648")));
}

TEST(FusedSimtForm, FollowsFromWhatFitsInRegistersOrSharedMemory) {
  const DeviceInfo hopper{.name = "H100", .multiprocessors = 132, .shared_bytes = 227 * 1024};
  const DeviceInfo small{.name = "A10", .multiprocessors = 72, .shared_bytes = 99 * 1024};
  const auto form = [](const RecurrenceSpec& spec, const DeviceInfo& device) {
    const Form f = fused_simt::choose_form(spec, device);
    return std::string(f.registers ? "registers " : "") + (f.hoist_first ? "first " : "") +
           (f.hoist_upper ? "upper " : "");
  };
  EXPECT_EQ(form({.C = 16, .H = 64, .L = 1}, hopper), "registers ");
  EXPECT_EQ(form({.C = 33, .H = 64, .L = 1}, hopper), "registers first ");
  EXPECT_EQ(form({.C = 32, .H = 64, .L = 4}, hopper), "registers upper ");
  EXPECT_EQ(form({.C = 32, .H = 32, .L = 4}, small), "registers ");
  EXPECT_EQ(form({.C = 16, .H = 96, .L = 1}, small), "registers ");
  EXPECT_EQ(form({.C = 17, .H = 96, .L = 2}, hopper), "registers first upper ");
  EXPECT_EQ(form({.C = 16, .H = 97, .L = 1}, hopper), "");
  EXPECT_EQ(form({.C = 16, .H = 97, .L = 2}, hopper), "upper ");
  EXPECT_EQ(form({.C = 200, .H = 97, .L = 1}, hopper), "first ");
}

TEST(FusedSimtRefusal, NamesThePrecision) {
  const DeviceInfo device{.name = "H100", .shared_bytes = 227 * 1024};
  EXPECT_EQ(
      fused_simt_refusal({.C = 1, .H = 8, .L = 1, .precision = Precision::bf16}, device),
      "fused_simt computes in fp32 only, not bf16; set engine.precision = \"fp32\", or choose "
      "gemm or fused_mma (engine.recurrence)");
  EXPECT_THAT(fused_simt_refusal({.C = 1, .H = 8, .L = 1, .precision = Precision::tf32}, device),
              HasSubstr("not tf32"));
}

TEST(FusedSimtRefusal, AsksForNoSharedMemoryWhereRLiesInRegisters) {
  const DeviceInfo small{.name = "A10", .multiprocessors = 72, .shared_bytes = 99 * 1024};
  EXPECT_EQ(fused_simt_refusal({.C = 40, .H = 96, .L = 2}, small), "");
  EXPECT_THAT(fused_simt_refusal({.C = 40, .H = 97, .L = 2}, small), HasSubstr("A10 has 101376"));
}

TEST(FusedSimtRefusal, NamesTheBytesThatAreMissing) {
  const DeviceInfo device{.name = "H100", .shared_bytes = 227 * 1024};
  EXPECT_EQ(fused_simt_refusal({.C = 1000, .H = 114, .L = 4}, device), "");
  EXPECT_EQ(fused_simt_refusal({.C = 1, .H = 128, .L = 1}, device),
            "fused_simt keeps a layer's R [4H,H] in the shared memory of a multiprocessor: H = 128 "
            "needs 288768 bytes, and H100 has 232448; set a smaller model.hidden_size or "
            "engine.recurrence = \"gemm\"");
}

// H = 114 is the largest: only the smallest cut is left, and only for R.
TEST_F(FusedSimt, ComputesTheLargestHThatItDoesNotRefuse) {
  const Shape s{.T = 2, .N = 9, .C = 2, .H = 114, .L = 2};
  ASSERT_THAT(fused_simt_refusal({.C = 2, .H = 115, .L = 1}, context_->info()),
              HasSubstr("H = 115"));
  const Inputs in(s);
  expect_near(s, run(s, in, {}), reference_outputs(s, in));
}

}  // namespace
}  // namespace sluice
