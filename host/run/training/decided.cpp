#include "run/training/decided.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include "base/presence.hpp"
#include "base/steady_seconds.hpp"
#include "run/calibration/partners.hpp"
#include "run/config/catalog_facts.hpp"
#include "run/config/loss.hpp"
#include "run/config/sampled_pasts.hpp"
#include "run/interrupt.hpp"
#include "run/training/earlier_model.hpp"
#include "run/training/lessons.hpp"
#include "run/training/state_check.hpp"
#include "run/training/validation.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// The values may have become others than the loss of the model that is gone on from takes.
void check_loss_of(const std::string& earlier, const Config& config, const Catalog& catalog,
                   std::span<const std::int64_t> end) {
  const Split split = training_split(config, catalog, end);
  try {
    static_cast<void>(resolve_model(config, catalog, split.train_end, split.valid_end));
  } catch (const DataError& error) {
    throw DataError(fmt::format(
        "{}. This loss is that of {}, which is trained on: another one needs a model of its own "
        "(without mode.incremental and training.init_from)",
        error.what(), earlier));
  }
}

/// The settings of an earlier choice: of the state that is resumed, of the model that is gone on
/// from; null: there is none.
std::optional<Decided> decided_before(const Config& config, const Catalog& catalog,
                                      std::span<const std::int64_t> end) {
  namespace fs = std::filesystem;
  Decided decided{.config = config, .lines = {}};
  if (const fs::path path = state_path(config.path.model); config.mode.resume && is_there(path)) {
    const TrainingState state = load_training_state(path);
    // Of other settings: check_state says so.
    if (!are_same_settings(path, state.config, settings_to_keep(config))) return decided;
    if (!state.chosen.empty()) {
      take_choices(parse_config(state.chosen, path.string()), decided.config);
    }
    decided.lines = state.choice;
    return decided;
  }
  const std::string earlier = earlier_path(config);
  if (earlier.empty()) return std::nullopt;
  const Model model =
      load_model(earlier, config.training.init_from.empty() ? "path.model" : "training.init_from");
  // What its settings leave open is as its network has it: a rule may say otherwise of today's
  // data.
  take_choices(with_choices_of(model.spec, catalog.frequency(), model.config), decided.config);
  decided.lines = model.choice;
  if (config.training.loss == "auto") check_loss_of(earlier, decided.config, catalog, end);
  return decided;
}

/// What the simple methods forecast on the validation part; null: there is nothing to score there.
std::optional<SimpleForecasts> simple_of(const Config& config, const Catalog& catalog,
                                         const Split& split) {
  const int K = horizon_steps(config, catalog.frequency());
  const std::vector<Window> windows = validation_windows(split.train_end, split.valid_end, K);
  if (!have_targets(catalog, windows, split.valid_end, K)) return std::nullopt;
  const ModelSpec spec = resolve_model(config, catalog, split.train_end, split.valid_end);
  return simple_forecasts(config, spec.loss, catalog, split, windows);
}

/// For the table; seasonal naive is in it whatever the partners are.
BesideForecasts beside_of(const SimpleForecasts& simple) {
  BesideForecasts out{.names = simple.titles, .windows = simple.windows, .points = simple.points};
  for (std::size_t i = 0; i < simple.methods.size(); ++i) {
    if (simple.methods[i] == kSeasonalNaive) out.names[i].clear();
  }
  return out;
}

Decided settled(const Config& config, const Catalog& catalog, const TrainOptions& options) {
  check_partners(config);  // before minutes of trials, not after
  check_known_end(config.training);
  const Config::Training& t = config.training;
  const bool endless = t.steps == 0 && t.epochs == 0 && t.max_seconds == 0;  // refused later
  if (endless || !leaves_choices(config)) return {.config = config, .lines = {}};
  if (std::optional<Decided> before = decided_before(config, catalog, options.end)) {
    return *std::move(before);
  }
  const Split split = training_split(config, catalog, options.end);
  const double start = steady_seconds();
  std::optional<SimpleForecasts> simple;
  if (t.choice > 0 && has_validation(config)) simple = simple_of(config, catalog, split);
  const Choice choice =
      choose(config, catalog, split, options, simple ? beside_of(*simple) : BesideForecasts());
  if (choice.stopped) {  // half a choice is none, and no weights have been trained by it
    throw Interrupted(
        "interrupted while validation was choosing the settings: nothing was written; begin anew, "
        "or set training.choice = 0 to leave them to rules");
  }
  if (options.announce && config.training.loss == "auto") {
    const std::string text = automatic_loss_text(config, choice.config.training.loss,
                                                 look_at_targets(catalog, split.valid_end));
    if (!text.empty()) log_info(text);
  }
  Decided decided{.config = choice.config,
                  .lines = choice_lines(choice),
                  .simple = std::move(simple),
                  .seconds = steady_seconds() - start};
  if (!choice.rows.empty()) log_event(choice_event(choice, options.refit));
  if (options.announce) {
    for (const std::string& line : decided.lines) log_info(line);
  }
  return decided;
}

}  // namespace

Decided decide(const Config& config, const Catalog& catalog, const TrainOptions& options) {
  Decided decided = settled(config, catalog, options);
  decided.remarks = options.remarks;
  if (config.training.loss != "auto") return decided;
  const std::string& loss = decided.config.training.loss;
  if (!sums_medians(config.data, loss)) return decided;
  const Split split = training_split(config, catalog, options.end);
  const std::string text = medians_text(config, loss, look_at_targets(catalog, split.valid_end));
  decided.remarks.push_back(text);
  if (options.announce) log_warning(text);
  return decided;
}

}  // namespace sluice
