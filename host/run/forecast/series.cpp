// All series of a catalogue: those with a history, new items, and what is said of the rest.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "run/categories.hpp"
#include "run/channels.hpp"
#include "run/forecast/beyond_training.hpp"
#include "run/forecast/hierarchy.hpp"
#include "run/forecast/left_out.hpp"
#include "run/forecast/new_items.hpp"
#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/samples.hpp"

namespace sluice {
namespace {

/// Series that the log file names; all of a million would fill it.
constexpr std::size_t kLogged = 1000;

void append(Forecasts& to, Forecasts&& from, const NewItems& items) {
  if (to.offset.size() + from.offset.size() > 0) {
    to.offset.resize(to.series.size() * static_cast<std::size_t>(to.M), 0);
    from.offset.resize(from.series.size() * static_cast<std::size_t>(from.M), 0);
  }
  if (!from.series.empty()) to.new_item.assign(to.series.size(), 0);
  for (const std::int32_t i : from.series) {
    const auto item = static_cast<std::size_t>(i);
    to.series.push_back(static_cast<std::int32_t>(items.series[item]));
    to.cutoff.push_back(items.origin[item]);
    to.new_item.push_back(1);
  }
  to.nonnegative.insert(to.nonnegative.end(), from.nonnegative.begin(), from.nonnegative.end());
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
  to.mean.insert(to.mean.end(), from.mean.begin(), from.mean.end());
  to.paths.insert(to.paths.end(), from.paths.begin(), from.paths.end());
  to.offset.insert(to.offset.end(), from.offset.begin(), from.offset.end());
  for (LeftOut& one : from.left_out) {
    to.left_out.push_back({std::move(one.id), "no history, and " + std::move(one.reason)});
  }
  to.without_future += from.without_future;
  to.without_logarithm.insert(to.without_logarithm.end(), from.without_logarithm.begin(),
                              from.without_logarithm.end());
}

/// The period after the last one that any forecast may see.
std::int64_t first_period(const Catalog& catalog, std::span<const std::int64_t> cutoff) {
  auto start = std::numeric_limits<std::int64_t>::min();
  for (std::size_t s = 0; s < cutoff.size(); ++s) {
    if (cutoff[s] < 1) continue;
    start = std::max(start, catalog.period(static_cast<std::int64_t>(s), cutoff[s]));
  }
  return start;
}

/// What to do where known values are missing.
std::string remedy(const Forecasts& forecasts, const Catalog& catalog, const CatalogNotes& notes) {
  if (forecasts.without_future == 0) return {};
  return fmt::format("give the known values of the horizon in path.future (columns: {})",
                     future_columns(catalog, notes));
}

std::string with_remedy(const std::string& text, const std::string& remedy) {
  return remedy.empty() ? text : text + "; " + remedy;
}

void log_left_out(const std::vector<LeftOut>& left_out) {
  nlohmann::json series = nlohmann::json::array();
  for (std::size_t i = 0; i < std::min(kLogged, left_out.size()); ++i) {
    series.push_back({{"id", left_out[i].id}, {"reason", left_out[i].reason}});
  }
  const nlohmann::json event = {
      {"event", "left_out"}, {"count", left_out.size()}, {"series", std::move(series)}};
  log_event(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// Forecasts of one file are taken for those of one day; say where they are not.
void tell_of_earlier_starts(const Catalog& catalog, const Forecasts& forecasts,
                            const CatalogNotes& notes) {
  const auto start_of = [&](std::size_t r) {
    return catalog.period(forecasts.series[r], forecasts.cutoff[r]);
  };
  std::size_t latest = 0, first_early = forecasts.series.size();
  for (std::size_t r = 1; r < forecasts.series.size(); ++r) {
    if (start_of(r) > start_of(latest)) latest = r;
  }
  std::int64_t early = 0;
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    if (start_of(r) == start_of(latest)) continue;
    if (early++ == 0) first_early = r;
  }
  if (early == 0) return;
  log_warning(fmt::format(
      "{} of {} series {} before the others: {} before {} (first: {} {}){}", grouped(early),
      grouped(std::ssize(forecasts.series)), early == 1 ? "ends" : "end",
      early == 1 ? "its forecast begins" : "their forecasts begin",
      catalog.date(forecasts.series[latest], forecasts.cutoff[latest]),
      catalog.id(forecasts.series[first_early]),
      catalog.date(forecasts.series[first_early], forecasts.cutoff[first_early]),
      notes.early_ends.empty() ? "" : "; data.end = \"common\" ends all there"));
}

void tell_of_unknown_words(const Model& model, const Catalog& catalog) {
  check_channels(model, catalog);
  const std::string words =
      unknown_words_text(model.vocabularies, model.step_vocabularies, catalog);
  if (words.empty()) return;
  log_warning("words that the model was not trained on mean \"unknown\" to it: " + words);
}

/// A forecast from a day that the model has seen is no test of it.
void tell_of_seen(const Model& model, const Catalog& catalog, const Forecasts& forecasts) {
  const std::vector<std::int64_t> seen = seen_steps(model, catalog);
  std::int64_t count = 0, example = -1;
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    if (!forecasts.new_item.empty() && forecasts.new_item[r] != 0) continue;
    const auto s = static_cast<std::size_t>(forecasts.series[r]);
    if (forecasts.cutoff[r] >= seen[s]) continue;
    if (count++ == 0) example = forecasts.series[r];
  }
  if (count == 0) return;
  log_info(fmt::format(
      "forecast.from lies inside the training of {} series ({} up to {}): the model has seen what "
      "it forecasts there, and is better than a forecast of that day would have been",
      grouped(count), catalog.id(example),
      catalog.date(example, seen[static_cast<std::size_t>(example)] - 1)));
}

}  // namespace

Forecasts forecast_series(const Model& model, const Catalog& catalog, const Config& config,
                          const CatalogNotes& notes,
                          const std::optional<std::vector<double>>& levels) {
  const std::vector<double>& computed = levels ? *levels : config.forecast.levels;
  tell_of_unknown_words(model, catalog);
  std::vector<LeftOut> chosen;  // left out by a setting, which is no failure
  std::vector<LeftOut> unreached;
  std::vector<LeftOut>& at_origin = config.forecast.from.empty() ? chosen : unreached;
  const std::vector<std::int64_t> cutoff =
      cutoffs_from(catalog, config.forecast.from, config.forecast.ended, &at_origin);
  Forecaster forecaster(model, catalog, computed, config.engine, cutoff);
  bool new_items = false;
  std::int64_t new_sums = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) > 0) continue;
    new_items = true;
    new_sums += catalog.is_sum(s) ? 1 : 0;
    if (!config.forecast.new_items) {
      chosen.push_back({catalog.id(s), "no history; forecast.new_items = false"});
    }
  }
  NewItems items;
  std::optional<Forecaster> of_items;
  if (new_items && config.forecast.new_items) {
    items = make_new_items(model, catalog, cutoff, first_period(catalog, cutoff));
    if (items.catalog) {
      of_items.emplace(model, *items.catalog, computed, config.engine, items.scaling);
    }
  }
  if (asks_for_samples(config)) {
    const std::int64_t of_new = of_items ? of_items->count_at(items.cutoff) + new_sums : 0;
    check_samples(model, forecaster.count_at(cutoff) + of_new, config);
    forecaster.keep_paths();
    if (of_items) of_items->keep_paths();
  }

  Forecasts out = forecaster.at(cutoff);
  out.left_out.insert(out.left_out.begin(), unreached.begin(), unreached.end());
  out.left_out.insert(out.left_out.end(), items.left_out.begin(), items.left_out.end());
  if (of_items) append(out, of_items->at(items.cutoff), items);
  make_coherent(forecaster, catalog, config, cutoff, config.forecast.new_items, false, out);
  if (config.forecast.new_items) add_sums_of_new_items(catalog, out);

  const std::string help = remedy(out, catalog, notes);
  if (config.forecast.strict && !out.left_out.empty()) {
    throw DataError(
        with_remedy("forecast.strict = true, and " + left_out_text(out.left_out), help));
  }
  out.left_out.insert(out.left_out.end(), chosen.begin(), chosen.end());
  if (out.series.empty()) {
    const std::string why =
        out.left_out.empty() ? "no series has a value" : left_out_text(out.left_out);
    throw DataError(with_remedy("there is nothing to forecast: " + why, help));
  }
  tell_of_earlier_starts(catalog, out, notes);
  if (out.without_future > 0) {
    log_warning(fmt::format("values that must be known ahead are missing in {} series; {}",
                            out.without_future, help));
  }
  for (const std::string& text : beyond_training_texts(model, catalog, out)) log_warning(text);
  if (!config.forecast.from.empty()) tell_of_seen(model, catalog, out);
  if (const std::string text = alike_levels_text(model, config.forecast.levels); !text.empty()) {
    log_warning(text);
  }
  if (const std::string text = without_logarithm_text(out); !text.empty()) log_warning(text);
  if (!out.left_out.empty()) log_left_out(out.left_out);
  return out;
}

}  // namespace sluice
