#include "run/training/lessons.hpp"

#include <cstddef>
#include <utility>

#include "sluice/base/log.hpp"

namespace sluice {

Lessons::Lessons(const Config& config, const ModelSpec& spec, const Catalog& catalog,
                 const Split& split)
    : config_(config), spec_(spec), catalog_(catalog), split_(split) {}

bool Lessons::has_residuals() const {
  return spec_.loss != Loss::quantile && !is_distribution(spec_.loss) && !windows_.empty();
}

int Lessons::passes() const {
  if (windows_.empty()) return 0;
  return has_residuals() ? 2 : 1;
}

SimpleForecasts simple_forecasts(const Config& config, Loss loss, const Catalog& catalog,
                                 const Split& split, std::span<const Window> validation) {
  constexpr double kShareOfSimple = 0.1;
  return forecast_simple(config, loss, catalog, split, validation,
                         kShareOfSimple * config.training.max_seconds);
}

void Lessons::begin(std::vector<Window> windows, std::optional<SimpleForecasts> simple) {
  windows_ = std::move(windows);
  if (spec_.is_recursive() && !windows_.empty()) {  // what is learned is of whole horizons
    windows_ = validation_windows(split_.train_end, split_.valid_end, spec_.K);
  }
  if (windows_.empty()) {
    const auto& asked = config_.training.partners;
    if (!asked.empty() && asked[0] != "auto" && asked[0] != "none") {
      log_warning(
          "training.partners: without a validation part (data.valid = 0) nothing says how much of "
          "them is good; the network forecasts alone");
    }
    return;
  }
  if (!simple) simple = simple_forecasts(config_, spec_.loss, catalog_, split_, windows_);
  learner_.emplace(config_, spec_, catalog_, split_, *std::move(simple));
}

void Lessons::learn(Model model, const Phase& phase, const std::vector<float>& params,
                    const Announce& announce) {
  if (has_residuals()) {
    const auto KM = static_cast<std::size_t>(spec_.K * spec_.M);
    std::vector<float> errors(windows_.size() * KM);
    phase.engine->set_evaluation_params(params);
    phase.engine->residuals(windows_, split_.valid_end, errors);
    residuals_ = residual_quantiles(errors, KM);
    if (residuals_.quantiles.empty() && !config_.forecast.levels.empty()) {
      log_warning(
          "the validation range has fewer than 20 errors, too few for intervals: use this model "
          "with forecast.levels = [], or train with a larger data.valid or training.loss = "
          "\"quantile\"");
    }
  }
  if (!learner_) return;
  put_into(model);
  model.members = {params};
  learned_ = learner_->learn(model, *phase.engine, phase.scaling);
  if (!learned_.event.empty()) log_event(learned_.event);
  for (const std::string& line : learned_.lines) announce(line);
}

void Lessons::put_into(Model& model) const {
  model.residual_probabilities = residuals_.probabilities;
  model.residual_quantiles = residuals_.quantiles;
  model.partners = learned_.partners;
  model.stretch = learned_.stretch;
  model.dependence = learned_.dependence;
  model.learned = learned_.lines;
}

}  // namespace sluice
