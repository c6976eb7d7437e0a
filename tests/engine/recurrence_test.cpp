// What every recurrence promises beside its numbers (recurrence_parity_test): what may be called
// when, what an omitted array means, and the texts of refusals.
#include "engine/recurrence.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <functional>
#include <random>

#include "engine/fused/recurrence.hpp"
#include "engine/onednn/call.hpp"
#include "sluice/base/error.hpp"
#include "support/host_recurrence.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using testing::HostRecurrence;
using Floats = std::vector<float>;

constexpr int kC = 3, kH = 8, kL = 2;
constexpr int kT = 5, kN = 4;

Floats uniform(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1, 1);
  Floats out(size);
  for (float& v : out) v = value(random);
  return out;
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const InternalError& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Recurrence>(int C, int H, int L)> make;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

/// The test's name names the one of them.
class Recurrences : public ::testing::TestWithParam<Kind> {};

std::unique_ptr<Recurrence> make(int C, int H, int L) {
  return Recurrences::GetParam().make(C, H, L);
}

/// A recurrence made ready for (kT, kN), with arrays of its size.
struct Ready {
  std::unique_ptr<Recurrence> recurrence = make(kC, kH, kL);
  Floats weights = uniform(static_cast<std::size_t>(recurrence_params(kC, kH, kL)), 1);
  Floats x = uniform(kT * kN * kC, 2), dh = uniform(kT * kN * kH, 3);
  Floats h = Floats(kT * kN * kH), dx = Floats(kT * kN * kC), dweights = Floats(weights.size());
  Floats dh0 = Floats(kL * kN * kH), dc0 = dh0;
  DropoutKey dropout{.rate = 0.25f, .seed = 5, .step = 6};

  Ready() {
    recurrence->prepare(kT, kN, false);
    recurrence->prepare(kT, kN, true);
    recurrence->load(weights);
  }
  void forward() { recurrence->forward(kT, kN, x, {}, dropout, h, {}); }
  void backward() { recurrence->backward(dh, {}, dx, dweights, {dh0, dc0}); }
  Floats infer() {
    Floats out(h.size());
    recurrence->infer(kT, kN, x, {}, out, {});
    return out;
  }
};

TEST(RecurrenceParams, CountsWRAndBOfEachLayer) {
  EXPECT_EQ(recurrence_params(14, 64, 1), 4 * 64 * (14 + 64 + 1));
  EXPECT_EQ(recurrence_params(14, 64, 4), 4 * 64 * (14 + 64 + 1) + 3 * 4 * 64 * (64 + 64 + 1));
  EXPECT_EQ(recurrence_params(1, 40000, 1), std::int64_t{4} * 40000 * 40002);
}

TEST_P(Recurrences, RepeatsItsBits) {
  Ready a, b;
  a.forward();
  a.backward();
  const Floats h = a.h, dweights = a.dweights;
  a.forward();
  a.backward();
  EXPECT_EQ(a.h, h);
  EXPECT_EQ(a.dweights, dweights);
  b.forward();
  b.backward();
  EXPECT_EQ(b.h, h);
  EXPECT_EQ(b.dweights, dweights);
}

TEST_P(Recurrences, OmittedGradientsChangeNothingElse) {
  Ready ready;
  ready.forward();
  ready.backward();
  Floats dweights(ready.weights.size());
  ready.forward();
  ready.recurrence->backward(ready.dh, {}, {}, dweights, {});
  EXPECT_EQ(dweights, ready.dweights);
}

TEST_P(Recurrences, EmptyStatesAreZeros) {
  Ready ready;
  const Floats without = ready.infer();
  const Floats zeros(kL * kN * kH);
  Floats with(without.size());
  ready.recurrence->infer(kT, kN, ready.x, {zeros, zeros}, with, {});
  EXPECT_EQ(with, without);
}

TEST_P(Recurrences, ContinuesFromItsLastStates) {
  Ready ready;
  const Floats whole = ready.infer();
  ready.recurrence->prepare(2, kN, false);
  ready.recurrence->prepare(3, kN, false);
  const std::span<const float> x = ready.x;
  Floats first(2 * kN * kH), second(3 * kN * kH), h_between(kL * kN * kH), c_between(h_between);
  ready.recurrence->infer(2, kN, x.first(2 * kN * kC), {}, first, {h_between, c_between});
  ready.recurrence->infer(3, kN, x.subspan(2 * kN * kC), {h_between, c_between}, second, {});
  first.insert(first.end(), second.begin(), second.end());
  for (std::size_t e = 0; e < whole.size(); ++e) EXPECT_NEAR(first[e], whole[e], 1e-6f) << e;
}

/// What the engine asks of a recurrence, so of the dealt one, too.
class InputForms : public Recurrences {};

std::unique_ptr<Recurrence> make_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, 3, [=] { return make_onednn_recurrence(C, H, L); });
}

/// Rows of an array, counted: how often each was asked for.
class ArrayRows final : public InputRows {
 public:
  ArrayRows(const Floats& x, int N) : x_(x), N_(N) {}
  void write(int t, int steps, std::int64_t first, std::int64_t count, float* out,
             std::int64_t out_step) const override {
    for (int j = 0; j < steps; ++j) {
      std::copy_n(x_.data() + ((t + j) * N_ + first) * kC, count * kC, out + j * out_step);
    }
    asked_ += steps * count;
  }
  std::int64_t asked() const { return asked_; }

 private:
  const Floats& x_;
  std::int64_t N_;
  mutable std::atomic<std::int64_t> asked_ = 0;
};

// More steps than are made at a time, more series than a thread takes.
TEST_P(InputForms, RowsOnDemandGiveTheBitsOfAnArray) {
  constexpr int T = 19, N = 101;
  const Floats x = uniform(T * N * kC, 2), dh = uniform(T * N * kH, 3);
  const Floats states = uniform(kL * N * kH, 4);
  const ArrayRows rows(x, N);
  const auto answers = [&](const Input& input) {
    const auto recurrence = make(kC, kH, kL);
    recurrence->prepare(T, N, false);
    recurrence->prepare(T, N, true);
    recurrence->load(uniform(static_cast<std::size_t>(recurrence_params(kC, kH, kL)), 1));
    Floats infer(dh.size()), h(dh.size()), dx(x.size());
    Floats dweights(static_cast<std::size_t>(recurrence_params(kC, kH, kL)));
    recurrence->infer(T, N, input, {states, states}, infer, {});
    recurrence->forward(T, N, input, {}, {.rate = 0.5f}, h, {});
    recurrence->backward(dh, {}, dx, dweights, {});
    return std::vector<Floats>{infer, h, dx, dweights};
  };
  EXPECT_EQ(answers(rows), answers(x));
  EXPECT_EQ(rows.asked(), 2 * T * N);
}

// Several blocks of units: none may read another's h of the step that is being written.
TEST_P(InputForms, InferenceWithoutHGivesTheSameLastStates) {
  constexpr int H = 40;
  const auto recurrence = make(kC, H, kL);
  recurrence->load(uniform(static_cast<std::size_t>(recurrence_params(kC, H, kL)), 1));
  for (const int T : {1, 2, kT}) {
    recurrence->prepare(T, kN, false);
    const Floats x = uniform(static_cast<std::size_t>(T * kN * kC), 2);
    Floats h(static_cast<std::size_t>(T * kN * H)), states(kL * kN * H);
    Floats h_with(states), c_with(states), h_without(states), c_without(states);
    recurrence->infer(T, kN, x, {}, h, {h_with, c_with});
    recurrence->infer(T, kN, x, {}, {}, {h_without, c_without});
    EXPECT_EQ(h_without, h_with) << T;
    EXPECT_EQ(c_without, c_with) << T;
    EXPECT_EQ(Floats(h_with.end() - kN * H, h_with.end()), Floats(h.end() - kN * H, h.end())) << T;
  }
}

TEST_P(InputForms, InferenceBetweenForwardAndBackwardDisturbsNothing) {
  Ready ready;
  ready.forward();
  ready.backward();
  const Floats expected = ready.dweights;
  ready.forward();
  const Floats states = uniform(kL * kN * kH, 9);
  Floats h(ready.h.size());
  ready.recurrence->infer(kT, kN, uniform(ready.x.size(), 10), {states, states}, h, {});
  ready.backward();
  EXPECT_EQ(ready.dweights, expected);
}

TEST_P(Recurrences, NewWeightsReachEveryShapeMadeReady) {
  Ready ready;
  ready.recurrence->prepare(1, 1, false);
  const Floats x = uniform(kC, 4);
  Floats before(kH), after(kH), expected(kH);
  ready.recurrence->infer(1, 1, x, {}, before, {});
  const Floats old_infer = ready.infer();
  const Floats other = uniform(ready.weights.size(), 8);
  ready.recurrence->load(other);
  ready.recurrence->infer(1, 1, x, {}, after, {});
  EXPECT_NE(before, after);
  EXPECT_NE(old_infer, ready.infer());

  const auto fresh = make(kC, kH, kL);
  fresh->prepare(1, 1, false);
  fresh->load(other);
  fresh->infer(1, 1, x, {}, expected, {});
  EXPECT_EQ(after, expected);
}

TEST_P(Recurrences, ALargerShapeLeavesASmallerOneReady) {
  Ready ready, untouched;
  ready.recurrence->prepare(4 * kT, 4 * kN, false);
  ready.recurrence->prepare(4 * kT, 4 * kN, true);
  EXPECT_EQ(ready.infer(), untouched.infer());
  ready.forward();
  ready.backward();
  untouched.forward();
  untouched.backward();
  EXPECT_EQ(ready.dweights, untouched.dweights);
}

TEST_P(InputForms, ShapesStayReadyForAnotherNumberOfThreads) {
  constexpr int N = 200;
  const auto run = [](bool change) {
    const int threads = omp_get_max_threads();
    const auto recurrence = make(kC, kH, kL);
    recurrence->load(uniform(static_cast<std::size_t>(recurrence_params(kC, kH, kL)), 1));
    omp_set_num_threads(1);
    recurrence->prepare(kT, N, true);
    omp_set_num_threads(change ? 4 : 1);
    recurrence->prepare(1, 1, false);
    recurrence->prepare(kT, N, true);
    const Floats x = uniform(kT * N * kC, 2), dh = uniform(kT * N * kH, 3);
    Floats h(dh.size()), dweights(static_cast<std::size_t>(recurrence_params(kC, kH, kL)));
    recurrence->forward(kT, N, x, {}, {}, h, {});
    recurrence->backward(dh, {}, {}, dweights, {});
    omp_set_num_threads(threads);
    return dweights;
  };
  const Floats one = run(false), four = run(true);
  for (std::size_t i = 0; i < one.size(); ++i) ASSERT_NEAR(four[i], one[i], 1e-4f) << i;
}

TEST_P(Recurrences, AShapeMadeReadyAfterASmallerOneHasRoom) {
  const auto run = [](Recurrence& recurrence) {
    constexpr int T = 16 * kT, N = 16 * kN;
    recurrence.prepare(T, N, true);
    const Floats x = uniform(T * N * kC, 2), dh = uniform(T * N * kH, 3);
    Floats h(dh.size());
    Floats dweights(static_cast<std::size_t>(recurrence_params(kC, kH, kL)));
    recurrence.forward(T, N, x, {}, {.rate = 0.5f}, h, {});
    recurrence.backward(dh, {}, {}, dweights, {});
    return dweights;
  };
  Ready after_a_smaller;
  const auto fresh = make(kC, kH, kL);
  fresh->load(after_a_smaller.weights);
  EXPECT_EQ(run(*after_a_smaller.recurrence), run(*fresh));
}

TEST_P(Recurrences, DropoutFollowsItsStep) {
  Ready ready;
  ready.forward();
  const Floats first = ready.h;
  ready.dropout.step = 7;
  ready.forward();
  EXPECT_NE(ready.h, first);
}

TEST_P(Recurrences, RefusesAShapeThatIsNotReady) {
  Ready ready;
  const std::string text = message_of([&] {
    Floats h(kT * 7 * kH);
    ready.recurrence->infer(kT, 7, uniform(kT * 7 * kC, 1), {}, h, {});
  });
  EXPECT_EQ(text, "infer: T=5 N=7 was not made ready; call prepare(5, 7, false)");
}

TEST_P(Recurrences, RefusesToRunWithoutWeights) {
  const auto recurrence = make(kC, kH, kL);
  recurrence->prepare(1, 1, true);
  const Floats x(kC);
  Floats h(kH);
  EXPECT_EQ(message_of([&] { recurrence->forward(1, 1, x, {}, {}, h, {}); }),
            "forward: no weights; call load() first");
}

TEST_P(Recurrences, RefusesBackwardWithoutItsForward) {
  constexpr const char* kText =
      "backward: no forward pass is kept; call forward() first, with no load() or prepare() in "
      "between";
  Ready ready;
  EXPECT_EQ(message_of([&] { ready.backward(); }), kText);
  ready.forward();
  ready.recurrence->load(ready.weights);
  EXPECT_EQ(message_of([&] { ready.backward(); }), kText);
  ready.forward();
  ready.recurrence->prepare(2 * kT, kN, true);
  EXPECT_EQ(message_of([&] { ready.backward(); }), kText);
}

TEST_P(Recurrences, RefusesArraysOfAnotherSize) {
  Ready ready;
  ready.x.pop_back();
  EXPECT_EQ(message_of([&] { ready.forward(); }),
            "forward: x has 59 elements, T=5 N=4 C=3 H=8 L=2 needs 60");
  ready.x.push_back(0);
  ready.forward();
  ready.dc0.pop_back();
  EXPECT_EQ(message_of([&] { ready.backward(); }),
            "backward: an initial state's gradient has 63 elements, T=5 N=4 C=3 H=8 L=2 needs 64");
  ready.weights.pop_back();
  EXPECT_THAT(message_of([&] { ready.recurrence->load(ready.weights); }),
              HasSubstr("load: weights has 927 elements"));
}

TEST_P(Recurrences, RefusesAnImpossibleRateOrSize) {
  Ready ready;
  ready.dropout.rate = 1;
  EXPECT_EQ(message_of([&] { ready.forward(); }), "forward: dropout rate 1 is not in [0, 1)");
  EXPECT_EQ(message_of([&] { ready.recurrence->prepare(0, 4, true); }),
            "prepare: T=0 N=4, both must be at least 1");
  EXPECT_EQ(
      message_of([] { make(3, 0, 1); }),
      fmt::format("make_{}_recurrence: C=3 H=0 L=1, each must be at least 1", GetParam().name));
}

INSTANTIATE_TEST_SUITE_P(All, Recurrences,
                         ::testing::Values(Kind{"onednn", make_onednn_recurrence},
                                           Kind{"fused",
                                                [](int C, int H, int L) {
                                                  return make_fused_recurrence(C, H, L);
                                                }}),
                         [](const auto& kind) { return kind.param.name; });

/// On every instruction set.
std::vector<Kind> forms() {
  std::vector<Kind> kinds = {{"onednn", make_onednn_recurrence}, {"dealt", make_dealt}};
  for (const HostRecurrence& fused : testing::fused_recurrences()) {
    kinds.push_back({fused.name, fused.make});
  }
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(All, InputForms, ::testing::ValuesIn(forms()),
                         [](const auto& kind) { return kind.param.name; });

TEST(OneDnnCall, SaysWhatTheLibraryRefusedAndForWhichShape) {
  const RecurrenceShape shape{.T = 10, .N = 64, .C = 14, .H = 64, .L = 4};
  try {
    onednn_call("prepare", shape, [] {
      throw dnnl::error(dnnl_unimplemented, "could not create a primitive descriptor");
    });
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr(" cannot prepare for T=10 N=64 C=14 H=64 L=4: unimplemented (could not "
                          "create a primitive descriptor); try a smaller batch, window or hidden "
                          "size"));
    EXPECT_EQ(error.exit_code(), 4);
  }
}

TEST(OneDnnCall, TurnsABadAllocationIntoADeviceError) {
  try {
    onednn_call("prepare", RecurrenceShape{}, [] { throw std::bad_alloc(); });
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("out_of_memory (an array could not be allocated)"));
  }
}

}  // namespace
}  // namespace sluice
