#include "run/config/idle.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>

#include "base/text.hpp"
#include "run/config/part_path.hpp"

namespace sluice {
namespace {

/// Whether `command` looks at the keys of `section`.
bool uses(std::string_view command, std::string_view section, const Config& config) {
  const bool evaluates = command == "evaluate" || command == "report";
  // Of tune the space may have what a key needs, and its trials differ.
  const bool trains = command == "train" || (evaluates && config.evaluate.refit > 0);
  if (section == "data") return true;
  if (section == "network" || section == "training") return trains;
  if (section == "mode") return command == "train";
  if (section == "engine") return command != "check";
  if (section == "tune") return command == "tune";
  if (section == "forecast") return command == "forecast" || evaluates;
  if (section == "explanation" || section == "path") return command == "forecast";
  return evaluates;
}

class Idle {
 public:
  Idle(std::string_view command, const Config& written, const Config& used)
      : command_(command), written_(written), used_(used) {}

  std::vector<std::string> all() {
    data();
    network();
    training();
    others();
    return std::move(found_);
  }

 private:
  /// `key` was written, and `idle` says that it changes nothing: "... has no effect `without`".
  void say(std::string_view key, bool is_written, bool idle, std::string_view without) {
    if (!is_written || !idle || !uses(command_, key.substr(0, key.find('.')), used_)) return;
    found_.push_back(fmt::format("{} has no effect {}", key, without));
  }

  void data() {
    const Config::Data defaults, &w = written_.data, &u = used_.data;
    say("data.future_for_all", w.future_for_all.has_value(), used_.path.future.empty(),
        "without a file of values that are known ahead (path.future)");
    const bool no_inputs = u.past.empty() && u.future.empty() && u.past_categories.empty() &&
                           u.future_categories.empty();
    say("data.covariate_gaps", w.covariate_gaps != defaults.covariate_gaps, no_inputs,
        "without input columns (data.past, data.future)");
    const bool no_text = no_text_files();
    constexpr std::string_view kText = "on files that are no CSV";
    say("data.delimiter", w.delimiter != defaults.delimiter, no_text, kText);
    say("data.encoding", w.encoding != defaults.encoding, no_text, kText);
    say("data.decimal", w.decimal != defaults.decimal, no_text, kText);
  }

  /// Whether every file that is read is named as Parquet, Arrow or .tsf.
  bool no_text_files() const {
    constexpr std::array<std::string_view, 6> kBinary = {".parquet", ".pq",  ".arrow",
                                                         ".feather", ".ipc", ".tsf"};
    std::vector<std::string> files = used_.path.data;
    for (const auto* beside : {&used_.path.future, &used_.path.statics}) {
      files.insert(files.end(), beside->begin(), beside->end());
    }
    return !files.empty() && std::all_of(files.begin(), files.end(), [&](const std::string& file) {
      const std::string ending = std::filesystem::path(file).extension().string();
      return std::find(kBinary.begin(), kBinary.end(), ending) != kBinary.end();
    });
  }

  void network() {
    const Config::Network defaults, &w = written_.network, &u = used_.network;
    const Config::Data& d = used_.data;
    say("network.dropout", w.dropout != defaults.dropout, u.layers == 1,
        "with one layer: units are dropped between layers (network.layers)");
    const bool by_window = u.scaling.starts_with("window_");  // no level and no forking by default
    say("network.level_window", w.level_window.has_value(),
        u.level == "none" || u.level == "smoothing" || (u.level == "auto" && by_window),
        "but on network.level = \"mean\"");
    say("network.smoothing_alpha", w.smoothing_alpha != defaults.smoothing_alpha,
        u.level != "smoothing" && u.base != "smoothing" && u.base != "trend" &&
            (used_.training.choice == 0 || (u.level != "auto" && u.base != "auto")),
        "but on network.level or network.base = \"smoothing\", or network.base = \"trend\"");
    say("network.trend_damping", w.trend_damping != defaults.trend_damping,
        u.base != "trend" && (u.base != "auto" || used_.training.choice == 0),
        "but on network.base = \"trend\"");
    say("network.base_season", w.base_season.has_value(),
        u.base != "auto" && u.base != "seasonal" && u.base != "trend" &&
            (u.level == "none" || u.level_change == false),
        "but on network.base = \"seasonal\" or \"trend\" and network.level_change");
    say("network.calendar_year", w.calendar_year.has_value(), u.calendar == false,
        "with network.calendar = false");
    say("network.warmup", w.warmup.has_value(), !u.forking.value_or(!by_window),
        "without network.forking");
    say("network.embedding_width", w.embedding_width != defaults.embedding_width,
        d.static_categories.empty() && d.past_categories.empty() && d.future_categories.empty(),
        "without categories (data.static_categories, data.future_categories)");
    say("network.covariate_scaling", w.covariate_scaling != defaults.covariate_scaling,
        d.past.empty() && d.future.empty(), "without input columns (data.past, data.future)");
  }

  void training() {
    const Config::Training defaults, &w = written_.training, &u = used_.training;
    const bool unvalidated = used_.data.valid == 0;
    say("training.channel_dropout", w.channel_dropout != defaults.channel_dropout,
        used_.data.future.empty(), "without input columns that are known ahead (data.future)");
    say("training.huber_delta", w.huber_delta != defaults.huber_delta, u.loss != "huber",
        "but on training.loss = \"huber\"");
    say("training.tweedie_power", w.tweedie_power != defaults.tweedie_power, u.loss != "tweedie",
        "but on training.loss = \"tweedie\"");
    say("training.patience", w.patience != defaults.patience, unvalidated,
        "where nothing is validated (data.valid = 0)");
    say("training.schedule", w.schedule == "plateau", unvalidated && u.schedule == "plateau",
        "as \"plateau\" where nothing is validated (data.valid = 0)");
    say("training.parallel_seeds", w.parallel_seeds != defaults.parallel_seeds, u.seeds == 1,
        "but with training.seeds > 1");
    say("training.shuffle", w.shuffle != defaults.shuffle, u.carry_state || u.sampling == "series",
        "but on training.sampling = \"window\" without training.carry_state");
  }

  void others() {
    say("mode.incremental", written_.mode.incremental, !used_.training.init_from.empty(),
        "beside training.init_from, which names the model to go on from");
    say("forecast.ended", written_.forecast.ended, used_.data.ended_after == 0,
        "with data.ended_after = 0, by which no series has ended");
    say("forecast.reconcile", written_.forecast.reconcile != Config::Forecast().reconcile,
        used_.data.groups.empty(), "without sums (data.groups)");
    const bool draws = (used_.forecast.sums && !used_.forecast.sums->empty()) ||
                       !used_.path.samples.empty() || used_.network.decoding == "recursive";
    say("forecast.samples", written_.forecast.samples.has_value(), command_ == "forecast" && !draws,
        "without forecast.sums or path.samples, but on network.decoding = \"recursive\"");
    say("path.sums", written_.path.sums != Config::Path().sums,
        !used_.forecast.sums || used_.forecast.sums->empty(), "without forecast.sums");
    const bool one_file = command_ == "forecast" && !is_path_of_parts(used_.path.forecast);
    constexpr std::string_view kNoParts = "where path.forecast is one file";
    say("forecast.part_series", written_.forecast.part_series != Config::Forecast().part_series,
        one_file, kNoParts);
    say("forecast.replace", written_.forecast.replace, one_file, kNoParts);
    say("evaluate.step", written_.evaluate.step != 0, used_.evaluate.n_windows == 1,
        "with one window (evaluate.n_windows)");
    say("evaluate.show", !written_.evaluate.show.empty(),
        command_ == "evaluate" && used_.path.html.empty(),
        "without the page that shows them (path.html)");
    const Config::Explanation none, &e = written_.explanation;
    for (const auto& [key, is_written] :
         {std::pair("explanation.series", e.series != none.series),
          std::pair("explanation.blocks", e.blocks != none.blocks),
          std::pair("explanation.points", e.points != none.points)}) {
      say(key, is_written, used_.path.explanation.empty(), "without its file (path.explanation)");
    }
    const bool random = used_.tune.method == "random";
    say("tune.factor", written_.tune.factor != Config::Tune().factor, random,
        "with tune.method = \"random\"");
    say("tune.rungs", written_.tune.rungs != Config::Tune().rungs, random,
        "with tune.method = \"random\"");
    say("engine.device_memory_limit", written_.engine.device_memory_limit != 0,
        used_.engine.device == "cpu", "on engine.device = \"cpu\"");
  }

  std::string_view command_;
  const Config &written_, &used_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> idle_settings(std::string_view command, const Config& written,
                                       const Config& used) {
  return Idle(command, written, used).all();
}

std::vector<std::string> idle_on_data(const Config& written, const Catalog& catalog,
                                      const CatalogNotes& notes) {
  std::vector<std::string> found;
  const Config::Data& d = written.data;
  const Frequency& frequency = catalog.frequency();
  // Days of times with an offset are those of the zone.
  const bool shown = is_shorter_than_day(frequency.unit) || !catalog.axis().clock.empty();
  if (!d.time_zone.empty() && !shown) {
    found.push_back(fmt::format("data.time_zone has no effect on steps of {}: {}",
                                to_string(frequency),
                                catalog.axis().integers ? "they are plain integers"
                                                        : "they keep the date that is written"));
  }
  if (notes.layout != "rows") {
    for (const auto& [key, value] :
         {std::pair("data.start", d.start), std::pair("data.first_value", d.first_value)}) {
      if (value.empty()) continue;
      found.push_back(
          fmt::format("{} has no effect in layout {}: it is of files where a row is a "
                      "series (data.layout = \"rows\")",
                      key, notes.layout));
    }
    return found;
  }
  const auto start = std::find_if(notes.columns.begin(), notes.columns.end(),
                                  [](const ColumnUse& column) { return column.role == "start"; });
  if (!d.start.empty() && start != notes.columns.end()) {
    found.push_back(fmt::format(
        "data.start has no effect: the column '{}' says when each series begins", start->name));
  }
  return found;
}

std::string beyond_series(const Config& written, const Catalog& catalog, bool trains) {
  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    longest = std::max(longest, catalog.history(s));
  }
  std::vector<std::string> found;
  // `steps` back from a step that has a value: as many as there are, the first one has none.
  const auto look = [&](std::string_view key, std::int64_t steps, std::int64_t most) {
    if (steps > most) found.push_back(fmt::format("{} = {}", key, steps));
  };
  const Config::Network& n = written.network;
  if (trains) {
    look("network.time_step", n.time_step, longest);
    look("network.patch", n.patch, longest);
    look("network.level_window", n.level_window.value_or(0), longest);
    look("network.base_season", n.base_season.value_or(0), longest - 1);
    for (const int lag : n.lags.value_or(std::vector<int>())) {
      look("network.lags", lag, longest - 1);
    }
    look("network.context", n.context.value_or(0), longest);
    look("network.seasonal_context", n.seasonal_context.value_or(0), longest - 1);
  }
  look("evaluate.season", written.evaluate.season, longest - 1);
  if (found.empty()) return {};
  return fmt::format(
      "{} {} back beyond the begin of every series, where nothing is: the longest has {}",
      fmt::join(found, ", "), found.size() == 1 ? "reaches" : "reach", steps_text(longest));
}

}  // namespace sluice
