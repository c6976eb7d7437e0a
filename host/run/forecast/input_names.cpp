#include "run/forecast/input_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "engine/shared/input_columns.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

using Kind = InputColumn::Kind;

/// The part of the history `ago` steps back: 1 is the last one before the forecast.
std::string block_of(std::span<const int> blocks, int ago) {
  int first = 1;
  for (const int last : blocks) {
    if (ago <= last) {
      return first == last ? fmt::format("{} ago", last) : fmt::format("{}-{} ago", first, last);
    }
    first = last + 1;
  }
  return fmt::format("{}+ ago", first);
}

/// "weekday" of "weekday_sin1".
std::string cycle_of(const std::string& term) { return term.substr(0, term.rfind('_')); }

}  // namespace

std::vector<int> usual_blocks(const Frequency& frequency) {
  const int season = season_length(frequency), longest = long_season_length(frequency);
  if (longest > season) return {season, longest};
  return {std::max(1, season / 4), std::max(4, season)};
}

InputNames::InputNames(const ModelSpec& spec, const Catalog& catalog, std::span<const int> blocks)
    : K_(spec.K) {
  std::map<std::pair<Kind, int>, int> ahead;  // place in ahead_
  const auto add_ahead = [&](Kind kind, int index, const std::string& column) {
    const int at_step = name({column, "at step"}), around = name({column, "around"});
    ahead.emplace(std::pair(kind, index), static_cast<int>(ahead_.size()));
    ahead_.push_back({at_step, around});
  };
  // Names in the order of a user's columns; blocks of the history from the latest on.
  const std::vector<InputColumn> inputs = input_columns(spec), context = context_columns(spec),
                                 base = base_columns(spec), trend = trend_columns(spec);
  const std::vector<std::string> terms = calendar_names(catalog.frequency());
  const auto channel_name = [&](int c) {
    return catalog.channels()[static_cast<std::size_t>(spec.M + c)].name;
  };
  const auto name_of = [&](const InputColumn& column, int step) -> InputName {
    const auto index = static_cast<std::size_t>(column.index);
    switch (column.kind) {
      case Kind::value:
        return {catalog.target(column.index).name, block_of(blocks, 1 - step)};
      case Kind::gap:
      case Kind::level:
        return {catalog.target(column.index).name, "level"};
      case Kind::trend:
        return {catalog.target(column.index).name, "trend"};
      case Kind::channel:
        return {channel_name(column.index), ""};
      case Kind::calendar:
        return {"calendar", cycle_of(terms[index])};
      case Kind::static_real:
        return {catalog.static_reals()[index].name, ""};
      case Kind::category:
        return {catalog.static_categories()[index].name, ""};
      case Kind::step_category:
        break;
    }
    return {catalog.categories()[index].name, ""};
  };
  int earliest = 0;  // step of the history, 0: the last one
  for (const InputColumn& c : inputs) {
    if (c.kind == Kind::value) earliest = std::min(earliest, c.step + spec.patch - spec.T);
  }
  for (const auto* columns : {&context, &base}) {
    for (const InputColumn& c : *columns) {
      if (c.kind == Kind::value) earliest = std::min(earliest, c.step);
    }
  }
  for (int m = 0; m < spec.M; ++m) {
    for (int step = 0; step >= earliest; --step) name(name_of({Kind::value, m, 0}, step));
    const bool levels = std::ranges::any_of(
        inputs, [](const InputColumn& c) { return c.kind == Kind::level || c.kind == Kind::gap; });
    if (levels || spec.base == Base::smoothing) name(name_of({Kind::level, m, 0}, 0));
    if (spec.base == Base::trend) name(name_of({Kind::trend, m, 0}, 0));
  }
  for (int c = 0; c < spec.past_channels + spec.future_channels; ++c) {
    if (c < spec.past_channels) {
      name({channel_name(c), ""});
    } else {
      add_ahead(Kind::channel, c, channel_name(c));
    }
  }
  for (int e = 0; const auto& table : spec.step_embeddings) {
    const std::string& column = catalog.categories()[static_cast<std::size_t>(e)].name;
    if (table.future) {
      add_ahead(Kind::step_category, e, column);
    } else {
      name({column, ""});
    }
    ++e;
  }

  const auto group_of = [&](const InputColumn& column, int step) {
    const auto known = ahead.find({column.kind, column.index});
    if (known == ahead.end()) return name(name_of(column, step));
    if (step < 1) return ahead_[static_cast<std::size_t>(known->second)].around;
    return -1 - (known->second * spec.K + step - 1);  // after the names, once these are counted
  };
  for (int end = spec.patch; end <= spec.T; end += spec.patch) {
    for (const InputColumn& c : inputs) {
      groups_.inputs.push_back(group_of(c, end - spec.T + (c.kind == Kind::calendar ? 0 : c.step)));
    }
  }
  for (const InputColumn& c : context) groups_.context.push_back(group_of(c, c.step));
  for (const InputColumn& c : base) groups_.base.push_back(group_of(c, c.step));
  for (const InputColumn& c : trend) groups_.trend.push_back(group_of(c, c.step));
  const auto count = static_cast<int>(names_.size());
  for (auto* groups : {&groups_.inputs, &groups_.context, &groups_.base, &groups_.trend}) {
    for (std::int32_t& group : *groups) group = group < 0 ? count - 1 - group : group;
  }
  groups_.count = count + static_cast<int>(ahead_.size()) * spec.K;
}

int InputNames::name(const InputName& name) {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return static_cast<int>(found - names_.begin());
  names_.push_back(name);
  return static_cast<int>(names_.size()) - 1;
}

void InputNames::fold(int k, std::span<const double> by_group, std::span<double> by_name) const {
  const std::size_t count = names_.size();
  for (std::size_t i = 0; i < count; ++i) by_name[i] += by_group[i];
  for (std::size_t a = 0; a < ahead_.size(); ++a) {
    for (int step = 0; step < K_; ++step) {
      const int to = step == k ? ahead_[a].at_step : ahead_[a].around;
      by_name[static_cast<std::size_t>(to)] +=
          by_group[count + a * static_cast<std::size_t>(K_) + static_cast<std::size_t>(step)];
    }
  }
}

}  // namespace sluice
