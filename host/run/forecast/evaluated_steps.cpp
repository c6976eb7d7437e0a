#include "run/forecast/evaluated_steps.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/choice.hpp"

namespace sluice {

std::vector<std::int64_t> refit_end(const Config& config, const Catalog& catalog,
                                    std::span<const std::int64_t> cutoff) {
  std::vector<std::int64_t> end;
  auto day = std::numeric_limits<std::int64_t>::min();
  for (std::size_t s = 0; s < cutoff.size(); ++s) {
    end.push_back(std::max<std::int64_t>(cutoff[s], 0));
    if (cutoff[s] < 1) continue;
    day = std::max(day, catalog.period(static_cast<std::int64_t>(s), cutoff[s]));
  }
  const bool none = day == std::numeric_limits<std::int64_t>::min();
  if (none || config.forecast.ended) return end;  // with forecast.ended they have cutoffs, too
  for (std::size_t s = 0; s < cutoff.size(); ++s) {
    const auto series = static_cast<std::int64_t>(s);
    if (cutoff[s] >= 1 || !catalog.ended(series)) continue;
    end[s] = std::clamp<std::int64_t>(day - catalog.period(series, 0), 0, catalog.history(series));
  }
  return end;
}

Config with_loss_of_refits(const Config& config, const Catalog& catalog,
                           std::span<const std::vector<std::int64_t>> cutoffs) {
  Config out = config;
  if (config.evaluate.refit == 0) return out;
  const auto group = static_cast<std::size_t>(config.evaluate.refit);
  const std::size_t last = (cutoffs.size() - 1) / group * group;
  Split split;
  split.train_end = refit_end(config, catalog, cutoffs.front());
  split.valid_end = refit_end(config, catalog, cutoffs[last]);
  out.training.loss = loss_name(config, catalog, split);
  return out;
}

void refuse_seen(const Model& model, const Catalog& catalog, std::span<const std::int64_t> cutoff,
                 int windows) {
  const std::vector<std::int64_t> seen_until = seen_steps(model, catalog);
  for (std::size_t s = 0; s < cutoff.size(); ++s) {
    const auto series = static_cast<std::int64_t>(s);
    const std::int64_t seen = seen_until[s];
    if (cutoff[s] < 1 || cutoff[s] >= seen) continue;
    throw DataError(fmt::format(
        "series '{}': the evaluation begins after {}, and the model has been trained "
        "on data up to {}; {}train with a larger data.test, or let the evaluation train "
        "(evaluate.refit)",
        catalog.id(series), catalog.date(series, cutoff[s] - 1), catalog.date(series, seen - 1),
        windows > 1 ? "evaluate fewer windows (evaluate.n_windows), " : ""));
  }
}

std::size_t windows_together(std::span<const std::vector<std::int64_t>> cutoffs,
                             const Config::Engine& engine) {
  std::size_t count = 0;
  std::int64_t rows = 0;
  for (const std::vector<std::int64_t>& cutoff : cutoffs) {
    rows += std::ranges::count_if(cutoff, [](std::int64_t at) { return at >= 1; });
    if (count > 0 && rows > engine.forecast_batch) break;
    ++count;
  }
  return count;
}

}  // namespace sluice
