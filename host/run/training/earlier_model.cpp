#include "run/training/earlier_model.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "run/channels.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

EarlierModel load_earlier(const Config& config, const Catalog& catalog, Vocabularies& vocabularies,
                          ModelSpec& spec) {
  EarlierModel out{.model = nullptr, .path = config.training.init_from};
  if (out.path.empty() && config.mode.incremental && std::filesystem::exists(config.path.model)) {
    out.path = config.path.model;
  }
  if (out.path.empty()) return out;
  if (config.data.valid <= 0) {
    throw ConfigError(
        "training from an earlier model needs data.valid > 0, to tell whether the new one is "
        "better");
  }
  out.model = std::make_unique<Model>(load_model(
      out.path, config.training.init_from.empty() ? "path.model" : "training.init_from"));
  std::error_code error;
  out.is_output = std::filesystem::equivalent(out.path, config.path.model, error);
  check_channels(*out.model, catalog);
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
