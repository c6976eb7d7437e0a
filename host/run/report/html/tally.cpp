#include "run/report/html/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "data/calendar/civil.hpp"
#include "sluice/base/error.hpp"

namespace sluice::html {
namespace {

std::size_t place_of(const std::vector<double>& probabilities, double wanted) {
  for (std::size_t j = 0; j < probabilities.size(); ++j) {
    if (std::abs(probabilities[j] - wanted) < 1e-9) return j;
  }
  throw InternalError(fmt::format("HTML report: there is no quantile {}", wanted));
}

/// Words in the order of their first series; `word` of each series.
Group group_by(std::string name, std::int64_t series_count,
               const std::function<std::string(std::int64_t)>& word) {
  Group group;
  group.name = std::move(name);
  std::unordered_map<std::string, std::int32_t> codes;
  for (std::int64_t s = 0; s < series_count; ++s) {
    const auto [at, fresh] =
        codes.try_emplace(word(s), static_cast<std::int32_t>(group.words.size()));
    if (fresh) group.words.push_back(at->first);
    group.codes.push_back(at->second);
  }
  group.series.resize(group.words.size());
  group.slices.resize(group.words.size());
  for (const std::int32_t code : group.codes) ++group.series[static_cast<std::size_t>(code)];
  return group;
}

/// "A/7" -> {"A", "7"}.
std::vector<std::string> parts_of(const std::string& id) {
  std::vector<std::string> parts(1);
  for (const char c : id) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Group group_by_target(const Catalog& catalog) {
  Group group;
  group.of_targets = true;
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    group.words.push_back(catalog.target(m).name);
    group.codes.push_back(m);
    group.series.push_back(catalog.series_count());
  }
  group.slices.resize(group.words.size());
  return group;
}

std::vector<Group> groups_of(const Catalog& catalog, const std::vector<std::string>& id_columns) {
  std::vector<Group> groups;
  const std::int64_t count = catalog.series_count();
  if (catalog.count(Role::target) > 1) groups.push_back(group_by_target(catalog));
  // A group for each series says no more than the series themselves, one for all no more than all.
  const auto add = [&](Group group) {
    const std::size_t words = group.words.size();
    if (words > 1 && static_cast<std::int64_t>(words) < count) groups.push_back(std::move(group));
  };
  for (const StaticCategory& category : catalog.static_categories()) {
    add(group_by(category.name, count, [&](std::int64_t s) {
      return category
          .vocabulary[static_cast<std::size_t>(category.codes[static_cast<std::size_t>(s)])];
    }));
  }
  if (id_columns.size() < 2) return groups;
  std::vector<std::vector<std::string>> parts;
  for (std::int64_t s = 0; s < count; ++s) {
    parts.push_back(parts_of(catalog.id(s)));
    if (parts.back().size() != id_columns.size()) return groups;  // a "/" inside of a part
  }
  for (std::size_t i = 0; i < id_columns.size(); ++i) {
    const bool is_static =
        std::any_of(catalog.static_categories().begin(), catalog.static_categories().end(),
                    [&](const StaticCategory& known) { return known.name == id_columns[i]; });
    if (is_static) continue;
    add(group_by(id_columns[i], count,
                 [&](std::int64_t s) { return parts[static_cast<std::size_t>(s)][i]; }));
  }
  return groups;
}

/// Whether every step lies on one weekday, and not all steps on the same.
bool steps_have_weekdays(const TimeAxis& axis) {
  if (axis.integers) return false;
  const Frequency& frequency = axis.frequency;
  if (is_shorter_than_day(frequency.unit) || frequency.unit == Unit::business_day) return true;
  return frequency.unit == Unit::day && frequency.multiple == 1;
}

}  // namespace

void Slice::add(const Slice& other) {
  const auto sum = [](auto& mine, const auto& theirs) {
    mine.resize(std::max(mine.size(), theirs.size()));
    for (std::size_t i = 0; i < theirs.size(); ++i) mine[i] += theirs[i];
  };
  points += other.points;
  actual += other.actual;
  signed_error += other.signed_error;
  sum(absolute, other.absolute);
  sum(below, other.below);
  sum(covered, other.covered);
}

Tally::Tally(const Catalog& catalog, const std::vector<std::string>& id_columns,
             std::vector<double> probabilities, std::vector<double> levels)
    : catalog_(catalog),
      probabilities_(std::move(probabilities)),
      levels_(std::move(levels)),
      has_weekdays_(steps_have_weekdays(catalog.axis())),
      groups_(groups_of(catalog, id_columns)) {
  for (const double level : levels_) {
    lower_.push_back(place_of(probabilities_, (1 - level / 100) / 2));
    upper_.push_back(place_of(probabilities_, (1 + level / 100) / 2));
  }
  if (has_weekdays_) weekdays_.resize(7);
}

void Tally::add(const ScoredRow& row) {
  const std::size_t K = row.actual.size(), J = probabilities_.size();
  const std::size_t methods = K == 0 ? 0 : row.methods.size() / K;
  if (methods == 0 || row.methods.size() != methods * K || row.quantiles.size() != K * J ||
      (K_ != 0 && K != steps_.size()))
    throw InternalError(
        fmt::format("HTML report: a row of {} steps, {} forecasts, {} quantiles, {} of {} steps", K,
                    row.methods.size(), row.quantiles.size(), K_, J));
  K_ = static_cast<int>(K);
  steps_.resize(K);
  keep(row);

  Slice point;
  point.points = 1;
  point.absolute.resize(methods);
  point.below.resize(J);
  point.covered.resize(levels_.size());
  for (std::size_t k = 0; k < K; ++k) {
    const double y = row.actual[k];
    bool known = std::isfinite(y);
    for (std::size_t i = 0; i < methods; ++i) {
      const double error = row.methods[i * K + k] - y;
      known = known && std::isfinite(error);
      point.absolute[i] = std::abs(error);
    }
    if (!known) continue;
    point.actual = std::abs(y);
    point.signed_error = row.methods[k] - y;
    const double* quantiles = row.quantiles.data() + k * J;
    for (std::size_t j = 0; j < J; ++j) point.below[j] = y <= quantiles[j] ? 1 : 0;
    for (std::size_t i = 0; i < levels_.size(); ++i)
      point.covered[i] = quantiles[lower_[i]] <= y && y <= quantiles[upper_[i]] ? 1 : 0;

    total_.add(point);
    steps_[k].add(point);
    if (has_weekdays_) {
      const Timestamp time = catalog_.axis().wall(
          catalog_.time(row.series, row.cutoff + static_cast<std::int64_t>(k)));
      weekdays_[static_cast<std::size_t>(civil::weekday(civil::day_of(time)))].add(point);
    }
    for (Group& group : groups_) {
      const auto at = group.of_targets ? static_cast<std::size_t>(row.target)
                                       : static_cast<std::size_t>(row.series);
      const std::int32_t code = group.codes[at];
      group.slices[static_cast<std::size_t>(code)].add(point);
    }
  }
}

void Tally::keep(const ScoredRow& row) {
  kept_.push_back({row.series, row.target, row.cutoff});
  const double offset = catalog_.value_offset(row.target, row.series);
  const std::size_t J = probabilities_.size();
  for (std::size_t k = 0; k < row.actual.size(); ++k) {
    for (const double value : {row.methods[k], row.quantiles[k * J], row.quantiles[k * J + J - 1]})
      values_.push_back(static_cast<float>(value - offset));
  }
}

double Tally::value(std::size_t i, int k, std::size_t which) const {
  const Kept& kept = kept_[i];
  const std::size_t at = (i * static_cast<std::size_t>(K_) + static_cast<std::size_t>(k)) * 3;
  return static_cast<double>(values_[at + which]) + catalog_.value_offset(kept.target, kept.series);
}

}  // namespace sluice::html
