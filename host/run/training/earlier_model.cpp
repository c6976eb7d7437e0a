#include "run/training/earlier_model.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/presence.hpp"
#include "run/channels.hpp"
#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

namespace {

/// An evaluation's training must not go on from a model that knows what is evaluated.
void refuse_seen(const EarlierModel& earlier, const Catalog& catalog,
                 std::span<const std::int64_t> end) {
  const std::vector<std::int64_t> seen = seen_steps(*earlier.model, catalog);
  for (std::size_t s = 0; s < end.size(); ++s) {
    if (end[s] < 1 || seen[s] <= end[s]) continue;  // below 1: not evaluated
    const auto series = static_cast<std::int64_t>(s);
    throw DataError(fmt::format(
        "series '{}': the evaluation begins after {}, and {} has been trained on data up to {}; "
        "evaluate without going on from it (training.init_from = \"\", mode.incremental = false), "
        "or train that model with --data.test {}",
        catalog.id(series), catalog.date(series, end[s] - 1), earlier.path,
        catalog.date(series, seen[s] - 1), catalog.history(series) - end[s]));
  }
}

}  // namespace

std::string earlier_path(const Config& config) {
  if (!config.training.init_from.empty()) return config.training.init_from;
  const bool goes_on = config.mode.incremental && is_there(config.path.model);
  return goes_on ? config.path.model : std::string();
}

EarlierModel load_earlier(const Config& config, const Catalog& catalog,
                          std::span<const std::int64_t> end, Vocabularies& vocabularies,
                          ModelSpec& spec) {
  EarlierModel out{.model = nullptr, .path = earlier_path(config)};
  if (out.path.empty()) return out;
  if (!has_validation(config)) {
    throw ConfigError(
        "training from an earlier model needs data.valid > 0, to tell whether the new one is "
        "better");
  }
  out.model = std::make_unique<Model>(load_model(
      out.path, config.training.init_from.empty() ? "path.model" : "training.init_from"));
  std::error_code error;
  out.is_output = std::filesystem::equivalent(out.path, config.path.model, error);
  check_channels(*out.model, catalog);
  refuse_seen(out, catalog, end);
  take_words_of(*out.model, config, vocabularies, spec);
  ModelSpec old = out.model->spec;
  old.dropout = spec.dropout;
  old.huber_delta = spec.huber_delta;
  old.head_starts_at_zero = spec.head_starts_at_zero;
  if (!(old == spec)) {
    throw ConfigError(
        fmt::format("{}: its model ({}) is not the one of these settings ({}); give the "
                    "settings it was trained with, or train without it",
                    out.path, describe(out.model->spec), describe(spec)));
  }
  return out;
}

}  // namespace sluice
