#include "run/training/loop.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <utility>

#include "base/ranks/ranks.hpp"
#include "run/config/sampled_pasts.hpp"
#include "run/interrupt.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

/// Steps, and seconds, between two looks at the loss at least: a look waits for the device, which
/// then has nothing to do until the host has drawn, staged and launched the next step.
constexpr std::int64_t kLookEvery = 20;
constexpr double kLookSeconds = 0.05;
/// Validations without improvement before schedule = "plateau" halves the rate.
constexpr int kPlateauPatience = 5;

/// A step goes forward and back through the same windows, about three times a validation's work.
constexpr double kStepsWork = 3;

class Loop {
 public:
  Loop(const LoopSetup& setup, MemberState& state)
      : setup_(setup), training_(*setup.training), state_(state) {
    if (setup.view == nullptr) own_view_.emplace(setup.label, setup.announce);
    batch_size_ = training_.batch_size;
    batches_ = batches_of_epoch(training_, *setup.plan,
                                static_cast<std::int64_t>(setup.validation.size()));
    total_steps_ = setup.steps;
    if (training_.epochs > 0) {
      const std::int64_t by_epochs = training_.epochs * batches_;
      total_steps_ = total_steps_ > 0 ? std::min(total_steps_, by_epochs) : by_epochs;
    }
    if (total_steps_ == 0) check_known_end(training_);
    if (state.batch > batches_) {
      throw DataError(
          fmt::format("the training state is at batch {} of {}; the file is damaged: train again "
                      "without it (mode.resume = false)",
                      state.batch, batches_));
    }
    validated_ = !setup.validation.empty() && !state.best_params.empty();
    before_ = state.seconds;
    beat();
    start_ = last_save_ = last_look_ = now();
    gather_start_ = setup.engine->seconds().gather;
  }

  LoopResult run() {
    // A state may lie between an epoch's last step and its validation.
    bool stop = reached_limit() && state_.closed_step == step();
    while (!stop) {
      stop = run_epoch();
      if (result_.interrupted) break;
    }
    if (!result_.interrupted && (setup_.validation.empty() || state_.best_params.empty())) {
      if (!setup_.validation.empty()) {
        tell(
            [text = fmt::format(
                 "no validation had a finite loss: the weights of step {} are kept, the last "
                 "ones; look at the data with `sluice check`, or lower training.learning_rate ({})",
                 step(), training_.learning_rate)] { log_warning(text); });
      }
      keep_current();
    }
    result_.params = state_.best_params;
    result_.loss = validated_ ? state_.best_loss : kNone;
    result_.step = state_.best_step;
    result_.seconds = elapsed();
    result_.out_of_time = out_of_time() && step() < total_steps_;
    if (!result_.interrupted) tell([&view = view(), at = progress(true)] { view.finish(at); });
    return result_;
  }

 private:
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  /// Of several ranks the first one's as it was at the last beat(), so that all decide alike.
  double now() const { return ranks().size() > 1 ? beat_ : setup_.now(); }
  /// Where all ranks come by: they agree on the time, and on signals.
  void beat() {
    if (ranks().size() == 1) return;
    beat_ = of_first_rank(setup_.now());
    InterruptGuard::agree();
  }
  ProgressView& view() { return setup_.view != nullptr ? *setup_.view : *own_view_; }
  void tell(const std::function<void()>& what) const {
    if (setup_.tell) {
      setup_.tell(what);
    } else {
      what();
    }
  }
  double elapsed() const { return before_ + now() - start_; }
  std::int64_t step() const { return state_.engine.step + steps_here_; }

  /// One step is made in however few seconds: none would be no training, nor a choice.
  bool reached_limit() const {
    return (total_steps_ > 0 && step() >= total_steps_) || out_of_time() ||
           (training_.epochs > 0 && state_.epoch >= training_.epochs);
  }

  bool out_of_time() const {
    return setup_.max_seconds > 0 && step() > 0 &&
           elapsed() + passes_to_come() >= setup_.max_seconds;
  }

  /// Seconds for the validation that closes the loop, and for what follows it: as the last one
  /// took, before the first as its windows would have taken in steps. Never more than half of all,
  /// the steps' part.
  double passes_to_come() const {
    if (setup_.validation.empty()) return 0;
    double pass = validation_seconds_;
    if (pass < 0) {
      const double per_window =
          (now() - start_) / static_cast<double>(std::max<std::int64_t>(1, result_.windows));
      pass = static_cast<double>(setup_.validation.size()) * per_window / kStepsWork;
    }
    return std::min((1 + setup_.passes_after) * pass, setup_.max_seconds / 2);
  }

  double learning_rate(std::int64_t step) const {
    double rate = training_.learning_rate * state_.plateau_factor;
    if (step < training_.warmup_steps) {
      rate *= static_cast<double>(step + 1) / static_cast<double>(training_.warmup_steps);
    }
    if (training_.schedule == "cosine") {
      const double done = static_cast<double>(step) / static_cast<double>(total_steps_);
      rate *= 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
    }
    return rate;
  }

  void next_batch(std::int64_t step) {
    if (training_.carry_state) {
      setup_.plan->batch_carried(setup_.seed, state_.epoch, state_.batch, batch_size_, windows_);
    } else if (training_.sampling == "series") {
      setup_.plan->batch_by_series(setup_.seed, step, batch_size_, windows_);
    } else {
      setup_.plan->batch(setup_.seed, training_.shuffle ? state_.epoch : -1, state_.batch,
                         batch_size_, windows_);
    }
    drop_channels(setup_.seed, step, training_.channel_dropout, setup_.catalog->count(Role::future),
                  windows_);
    if (training_.sampled_pasts > 0) {
      const double done = static_cast<double>(step) / static_cast<double>(total_steps_);
      draw_pasts(setup_.seed, step, training_.sampled_pasts * done, windows_);
    }
  }

  /// True if the training ends with this epoch.
  bool run_epoch() {
    StepSettings settings;
    settings.adamw.weight_decay = static_cast<float>(training_.weight_decay);
    settings.clip_norm = training_.clip_norm;
    settings.average_decay = static_cast<float>(training_.average_decay);
    bool limit = reached_limit();
    while (state_.batch < batches_ && !limit) {
      next_batch(step());
      learning_rate_ = learning_rate(step());
      settings.adamw.learning_rate = static_cast<float>(learning_rate_);
      setup_.engine->train_step(windows_, settings);
      beat();
      ++steps_here_;
      ++state_.batch;
      result_.windows += static_cast<std::int64_t>(windows_.size());
      limit = reached_limit();
      if (look_is_due() || limit || state_.batch == batches_) look();
      if (is_to_stop(false)) {
        interrupt();
        return true;
      }
      if (!limit && state_.batch < batches_ && training_.checkpoint_seconds > 0 && save_is_due()) {
        save();
      }
    }
    if (state_.batch == batches_) {
      state_.batch = 0;
      ++state_.epoch;
    }
    const bool stop = end_epoch() || limit || reached_limit();
    state_.closed_step = step();
    if (setup_.watch && is_to_stop(true) && !stop) {
      interrupt();
      return true;
    }
    // Not where the loop ends: what it decides next is not in the state.
    if (!stop && save_is_due()) save();
    return stop;
  }

  bool is_to_stop(bool epoch_end) const {
    if (!setup_.watch) return InterruptGuard::requested();
    const ProgressState p = progress(false);
    return !setup_.watch({.label = setup_.label,
                          .epoch = state_.epoch,
                          .step = p.step,
                          .total_steps = p.total_steps,
                          .fraction = p.fraction,
                          .seconds = p.seconds,
                          .windows_per_second = p.windows_per_second,
                          .train_loss = p.train_loss,
                          .valid_loss = p.valid_loss,
                          .epoch_end = epoch_end,
                          .learning_rate = learning_rate_,
                          .refit = setup_.refit});
  }

  void interrupt() {
    save();
    result_.interrupted = true;
    if (state_.best_params.empty()) keep_current();
  }

  bool save_is_due() const { return now() - last_save_ >= training_.checkpoint_seconds; }

  bool look_is_due() const {
    return steps_here_ % kLookEvery == 0 && now() - last_look_ >= kLookSeconds;
  }

  void look() {
    const LossReport report = setup_.engine->take_loss();
    last_look_ = now();
    if (report.bad_series >= 0) {
      throw DataError(fmt::format(
          "step {}: the loss is not finite (a window of series '{}', loss {}); nothing "
          "of this step was "
          "kept. Look at that series with `sluice check`, or lower "
          "training.learning_rate ({}) or set "
          "training.clip_norm",
          step(), setup_.catalog->id(report.bad_series), report.loss, training_.learning_rate));
    }
    if (report.targets > 0) {
      epoch_loss_ += report.loss * static_cast<double>(report.targets);
      epoch_targets_ += report.targets;
      train_loss_ = report.loss;
    }
    tell([&view = view(), at = progress(false)] { view.update(at); });
  }

  /// The weights a forecast would use now: the moving average where there is one.
  std::vector<float> current_params() const {
    EngineState state = setup_.engine->state();
    std::vector<float>& params = state.average.empty() ? state.params : state.average;
    setup_.unknown.settle(params);
    return std::move(params);
  }

  void keep_current() {
    state_.best_params = current_params();
    state_.best_step = step();
  }

  bool end_epoch() {
    if (epoch_targets_ > 0) train_loss_ = epoch_loss_ / static_cast<double>(epoch_targets_);
    epoch_loss_ = 0;
    epoch_targets_ = 0;
    bool stop = false;
    if (!setup_.validation.empty()) {
      const std::vector<float> params = current_params();
      setup_.engine->set_evaluation_params(params);
      beat();
      const double before = now();
      valid_loss_ = setup_.engine->validate(setup_.validation, setup_.valid_limit).loss;
      beat();
      validation_seconds_ = now() - before;
      const bool better = state_.best_params.empty() || valid_loss_ < state_.best_loss;
      if (better && std::isfinite(valid_loss_)) {
        state_.best_params = params;
        state_.best_loss = valid_loss_;
        validated_ = true;
        state_.best_step = step();
        state_.bad_epochs = 0;
      } else {
        ++state_.bad_epochs;
        if (training_.schedule == "plateau" && state_.bad_epochs % kPlateauPatience == 0) {
          state_.plateau_factor *= 0.5;
        }
        stop = training_.patience > 0 && state_.bad_epochs >= training_.patience;
      }
    }
    tell_of_epoch();
    return stop;
  }

  void tell_of_epoch() {
    std::string event;
    if (setup_.events)
      event = fmt::format(
          "{{\"event\": \"epoch\", {}{}\"label\": \"{}\", \"epoch\": {}, \"step\": {}, "
          "\"train_loss\": {}, \"valid_loss\": {}, \"learning_rate\": {}, "
          "\"windows_per_second\": {:.1f}, \"seconds\": {:.3f}, \"data_share\": {:.4f}}}",
          setup_.refit > 0 ? fmt::format("\"refit\": {}, ", setup_.refit) : "",
          setup_.model.empty() ? "" : fmt::format("\"model\": {}, ", json_text(setup_.model)),
          setup_.label, state_.epoch, step(), json_number(train_loss_), json_number(valid_loss_),
          json_number(learning_rate_), rate(), elapsed(), data_share());
    tell([&view = view(), event = std::move(event), at = progress(false)] {
      if (!event.empty()) log_event(event);
      view.end_epoch(at);
    });
  }

  static std::string json_text(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  static std::string json_number(double x) {
    return std::isfinite(x) ? fmt::format("{:.9g}", x) : "null";
  }

  double rate() const {
    const double here = now() - start_;
    return here > 0 ? static_cast<double>(result_.windows) / here : 0;
  }

  double data_share() const {
    const double here = now() - start_;
    return here > 0 ? (setup_.engine->seconds().gather - gather_start_) / here : 0;
  }

  ProgressState progress(bool done) const {
    ProgressState p;
    p.step = step();
    p.total_steps = total_steps_;
    p.seconds = elapsed();
    if (total_steps_ > 0) {
      p.fraction = static_cast<double>(p.step) / static_cast<double>(total_steps_);
    }
    if (setup_.max_seconds > 0) p.fraction = std::max(p.fraction, p.seconds / setup_.max_seconds);
    if (done) p.fraction = 1;
    p.windows_per_second = rate();
    p.train_loss = train_loss_;
    p.valid_loss = done && validated_ ? state_.best_loss : valid_loss_;
    p.data_share = data_share();
    return p;
  }

  void save() {
    if (!setup_.save) return;
    MemberState copy = state_;
    copy.engine = setup_.engine->state();
    copy.seconds = elapsed();
    setup_.save(copy);
    beat();
    last_save_ = now();
  }

  const LoopSetup& setup_;
  const Config::Training& training_;
  MemberState& state_;
  std::optional<Progress> own_view_;
  LoopResult result_;
  std::vector<Window> windows_;
  std::int64_t batch_size_ = 0, batches_ = 0, total_steps_ = 0;
  std::int64_t steps_here_ = 0;  ///< since state_.engine was taken over
  double before_ = 0, start_ = 0, last_save_ = 0, last_look_ = 0, gather_start_ = 0;
  bool validated_ = false;  ///< best_params and best_loss are of a validation
  double train_loss_ = kNone, valid_loss_ = kNone, epoch_loss_ = 0;
  double learning_rate_ = 0;        ///< of the last step
  double beat_ = 0;                 ///< the time that all ranks know
  double validation_seconds_ = -1;  ///< of the last one; negative: none yet
  std::int64_t epoch_targets_ = 0;
};

}  // namespace

std::int64_t batches_of_epoch(const Config::Training& training, const TrainingPlan& plan,
                              std::int64_t validation) {
  if (training.carry_state) return plan.batches_carried(training.batch_size);
  if (training.sampling == "series") {
    constexpr std::int64_t kFewest = 25, kMost = 100;
    if (training.steps_per_epoch > 0) return training.steps_per_epoch;
    // Where they are no one's unit, epochs are as short as their validations are cheap: a window of
    // those is about a sixth of one that is trained on.
    if (training.epochs > 0 || training.patience > 0 || validation == 0) return kMost;
    return std::clamp(2 * validation / training.batch_size, kFewest, kMost);
  }
  const std::int64_t whole = (plan.size() + training.batch_size - 1) / training.batch_size;
  return training.steps_per_epoch > 0 ? std::min(whole, training.steps_per_epoch) : whole;
}

std::int64_t steps_in_all(const Config::Training& training, const TrainingPlan& plan,
                          std::int64_t validation) {
  if (training.epochs == 0) return training.steps;
  const std::int64_t by_epochs = training.epochs * batches_of_epoch(training, plan, validation);
  return training.steps > 0 ? std::min(training.steps, by_epochs) : by_epochs;
}

LoopResult run_loop(const LoopSetup& setup, MemberState& state) { return Loop(setup, state).run(); }

}  // namespace sluice
