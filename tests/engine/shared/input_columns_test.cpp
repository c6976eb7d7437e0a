#include "engine/shared/input_columns.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Kind = InputColumn::Kind;

// In the order in which input_row() writes them (window_rows.hpp).
TEST(InputColumns, OfAPatchAreThoseOfEachStepAndOnceThePatchs) {
  ModelSpec s;
  s.T = 6, s.patch = 2, s.missing_indicator = true, s.lags = {7};
  s.level = Level::mean, s.level_window = 5, s.level_input = true, s.base = Base::trend;
  s.past_channels = 1, s.future_channels = 1, s.calendar = 1, s.static_reals = 1;
  s.embeddings = {{3, 1}};
  s.step_embeddings = {{3, 1, false}, {.cardinality = 3, .width = 2, .future = true}};
  const std::vector<InputColumn> expected = {
      {Kind::value, 0, -1},         {Kind::value, 0, 0},
      {Kind::gap, 0, -1},           {Kind::gap, 0, 0},
      {Kind::value, 0, -8},         {Kind::value, 0, -7},
      {Kind::trend, 0, 0},          {Kind::level, 0, 0},
      {Kind::channel, 0, -1},       {Kind::channel, 0, 0},
      {Kind::channel, 1, -1},       {Kind::channel, 1, 0},
      {Kind::calendar, 0, 1},       {Kind::static_real, 0, 0},
      {Kind::category, 0, 0},       {Kind::step_category, 0, -1},
      {Kind::step_category, 1, -1}, {Kind::step_category, 1, -1},
      {Kind::step_category, 0, 0},  {Kind::step_category, 1, 0},
      {Kind::step_category, 1, 0}};
  EXPECT_EQ(input_columns(s), expected);
}

}  // namespace
}  // namespace sluice
