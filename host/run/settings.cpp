#include "run/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "base/with_memory.hpp"
#include "run/cached_data.hpp"
#include "run/config/carried.hpp"
#include "run/config/catalog_facts.hpp"
#include "run/config/config_of.hpp"
#include "run/config/idle.hpp"
#include "run/config/keys.hpp"
#include "run/config/looked_at.hpp"
#include "run/config/loss.hpp"
#include "run/config/sampled_pasts.hpp"
#include "run/config/setting_texts.hpp"
#include "run/config/toml_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

const Override* flag(const SettingsRequest& request, std::string_view key) {
  for (const Override& override : request.overrides) {
    if (override.key == key) return &override;
  }
  return nullptr;
}

/// The file's text and flags over `base`, then the files that stand in the command line.
Config config_over(const SettingsRequest& request, const std::string& file, const Config& base) {
  std::vector<Override> overrides = request.overrides;
  if (request.quiet && !flag(request, "mode.quiet")) overrides.push_back({"mode.quiet", "true"});
  Config config = config_of(file, request.settings, overrides, base);
  if (!request.data.empty()) config.path.data = request.data;
  if (!request.model.empty()) config.path.model = request.model;
  return config;
}

/// The same where the data may be converted ones: what they were converted with holds, and nothing
/// may ask for anything else. `of_data`: whether a model says nothing else of [data].
Config config_over_data(const SettingsRequest& request, const std::string& file, const Config& base,
                        bool of_data) {
  Config config = config_over(request, file, base);
  const std::string cache = request.command == "convert" ? "" : cache_of(config);
  if (cache.empty()) return config;
  const Config converted = converted_settings(cache);
  config = config_over(request, file, with_converted(base, converted, of_data));
  check_converted(config, converted, cache, !of_data);
  return config;
}

/// The number of a key that a model fixes once for all, or 0.
int fixed_by(const ModelSpec& spec, std::string_view key) {
  if (key == "network.predict_day") return spec.K;
  if (key == "network.time_step") return spec.T;
  if (key == "network.patch") return spec.patch;
  if (key == "network.hidden_size") return spec.H;
  if (key == "network.layers") return spec.L;
  return 0;
}

/// A flag that asks for another network than the model has is an error. A file of settings that
/// does, because flags went before it in the training, is only told of: the network is the model's.
void refuse_contradictions(const SettingsRequest& request, const Model& model,
                           const std::string& model_name, Settings& settings) {
  Config& config = settings.config;
  const Config trained_or_given = config;
  config.network = model.config.network;
  std::vector<std::string> overruled;
  visit_keys(trained_or_given, [&](const Key& key, const auto& asked) {
    if (!key.name.starts_with("network.")) return;
    visit_keys(model.config, [&](const Key& other, const auto& trained) {
      if constexpr (std::is_same_v<decltype(asked), decltype(trained)>) {
        if (other.name != key.name || asked == trained) return;
        const int fixed = fixed_by(model.spec, key.name);
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(asked)>, int>) {
          if (fixed > 0 && (asked == fixed || asked == 0)) return;
        }
        const Override* written = flag(request, key.name);
        if (written == nullptr) {
          overruled.emplace_back(key.name);
          return;
        }
        throw ConfigError(fmt::format(
            "--{} {}: {} was trained {}; leave the flag out, or train a model with it",
            written->flag(), written->value, model_name,
            fixed > 0 ? fmt::format("with {}", fixed)
                      : "with " + setting_texts(model.config).at(std::string(key.name))));
      }
    });
  });
  if (!overruled.empty()) {
    settings.remarks.push_back(
        fmt::format("{} asks for another network than {} has ({}); the model's is used",
                    request.settings, model_name, fmt::join(overruled, ", ")));
  }
}

/// What has no effect of that which the command and its file say. A caller of the library has
/// settings for all that it does; the flags of a command line are of one command.
std::vector<std::string> without_effect(const SettingsRequest& request, const Settings& settings) {
  std::vector<std::string> idle = idle_settings(request.command, settings.written, settings.config);
  if (!request.reads_models) return idle;
  std::string flags = unused_flags(request.command, request.overrides, settings.config);
  if (!flags.empty()) idle.push_back(std::move(flags));
  return idle;
}

/// The loss of sums whose forecasts are medians; empty where a training is still to decide that,
/// and says it.
std::string loss_of_medians(const SettingsRequest& request, const Settings& settings) {
  const bool trains = request.command == "train";
  const std::string& loss =
      settings.model ? settings.model->config.training.loss : settings.config.training.loss;
  const bool tells = !(trains && loss == "auto") && sums_medians(settings.config.data, loss);
  return tells ? loss : std::string();
}

/// All of a catalogue's histories, for what is said and not for what is chosen.
TargetFacts facts_of(const Catalog& catalog) {
  std::vector<std::int64_t> end;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.history(s));
  return look_at_targets(catalog, end);
}

/// As the model's training had it, if it did: by its values, and by settings that were not chosen.
std::string medians_remark(const Settings& settings, const Catalog& catalog) {
  const std::string text = medians_text(settings.written, settings.medians, facts_of(catalog));
  if (!settings.model) return text;
  const std::vector<std::string>& told = settings.model->remarks;
  const std::string begin = text.substr(0, text.rfind(':'));
  const auto same = std::ranges::find_if(
      told, [&](const std::string& remark) { return remark.starts_with(begin); });
  return same == told.end() ? text : *same;
}

}  // namespace

Settings read_settings(const SettingsRequest& request, const Model* held) {
  Settings settings;
  if (!request.settings.empty()) settings.file = read_toml(request.settings);
  settings.written = config_over(request, settings.file, {});
  const bool evaluates = request.command == "evaluate" || request.command == "report";
  const bool refits = settings.written.evaluate.refit > 0 && evaluates;
  const bool uses_model =
      request.command == "forecast" || (evaluates && !refits) || !request.model.empty() || held;
  if (!uses_model) {
    settings.config = config_over_data(request, settings.file, {}, true);
    if (request.command == "train") check_known_end(settings.config.training);
    settings.remarks = without_effect(request, settings);
    settings.medians = loss_of_medians(request, settings);
    return settings;
  }
  if (held == nullptr && !request.reads_models) {
    throw ConfigError(fmt::format(
        "{}: no model is given, and evaluate.refit = 0 trains none; give a model, or set "
        "evaluate.refit to 1",
        request.command));
  }
  Model model = held != nullptr ? *held : load_model(settings.written.path.model);
  const std::string name = held != nullptr ? "the model" : settings.written.path.model;
  settings.config = config_over_data(request, settings.file,
                                     carried_settings(model.config, settings.written), false);
  settings.remarks = carried_remarks(model.config, settings.written, settings.config, name);
  const std::vector<std::string> idle = without_effect(request, settings);
  settings.remarks.insert(settings.remarks.end(), idle.begin(), idle.end());
  settings.medians = loss_of_medians(request, settings);
  if (refits || request.command == "check" || request.command == "convert") return settings;
  refuse_contradictions(request, model, name, settings);
  if (settings.config.forecast.nonnegative) {
    model.config.forecast.nonnegative = settings.config.forecast.nonnegative;
  }
  if (settings.config.forecast.samples) {
    model.config.forecast.samples = settings.config.forecast.samples;
  }
  settings.model = std::move(model);
  settings.medians = loss_of_medians(request, settings);
  return settings;
}

Catalog read_data(const Settings& settings, CatalogNotes& notes) {
  const Config& config = settings.config;
  CatalogSpec spec = catalog_spec(config);
  spec.read.memory = settings.memory;
  const std::string cache = cache_of(config);
  Catalog catalog = with_memory(
      fmt::format("reading {}", fmt::join(config.path.data, ", ")),
      "read fewer columns or rows, or use a machine with more memory", [&] {
        return cache.empty()
                   ? read_catalog(spec, &notes)
                   : read_converted(config, cache, !settings.written.path.data.empty(), notes);
      });
  for (std::string& idle : idle_on_data(settings.written, catalog, notes)) {
    notes.remarks.push_back(std::move(idle));
  }
  const std::int64_t horizon = horizon_steps(config, catalog.frequency());
  if (!settings.model && config.network.predict_day == 0 && notes.file_horizon > 0 &&
      notes.file_horizon != horizon) {
    notes.remarks.push_back(fmt::format(
        "the file's @horizon of {0} is not taken over: {1} are forecast, which suit the "
        "frequency; --horizon {2} forecasts as the file says",
        steps_text(notes.file_horizon), steps_text(horizon), notes.file_horizon));
  }
  std::string beyond = beyond_series(settings.written, catalog, !settings.model);
  if (!beyond.empty()) notes.remarks.push_back(std::move(beyond));
  if (!settings.medians.empty()) notes.remarks.push_back(medians_remark(settings, catalog));
  return catalog;
}

DataRemarks remarks_on_data(const Settings& settings, const CatalogNotes& notes, bool ahead) {
  const auto is_in = [](const std::vector<std::string>& texts, const std::string& text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
  };
  DataRemarks remarks;
  for (const std::string& remark : notes.remarks) {
    if (ahead && remark == notes.early_ends) continue;
    const bool told = settings.model && is_in(settings.model->remarks, remark);
    if (told && !(ahead && is_in(notes.of_forecast, remark))) {
      ++remarks.known;
    } else {
      remarks.fresh.push_back(remark);
    }
  }
  return remarks;
}

}  // namespace sluice
