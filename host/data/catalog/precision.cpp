#include "data/catalog/precision.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/catalog/offset.hpp"

namespace sluice {
namespace {

/// The series of `values` that may have lost their steps: four times as far from zero as they are
/// wide, and rounded by more than 1 % of a mean step. Sorted.
std::vector<std::size_t> coarse_series(std::span<const float> values,
                                       std::span<const std::int64_t> offsets,
                                       const StepsOf& steps) {
  std::vector<std::size_t> coarse;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t count = steps ? steps(s) : offsets[s + 1] - offsets[s];
    const auto series =
        values.subspan(static_cast<std::size_t>(offsets[s]), static_cast<std::size_t>(count));
    float low = std::numeric_limits<float>::max(), high = -low;
    for (const float value : series) {  // NaN compares false
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
    if (low > high) continue;
    const double largest =
        std::max(std::abs(static_cast<double>(low)), std::abs(static_cast<double>(high)));
    const double range = static_cast<double>(high) - static_cast<double>(low);
    if (largest < 4 * range || largest == 0) continue;
    constexpr double kHalfUnit = 0x1p-24;  // of a float, relative to the number, at most
    if (largest * kHalfUnit > kLostStep * mean_step(series)) coarse.push_back(s);
  }
  return coarse;
}

}  // namespace

ExactSeries::ExactSeries(std::vector<std::size_t> chosen, std::span<const std::int64_t> offsets)
    : chosen_(std::move(chosen)), starts_{0} {
  for (const std::size_t s : chosen_) {
    begins_.push_back(offsets[s]);
    starts_.push_back(starts_.back() + offsets[s + 1] - offsets[s]);
  }
  exact_.assign(static_cast<std::size_t>(starts_.back()), std::numeric_limits<double>::quiet_NaN());
}

void ExactSeries::find_range(std::int64_t place) {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), place);
  low_ = 0;
  high_ = after == begins_.end() ? std::numeric_limits<std::int64_t>::max() : *after;
  to_ = nullptr;
  if (after == begins_.begin()) return;
  const auto c = static_cast<std::size_t>(after - begins_.begin()) - 1;
  const std::int64_t end = begins_[c] + starts_[c + 1] - starts_[c];
  if (place >= end) {
    low_ = end;
    return;
  }
  low_ = begins_[c];
  high_ = end;
  to_ = exact_.data() + starts_[c];
}

namespace {

/// The offset that the steps of the `c`th of the chosen need which `steps` lets count.
double offset_of(const ExactSeries& exact, std::size_t c, const StepsOf& steps) {
  const std::span<const double> numbers = exact.of(c);
  if (!steps) return offset_for(numbers);
  return offset_for(numbers.first(static_cast<std::size_t>(steps(exact.chosen()[c]))));
}

}  // namespace

std::vector<std::size_t> lost_steps(const CatalogParts& parts, std::size_t c,
                                    const ReadAgain& read_again, const StepsOf& steps) {
  std::vector<std::size_t> coarse = coarse_series(parts.channels[c].values, parts.offsets, steps);
  if (coarse.empty()) return {};
  ExactSeries exact(std::move(coarse), parts.offsets);
  read_again(exact);
  std::vector<std::size_t> lost;
  for (std::size_t i = 0; i < exact.chosen().size(); ++i) {
    if (offset_of(exact, i, steps) != 0) lost.push_back(exact.chosen()[i]);
  }
  return lost;
}

void keep_steps(CatalogParts& parts, std::size_t m, const ReadAgain& read_again,
                const StepsOf& steps) {
  std::vector<float>& values = parts.channels[m].values;
  std::vector<std::size_t> coarse = coarse_series(values, parts.offsets, steps);
  if (coarse.empty()) return;
  ExactSeries exact(std::move(coarse), parts.offsets);
  read_again(exact);
  const std::size_t series = parts.ids.size();
  for (std::size_t c = 0; c < exact.chosen().size(); ++c) {
    const std::size_t s = exact.chosen()[c];
    const std::span<const double> numbers = exact.of(c);
    const double offset = offset_of(exact, c, steps);
    if (offset == 0) continue;
    if (parts.value_offset.size() < (m + 1) * series)
      parts.value_offset.resize((m + 1) * series, 0);
    parts.value_offset[m * series + s] = offset;
    float* to = values.data() + parts.offsets[s];
    for (std::size_t t = 0; t < numbers.size(); ++t)
      to[t] = static_cast<float>(numbers[t] - offset);
  }
}

}  // namespace sluice
