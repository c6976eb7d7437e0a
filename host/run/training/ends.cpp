// What a training leaves: its state, from which a later one goes on, and its result.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/presence.hpp"
#include "base/ranks/ranks.hpp"
#include "run/training/state_check.hpp"
#include "run/training/training.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

void Training::load_state() {
  if (!config_.mode.resume) return;
  const auto path = state_path(config_.path.model);
  if (!is_there(path)) {
    throw DataError(path.string() +
                    ": there is no training state to resume; set mode.resume = false");
  }
  TrainingState state = load_training_state(path);
  state_saved_ = true;
  if (ended_with_start(state)) {
    ended_before_ = true;
    return;
  }
  check_state(path, state, state_, spec_, config_.training);
  state_ = std::move(state);
  seconds_ = state_.seconds;
  resumed_ = true;
  std::int64_t step = 0;
  for (const MemberState& member : state_.running) step = std::max(step, member.engine.step);
  chosen_before_ = state_.running.empty();
  if (chosen_before_) {
    announce(fmt::format("{} had been trained, but not written", config_.path.model));
    return;
  }
  announce(fmt::format("resuming {} at step {}", config_.path.model, step));
}

/// Whether the earlier model is what the training of `state` led to: path.model was replaced, and
/// the state not removed any more.
bool Training::ended_with_start(const TrainingState& state) const {
  return start_ && start_is_output_ && start_->began_from != 0 &&
         start_->began_from == state.start_checksum &&
         leads_to(state_path(config_.path.model), state, state_.config, start_->config);
}

/// A checkpoint that cannot be written is no reason to lose the training.
void Training::save_state(const MemberState& member) {
  const auto at = std::ranges::lower_bound(state_.running, member.member, {}, &MemberState::member);
  if (at != state_.running.end() && at->member == member.member) {
    *at = member;
  } else {
    state_.running.insert(at, member);
  }
  state_.seconds = seconds_ + steady_seconds() - members_began_;
  if (ranks().rank() > 0) {  // the first one's file is that of all
    state_saved_ = true;
    return;
  }
  try {
    save_training_state(state_path(config_.path.model), state_);
    state_saved_ = true;
    save_failed_ = false;
  } catch (const DataError& e) {
    if (!std::exchange(save_failed_, true)) {
      log_warning(fmt::format("{}; the training goes on, its state of step {} is not kept",
                              e.what(), member.engine.step));
    }
  }
}

Kept Training::keep(const TrainResult& result) {
  const Kept before = state_saved_ ? Kept::last_checkpoint : Kept::nothing;
  if (result.interrupted) return before;  // whose state was saved as it ended
  state_.running.clear();
  if (is_of_choice_) {
    state_.final_phase = false;
    state_.done_members.clear();
  }
  state_.seconds = seconds_;
  try {
    save_training_state(state_path(config_.path.model), state_);
    return Kept::all;
  } catch (const DataError& e) {
    log_warning(e.what());
    return before;
  }
}

TrainResult Training::result_of(const Phase& phase) const {
  TrainResult result;
  result.model = make_model(phase);
  result.seconds = seconds_;
  result.windows_per_second = seconds_here_ > 0 ? static_cast<double>(windows_) / seconds_here_ : 0;
  return result;
}

TrainResult Training::kept_older() const {
  TrainResult result;
  result.model = *start_;
  result.kept_older = true;
  result.seconds = seconds_;
  return result;
}

/// What a signal leaves: the members that are complete and the best weights that a validation has
/// seen of the others, else the last ones; but the earlier model where there is one and nothing
/// better is known, or where it is in the place of the new one, which a resumed training begins
/// from.
TrainResult Training::interrupted_result(Phase& phase, const SeedsResult& made) {
  TrainResult result;
  if (state_.selected_params.empty() && !made.parts.empty()) select(made.parts.front().loop);
  if (start_ && (start_is_output_ || !(state_.selected_loss < start_loss_))) {
    result = kept_older();
  } else {
    if (state_.final_phase && finished().empty()) back_to_choice(phase);
    if (!state_.final_phase) {
      for (const auto& [member, loop] : made.parts) {
        if (!has_valid_ || std::isfinite(loop.loss)) take(member, loop, false);
      }
      if (finished().empty()) state_.done_members = {state_.selected_params};
      learn(phase);  // as at the end of a whole choice
    }
    result = result_of(phase);
  }
  result.interrupted = true;
  result.state_saved = state_saved_;
  return result;
}

/// A half final fit has been validated by nothing: the choice before it has.
void Training::back_to_choice(Phase& phase) {
  replace(phase, split_.train_end);
  state_.done_members = {state_.selected_params};
  is_of_choice_ = true;
}

/// A final fit that is behind the choice's pace: its member is left out.
TrainResult Training::out_of_time_result(Phase& phase) {
  const std::size_t done = finished().size();
  log_warning(fmt::format(
      "training.max_seconds ({:g}) ended the final fit before its {} steps: {}; give it more "
      "seconds, or set training.final_fit = false",
      config_.training.max_seconds, state_.selected_step,
      done == 0 ? std::string("the model that validation chose is kept")
                : fmt::format("{} of {} seeds are kept", done, config_.training.seeds)));
  if (done == 0) back_to_choice(phase);
  return result_of(phase);
}

}  // namespace sluice
