#include "data/catalog/sale_days.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// The values of one target of one series: how far apart, and how many of the steps from the first
/// to the last one have a row.
struct Sales {
  Distances distances;
  std::int64_t rows = 0, steps = 0;

  /// Of days without a sale some have no row, and not only an empty cell.
  bool are_rows_of_chance() const { return distances.are_of_chance() && 2 * rows < steps; }
};

/// Of target `m` of series `s`; empty: it has a value that is no count above 0.
std::optional<Sales> sales_of(const CatalogParts& parts, const Bits& has_row, std::size_t m,
                              std::size_t s) {
  const std::vector<float>& values = parts.channels[m].values;
  const double offset =
      parts.value_offset.empty() ? 0 : parts.value_offset[m * parts.ids.size() + s];
  Sales sales;
  std::int64_t before = -1, rows_since = 0;
  for (std::int64_t at = parts.offsets[s]; at < parts.offsets[s + 1]; ++at) {
    rows_since += has_row.test(at) ? 1 : 0;
    const float stored = values[static_cast<std::size_t>(at)];
    if (std::isnan(stored)) continue;
    const double y = static_cast<double>(stored) + offset;
    if (!(y > 0) || y != std::floor(y)) return std::nullopt;
    if (before >= 0) {
      sales.distances.add(at - before);
      sales.rows += rows_since;
      sales.steps += at - before;
    } else {
      sales.rows = sales.steps = 1;
    }
    before = at;
    rows_since = 0;
  }
  return sales;
}

/// What to say of target `m`, or empty.
std::string text_of(const CatalogParts& parts, const Bits& has_row, std::size_t m) {
  std::int64_t found = 0;
  std::size_t example = 0;
  Sales of_example;
  for (std::size_t s = 0; s < parts.ids.size(); ++s) {
    const std::optional<Sales> sales = sales_of(parts, has_row, m, s);
    if (!sales) return {};
    if (!sales->are_rows_of_chance()) continue;
    if (found++ > 0) continue;
    example = s;
    of_example = *sales;
  }
  if (found == 0) return {};
  return fmt::format(
      "{} of {} series {} rows at few of their steps only ({}: {} of {}), and every value of {} is "
      "a count above 0: if a step without a row is one without a sale, set data.gaps = \"zero\"; "
      "with data.gaps = \"missing\" forecasts say what is sold at a step that has a row",
      grouped(found), grouped(std::ssize(parts.ids)), found == 1 ? "has" : "have",
      parts.ids[example], grouped(of_example.rows), grouped(of_example.steps),
      parts.channels[m].name);
}

}  // namespace

void remark_sale_days(const CatalogParts& parts, const Bits& has_row, const CatalogSpec& spec,
                      CatalogNotes& notes) {
  if (spec.gaps != GapPolicy::missing || notes.gap_steps == 0) return;
  for (std::size_t m = 0; m < parts.channels.size(); ++m) {
    if (parts.channels[m].role != Role::target) continue;
    std::string text = text_of(parts, has_row, m);
    if (text.empty()) continue;
    notes.remarks.push_back(std::move(text));
    return;
  }
}

}  // namespace sluice
