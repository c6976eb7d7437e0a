// What every device recurrence promises beside its numbers (recurrence_parity_test): what may be
// called when, what an omitted array means, that its calls can be captured into a graph; and the
// texts of the choice between recurrences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/handles.hpp"
#include "recurrence/gemm/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceProblem;
using testing::DeviceRun;
using ::testing::HasSubstr;
using testing::TestedRecurrence;

constexpr int kT = 5, kN = 6, kC = 3, kH = 8, kL = 2;
using Results = std::vector<Floats>;

RecurrenceProblem problem_of(Precision precision) {
  return RecurrenceProblem({.shape = {.T = kT, .N = kN, .C = kC, .H = kH, .L = kL},
                            .states = true,
                            .dropout = {.rate = 0.25f, .seed = 7, .step = 3}},
                           precision);
}

template <typename T>
void put(const std::vector<T>& values, const DeviceBuffer<T>& buffer) {
  copy_to_device(std::span<const T>(values), buffer.span(), nullptr);
  testing::synchronize_device();
}

Results step_of(DeviceRun& run) {
  run.forward();
  run.backward();
  return run.results();
}

class DeviceRecurrenceContract : public testing::DeviceTest,
                                 public ::testing::WithParamInterface<TestedRecurrence> {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    context_ = std::make_unique<DeviceContext>();
    const std::string refused = refusal(GetParam().name, spec(), context_->info());
    if (!refused.empty()) GTEST_SKIP() << refused;
    try {  // cuDNN may refuse as late as here
      make(problem_);
    } catch (const NotSupportedError& late) {
      GTEST_SKIP() << late.what();
    }
  }
  void TearDown() override {
    context_.reset();
    DeviceTest::TearDown();
  }
  static RecurrenceSpec spec() {
    return {.C = kC, .H = kH, .L = kL, .precision = GetParam().precision};
  }
  DeviceRun make(const RecurrenceProblem& problem) {
    return DeviceRun(*context_, problem,
                     make_device_recurrence(GetParam().name, spec(), *context_));
  }
  const RecurrenceProblem problem_ = problem_of(GetParam().precision);
  std::unique_ptr<DeviceContext> context_;
};

TEST_P(DeviceRecurrenceContract, NamesItself) {
  EXPECT_EQ(make(problem_).recurrence->name(), GetParam().name);
}

TEST_P(DeviceRecurrenceContract, RepeatsItsBits) {
  DeviceRun a = make(problem_), b = make(problem_);
  const Results first = step_of(a);
  EXPECT_EQ(step_of(a), first);
  EXPECT_EQ(step_of(b), first);
}

TEST_P(DeviceRecurrenceContract, InferringTheLastStatesOnlyGivesTheSame) {
  DeviceRun run = make(problem_);
  run.infer();
  const Floats h = testing::download(run.h), h_last = testing::download(run.h_last),
               c_last = testing::download(run.c_last);
  const std::size_t state = kN * kH;
  EXPECT_EQ(Floats(h.end() - state, h.end()), Floats(h_last.end() - state, h_last.end()));
  for (DeviceBuffer<float>* buffer : {&run.h_last, &run.c_last}) {
    put(Floats(h_last.size(), testing::kUnset), *buffer);
  }
  run.recurrence->infer(kT, kN, {.x = run.x.span()}, run.initial(), {},
                        {run.h_last.span(), run.c_last.span()});
  EXPECT_EQ(testing::download(run.h_last), h_last);
  EXPECT_EQ(testing::download(run.c_last), c_last);
}

TEST_P(DeviceRecurrenceContract, OmittedResultsChangeNothingElse) {
  DeviceRun run = make(problem_);
  const Results expected = step_of(run);
  put(Floats(expected[0].size(), testing::kUnset), run.h);
  put(Floats(expected[4].size(), testing::kUnset), run.dweights);
  run.recurrence->forward(kT, kN, run.x.span(), run.initial(), run.dropout(), run.h.span(), {});
  run.recurrence->backward(run.dh.span(), run.dlast(), {}, run.dweights.span(), {});
  EXPECT_EQ(run.results(), expected);
}

TEST_P(DeviceRecurrenceContract, EmptyStatesAreZeros) {
  RecurrenceProblem problem = problem_;
  for (Floats* state : {&problem.h0, &problem.c0, &problem.dh_last, &problem.dc_last}) {
    state->assign(state->size(), 0.0f);
  }
  DeviceRun zeros = make(problem);
  const Results expected = step_of(zeros);
  zeros.infer();
  const Floats inferred = testing::download(zeros.h);
  for (Floats* state : {&problem.h0, &problem.c0, &problem.dh_last, &problem.dc_last}) {
    state->clear();
  }
  DeviceRun empty = make(problem);
  EXPECT_EQ(step_of(empty), expected);
  empty.infer();
  EXPECT_EQ(testing::download(empty.h), inferred);
}

TEST_P(DeviceRecurrenceContract, StatesMayBeReplacedInPlace) {
  DeviceRun run = make(problem_);
  const Results expected = step_of(run);
  const DeviceStateOut states{run.h0.span(), run.c0.span()};
  run.recurrence->forward(kT, kN, run.x.span(), run.initial(), run.dropout(), run.h.span(), states);
  run.recurrence->backward(run.dh.span(), run.dlast(), run.dx.span(), run.dweights.span(),
                           {run.dh_last.span(), run.dc_last.span()});
  const Results got{testing::download(run.h),        testing::download(run.h0),
                    testing::download(run.c0),       testing::download(run.dx),
                    testing::download(run.dweights), testing::download(run.dh_last),
                    testing::download(run.dc_last)};
  EXPECT_EQ(got, expected);

  put(problem_.h0, run.h0);
  put(problem_.c0, run.c0);
  run.infer();
  const Floats h_last = testing::download(run.h_last);
  run.recurrence->infer(kT, kN, {.x = run.x.span()}, run.initial(), {}, states);
  EXPECT_EQ(testing::download(run.h0), h_last);
}

// To rounding: what is kept between the halves is fp32, in one call it may be more or less.
TEST_P(DeviceRecurrenceContract, ContinuesFromItsLastStates) {
  DeviceRun run = make(problem_);
  run.infer();
  const Floats whole = testing::download(run.h);
  run.recurrence->prepare(2, kN, false);
  run.recurrence->prepare(3, kN, false);
  const DeviceStateOut between{run.h_last.span(), run.c_last.span()};
  const auto x = run.x.span();
  run.recurrence->infer(2, kN, {.x = x.first(2 * kN * kC)}, run.initial(),
                        run.h.span().first(2 * kN * kH), between);
  run.recurrence->infer(3, kN, {.x = x.subspan(2 * kN * kC, 3 * kN * kC)},
                        {run.h_last.span(), run.c_last.span()},
                        run.h.span().subspan(2 * kN * kH, 3 * kN * kH), {});
  const Floats halves = testing::download(run.h);
  for (std::size_t e = 0; e < whole.size(); ++e) {
    EXPECT_NEAR(halves[e], whole[e], problem_.tolerance) << e;
  }
}

TEST_P(DeviceRecurrenceContract, InferenceBetweenForwardAndBackwardDisturbsNothing) {
  DeviceRun run = make(problem_);
  const Floats expected = step_of(run)[4];
  run.forward();
  const Floats h = testing::download(run.h);  // backward() reads it
  run.recurrence->infer(kT, kN, {.x = run.x.span()}, {}, {}, {run.h_last.span(), {}});
  run.backward();
  EXPECT_EQ(testing::download(run.dweights), expected);
  EXPECT_EQ(testing::download(run.h), h);
}

TEST_P(DeviceRecurrenceContract, ShapesMadeReadyStayReady) {
  DeviceRun run = make(problem_);
  const Results expected = step_of(run);
  for (const bool training : {true, false}) {
    run.recurrence->prepare(kT + 2, 3 * kN, training);
    run.recurrence->prepare(1, 1, training);
  }
  EXPECT_EQ(step_of(run), expected);
}

TEST_P(DeviceRecurrenceContract, ANewLoadTakesEffectAndTheOldBufferMayChange) {
  RecurrenceProblem other = problem_;
  std::reverse(other.weights.begin(), other.weights.end());
  DeviceRun expected = make(other), run = make(problem_);
  step_of(run);
  put(other.weights, run.weights);
  run.load();
  set_zero(run.weights.span(), context_->stream());
  EXPECT_EQ(step_of(run), step_of(expected));
}

// The graph holds load, forward and backward; what changes between its runs lies in device memory.
TEST_P(DeviceRecurrenceContract, AGraphReplaysWithOtherInputsAndTheMasksOfItsOwnStep) {
  DeviceRun run = make(problem_);
  const Results first = step_of(run);
  const cudaStream_t stream = context_->stream();
  cudaGraph_t captured = nullptr;
  check(cudaStreamBeginCapture(stream, run.recurrence->capture_mode()), "begin of a capture");
  run.load();
  run.forward();
  run.backward();
  check(cudaStreamEndCapture(stream, &captured), "end of a capture");
  const Graph graph(captured);
  cudaGraphExec_t instance = nullptr;
  check(cudaGraphInstantiate(&instance, graph.get(), 0), "cudaGraphInstantiate");
  const GraphExec exec(instance);

  check(cudaGraphLaunch(exec.get(), stream), "cudaGraphLaunch");
  EXPECT_EQ(run.results(), first);

  RecurrenceProblem other = problem_;
  for (Floats* values : {&other.x, &other.weights, &other.h0, &other.dh}) {
    std::reverse(values->begin(), values->end());
  }
  other.dropout.step += 1000;
  DeviceRun direct = make(other);
  const Results expected = step_of(direct);
  EXPECT_NE(expected, first);
  put(other.x, run.x);
  put(other.weights, run.weights);
  put(other.h0, run.h0);
  put(other.dh, run.dh);
  put(std::vector<std::int64_t>{other.dropout.step}, run.step);
  check(cudaGraphLaunch(exec.get(), stream), "cudaGraphLaunch");
  EXPECT_EQ(run.results(), expected);
}

INSTANTIATE_TEST_SUITE_P(All, DeviceRecurrenceContract,
                         ::testing::ValuesIn(testing::device_recurrences_to_test()),
                         [](const auto& tested) { return label(tested.param); });

class GemmRecurrenceContract : public testing::DeviceTest {};

TEST_F(GemmRecurrenceContract, BackwardCanRunAgain) {
  if (IsSkipped()) return;
  DeviceContext context;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const RecurrenceSpec spec{.C = kC, .H = kH, .L = kL, .precision = precision};
    DeviceRun run(context, problem_of(precision), make_gemm_recurrence(spec, context));
    const Results expected = step_of(run);
    run.backward();
    EXPECT_EQ(run.results(), expected);
  }
}

TEST_F(GemmRecurrenceContract, InferenceTakesNoMoreMemoryForMoreStepsThanAShare) {
  if (IsSkipped()) return;
  DeviceContext context;
  const auto bytes = [&](int T) {
    const std::int64_t before = context.memory().used();
    const auto recurrence = make_gemm_recurrence(
        {.C = 15, .H = 64, .L = 4, .precision = Precision::bf16}, context, 1 << 20);
    recurrence->prepare(T, 50, false);
    return context.memory().used() - before;
  };
  EXPECT_EQ(bytes(10'000), bytes(100));  // a share is 2^20 / (50 * 4 * 64 * 4) = 20 steps
  EXPECT_GT(bytes(100), bytes(1));
}

template <typename Error, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST_F(GemmRecurrenceContract, WrongCallsAreNamed) {
  if (IsSkipped()) return;
  DeviceContext context;
  const auto recurrence = make_gemm_recurrence({.C = 2, .H = 3, .L = 1}, context);
  DeviceBuffer<float> some(context.memory(), 84, "a test's array");
  const auto message = [](auto call) { return message_of<InternalError>(call); };
  EXPECT_EQ(message([&] { recurrence->infer(1, 2, {.x = some.span()}, {}, {}, {}); }),
            "gemm recurrence, infer: T = 1, N = 2 was not prepared for inference");
  EXPECT_EQ(message([&] { recurrence->load(some.span()); }),
            "gemm recurrence, load: weights has 84 elements, not 72");
  recurrence->prepare(1, 2, false);
  EXPECT_EQ(message([&] { recurrence->infer(1, 2, {.x = some.span()}, {}, {}, {}); }),
            "gemm recurrence, infer: x has 84 elements, not 4");
  EXPECT_EQ(message([&] { recurrence->backward({}, {}, {}, {}, {}); }),
            "gemm recurrence, backward: no forward() came before");
}

class RecurrenceSelection : public testing::DeviceTest {};

TEST_F(RecurrenceSelection, AnUnknownNameIsAnsweredWithThoseThereAre) {
  if (IsSkipped()) return;
  DeviceContext context;
  const std::string message =
      message_of<ConfigError>([&] { make_device_recurrence("gem", {}, context); });
  EXPECT_THAT(message, HasSubstr("engine.recurrence = \"gem\": there is no such recurrence on a "
                                 "GPU; choose auto, fused, cudnn, gemm, fused_simt, "));
  for (const std::string& name : device_recurrences()) EXPECT_THAT(message, HasSubstr(name));
}

TEST_F(RecurrenceSelection, ARefusedShapeGivesTheReason) {
  if (IsSkipped()) return;
  DeviceContext context;
  const RecurrenceSpec tf32{.C = 5, .H = 64, .L = 1, .precision = Precision::tf32};
  const std::string reason = refusal("fused_simt", tf32, context.info());
  ASSERT_FALSE(reason.empty());
  EXPECT_EQ(message_of<DeviceError>([&] { make_device_recurrence("fused_simt", tf32, context); }),
            "engine.recurrence = \"fused_simt\": " + reason +
                "; choose another, \"gemm\" takes any shape");
}

DeviceInfo hopper() {
  DeviceInfo info;
  info.compute_capability = 90;
  info.multiprocessors = 132;
  info.shared_bytes = 227 * 1024;
  return info;
}

TEST(RecurrenceChoice, FusedAndCudnnAreShortForOneOfTheirs) {
  const DeviceInfo device = hopper();
  EXPECT_EQ(choose_recurrence("fused", {.H = 64}, device), "fused_simt");
  EXPECT_EQ(choose_recurrence("fused", {.H = 64, .precision = Precision::bf16}, device),
            "fused_mma");
  EXPECT_EQ(choose_recurrence("cudnn", {.H = 64}, device), "cudnn_standard");
  EXPECT_EQ(choose_recurrence("gemm", {.H = 64}, device), "gemm");
}

TEST(RecurrenceChoice, AutoPrecisionIsFp32WhereBatchesAreSmallAndTheRecurrenceIsLeftToUs) {
  const DeviceInfo device = hopper();
  const auto of = [&](const std::string& name, int H, int N) {
    return auto_precision(name, {.C = 5, .H = H, .L = 1, .N = N}, device);
  };
  EXPECT_EQ(of("auto", 64, 32), Precision::fp32);
  EXPECT_EQ(of("auto", 96, 264), Precision::fp32);
  EXPECT_EQ(of("auto", 96, 265), Precision::tf32);
  EXPECT_EQ(of("auto", 97, 32), Precision::tf32);
  EXPECT_EQ(of("auto", 64, 0), Precision::tf32);
  for (const char* name : {"fused", "gemm", "cudnn", "check:auto,gemm"}) {
    EXPECT_EQ(of(name, 64, 32), Precision::tf32) << name;
  }
}

TEST(RecurrenceChoice, AutoIsFusedWhereThatIsPossibleElseGemm) {
  const DeviceInfo device = hopper();
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    for (const int H : {1, 16, 64, 128, 512, 5000}) {
      const RecurrenceSpec spec{.C = 5, .H = H, .L = 2, .precision = precision};
      const std::string fused = choose_recurrence("fused", spec, device);
      EXPECT_EQ(choose_recurrence("auto", spec, device),
                refusal(fused, spec, device).empty() ? fused : "gemm")
          << H;
    }
    EXPECT_EQ(choose_recurrence("auto", {.H = 5000, .precision = precision}, device), "gemm");
  }
}

}  // namespace
}  // namespace sluice
