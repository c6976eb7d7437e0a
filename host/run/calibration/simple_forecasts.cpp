#include "run/calibration/simple_forecasts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ranks/ranks.hpp"
#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "run/calibration/partners.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// Values that forecasts are made from: more of them tell methods apart no better.
constexpr std::int64_t kMostSampled = 200'000;
/// Values of a catalogue (each series' last partner_history()) from which auto has no methods that
/// are fitted: a forecast of all of them would take half a minute and more of a processor.
constexpr std::int64_t kMostFitted = 10'000'000;
/// Share of zeros from which methods for rare sales are candidates.
constexpr double kRareSales = 0.3;

/// Whether so many values before end[s] are zero that their median may be.
bool has_rare_sales(const Catalog& catalog, std::span<const std::int64_t> end, int history) {
  std::int64_t zeros = 0, values = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    for (int m = 0; m < catalog.count(Role::target); ++m) {
      auto past =
          catalog.values(m, s).first(static_cast<std::size_t>(end[static_cast<std::size_t>(s)]));
      if (std::ssize(past) > history) past = past.last(static_cast<std::size_t>(history));
      const auto zero = static_cast<float>(-catalog.value_offset(m, s));
      for (const float y : past) {
        values += std::isnan(y) ? 0 : 1;
        zeros += y == zero ? 1 : 0;
      }
    }
  }
  return static_cast<double>(zeros) > kRareSales * static_cast<double>(values);
}

/// ETS and Theta are fitted for their mean anyway.
std::vector<std::string> shown_methods(std::vector<std::string> names) {
  if (std::ranges::count(names, "ets+theta") == 0) return names;
  for (const char* part : {"ets", "theta"}) {
    if (std::ranges::count(names, part) == 0) names.emplace_back(part);
  }
  return names;
}

/// Those of the windows that are forecast from.
std::vector<Window> windows_to_fit(const Config& config, const Catalog& catalog, const Split& split,
                                   std::span<const Window> windows) {
  const int K = horizon_steps(config, catalog.frequency());
  std::vector<Window> whole;
  for (const Window& w : windows) {
    if (w.origin + K < split.valid_end[static_cast<std::size_t>(w.series)]) whole.push_back(w);
  }
  const std::span<const Window> all = whole.empty() ? windows : std::span<const Window>(whole);
  const int history = partner_history(season_of(config, catalog.frequency()));
  std::int64_t values = 0;
  for (const Window& w : all) values += std::min<std::int64_t>(w.origin + 1, history);
  const std::int64_t mean =
      std::max<std::int64_t>(values / std::max<std::int64_t>(std::ssize(all), 1), 1);
  return thinned(all, static_cast<std::size_t>(std::max<std::int64_t>(kMostSampled / mean, 64)));
}

}  // namespace

void check_partners(const Config& config) {
  const std::vector<std::string>& asked = config.training.partners;
  for (const char* word : {"auto", "none"}) {
    if (std::ranges::count(asked, word) > 0 && asked.size() > 1) {
      throw ConfigError(fmt::format(
          "training.partners has \"{}\" and names beside it; give \"{}\" alone, or names alone",
          word, word));
    }
  }
}

PartnerNames partner_names(const Config& config, Loss loss, const Catalog& catalog,
                           std::span<const std::int64_t> end) {
  PartnerNames out;
  check_partners(config);
  const std::vector<std::string>& asked = config.training.partners;
  if (asked.empty() || asked[0] == "none") return out;
  if (asked[0] != "auto") {
    for (const std::string& name : asked) {
      if (std::ranges::count(out.names, name) == 0) out.names.push_back(name);
    }
    return out;
  }
  const int season = season_of(config, catalog.frequency());
  const int history = partner_history(season);
  std::int64_t values = 0;
  for (const std::int64_t steps : end) values += std::min<std::int64_t>(steps, history);
  values *= catalog.count(Role::target);
  out.names.push_back(kSeasonalNaive);
  if (values <= kMostFitted) {
    out.names.emplace_back("ets+theta");
  } else {
    out.note = fmt::format(
        "ETS and Theta are no candidates: fits of {} values at each forecast would take longer "
        "than "
        "the network; training.partners = [\"ets+theta\"] tries them",
        grouped(values));
  }
  if (is_nonnegative(loss) || has_rare_sales(catalog, end, history)) {
    out.names.emplace_back("tsb");
    out.names.emplace_back("adida");
  }
  return out;
}

SimpleForecasts forecast_simple(const Config& config, Loss loss, const Catalog& catalog,
                                const Split& split, std::span<const Window> windows,
                                double max_seconds) {
  SimpleForecasts out;
  out.candidates = partner_names(config, loss, catalog, split.train_end);
  out.methods = shown_methods(out.candidates.names);
  const std::vector<Window> asked =
      windows_to_fit(config, catalog, split, thinned(windows, kMostScored));
  PartnerMethods methods(out.methods, season_of(config, catalog.frequency()),
                         horizon_steps(config, catalog.frequency()), Workers::all_ranks);
  for (std::size_t i = 0; i < methods.count(); ++i) out.titles.push_back(methods.title(i));
  if (methods.count() == 0) {
    out.windows = asked;
    return out;
  }
  // Every `parts`-th window at a time, so that those of a part are of all series alike.
  const std::size_t parts = max_seconds > 0 ? std::max<std::size_t>(1, asked.size() / 32) : 1;
  std::vector<std::vector<double>> made(asked.size());
  const double start = steady_seconds();
  for (std::size_t part = 0; part < parts; ++part) {
    if (part > 0 && of_first_rank(steady_seconds() - start) > max_seconds) break;
    std::vector<Window> some;
    for (std::size_t i = part; i < asked.size(); i += parts) some.push_back(asked[i]);
    if (some.empty()) break;
    const std::vector<double> points = methods.forecast(catalog, some);
    const auto width = static_cast<std::ptrdiff_t>(points.size() / some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto from = points.begin() + static_cast<std::ptrdiff_t>(i) * width;
      made[part + i * parts].assign(from, from + width);
    }
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (made[i].empty()) continue;
    out.windows.push_back(asked[i]);
    out.points.insert(out.points.end(), made[i].begin(), made[i].end());
  }
  return out;
}

}  // namespace sluice
