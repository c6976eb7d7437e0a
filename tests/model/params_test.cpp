#include "sluice/model/params.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

ModelSpec article() {
  ModelSpec s;
  s.T = 10, s.H = 64, s.L = 4, s.K = 1, s.M = 1, s.past_channels = 13;
  s.loss = Loss::mse;
  return s;
}

TEST(ParamLayout, CountsTheArticlesParametersWithOneBiasAGate) {
  // The article's network has 120,385 parameters with PyTorch's two biases a gate; one bias has 4 x 256 fewer.
  EXPECT_EQ(ParamLayout(article()).size(), 120'385 - 4 * 256);
}

TEST(ParamLayout, UsesPyTorchsNamesAndPutsTheRecurrenceFirst) {
  const ParamLayout layout(article());
  EXPECT_EQ(layout.blocks()[0].name, "lstm.weight_ih_l0");
  EXPECT_EQ(layout.blocks()[0].shape, (std::vector<std::int64_t>{256, 14}));
  EXPECT_EQ(layout.block("lstm.weight_hh_l3").shape, (std::vector<std::int64_t>{256, 64}));
  EXPECT_EQ(layout.block("linear.weight").offset, layout.lstm_size());
  EXPECT_TRUE(layout.has("linear.bias"));
  EXPECT_FALSE(layout.has("hidden.weight"));
  EXPECT_THROW(layout.block("hidden.weight"), InternalError);
}

TEST(ModelSpec, CountsEveryInputOnce) {
  ModelSpec s;
  s.M = 2, s.K = 3, s.lags = {7, 28}, s.context = 7, s.seasonal_context = 28;
  s.missing_indicator = true, s.level = Level::mean, s.level_window = 28, s.level_input = true;
  s.level_change = true, s.past_channels = 1, s.future_channels = 2, s.calendar = 6;
  s.static_reals = 1, s.embeddings = {{5, 3}, {2, 1}};
  EXPECT_EQ(s.inputs(), 2 + 2 + 4 + 2 + 2 + 1 + 2 + 6 + 1 + 4);
  EXPECT_EQ(s.head_context(), 14 + 6 + 6 + 1 + 4);
  s.step_embeddings = {{4, 2, false}, {.cardinality = 9, .width = 5, .future = true}};
  EXPECT_EQ(s.inputs(), 26 + 2 + 5);
  EXPECT_EQ(s.head_context(), 31 + 3 * 5);
  EXPECT_EQ(s.input_embeddings(), 3 + 1 + 2 + 5);
  EXPECT_EQ(s.head_embeddings(), 3 + 1 + 3 * 5);
  // Of a patch: what goes with each step as often as it has steps, all else once.
  s.T = 20, s.patch = 4;
  EXPECT_EQ(s.inputs(), 4 * (2 + 2 + 4 + 1 + 2 + 2 + 5) + 2 + 2 + 6 + 1 + 4);
  EXPECT_EQ(s.input_embeddings(), 3 + 1 + 4 * (2 + 5));
  EXPECT_EQ(s.head_context(), 31 + 3 * 5);
}

TEST(ModelSpec, TheHeadIsTrainedFromThePatchOnThatEndsAtTheWarmup) {
  ModelSpec s;
  s.T = 12, s.patch = 4;
  EXPECT_EQ(s.patches(), 3);
  EXPECT_EQ(s.first_head_step(), 2);
  s.forking = true;
  for (const auto& [warmup, first] : {std::pair(0, 0), {3, 0}, {4, 1}, {7, 1}, {8, 2}, {11, 2}}) {
    s.warmup = warmup;
    EXPECT_EQ(s.first_head_step(), first) << warmup;
  }
}

TEST(InitParams, IsAFunctionOfTheSeedWithForgetBiasOneAndAZeroHead) {
  ModelSpec s = article();
  s.head_hidden = 8;
  const ParamLayout layout(s);
  std::vector<float> a(static_cast<std::size_t>(layout.size())), b = a, c = a;
  init_params(s, 1, a);
  init_params(s, 1, b);
  init_params(s, 2, c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  const auto& bias = layout.block("lstm.bias_ih_l1");
  EXPECT_EQ(a[static_cast<std::size_t>(bias.offset + 64)], 1.0f);
  EXPECT_EQ(a[static_cast<std::size_t>(bias.offset + 127)], 1.0f);
  EXPECT_LT(std::abs(a[static_cast<std::size_t>(bias.offset + 128)]), 0.125f);
  const auto& last = layout.block("linear.weight");
  EXPECT_EQ(a[static_cast<std::size_t>(last.offset + 3)], 0.0f);
  s.head_starts_at_zero = false;
  init_params(s, 1, a);
  EXPECT_NE(a[static_cast<std::size_t>(last.offset + 3)], 0.0f);
}

TEST(InitParams, AStepsUnknownWordBeginsAtZeroAndTheOthersDoNot) {
  ModelSpec s = article();
  s.embeddings = {{2, 3}};
  s.step_embeddings = {{3, 2, false}, {.cardinality = 2, .width = 4, .future = true}};
  const ParamLayout layout(s);
  std::vector<float> p(static_cast<std::size_t>(layout.size()));
  init_params(s, 1, p);
  EXPECT_EQ(layout.blocks().back().name, "step_embedding.1.weight");
  EXPECT_EQ(layout.blocks().back().shape, (std::vector<std::int64_t>{2, 4}));
  int zeros = 0, numbers = 0;
  for (const char* name : {"step_embedding.0.weight", "step_embedding.1.weight"}) {
    const ParamBlock& block = layout.block(name);
    for (std::int64_t i = 0; i < block.size; ++i) {
      const float x = p[static_cast<std::size_t>(block.offset + i)];
      const bool unknown = i < block.shape[1];
      EXPECT_EQ(x == 0, unknown) << name << " " << i;
      EXPECT_LE(std::abs(x), 0.1f);
      (unknown ? zeros : numbers) += 1;
    }
  }
  EXPECT_EQ(zeros, 2 + 4);
  EXPECT_EQ(numbers, 4 + 4);
}

TEST(InitParams, StaysInPyTorchsRangeAndFillsIt) {
  const ModelSpec s = article();
  std::vector<float> p(static_cast<std::size_t>(ParamLayout(s).size()));
  init_params(s, 7, p);
  float largest = 0;
  for (std::size_t i = 0; i < 256 * 14; ++i) largest = std::max(largest, std::abs(p[i]));
  EXPECT_LE(largest, 0.125f);
  EXPECT_GT(largest, 0.12f);
}

void expect_refused(const ModelSpec& spec, const std::string& text) {
  try {
    check_spec(spec);
    FAIL() << "accepted; expected: " << text;
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr(text));
  }
}

TEST(CheckSpec, NamesTheKeyAndTheRemedy) {
  ModelSpec good = article();
  EXPECT_NO_THROW(check_spec(good));
  ModelSpec s = good;
  s.forking = true, s.warmup = 10;
  expect_refused(s, "network.warmup is 10 with time_step 10");
  s = good;
  s.forking = true, s.window_scaling = WindowScaling::mean;
  expect_refused(s, "set network.forking = false");
  s = good;
  s.loss = Loss::quantile, s.quantiles = {0.1f, 0.9f};
  expect_refused(s, "must contain the median");
  s = good;
  s.dropout = 1;
  expect_refused(s, "network.dropout is 1");
  s = good;
  s.level_input = true;
  expect_refused(s, "need a level");
  s = good;
  s.T = 10, s.patch = 4;
  expect_refused(s,
                 "network.time_step is 10, which is no multiple of network.patch = 4; set it to 8 "
                 "or 12");
  s.T = 3;
  expect_refused(s, "network.patch = 4; set it to 4");
  s.patch = 0;
  expect_refused(s, "network.patch is 0; it must be from 1 to 1000");
  s = good;
  s.patch = 2, s.decoding = Decoding::recursive, s.loss = Loss::gaussian;
  expect_refused(s,
                 "network.patch = 2 takes that many at once; set network.patch = 1, or "
                 "network.decoding = \"direct\"");
}

}  // namespace
}  // namespace sluice
