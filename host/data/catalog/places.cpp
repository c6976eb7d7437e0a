#include "data/catalog/places.hpp"

namespace sluice {

Places::Places(std::vector<std::int64_t> of_rows) : of_rows_(std::move(of_rows)) {
  constexpr std::size_t kWorth = 8;  // rows of a stretch in the mean, from which on they are kept
  const auto goes_on = [&](std::size_t row) {
    const std::int64_t before = of_rows_[row - 1], here = of_rows_[row];
    return before < 0 ? here < 0 : here == before + 1;
  };
  const std::size_t rows = of_rows_.size();
  std::size_t count = rows > 0 ? 1 : 0;
  for (std::size_t row = 1; row < rows; ++row) count += goes_on(row) ? 0u : 1u;
  if (rows == 0 || count * kWorth > rows) return;
  stretches_.reserve(count);
  for (std::size_t row = 0; row < rows; ++row) {
    if (row > 0 && goes_on(row)) continue;
    stretches_.push_back({static_cast<std::int64_t>(row), of_rows_[row]});
  }
  of_rows_ = std::vector<std::int64_t>();  // "= {}" would keep the memory
}

}  // namespace sluice
