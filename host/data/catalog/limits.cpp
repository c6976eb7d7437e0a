#include "data/catalog/limits.hpp"

#include <algorithm>

#include "data/catalog/ends.hpp"

namespace sluice {

std::int64_t most_values(const CatalogSpec& spec, std::int64_t rows, std::int64_t channels) {
  if (spec.max_steps > 0) return spec.max_steps;
  // Sales of single days over years make some hundred steps of a row; a wrong time makes millions.
  constexpr std::int64_t kAlways = 10'000'000, kPerCell = 1000;
  return kAlways + kPerCell * rows * channels;
}

std::optional<Stray> stray_period(std::span<const std::int64_t> distinct,
                                  const Frequency& frequency) {
  constexpr std::size_t kEnough = 12;
  const std::size_t count = distinct.size();
  const std::int64_t year = steps_of_year(frequency);
  if (count < kEnough || year == 0) return std::nullopt;
  std::size_t at = 1;  // the longest hole lies before distinct[at]
  std::int64_t longest = 0, second = 0;
  for (std::size_t i = 1; i < count; ++i) {
    const std::int64_t hole = distinct[i] - distinct[i - 1];
    if (hole > longest) {
      second = longest;
      longest = hole;
      at = i;
    } else {
      second = std::max(second, hole);
    }
  }
  constexpr std::int64_t kShortest = 100, kTimes = 10;
  if (longest <= std::max(year, kShortest) || longest < kTimes * second) return std::nullopt;
  const std::size_t few = std::max<std::size_t>(3, count / 100);
  if (at <= few) return Stray{distinct[at - 1], distinct[at]};
  if (count - at <= few) return Stray{distinct[at], distinct[at - 1]};
  return std::nullopt;
}

}  // namespace sluice
