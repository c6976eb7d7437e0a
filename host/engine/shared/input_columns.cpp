#include "engine/shared/input_columns.hpp"

#include <fmt/core.h>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using Kind = InputColumn::Kind;

void check_count(const char* what, std::size_t is, int should) {
  if (is == static_cast<std::size_t>(should)) return;
  throw InternalError(fmt::format("{} {} have names, the model has {}", is, what, should));
}

}  // namespace

std::vector<InputColumn> input_columns(const ModelSpec& spec) {
  std::vector<InputColumn> columns;
  const auto add_patch = [&](Kind kind, int index, int last) {
    for (int i = spec.patch - 1; i >= 0; --i) columns.push_back({kind, index, last - i});
  };
  for (int m = 0; m < spec.M; ++m) {
    add_patch(Kind::value, m, 0);
    if (spec.missing_indicator) add_patch(Kind::gap, m, 0);
    for (const int lag : spec.lags) add_patch(Kind::value, m, -lag);
    if (spec.base == Base::trend) columns.push_back({Kind::trend, m, 0});
    if (spec.level_input) columns.push_back({Kind::level, m, 0});
    if (spec.level_change) columns.push_back({Kind::level, m, 0});
  }
  for (int c = 0; c < spec.past_channels + spec.future_channels; ++c) {
    add_patch(Kind::channel, c, 0);
  }
  for (int i = 0; i < spec.calendar; ++i) columns.push_back({Kind::calendar, i, 1});
  for (int i = 0; i < spec.static_reals; ++i) columns.push_back({Kind::static_real, i, 0});
  const auto add_table = [&](Kind kind, int index, int width, int step) {
    columns.insert(columns.end(), static_cast<std::size_t>(width), {kind, index, step});
  };
  int e = 0;
  for (const auto& table : spec.embeddings) add_table(Kind::category, e++, table.width, 0);
  for (int i = spec.patch - 1; i >= 0; --i) {
    e = 0;
    for (const auto& table : spec.step_embeddings) {
      add_table(Kind::step_category, e++, table.width, -i);
    }
  }
  check_count("inputs", columns.size(), spec.inputs());
  return columns;
}

std::vector<InputColumn> context_columns(const ModelSpec& spec) {
  std::vector<InputColumn> columns;
  for (int m = 0; m < spec.M; ++m) {
    for (int i = 0; i < spec.context; ++i) {
      columns.push_back({Kind::value, m, i + 1 - spec.context});
    }
    const int season = spec.seasonal_context;
    for (int k = 0; season > 0 && k < spec.K; ++k) {
      columns.push_back({Kind::value, m, k % season + 1 - season});
    }
  }
  for (int f = 0; f < spec.future_channels; ++f) {
    for (int k = 0; k < spec.K; ++k) {
      columns.push_back({Kind::channel, spec.past_channels + f, k + 1});
    }
  }
  for (int i = 0; i < spec.static_reals; ++i) columns.push_back({Kind::static_real, i, 0});
  const auto add_table = [&](Kind kind, int index, int width, int step) {
    columns.insert(columns.end(), static_cast<std::size_t>(width), {kind, index, step});
  };
  int e = 0;
  for (const auto& table : spec.embeddings) add_table(Kind::category, e++, table.width, 0);
  e = 0;
  for (const auto& table : spec.step_embeddings) {
    for (int k = 0; table.future && k < spec.K; ++k) {
      add_table(Kind::step_category, e, table.width, k + 1);
    }
    ++e;
  }
  check_count("numbers of the head", columns.size(), spec.head_context());
  return columns;
}

std::vector<InputColumn> base_columns(const ModelSpec& spec) {
  std::vector<InputColumn> columns;
  for (int k = 0; k < spec.K; ++k) {
    for (int m = 0; m < spec.M; ++m) {
      const int season = spec.base_season;
      columns.push_back(spec.base == Base::smoothing ? InputColumn{Kind::level, m, 0}
                        : spec.base == Base::seasonal || spec.base == Base::trend
                            ? InputColumn{Kind::value, m, k % season + 1 - season}
                            : InputColumn{Kind::value, m, 0});
    }
  }
  return columns;
}

std::vector<InputColumn> trend_columns(const ModelSpec& spec) {
  std::vector<InputColumn> columns;
  if (spec.base != Base::trend) return columns;
  for (int k = 0; k < spec.K; ++k) {
    for (int m = 0; m < spec.M; ++m) columns.push_back({Kind::trend, m, 0});
  }
  return columns;
}

}  // namespace sluice
