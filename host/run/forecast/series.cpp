#include "run/forecast/series.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "run/categories.hpp"
#include "run/channels.hpp"
#include "run/forecast/beyond_training.hpp"
#include "run/forecast/hierarchy.hpp"
#include "run/forecast/left_out.hpp"
#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
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

SeriesForecaster::SeriesForecaster(const Model& model, const Catalog& catalog, const Config& config,
                                   const CatalogNotes& notes, const std::vector<double>& levels)
    : model_(model), catalog_(catalog), config_(config), notes_(notes) {
  tell_of_unknown_words(model, catalog);
  std::vector<LeftOut>& at_origin = config.forecast.from.empty() ? chosen_ : unreached_;
  cutoff_ = cutoffs_from(catalog, config.forecast.from, config.forecast.ended, &at_origin);
  forecaster_.emplace(model, catalog, levels, config.engine, cutoff_,
                      looks_back(catalog, config) ? std::span<const std::int64_t>() : cutoff_);
  bool new_items = false;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) > 0) continue;
    new_items = true;
    if (!config.forecast.new_items) {
      chosen_.push_back({catalog.id(s), "no history; forecast.new_items = false"});
    }
  }
  if (!new_items || !config.forecast.new_items) return;
  items_ = make_new_items(model, catalog, cutoff_, first_period(catalog, cutoff_));
  if (!items_.catalog) return;
  of_items_.emplace(model, *items_.catalog, levels, config.engine, items_.scaling);
}

template <typename Make>
Forecasts SeriesForecaster::gathered(const Make& make) {
  Forecasts out = make(*forecaster_, cutoff_);
  out.left_out.insert(out.left_out.begin(), unreached_.begin(), unreached_.end());
  out.left_out.insert(out.left_out.end(), items_.left_out.begin(), items_.left_out.end());
  if (of_items_) append(out, make(*of_items_, items_.cutoff), items_);
  return out;
}

Forecasts SeriesForecaster::all() {
  return gathered([](Forecaster& forecaster, const auto& cutoff) { return forecaster.at(cutoff); });
}

Forecasts SeriesForecaster::rows() {
  return gathered(
      [](Forecaster& forecaster, const auto& cutoff) { return forecaster.rows_at(cutoff); });
}

Forecasts SeriesForecaster::some(const Forecasts& rows, std::size_t begin, std::size_t end) {
  std::vector<std::int64_t> known(cutoff_.size(), -1), item(items_.cutoff.size(), -1);
  std::vector<char> is_wanted(cutoff_.size(), 0);
  for (std::size_t r = begin; r < end; ++r) {
    const auto s = static_cast<std::size_t>(rows.series[r]);
    is_wanted[s] = 1;
    if (catalog_.history(rows.series[r]) > 0) known[s] = cutoff_[s];
  }
  for (std::size_t i = 0; i < item.size(); ++i) {
    if (is_wanted[static_cast<std::size_t>(items_.series[i])] != 0) item[i] = items_.cutoff[i];
  }
  Forecasts out = forecaster_->at(known);
  if (of_items_) append(out, of_items_->at(item), items_);
  if (!rows.new_item.empty()) out.new_item.resize(out.series.size(), 0);
  return out;
}

void SeriesForecaster::prepare_samples() {
  std::int64_t new_sums = 0;
  for (std::int64_t s = 0; config_.forecast.new_items && s < catalog_.series_count(); ++s) {
    new_sums += catalog_.history(s) == 0 && catalog_.is_sum(s) ? 1 : 0;
  }
  const std::int64_t of_new = of_items_ ? of_items_->count_at(items_.cutoff) + new_sums : 0;
  check_samples(model_, forecaster_->count_at(cutoff_) + of_new, config_);
  forecaster_->keep_paths();
  if (of_items_) of_items_->keep_paths();
}

void SeriesForecaster::add_up(Forecasts& forecasts) {
  make_coherent(*forecaster_, catalog_, config_, cutoff_, config_.forecast.new_items, false,
                forecasts);
  if (config_.forecast.new_items) add_sums_of_new_items(catalog_, forecasts);
}

void SeriesForecaster::tell(Forecasts& out) const {
  const std::string help = remedy(out, catalog_, notes_);
  if (config_.forecast.strict && !out.left_out.empty()) {
    throw DataError(
        with_remedy("forecast.strict = true, and " + left_out_text(out.left_out), help));
  }
  out.left_out.insert(out.left_out.end(), chosen_.begin(), chosen_.end());
  if (out.series.empty()) {
    const std::string why =
        out.left_out.empty() ? "no series has a value" : left_out_text(out.left_out);
    throw DataError(with_remedy("there is nothing to forecast: " + why, help));
  }
  tell_of_earlier_starts(catalog_, out, notes_);
  if (out.without_future > 0) {
    log_warning(fmt::format("values that must be known ahead are missing in {} series; {}",
                            out.without_future, help));
  }
  for (const std::string& text : beyond_training_texts(model_, catalog_, out)) log_warning(text);
  if (!config_.forecast.from.empty()) tell_of_seen(model_, catalog_, out);
  if (const std::string text = alike_levels_text(model_, config_.forecast.levels); !text.empty()) {
    log_warning(text);
  }
  if (const std::string text = without_logarithm_text(out); !text.empty()) log_warning(text);
  if (!out.left_out.empty()) log_left_out(out.left_out);
}

Forecasts forecast_series(const Model& model, const Catalog& catalog, const Config& config,
                          const CatalogNotes& notes,
                          const std::optional<std::vector<double>>& levels) {
  SeriesForecaster forecaster(model, catalog, config, notes,
                              levels ? *levels : config.forecast.levels);
  if (asks_for_samples(config)) forecaster.prepare_samples();
  Forecasts out = forecaster.all();
  forecaster.add_up(out);
  forecaster.tell(out);
  return out;
}

}  // namespace sluice
