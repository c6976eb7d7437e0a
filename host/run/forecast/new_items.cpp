#include "run/forecast/new_items.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
/// An item's input lies at most so many deviations from the middle of its group's.
constexpr float kMostDeviations = 3;

/// What the series that are like an item were in the `steps` steps before its forecast.
struct Group {
  std::int64_t steps = 0;                        ///< 0: they have no value there
  std::vector<std::vector<double>> mean;         ///< [channels][steps], units of y; NaN = missing
  std::vector<std::vector<std::int32_t>> codes;  ///< [categories][steps]
  std::vector<double> target_offset;             ///< [M]
  std::vector<float> offset, scale;              ///< [channels], of the inputs of all of them
};

class Builder {
 public:
  Builder(const Model& model, const Catalog& catalog, std::span<const std::int64_t> cutoff,
          std::int64_t start)
      : model_(model), catalog_(catalog), cutoff_(cutoff), start_(start) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      if (is_example(s)) known_.push_back(s);
    }
    for (const StaticCategory& category : catalog.static_categories()) {
      auto& count = counts_.emplace_back(category.vocabulary.size(), 0);
      for (const std::int64_t s : known_) ++count[index(category.codes[index(s)])];
    }
  }

  NewItems build();

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }
  std::int64_t steps_read() const;
  bool is_example(std::int64_t s) const;
  std::vector<std::int32_t> codes_of(std::int64_t s) const;
  std::vector<std::int64_t> similar(const std::vector<std::int32_t>& codes) const;
  Group describe(std::span<const std::int64_t> members) const;
  void take_means(std::span<const std::int64_t> members, Group& group) const;
  void take_codes(std::span<const std::int64_t> members, Group& group) const;
  void set_target_offsets(std::span<const std::int64_t> members, Group& group) const;
  void add(std::int64_t s, const Group& group);
  void add_statics();
  SeriesScaling scaling(const Catalog& items) const;
  std::function<double(double)> own_level(std::size_t c, const Group& group,
                                          std::span<const float> known) const;

  const Model& model_;
  const Catalog& catalog_;
  std::span<const std::int64_t> cutoff_;
  std::int64_t start_;
  std::vector<std::int64_t> known_;                ///< series that may be an example
  std::vector<std::vector<std::int64_t>> counts_;  ///< [static categories][code] of them
  std::map<std::vector<std::int32_t>, Group> groups_;
  std::vector<const Group*> group_of_;  ///< [items]
  CatalogParts parts_;
  NewItems out_;
};

/// How far back a forecast looks: the window, and before its first step a level, lag or season.
std::int64_t Builder::steps_read() const {
  const ModelSpec& spec = model_.spec;
  int before = std::max({spec.level_window, spec.base_season, spec.seasonal_context, spec.context});
  for (const int lag : spec.lags) before = std::max(before, lag);
  return spec.T + before;
}

/// A series that ended long ago, or has no value in the steps that are looked at, says nothing of
/// today, however much it has in common with the item.
bool Builder::is_example(std::int64_t s) const {
  if (cutoff_[index(s)] < 1 || catalog_.ended(s) || catalog_.is_sum(s)) return false;
  const std::int64_t first = catalog_.period(s, 0);
  const std::int64_t end = std::min(start_ - first, cutoff_[index(s)]);
  const std::int64_t begin = std::max<std::int64_t>(0, start_ - steps_read() - first);
  for (int m = 0; m < model_.spec.M && begin < end; ++m) {
    const auto recent = catalog_.values(m, s).subspan(index(begin), index(end - begin));
    if (std::any_of(recent.begin(), recent.end(), [](float y) { return !std::isnan(y); })) {
      return true;
    }
  }
  return false;
}

std::vector<std::int32_t> Builder::codes_of(std::int64_t s) const {
  std::vector<std::int32_t> codes;
  for (const StaticCategory& category : catalog_.static_categories()) {
    codes.push_back(category.codes[index(s)]);
  }
  return codes;
}

std::vector<std::int64_t> Builder::similar(const std::vector<std::int32_t>& codes) const {
  const auto categories = catalog_.static_categories();
  std::vector<double> weight(codes.size(), 0);
  for (std::size_t e = 0; e < codes.size(); ++e) {
    const std::int64_t count = counts_[e][index(codes[e])];
    // Code 0 is "unknown", which two series do not have in common.
    if (codes[e] != 0 && count > 0) {
      weight[e] = std::log(static_cast<double>(known_.size()) / static_cast<double>(count));
    }
  }
  double best = 0;
  std::vector<std::int64_t> members;
  for (const std::int64_t s : known_) {
    double score = 0;
    for (std::size_t e = 0; e < codes.size(); ++e) {
      if (categories[e].codes[index(s)] == codes[e]) score += weight[e];
    }
    if (score > best) {
      best = score;
      members.clear();
    }
    if (score == best) members.push_back(s);
  }
  return members;
}

void Builder::take_means(std::span<const std::int64_t> members, Group& group) const {
  const std::int64_t steps = group.steps, begin = start_ - steps;
  for (std::size_t c = 0; c < catalog_.channels().size(); ++c) {
    std::vector<double> sum(index(steps), 0);
    std::vector<std::int64_t> count(index(steps), 0);
    double all = 0, squares = 0, sizes = 0;
    std::int64_t cells = 0;
    const bool target = catalog_.channels()[c].role == Role::target;
    for (const std::int64_t s : members) {
      const auto values = catalog_.values(static_cast<int>(c), s);
      const double offset = target ? catalog_.value_offset(static_cast<int>(c), s) : 0;
      const std::int64_t first = catalog_.period(s, 0);
      const std::int64_t end = std::min(start_, first + cutoff_[index(s)]);
      for (std::int64_t p = std::max(begin, first); p < end; ++p) {
        const float value = values[index(p - first)];
        if (std::isnan(value)) continue;
        const double y = static_cast<double>(value) + offset;
        sum[index(p - begin)] += y;
        ++count[index(p - begin)];
        all += y, squares += y * y, sizes += std::abs(y), ++cells;
      }
    }
    auto& mean = group.mean.emplace_back(index(steps), kNan);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      if (count[i] > 0) mean[i] = sum[i] / static_cast<double>(count[i]);
    }
    const double n = static_cast<double>(std::max<std::int64_t>(cells, 1)), middle = all / n;
    const Scaling kind = covariate_scaling(model_.config);
    const double spread = std::sqrt(std::max(0.0, squares / n - middle * middle));
    const bool shifts = kind == Scaling::standard || kind == Scaling::robust;
    const double width = kind == Scaling::none ? 1 : shifts ? spread : sizes / n;
    group.offset.push_back(shifts ? static_cast<float>(middle) : 0);
    group.scale.push_back(width > 0 ? static_cast<float>(width) : 1);
  }
}

/// Most words of a day (a holiday) hold for all series: those of the first one that has the step.
void Builder::take_codes(std::span<const std::int64_t> members, Group& group) const {
  const std::int64_t begin = start_ - group.steps;
  for (const CategoryChannelView& channel : catalog_.categories()) {
    auto& codes = group.codes.emplace_back(index(group.steps), 0);
    for (std::int64_t i = 0; i < group.steps; ++i) {
      for (const std::int64_t s : members) {
        const std::int64_t t = begin + i - catalog_.period(s, 0);
        if (t < 0 || t >= cutoff_[index(s)]) continue;
        codes[index(i)] = channel.codes[index(catalog_.offset(s) + t)];
        break;
      }
    }
  }
}

/// The smallest offset of the members: what is left of a mean is as positive as their values are,
/// which log space needs.
void Builder::set_target_offsets(std::span<const std::int64_t> members, Group& group) const {
  for (int m = 0; m < model_.spec.M; ++m) {
    double smallest = std::numeric_limits<double>::infinity();
    for (const std::int64_t s : members) smallest = std::min(smallest, catalog_.value_offset(m, s));
    group.target_offset.push_back(smallest);
  }
}

Group Builder::describe(std::span<const std::int64_t> members) const {
  Group group;
  if (members.empty()) return group;
  group.steps = steps_read();
  take_means(members, group);
  take_codes(members, group);
  std::int64_t empty = group.steps;
  for (int m = 0; m < model_.spec.M; ++m) {
    const auto& mean = group.mean[index(m)];
    const auto there = std::find_if(mean.begin(), mean.end(), [](double y) { return y == y; });
    empty = std::min<std::int64_t>(empty, there - mean.begin());
  }
  for (auto& mean : group.mean) mean.erase(mean.begin(), mean.begin() + empty);
  for (auto& codes : group.codes) codes.erase(codes.begin(), codes.begin() + empty);
  group.steps -= empty;
  set_target_offsets(members, group);
  return group;
}

/// What brings the group's values of a channel that is counted from its recent level to the level
/// of the item's own known values: an item of twice the price is not on offer at minus a half.
std::function<double(double)> Builder::own_level(std::size_t c, const Group& group,
                                                 std::span<const float> known) const {
  const auto unchanged = [](double y) { return y; };
  const auto& maps = model_.scaling.covariates;
  if (c < index(model_.spec.M) || maps.empty()) return unchanged;
  const CovariateMap& map = maps[c - index(model_.spec.M)];
  if (!has_level(map.encoding)) return unchanged;
  const bool is_ratio = map.encoding == Encoding::ratio;
  // In the units that a level is a mean of; NaN where there is none.
  const auto mean_of = [&](const auto& values) {
    double sum = 0;
    std::int64_t count = 0;
    for (const auto value : values) {
      const double y = is_ratio ? std::log(static_cast<double>(value)) : static_cast<double>(value);
      if (std::isfinite(y)) sum += y, ++count;
    }
    return sum / static_cast<double>(count);
  };
  const auto window = std::min(group.mean[c].size(), index(model_.spec.level_window));
  const double move = mean_of(known) - mean_of(std::span(group.mean[c]).last(window));
  if (!std::isfinite(move)) return unchanged;
  return [=](double y) { return is_ratio ? y * std::exp(move) : y + move; };
}

void Builder::add(std::int64_t s, const Group& group) {
  const std::int64_t origin = start_ - catalog_.period(s, 0), length = catalog_.length(s);
  // Steps ahead up to the last one that has a row; rows may begin after the first one.
  const std::int64_t ahead = std::clamp<std::int64_t>(length - origin, 0, model_.spec.K);
  for (std::size_t c = 0; c < parts_.channels.size(); ++c) {
    std::vector<float>& to = parts_.channels[c].values;
    const bool target = parts_.channels[c].role == Role::target;
    const double offset = target ? group.target_offset[c] : 0;
    const auto own = catalog_.values(static_cast<int>(c), s);
    const auto known = own.subspan(index(std::clamp<std::int64_t>(origin, 0, length)));
    const auto on_level = own_level(c, group, known);
    for (const double y : group.mean[c]) to.push_back(static_cast<float>(on_level(y) - offset));
    for (std::int64_t k = 0; k < ahead; ++k) {
      to.push_back(target || origin + k < 0 ? static_cast<float>(kNan) : own[index(origin + k)]);
    }
  }
  for (std::size_t c = 0; c < parts_.categories.size(); ++c) {
    std::vector<std::int32_t>& to = parts_.categories[c].codes;
    to.insert(to.end(), group.codes[c].begin(), group.codes[c].end());
    const auto own = catalog_.categories()[c].codes.begin() + catalog_.offset(s);
    for (std::int64_t k = 0; k < ahead; ++k) {
      to.push_back(origin + k < 0 ? 0 : own[origin + k]);
    }
  }
  parts_.ids.push_back(catalog_.id(s));
  parts_.offsets.push_back(parts_.offsets.back() + group.steps + ahead);
  parts_.first.push_back(start_ - group.steps);
  if (!catalog_.axis().shift.empty()) parts_.axis.shift.push_back(catalog_.axis().shift_of(s));
  group_of_.push_back(&group);
  out_.series.push_back(s);
  out_.cutoff.push_back(group.steps);
  out_.origin.push_back(origin);
}

void Builder::add_statics() {
  for (const StaticReal& real : catalog_.static_reals()) {
    StaticReal& to = parts_.static_reals.emplace_back();
    to.name = real.name;
    for (const std::int64_t s : out_.series) to.values.push_back(real.values[index(s)]);
  }
  for (const StaticCategory& category : catalog_.static_categories()) {
    StaticCategory& to = parts_.static_categories.emplace_back();
    to.name = category.name;
    to.vocabulary = category.vocabulary;
    for (const std::int64_t s : out_.series) to.codes.push_back(category.codes[index(s)]);
  }
  for (int m = 0; m < model_.spec.M; ++m) {
    for (const Group* group : group_of_) {
      parts_.value_offset.push_back(group->target_offset[index(m)]);
    }
  }
}

/// Targets by the history that was made up, inputs by the values of the whole group: an item of
/// another price is scaled as one of them, though its own history would have given no scale.
SeriesScaling Builder::scaling(const Catalog& items) const {
  SeriesScaling scaling = fit_scaling(items, target_scaling(model_.config, model_.spec),
                                      covariate_scaling(model_.config), out_.cutoff);
  scaling.static_offset = model_.scaling.static_offset;
  scaling.static_scale = model_.scaling.static_scale;
  scaling.covariates = model_.scaling.covariates;
  for (std::size_t c = index(model_.spec.M); c < items.channels().size(); ++c) {
    for (std::int64_t i = 0; i < items.series_count(); ++i) {
      const Group& group = *group_of_[index(i)];
      const float offset = group.offset[c];
      float scale = group.scale[c];
      for (const float x : items.values(static_cast<int>(c), i)) {
        if (!std::isnan(x)) scale = std::max(scale, std::abs(x - offset) / kMostDeviations);
      }
      const std::size_t at = c * index(items.series_count()) + index(i);
      scaling.offset[at] = offset;
      scaling.scale[at] = scale;
    }
  }
  return scaling;
}

NewItems Builder::build() {
  parts_.axis = catalog_.axis();
  parts_.axis.shift.clear();  // of series, which are added below
  parts_.offsets.push_back(0);
  for (const ChannelView& channel : catalog_.channels()) {
    parts_.channels.push_back({channel.name, channel.role, {}});
  }
  for (const CategoryChannelView& channel : catalog_.categories()) {
    parts_.categories.push_back({channel.name, channel.role, channel.vocabulary, {}});
  }
  for (std::int64_t s = 0; s < catalog_.bottom_count(); ++s) {
    if (catalog_.history(s) > 0) continue;
    std::vector<std::int32_t> codes = codes_of(s);
    auto found = groups_.find(codes);
    if (found == groups_.end()) {
      Group group = describe(similar(codes));
      found = groups_.emplace(std::move(codes), std::move(group)).first;
    }
    if (found->second.steps == 0) {
      out_.left_out.push_back(
          {catalog_.id(s), "no history, and no series has values in the steps before"});
    } else {
      add(s, found->second);
    }
  }
  if (out_.series.empty()) return std::move(out_);
  add_statics();
  out_.catalog.emplace(std::move(parts_));
  out_.scaling = scaling(*out_.catalog);
  return std::move(out_);
}

}  // namespace

NewItems make_new_items(const Model& model, const Catalog& catalog,
                        std::span<const std::int64_t> cutoff, std::int64_t start) {
  return Builder(model, catalog, cutoff, start).build();
}

}  // namespace sluice
