// The device's head against the formulas in double, forward and backward.
//
// Tolerance. u is the round-off of a product's inputs: 2^-24 in fp32, 2^-11 in tf32. A sum of K
// terms of order 1 rounds by about u sqrt(K); what passes two layers and is summed over the rows
// keeps that error relative to its size, and 16 covers the largest of some 1e4 errors. So
//   tolerance = 16 u (4 + sqrt(K)) of the array's largest element, K the longest sum in it.
// In tf32 only losses and layers without a kink are compared: an error across one is of order 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>

#include "engine/head.hpp"
#include "sluice/base/error.hpp"
#include "support/device.hpp"
#include "support/head_problem.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using testing::head_answer;
using testing::head_problem;
using testing::HeadAnswer;
using testing::HeadProblem;
using testing::upload;

using Floats = std::vector<float>;

const float kNaN = std::numeric_limits<float>::quiet_NaN();

ModelSpec base_spec() {
  ModelSpec s;
  s.T = 12, s.H = 5, s.K = 3, s.M = 2;
  s.base = Base::seasonal, s.base_season = 4, s.context = 3;
  s.forking = true, s.warmup = 4, s.embeddings = {{3, 3}};
  s.huber_delta = 0.7f;
  return s;
}

struct Case {
  const char* name;
  ModelSpec spec;
  int N = 5;
  double missing = 0.2;
  std::int64_t chunk = 0;
  Precision precision = Precision::fp32;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> cases() {
  std::vector<Case> out;
  ModelSpec s = base_spec();
  s.loss = Loss::mse;
  out.push_back({"mse", s});
  out.push_back({"tf32", s, 5, 0.2, 0, Precision::tf32});
  out.push_back({"bf16", s, 5, 0.2, 0, Precision::bf16});
  out.push_back({"mse_chunks_of_one", s, 3, 0.2, 1});
  s.loss = Loss::mae, s.head_hidden = 7;
  out.push_back({"mae_hidden", s});
  out.push_back({"mae_hidden_chunks", s, 5, 0.2, 7});
  s.loss = Loss::huber, s.level_weight = 1.5f, s.base = Base::last;
  out.push_back({"huber_hidden_level_weight", s, 1});
  out.push_back({"huber_hidden_all_there", s, 4, 0, 16});
  s.loss = Loss::quantile, s.quantiles = {0.1f, 0.5f, 0.8f}, s.base = Base::none;
  out.push_back({"quantile_hidden", s});
  s.head_hidden = 0;
  out.push_back({"quantile_chunks", s, 5, 0.2, 11});
  s.loss = Loss::mse, s.forking = false, s.embeddings = {};
  out.push_back({"last_step_no_embedding", s, 7});
  s.K = s.M = 1, s.context = 0, s.H = 1;
  out.push_back({"one_output", s, 3});
  // Several blocks of every sum, and columns that fill no tile.
  s = base_spec();
  s.T = 45, s.head_hidden = 33, s.loss = Loss::mse;
  out.push_back({"several_blocks", s, 9});
  return out;
}

/// A head with all that it reads and writes in device memory; outputs begin as NaN.
struct OnDevice {
  HeadProblem problem;
  DeviceContext context;
  std::vector<DeviceBuffer<float>> floats;
  std::vector<DeviceBuffer<std::int64_t>> longs;
  std::vector<DeviceBuffer<int>> ints;
  DeviceBuffer<Window> windows;
  WindowRows rows;
  DeviceHead head;
  DeviceBuffer<float> params, h, dh, gradient, dcontext, u, target;
  DeviceBuffer<DeviceLossSums> sums;

  explicit OnDevice(const Case& c) : OnDevice(head_problem(c.spec, c.N, c.missing), c) {}
  OnDevice(HeadProblem p, const Case& c)
      : problem(std::move(p)),
        rows(problem.view([this](const auto& values) { return place(values); })),
        head(problem.spec, c.precision, context, c.chunk) {
    const auto nan = [&](std::int64_t size) {
      return upload(context.memory(), Floats(static_cast<std::size_t>(size), kNaN));
    };
    const ModelSpec& s = problem.spec;
    params = upload(context.memory(), problem.params), h = upload(context.memory(), problem.h);
    dh = nan(h.size()), gradient = nan(problem.P());
    dcontext = nan(problem.rows() * s.head_embeddings());
    u = nan(problem.N() * s.outputs()), target = nan(problem.N() * s.K * s.M);
    sums = upload(context.memory(), std::vector<DeviceLossSums>{{1e9, 77, 3}});
  }

  void train() {
    head.prepare(problem.N(), true);
    head.begin(rows, params.span(), dh.span());
    head.train(rows, params.span(), h.span(), dh.span(), gradient.span(), dcontext.span(),
               sums.span());
    context.join();
  }
  void infer() {
    head.prepare(problem.N(), false);
    head.begin_infer(rows, params.span(), u.span(), target.span());
    head.infer(rows, params.span(), last_h(), u.span(), target.span());
  }
  DeviceSpan<const float> last_h() const {
    const std::int64_t size = problem.N() * problem.spec.H;
    return h.span().subspan(h.size() - size, size);
  }
  DeviceLossSums read_sums() const { return testing::download(sums)[0]; }
  template <typename T>
  std::vector<T> host(const DeviceBuffer<T>& buffer) const {
    return testing::download(buffer);
  }

 private:
  const float* place(const Floats& values) {
    return floats.emplace_back(upload(context.memory(), values)).data();
  }
  const std::int64_t* place(const std::vector<std::int64_t>& values) {
    return longs.emplace_back(upload(context.memory(), values)).data();
  }
  const int* place(const std::vector<int>& values) {
    return ints.emplace_back(upload(context.memory(), values)).data();
  }
  const Window* place(const std::vector<Window>& values) {
    windows = upload(context.memory(), values);
    return windows.data();
  }
};

void expect_near(const char* what, const Floats& got, const std::vector<double>& wanted,
                 double relative) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  double size = 0;
  for (const double w : wanted) size = std::max(size, std::fabs(w));
  for (std::size_t i = 0; i < got.size(); ++i) {
    // Not ASSERT_NEAR: it takes a NaN for near.
    ASSERT_TRUE(std::fabs(static_cast<double>(got[i]) - wanted[i]) <= relative * size)
        << what << "[" << i << "] is " << got[i] << ", not " << wanted[i] << " of at most " << size;
  }
}

double tolerance(const Case& c, std::int64_t terms) {
  const double u = std::pow(2, c.precision == Precision::fp32 ? -24 : -11);
  return 16 * u * (4 + std::sqrt(static_cast<double>(terms)));
}

/// Elements of the flat buffer that belong to the head.
std::pair<std::int64_t, std::int64_t> head_part(const ModelSpec& spec) {
  const ParamLayout layout(spec);
  const ParamBlock& last = layout.block("linear.bias");
  return {layout.lstm_size(), last.offset + last.size};
}

class HeadTest : public testing::DeviceTest, public ::testing::WithParamInterface<Case> {};

TEST_P(HeadTest, TrainingGivesTheLossAndGradientsOfTheFormulas) {
  const Case& c = GetParam();
  OnDevice device(c);
  device.train();
  const HeadProblem& p = device.problem;
  const int first = p.spec.first_head_step();
  const HeadAnswer answer = head_answer(p, first, p.h.data() + first * p.N() * p.spec.H);
  const std::int64_t width =
      p.spec.H + p.spec.head_context() + p.spec.head_hidden + p.spec.outputs();

  const DeviceLossSums sums = device.read_sums();
  EXPECT_EQ(sums.targets, answer.targets);
  EXPECT_GT(sums.targets, 0);
  EXPECT_EQ(sums.bad_series, -1);
  EXPECT_NEAR(sums.loss, answer.loss, tolerance(c, width) * answer.loss);
  expect_near("dh", device.host(device.dh), answer.dh, tolerance(c, width));
  expect_near("dcontext", device.host(device.dcontext), answer.dcontext, tolerance(c, width));
  const auto [begin, end] = head_part(p.spec);
  const Floats gradient = device.host(device.gradient);
  expect_near("gradient", {gradient.begin() + begin, gradient.begin() + end},
              {answer.gradient.begin() + begin, answer.gradient.begin() + end},
              tolerance(c, width + p.rows()));
}

TEST_P(HeadTest, TrainingLeavesTheRestOfTheGradientAlone) {
  OnDevice device(GetParam());
  device.train();
  const auto [begin, end] = head_part(device.problem.spec);
  const Floats gradient = device.host(device.gradient);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    ASSERT_EQ(std::isnan(gradient[i]), at < begin || at >= end) << i;
  }
}

TEST_P(HeadTest, ForecastsAndTheirTargetsAreTheFormulas) {
  const Case& c = GetParam();
  OnDevice device(c);
  device.infer();
  const HeadProblem& p = device.problem;
  const std::int64_t last = (p.spec.T - 1) * p.N() * p.spec.H;
  const HeadAnswer answer = head_answer(p, p.spec.T - 1, p.h.data() + last);
  expect_near("u", device.host(device.u), answer.u,
              tolerance(c, p.spec.H + p.spec.head_context() + p.spec.head_hidden));
  const WindowRows rows = p.on_host();
  const Floats target = device.host(device.target);
  Floats wanted(static_cast<std::size_t>(p.spec.K * p.spec.M));
  std::size_t at = 0;
  for (std::int64_t n = 0; n < p.N(); ++n) {
    target_row(rows, n, p.windows[static_cast<std::size_t>(n)].origin, wanted.data());
    for (const float value : wanted) {
      ASSERT_EQ(std::isnan(target[at]), std::isnan(value)) << at;
      if (!std::isnan(value)) {
        EXPECT_NEAR(target[at], value, 4 * std::ldexp(1.0, -22));  // of values up to 4
      }
      ++at;
    }
  }
}

TEST_P(HeadTest, ValidationLossAddsUpOverBatches) {
  const Case& c = GetParam();
  OnDevice device(c);
  const HeadProblem& p = device.problem;
  device.infer();
  device.head.clear(device.sums.span());
  for (int batch = 0; batch < 2; ++batch) {
    device.head.validation_loss(device.rows, device.u.span(), device.target.span(),
                                device.sums.span());
  }
  const std::int64_t last = (p.spec.T - 1) * p.N() * p.spec.H;
  const HeadAnswer answer = head_answer(p, p.spec.T - 1, p.h.data() + last);
  const DeviceLossSums sums = device.read_sums();
  EXPECT_EQ(sums.targets, 2 * answer.targets);
  EXPECT_EQ(sums.bad_series, -1);
  EXPECT_NEAR(sums.loss, 2 * answer.loss,
              2 * answer.loss * tolerance(c, p.spec.H + p.spec.head_context()));
}

TEST_P(HeadTest, TrainingTwiceGivesTheSameBits) {
  OnDevice device(GetParam());
  device.train();
  const auto bits = [](const Floats& values) {
    std::vector<std::uint32_t> out(values.size());
    if (!values.empty()) std::memcpy(out.data(), values.data(), values.size() * sizeof(float));
    return out;
  };
  const auto dh = bits(device.host(device.dh)), gradient = bits(device.host(device.gradient));
  const double loss = device.read_sums().loss;
  device.head.prepare(4 * device.problem.N(), true);  // a larger workspace changes nothing
  device.train();
  EXPECT_EQ(bits(device.host(device.dh)), dh);
  EXPECT_EQ(bits(device.host(device.gradient)), gradient);
  EXPECT_EQ(device.read_sums().loss, loss);
}

INSTANTIATE_TEST_SUITE_P(Shapes, HeadTest, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.name); });

using HeadLossTest = testing::DeviceTest;
using HeadMemoryTest = testing::DeviceTest;

/// Windows of series 0, 1, 2, 3, 0, ..., none with a target missing before its series' end.
HeadProblem sound_problem(int N = 5) {
  ModelSpec s = base_spec();
  s.head_hidden = 6;
  HeadProblem p = head_problem(s, N, 0);
  p.limit.assign(p.windows.size(), 1000);
  for (Window& w : p.windows) w.origin = w.series == 3 ? 7 : 14;
  return p;
}

void break_h(HeadProblem& p, int step, int n) {
  p.h[static_cast<std::size_t>((step * p.N() + n) * p.spec.H)] = kNaN;
}

TEST_F(HeadLossTest, TheFirstRowThatIsNotFiniteNamesItsSeries) {
  HeadProblem p = sound_problem();
  break_h(p, 9, 2);
  break_h(p, 10, 1);
  for (const std::int64_t chunk : {0, 3}) {
    OnDevice device(p, {"", p.spec, 5, 0, chunk});
    device.train();
    EXPECT_EQ(device.read_sums().bad_series, 2) << "chunks of " << chunk;
    EXPECT_TRUE(std::isnan(device.read_sums().loss));
  }
}

TEST_F(HeadLossTest, AHiddenUnitThatIsNotANumberIsNotTakenForZero) {
  HeadProblem p = sound_problem(90);  // several bad rows to a thread
  p.windows[0].series = 2;
  const auto bias = static_cast<std::size_t>(ParamLayout(p.spec).block("hidden.bias").offset);
  p.params[bias + 2] = kNaN;
  OnDevice device(p, {"", p.spec});
  device.train();
  EXPECT_EQ(device.read_sums().bad_series, 2);
}

TEST_F(HeadLossTest, AForecastThatIsNotFiniteNamesItsSeriesAndTheFirstStays) {
  HeadProblem p = sound_problem();
  break_h(p, 11, 2);
  OnDevice device(p, {"", p.spec});
  device.infer();
  device.head.clear(device.sums.span());
  device.head.validation_loss(device.rows, device.u.span(), device.target.span(),
                              device.sums.span());
  EXPECT_EQ(device.read_sums().bad_series, 2);
  device.sums = upload(device.context.memory(), std::vector<DeviceLossSums>{{0, 0, 1}});
  device.head.validation_loss(device.rows, device.u.span(), device.target.span(),
                              device.sums.span());
  EXPECT_EQ(device.read_sums().bad_series, 1);
}

TEST_F(HeadLossTest, WithoutTargetsLossAndGradientsAreZero) {
  ModelSpec s = base_spec();
  s.head_hidden = 4;
  HeadProblem p = head_problem(s, 5, 0);
  p.limit.assign(p.windows.size(), 0);
  OnDevice device(p, {"", s});
  device.train();
  const DeviceLossSums sums = device.read_sums();
  EXPECT_EQ(sums.loss, 0);
  EXPECT_EQ(sums.targets, 0);
  EXPECT_EQ(sums.bad_series, -1);
  EXPECT_THAT(device.host(device.dh), ::testing::Each(0.0f));
  const auto [begin, end] = head_part(p.spec);
  const Floats gradient = device.host(device.gradient);
  EXPECT_THAT(Floats(gradient.begin() + begin, gradient.begin() + end), ::testing::Each(0.0f));
}

TEST_F(HeadLossTest, ForecastsWithoutTargetsWanted) {
  OnDevice device(Case{"", base_spec()});
  device.infer();
  const Floats u = device.host(device.u);
  device.u = upload(device.context.memory(), Floats(u.size(), kNaN));
  device.head.begin_infer(device.rows, device.params.span(), device.u.span(), {});
  device.head.infer(device.rows, device.params.span(), device.last_h(), device.u.span(), {});
  EXPECT_EQ(device.host(device.u), u);
}

// On a device: more rows than a chunk of the default size holds.
TEST_F(HeadLossTest, TheSizeOfAChunkChangesNoMoreThanRounding) {
  const bool large = testing::on_device();
  ModelSpec s = base_spec();
  s.T = 36, s.H = large ? 64 : 6, s.K = large ? 24 : 2, s.head_hidden = large ? 32 : 5;
  s.loss = Loss::mse;
  const HeadProblem p = head_problem(s, large ? 4001 : 21, 0.1);
  const Case one{"", s}, many{"", s, 0, 0, large ? 1000 : 100};
  OnDevice a(p, one), b(p, many);
  a.train();
  b.train();
  const DeviceLossSums sums = a.read_sums();
  EXPECT_EQ(sums.targets, b.read_sums().targets);
  EXPECT_NEAR(sums.loss, b.read_sums().loss, 1e-6 * sums.loss);
  const auto wide = [](const Floats& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  expect_near("dh", a.host(a.dh), wide(b.host(b.dh)), tolerance(one, s.H));
  const auto [begin, end] = head_part(p.spec);
  const Floats x = a.host(a.gradient), y = b.host(b.gradient);
  expect_near("gradient", {x.begin() + begin, x.begin() + end},
              wide({y.begin() + begin, y.begin() + end}), tolerance(one, p.rows()));
}

TEST_F(HeadMemoryTest, TrainingBeforePrepareIsRefused) {
  OnDevice device(Case{"", base_spec()});
  EXPECT_THROW(device.head.begin(device.rows, device.params.span(), device.dh.span()),
               InternalError);
  EXPECT_THROW(
      device.head.train(device.rows, device.params.span(), device.h.span(), device.dh.span(),
                        device.gradient.span(), device.dcontext.span(), device.sums.span()),
      InternalError);
  EXPECT_THROW(device.head.begin_infer(device.rows, device.params.span(), device.u.span(),
                                       device.target.span()),
               InternalError);
  EXPECT_THROW(device.head.infer(device.rows, device.params.span(), device.last_h(),
                                 device.u.span(), device.target.span()),
               InternalError);
}

TEST_F(HeadMemoryTest, WhatDoesNotFitNamesWhatItWasFor) {
  DeviceContext context(std::int64_t{33} << 20);  // 32 MiB of it are cuBLAS's
  ModelSpec s = base_spec();
  s.K = 500;
  DeviceHead head(s, Precision::fp32, context);
  try {
    head.prepare(2000, true);
    FAIL() << "not refused";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the head's"));
  }
}

TEST_F(HeadMemoryTest, TheWorkspaceIsBoundedHoweverManyRowsAreTrained) {
  DeviceContext context;
  DeviceHead head(base_spec(), Precision::fp32, context, 1000);
  head.prepare(1000, true);
  const std::int64_t before = context.memory().used();
  head.prepare(100'000, true);
  EXPECT_LT(context.memory().used() - before, 1 << 20);
}

}  // namespace
}  // namespace sluice
