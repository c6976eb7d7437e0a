// What is special to fused_simt: its forms (gates kept or computed again, input products hoisted or
// not, inputs read or assembled), its cuts, its refusals. That it computes an LSTM is for
// recurrence_parity_test.cpp; here one form is held against the reference, and the others against
// it.
//
// Tolerance: forms differ in the order of sums and in nothing else, so their outputs differ like
// fp32 sums of K = I + H + 1 products of order 1, by some u sqrt(K) (u = 2^-24), carried over a few
// steps; gradients are sums over T N of those: 64 u sqrt(K) of an array's largest element (or of
// 0.1, where gradients decay) is 5 standard deviations or more.
#include "recurrence/fused_simt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "recurrence/fused_simt_walk.hpp"
#include "recurrence/weights.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/dropout.hpp"
#include "support/device.hpp"
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
  Outputs run(const Shape& s, const Inputs& in, const std::optional<Form>& form) {
    const RecurrenceSpec spec{.C = s.C, .H = s.H, .L = s.L};
    const auto recurrence =
        form ? fused_simt::make(spec, context_, *form) : make_fused_simt(spec, context_);
    recurrence->prepare(s.T, s.N, false);
    recurrence->prepare(s.T, s.N, true);
    DeviceMemory& memory = context_.memory();
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

  DeviceContext context_;
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
      const double error = std::fabs(static_cast<double>(got[k].second[e]) - values[e]);
      if (!(error <= worst)) worst = error;  // takes NaN, too
    }
    EXPECT_LE(worst, tolerance * largest) << name;
  }
}

constexpr Form kRecompute{.hoist_first = false, .hoist_upper = false, .recompute = true};
constexpr Form kStash{};

TEST_F(FusedSimt, AgreesWithTheReference) {
  for (const Shape& s : {Shape{.T = 4, .N = 3, .C = 5, .H = 7, .L = 2, .dropout = 0.25f},
                         Shape{.T = 1, .N = 17, .C = 1, .H = 1, .L = 1, .states = false},
                         Shape{.T = 3, .N = 35, .C = 15, .H = 33, .L = 1}}) {
    const Inputs in(s);
    expect_near(s, run(s, in, {}), reference_outputs(s, in));
    expect_near(s, run(s, in, kStash), reference_outputs(s, in));
  }
}

}  // namespace
}  // namespace sluice
