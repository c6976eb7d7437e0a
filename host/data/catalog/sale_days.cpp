#include "data/catalog/sale_days.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace sluice {
namespace {

/// The distances in steps between the values of a series and the next ones.
struct Distances {
  std::int64_t count = 0, alone = 0, common = 0;  ///< alone: above 1; common: their divisor
  double sum = 0, squares = 0;

  void add(std::int64_t distance) {
    ++count;
    alone += distance > 1 ? 1 : 0;
    common = std::gcd(common, distance);
    sum += static_cast<double>(distance);
    squares += static_cast<double>(distance) * static_cast<double>(distance);
  }
  /// Sales on each step with a chance p have geometric distances: their variance is 1 - p of their
  /// squared mean, more than half of it where p is below 1/2. That of months in days is none.
  bool are_of_chance() const {
    constexpr std::int64_t kFewest = 4;
    constexpr double kLeastVariance = 0.25;  // half of the least that chance makes
    if (count < kFewest || 2 * count >= static_cast<std::int64_t>(sum) || 2 * alone < count) {
      return false;
    }
    const double mean = sum / static_cast<double>(count);
    const double variance = squares / static_cast<double>(count) - mean * mean;
    return common == 1 && variance >= kLeastVariance * mean * mean;
  }
};

/// Of target `m` of series `s`; empty: it has a value that is no count above 0.
std::optional<Distances> distances_of(const Catalog& catalog, int m, std::int64_t s) {
  const auto values = catalog.values(m, s);
  const double offset = catalog.value_offset(m, s);
  Distances distances;
  std::int64_t before = -1;
  for (std::int64_t t = 0; t < catalog.history(s); ++t) {
    const float stored = values[static_cast<std::size_t>(t)];
    if (std::isnan(stored)) continue;
    const double y = static_cast<double>(stored) + offset;
    if (!(y > 0) || y != std::floor(y)) return std::nullopt;
    if (before >= 0) distances.add(t - before);
    before = t;
  }
  return distances;
}

/// What to say of target `m`, or empty.
std::string text_of(const Catalog& catalog, int m) {
  std::int64_t found = 0, example = 0, rows = 0, steps = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::optional<Distances> distances = distances_of(catalog, m, s);
    if (!distances) return {};
    if (!distances->are_of_chance()) continue;
    if (found++ > 0) continue;
    example = s;
    rows = distances->count + 1;
    steps = static_cast<std::int64_t>(distances->sum) + 1;
  }
  if (found == 0) return {};
  return fmt::format(
      "{} of {} series {} rows at few of their steps only ({}: {} of {}), and every value of {} is "
      "a count above 0: if a step without a row is one without a sale, set data.gaps = \"zero\"; "
      "with data.gaps = \"missing\" forecasts say what is sold at a step that has a row",
      grouped(found), grouped(catalog.series_count()), found == 1 ? "has" : "have",
      catalog.id(example), grouped(rows), grouped(steps), catalog.target(m).name);
}

}  // namespace

void remark_sale_days(const Catalog& catalog, const CatalogSpec& spec, CatalogNotes& notes) {
  if (spec.gaps != GapPolicy::missing) return;
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    std::string text = text_of(catalog, m);
    if (text.empty()) continue;
    notes.remarks.push_back(std::move(text));
    return;
  }
}

}  // namespace sluice
