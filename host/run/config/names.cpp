#include "run/config/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "run/config/keys.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// One name and what it is here: a key, or, where the meaning is not one key's, what to write.
struct Name {
  std::string_view name, key, answer{};
};

constexpr Name kNames[] = {
    // the horizon and the window
    {"h", "network.predict_day"},
    {"horizon", "network.predict_day"},
    {"fh", "network.predict_day"},
    {"forecast_horizon", "network.predict_day"},
    {"prediction_length", "network.predict_day"},
    {"output_chunk_length", "network.predict_day"},
    {"input_size", "network.time_step"},
    {"context_length", "network.time_step"},
    {"input_chunk_length", "network.time_step"},
    {"lookback", "network.time_step"},
    // columns
    {"id_column", "data.id"},
    {"id_col", "data.id"},
    {"item_id", "data.id"},
    {"unique_id", "data.id"},
    {"timestamp_column", "data.time"},
    {"time_column", "data.time"},
    {"time_col", "data.time"},
    {"date_column", "data.time"},
    {"timestamp", "data.time"},
    {"ds", "data.time"},
    {"target", "data.targets"},
    {"target_column", "data.targets"},
    {"target_col", "data.targets"},
    {"label_columns", "data.targets"},
    {"y", "data.targets"},
    {"known_covariates_names", "data.future"},
    {"futr_exog_list", "data.future"},
    {"known_covariates", "data.future"},
    {"future_covariates", "data.future"},
    {"hist_exog_list", "data.past"},
    {"past_covariates", "data.past"},
    {"past_covariates_names", "data.past"},
    {"feature_columns", "data.past"},
    {"stat_exog_list", "",
     "name its columns of numbers in --data.static_reals, those of words in "
     "--data.static_categories"},
    {"static_features", "",
     "give their file as --path.statics, its columns of numbers as --data.static_reals, those of "
     "words as --data.static_categories"},
    {"future", "",
     "columns known ahead are --data.future price,promo; the file of their values is "
     "--path.future FILE"},
    // times and parts
    {"freq", "data.frequency"},
    {"val_size", "data.valid"},
    {"validation_size", "data.valid"},
    {"test_size", "data.test"},
    {"n_windows", "evaluate.n_windows"},
    {"num_val_windows", "evaluate.n_windows"},
    {"step_size", "evaluate.step"},
    // training
    {"max_steps", "training.steps"},
    {"epochs", "training.epochs"},
    {"max_epochs", "training.epochs"},
    {"num_epochs", "training.epochs"},
    {"n_epochs", "training.epochs"},
    {"batch", "training.batch_size"},
    {"windows_batch_size", "training.batch_size"},
    {"lr", "training.learning_rate"},
    {"time_limit", "training.max_seconds"},
    {"max_time", "training.max_seconds"},
    {"random_seed", "training.seed"},
    {"random_state", "training.seed"},
    {"early_stop_patience_steps", "",
     "it counts validations there; --training.patience counts epochs, after each of which is one"},
    {"eval_metric", "",
     "evaluate prints all its scores; what is trained is --training.loss mae, mse, huber, "
     "quantile or a distribution"},
    // the network
    {"encoder_hidden_size", "network.hidden_size"},
    {"encoder_n_layers", "network.layers"},
    {"num_layers", "network.layers"},
    {"n_layers", "network.layers"},
    {"lstm_layers", "network.layers"},
    {"encoder_dropout", "network.dropout"},
    {"dropout_rate", "network.dropout"},
    {"scaler_type", "network.scaling"},
    {"local_scaler_type", "network.scaling"},
    // forecasts, files, machine
    {"level", "forecast.levels"},
    {"quantile_levels", "forecast.levels"},
    {"quantiles", "forecast.levels"},
    {"output", "",
     "forecasts go to --path.forecast, scores to --path.report, the model to --path.model"},
    {"out", "",
     "forecasts go to --path.forecast, scores to --path.report, the model to --path.model"},
    {"config", "", "the TOML file of settings is an argument: sluice train shop.toml"},
    {"accelerator", "engine.device"},
    {"n_jobs", "engine.threads"},
    {"num_workers", "engine.threads"},
    {"gpu", "", "write --engine.device cuda"},
};

std::string with_underscores(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

const Name* known_name(std::string_view name) {
  const auto known = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const Name& n) { return n.name == name; });
  return known == std::end(kNames) ? nullptr : &*known;
}

std::vector<std::string> keys_ending_in(std::string_view part) {
  std::vector<std::string> found;
  for (const std::string& key : config_keys()) {
    if (std::string_view(key).substr(key.find('.') + 1) == part) found.push_back(key);
  }
  return found;
}

[[noreturn]] void refuse(std::string_view name, std::string_view value) {
  throw ConfigError(
      fmt::format("--{}: {} is no list of quantiles that stand in pairs around 0.5 (0.1,0.5,0.9); "
                  "intervals are asked for in percent: --forecast.levels 80",
                  name, value));
}

/// "0.1,0.5,0.9" as the percentages of the intervals, "80".
std::string levels_of_quantiles(std::string_view name, std::string_view text) {
  constexpr double kSame = 1e-9;
  std::vector<double> quantiles;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    double q = 0;
    const auto read = std::from_chars(text.data() + begin, text.data() + end, q);
    if (read.ec != std::errc{} || read.ptr != text.data() + end || !(q > 0 && q < 1)) {
      refuse(name, text);
    }
    quantiles.push_back(q);
    begin = end + 1;
  }
  std::vector<std::string> levels;
  for (const double q : quantiles) {
    const bool paired = std::any_of(quantiles.begin(), quantiles.end(),
                                    [&](double p) { return std::abs(p + q - 1) < kSame; });
    if (!paired) refuse(name, text);
    if (q < 0.5 - kSame) levels.push_back(fmt::format("{:g}", 100 - 200 * q));
  }
  return fmt::format("{}", fmt::join(levels, ","));
}

}  // namespace

std::string_view meant_key(std::string_view written) {
  const Name* known = known_name(with_underscores(written));
  return known == nullptr ? std::string_view{} : known->key;
}

std::vector<std::pair<std::string_view, std::string_view>> other_names() {
  std::vector<std::pair<std::string_view, std::string_view>> names;
  for (const Name& n : kNames) {
    if (!n.key.empty()) names.emplace_back(n.name, n.key);
  }
  return names;
}

std::string_view key_of_name(std::string_view written) {
  static const std::vector<std::string> keys = config_keys();
  const std::string name = with_underscores(written);
  if (const Name* known = known_name(name)) {
    if (known->key.empty()) throw ConfigError(fmt::format("--{}: {}", written, known->answer));
    return known->key;
  }
  const std::vector<std::string> ending = keys_ending_in(name);
  if (ending.size() > 1) {
    throw ConfigError(
        fmt::format("--{} may be one of --{}: write which", written, fmt::join(ending, ", --")));
  }
  if (ending.empty()) return {};
  return *std::find(keys.begin(), keys.end(), ending.front());
}

Override override_of_name(std::string_view written, const std::string& value) {
  const std::string_view key = key_of_name(written);
  const std::string name = with_underscores(written);
  if (key.empty()) {
    std::vector<std::string_view> names;
    for (const Name& n : kNames) names.push_back(n.name);
    const std::string_view alike = nearest_name(name, names);
    const std::string_view near = alike.empty() ? nearest_key(name) : alike;
    throw ConfigError(
        fmt::format("--{}: unknown; {}", written,
                    near.empty() ? std::string("'sluice explain' lists the settings, each a flag")
                                 : fmt::format("did you mean --{}?", near)));
  }
  if (name == "quantile_levels" || name == "quantiles") {
    return {std::string(key), levels_of_quantiles(written, value)};
  }
  if (key == "engine.device" && value == "gpu") return {std::string(key), "cuda"};
  return {std::string(key), value, std::string(written)};
}

bool is_key(std::string_view name) {
  static const Config defaults;
  bool known = false;
  visit_keys(defaults, [&](const Key& key, const auto&) { known = known || key.name == name; });
  return known;
}

bool is_boolean_key(std::string_view name) {
  static const Config defaults;
  bool boolean = false;
  visit_keys(defaults, [&](const Key& key, const auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if (key.name == name) boolean = member_type<Member>().kind == Kind::boolean;
  });
  return boolean;
}

std::string once_remedy(std::string_view name, std::string_view flag) {
  static const Config defaults;
  bool list = false;
  visit_keys(defaults, [&](const Key& key, const auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if (key.name == name) list = member_type<Member>().list;
  });
  if (!list) return "give it once";
  return fmt::format("give it once, with commas between its values: --{} A,B", flag);
}

}  // namespace sluice
