#include "run/forecast/evaluated_steps.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/resolve.hpp"

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
        "on data up to {}; {}train with --data.test {}, or let the evaluation train "
        "(evaluate.refit)",
        catalog.id(series), catalog.date(series, cutoff[s] - 1), catalog.date(series, seen - 1),
        windows > 1 ? "evaluate fewer windows (evaluate.n_windows), " : "",
        catalog.history(series) - cutoff[s]));
  }
}

void refuse_short(const Config& config, std::int64_t longest, int K) {
  // What a training needs beside what is held out.
  const std::int64_t least = std::max<std::int64_t>(config.data.min_history, 2) +
                             static_cast<std::int64_t>(has_validation(config));
  const std::int64_t most = longest - least;
  throw DataError(fmt::format(
      "no series is longer than the horizon of {} (the longest has {}), so nothing can be "
      "evaluated; {}",
      steps_text(K), longest,
      most >= 1 ? fmt::format("train with --horizon {0} --data.test {0}", most)
                : fmt::format("it takes longer series ({} or more)", steps_text(1 + least))));
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
