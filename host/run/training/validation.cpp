#include "run/training/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// More validation windows than this are thinned evenly.
constexpr std::int64_t kMaxValidationWindows = 4'096;
/// Fewer residuals than this say nothing about a 90 % quantile.
constexpr std::size_t kMinResiduals = 20;

/// The order statistic of `sorted` for probability p with the finite-sample correction:
/// ceil((n+1) p) from above the median, floor((n+1) p) from below.
float conformal_quantile(const std::vector<float>& sorted, double p) {
  const auto n = static_cast<double>(sorted.size());
  const double rank = p >= 0.5 ? std::ceil((n + 1) * p) : std::floor((n + 1) * p);
  return sorted[static_cast<std::size_t>(std::clamp(rank - 1, 0.0, n - 1))];
}

}  // namespace

std::vector<Window> validation_windows(std::span<const std::int64_t> from,
                                       std::span<const std::int64_t> to, int K) {
  std::int64_t total = 0;
  for (std::size_t s = 0; s < from.size(); ++s) {
    total += std::max<std::int64_t>(to[s] > from[s] ? 1 : 0, to[s] - from[s] - K + 1);
  }
  const std::int64_t stride = total / kMaxValidationWindows + 1;
  std::vector<Window> windows;
  for (std::size_t s = 0; s < from.size(); ++s) {
    if (to[s] <= from[s] || from[s] < 1) continue;
    const std::int64_t last = std::max(from[s], to[s] - K);
    for (std::int64_t start = from[s]; start <= last; start += stride) {
      Window w;
      w.series = static_cast<std::int32_t>(s);
      w.origin = start - 1;
      windows.push_back(w);
    }
  }
  // Where series alone are more than the limit, every stride-th series stays.
  if (static_cast<std::int64_t>(windows.size()) > 2 * kMaxValidationWindows) {
    const std::size_t keep_every = windows.size() / kMaxValidationWindows;
    std::vector<Window> kept;
    for (std::size_t i = 0; i < windows.size(); i += keep_every) kept.push_back(windows[i]);
    windows = std::move(kept);
  }
  return windows;
}

bool have_targets(const Catalog& catalog, std::span<const Window> windows,
                  std::span<const std::int64_t> to, int K) {
  const auto finite = [](float x) { return std::isfinite(x); };
  return std::ranges::any_of(windows, [&](const Window& w) {
    const auto s = static_cast<std::size_t>(w.series);
    const std::int64_t begin = w.origin + 1, end = std::min(begin + K, to[s]);
    for (int m = 0; m < catalog.count(Role::target) && begin < end; ++m) {
      const auto values =
          catalog.values(m, w.series)
              .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
      if (std::ranges::any_of(values, finite)) return true;
    }
    return false;
  });
}

std::vector<Window> validation_of(const Config& config, const Catalog& catalog, const Split& split,
                                  int K) {
  const std::string valid =
      config.data.valid ? fmt::format("{}", *config.data.valid) : std::string("auto");
  std::vector<Window> windows = validation_windows(split.train_end, split.valid_end, K);
  if (windows.empty()) {
    const std::int64_t longest = std::ranges::max(split.valid_end);
    const bool has_room = is_trained_on(longest - 1, config.data.min_history);
    throw ConfigError(fmt::format(
        "data.valid = {} leaves no validation step in any series, of which the longest has {} "
        "steps before the test part; {}",
        valid, longest,
        has_room ? "give it a number of steps (--data.valid 1), or --data.valid 0 for none"
                 : "train without one (--data.valid 0)"));
  }
  if (!have_targets(catalog, windows, split.valid_end, K)) {
    throw DataError(fmt::format(
        "data.valid = {}: no series has a value of its target in the validation part, which is to "
        "choose the weights; leave out the empty rows at the end, or make data.valid larger, or 0 "
        "for none",
        valid));
  }
  return windows;
}

ResidualQuantiles residual_quantiles(std::span<const float> errors, std::size_t KM) {
  ResidualQuantiles out;
  std::vector<float> pooled;
  for (const float e : errors) {
    if (std::isfinite(e)) pooled.push_back(e);
  }
  if (pooled.size() < kMinResiduals) return out;
  std::sort(pooled.begin(), pooled.end());
  for (int p = 1; p < 200; ++p) out.probabilities.push_back(p / 200.0);
  std::vector<float> at_step;
  for (std::size_t i = 0; i < KM; ++i) {
    at_step.clear();
    for (std::size_t at = i; at < errors.size(); at += KM) {
      if (std::isfinite(errors[at])) at_step.push_back(errors[at]);
    }
    std::sort(at_step.begin(), at_step.end());
    const std::vector<float>& sorted = at_step.size() >= kMinResiduals ? at_step : pooled;
    for (const double p : out.probabilities) out.quantiles.push_back(conformal_quantile(sorted, p));
  }
  return out;
}

}  // namespace sluice
