// A training from settings to a model: the choice by validation, then, if wanted, the final fit of
// every seed on all data up to the forecast origin.
#include "sluice/run/trainer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/output_file.hpp"
#include "base/path_lock.hpp"
#include "base/text.hpp"
#include "run/channels.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/interrupt.hpp"
#include "run/training/decided.hpp"
#include "run/training/earlier_model.hpp"
#include "run/training/lessons.hpp"
#include "run/training/loop.hpp"
#include "run/training/model_of.hpp"
#include "run/training/phase.hpp"
#include "run/training/places.hpp"
#include "run/training/seeds.hpp"
#include "run/training/state_check.hpp"
#include "run/training/validation.hpp"
#include "run/training/vocabularies.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

class Training {
 public:
  /// `given`: the settings before anything was chosen, by which a state is known again.
  Training(const Config& given, const Decided& decided, const Catalog& catalog,
           const TrainOptions& options)
      : given_(given),
        decided_(decided),
        config_(decided.config),
        catalog_(catalog),
        options_(options) {
    const Config& config = config_;
    split_ = training_split(config, catalog, options.end);
    seconds_ = decided.seconds;
    has_valid_ = has_validation(config);
    spec_ = resolve_model(config, catalog, split_.train_end, split_.valid_end);
    season_ = season_of(config, catalog.frequency());
    sharing_ = sharing_of(config);
    const Config::Training& t = config.training;
    if (t.steps == 0 && t.epochs == 0 && t.max_seconds == 0) {
      throw ConfigError(
          "nothing ends the training: set training.steps, training.epochs or training.max_seconds");
    }
    final_fit_ = t.final_fit && has_valid_;
    refuse_unseen_inputs(catalog, split_.train_end);
    vocabularies_ = vocabularies_of(config, catalog, split_.train_end);
    EarlierModel earlier = load_earlier(config, catalog, options.end, vocabularies_, spec_);
    start_ = std::move(earlier.model);
    start_is_output_ = earlier.is_output;
    if (start_) {
      state_.start_checksum = checksum_of(*start_);
      announce(fmt::format("going on from {} ({} steps)", earlier.path, start_->steps));
    }
    const std::string words =
        unknown_words_text(vocabularies_.series, vocabularies_.steps, catalog);
    if (!words.empty() && options.announce) {
      log_warning("words that are not trained on mean \"unknown\" to the model: " + words);
    }
  }

  /// `reserve` is called with the bytes that the model takes before there is anything to lose.
  TrainResult run(const std::function<void(std::size_t)>& reserve = {});
  /// For a model that could not be written: a state that a resumed training makes it from.
  Kept keep(const TrainResult& result);
  /// Whether path.model is what `result` would write there.
  bool is_output(const TrainResult& result) const { return result.kept_older && start_is_output_; }

 private:
  void load_state();
  bool ended_with_start(const TrainingState& state) const;
  Phase phase_before(std::span<const std::int64_t> end) const;
  EngineState start_state(int member) const;
  void save_state(const MemberState& member);
  TrainResult interrupted_result(Phase& phase, const SeedsResult& made);
  TrainResult kept_older() const;
  TrainResult result_of(const Phase& phase) const;
  SeedsResult run_members(const Phase& phase, bool final_phase);
  void take(int member, const LoopResult& loop, bool final_phase);
  void select(const LoopResult& loop);
  double seconds_left(double now, bool final_phase) const;
  std::vector<int> members_to_train(int count) const;
  std::vector<std::vector<float>> finished() const;
  TrainResult out_of_time_result(Phase& phase);
  void back_to_choice(Phase& phase);
  void learn(const Phase& phase);
  ModelParts parts() const;
  Model make_model(const Phase& phase) const;
  void announce(const std::string& message) const {
    if (options_.announce) log_info(message);
  }

  const Config& given_;
  const Decided& decided_;
  const Config& config_;
  const Catalog& catalog_;
  const TrainOptions& options_;
  Split split_;
  bool has_valid_ = false, final_fit_ = false;
  ModelSpec spec_;
  Vocabularies vocabularies_;
  int season_ = 1;
  std::vector<Window> validation_;
  std::unique_ptr<Model> start_;  ///< the earlier model, or null
  bool start_is_output_ = false;  ///< and path.model: what it still is must not be lost
  double start_loss_ = kNone;     ///< its loss on the validation range
  TrainingState state_;
  bool resumed_ = false, ended_before_ = false, state_saved_ = false, save_failed_ = false;
  bool chosen_before_ = false;  ///< by the training that is resumed: what no seed is in training of
  bool is_of_choice_ = false;   ///< the result: its final fit did not end
  Sharing sharing_;
  std::int64_t windows_ = 0;
  double seconds_ = 0;        ///< of all members and what lay between them, those of the state too
  double seconds_here_ = 0;   ///< of members, without those of the state
  double members_began_ = 0;  ///< when those that train now began, by steady_seconds
  std::optional<Lessons> lessons_;
};

void Training::load_state() {
  if (!config_.mode.resume) return;
  const auto path = state_path(config_.path.model);
  if (!std::filesystem::exists(path)) {
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

Phase Training::phase_before(std::span<const std::int64_t> end) const {
  return make_phase({.config = &config_,
                     .catalog = &catalog_,
                     .spec = &spec_,
                     .vocabularies = &vocabularies_,
                     .season = season_,
                     .start = start_.get()},
                    end);
}

EngineState Training::start_state(int member) const {
  EngineState state;
  if (start_) {
    const auto& members = start_->members;
    state.params = members[static_cast<std::size_t>(member) % members.size()];
  } else {
    state.params.resize(static_cast<std::size_t>(ParamLayout(spec_).size()));
    init_params(spec_, static_cast<std::uint64_t>(config_.training.seed + member), state.params);
  }
  return state;
}

/// Those of the first `count` seeds that are not done.
std::vector<int> Training::members_to_train(int count) const {
  std::vector<int> members;
  for (int k = 0; k < count; ++k) {
    const auto at = static_cast<std::size_t>(k);
    if (at >= state_.done_members.size() || state_.done_members[at].empty()) members.push_back(k);
  }
  return members;
}

std::vector<std::vector<float>> Training::finished() const {
  std::vector<std::vector<float>> members;
  for (const std::vector<float>& member : state_.done_members) {
    if (!member.empty()) members.push_back(member);
  }
  return members;
}

/// The choice by validation is of the first seed if a final fit follows, of every seed otherwise.
SeedsResult Training::run_members(const Phase& phase, bool final_phase) {
  const bool first_alone = !final_phase && final_fit_;
  SeedsSetup setup;
  setup.config = &config_;
  setup.catalog = &catalog_;
  setup.phase = &phase;
  setup.options = &options_;
  setup.final_phase = final_phase;
  if (!final_phase) {
    setup.validation = validation_;
    setup.valid_limit = split_.valid_end;
    setup.passes_after = lessons_->passes();
  }
  setup.steps = final_phase ? state_.selected_step : config_.training.steps;
  if (!first_alone) setup.sharing = sharing_;
  setup.start = [this](int member) { return start_state(member); };
  setup.seconds_left = [&] { return seconds_left(steady_seconds(), final_phase); };
  if (options_.save) setup.save = [this](const MemberState& member) { save_state(member); };
  setup.done = [&](int member, const LoopResult& loop) { take(member, loop, final_phase); };
  state_.final_phase = final_phase;
  members_began_ = steady_seconds();
  const std::vector<int> members = members_to_train(first_alone ? 1 : config_.training.seeds);
  if (members.empty()) return {};
  SeedsResult made = train_seeds(setup, members, state_.running);
  const double seconds = steady_seconds() - members_began_;
  windows_ += made.windows;
  seconds_ += seconds;
  seconds_here_ += seconds;
  if (!made.interrupted) state_.running.clear();
  return made;
}

/// A seed that was trained to its end.
void Training::take(int member, const LoopResult& loop, bool final_phase) {
  std::erase_if(state_.running, [&](const MemberState& one) { return one.member == member; });
  if (!final_phase && member == 0) select(loop);
  if (!final_phase && final_fit_) return;
  state_.done_members.resize(
      std::max(state_.done_members.size(), static_cast<std::size_t>(member) + 1));
  state_.done_members[static_cast<std::size_t>(member)] = loop.params;
}

void Training::select(const LoopResult& loop) {
  state_.selected_params = loop.params;
  state_.selected_loss = loop.loss;
  state_.selected_step = loop.step;
}

/// What of training.max_seconds is left for the members of a phase; 0: not limited.
double Training::seconds_left(double now, bool final_phase) const {
  // A final fit makes the steps of the choice again, whose pace is not the same twice.
  constexpr double kSpare = 1.1;
  if (config_.training.max_seconds == 0) return 0;
  const double spent = seconds_ + now - members_began_;
  const double left = std::max(config_.training.max_seconds - spent, 1e-9);
  if (!final_fit_ || final_phase) return left;
  return left / (1 + kSpare * sharing_.work(config_.training.seeds));
}

/// What the model whose weights validation has chosen is told of its own forecasts.
void Training::learn(const Phase& phase) {
  const double before = steady_seconds();
  lessons_->learn(make_model(phase), phase, state_.selected_params,
                  [this](const std::string& line) { announce(line); });
  seconds_ += steady_seconds() - before;
}

ModelParts Training::parts() const {
  return {.spec = spec_,
          .config = config_,
          .catalog = catalog_,
          .split = split_,
          .vocabularies = vocabularies_,
          .start = start_.get()};
}

Model Training::make_model(const Phase& phase) const {
  Model model = model_of(parts(), phase);
  model.members = finished();
  lessons_->put_into(model);
  model.valid_loss = has_valid_ ? state_.selected_loss : kNone;
  model.steps = state_.selected_step;
  model.train_seconds = seconds_;
  model.began_from = state_.start_checksum;
  model.remarks = decided_.remarks;
  model.choice = decided_.lines;
  return model;
}

TrainResult Training::run(const std::function<void(std::size_t)>& reserve) {
  state_.config = settings_to_keep(given_);
  if (!(config_ == given_)) {
    state_.chosen = settings_to_keep(config_);
    state_.choice = decided_.lines;
  }
  if (options_.save) state_.catalog_checksum = checksum_of(catalog_);
  load_state();
  if (ended_before_) {
    announce(fmt::format("the training that {} is of had ended: its model is {}",
                         state_path(config_.path.model).string(), config_.path.model));
    return kept_older();
  }

  Phase phase = phase_before(split_.train_end);
  if (reserve) reserve(room_of(model_of(parts(), phase), config_.training.seeds));
  announce(describe(spec_));
  if (options_.end.empty()) announce(held_out_text(config_, catalog_));
  announce(fmt::format("{}; {} series, {} training windows", phase.engine->description(),
                       phase.plan->series_used(), phase.plan->size()));
  if (!phase.plan->skip_note().empty()) announce(phase.plan->skip_note());
  if (has_valid_) validation_ = validation_of(config_, catalog_, split_, spec_.head_steps());

  // The simple methods' forecasts come first, so that max_seconds is shared by what is left.
  const double before_lessons = steady_seconds();
  lessons_.emplace(config_, spec_, catalog_, split_);
  lessons_->begin(validation_, decided_.simple);
  if (!resumed_) seconds_ += steady_seconds() - before_lessons;

  if (start_) {
    phase.engine->set_state(start_state(0));
    phase.engine->set_evaluation_params(start_->members[0]);
    const double before = steady_seconds();
    start_loss_ = phase.engine->validate(validation_, split_.valid_end).loss;
    seconds_ += steady_seconds() - before;
    announce(fmt::format("the earlier model's validation loss: {:.6g}", start_loss_));
  }
  if (!state_.final_phase && !chosen_before_) {
    const SeedsResult made = run_members(phase, false);
    if (made.interrupted) return interrupted_result(phase, made);
  }
  learn(phase);
  if (start_ && !(state_.selected_loss < start_loss_)) {
    announce(fmt::format(
        "the earlier model is better on the validation range ({:.6g}, new {:.6g}): kept",
        start_loss_, state_.selected_loss));
    return kept_older();
  }
  if (final_fit_) {
    phase = phase_before(split_.valid_end);
    const SeedsResult made = run_members(phase, true);
    if (made.interrupted) return interrupted_result(phase, made);
    if (made.out_of_time) return out_of_time_result(phase);
  }
  return result_of(phase);
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
  phase = phase_before(split_.train_end);
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

/// A checkpoint that cannot be written is no reason to lose the training.
void Training::save_state(const MemberState& member) {
  const auto at = std::ranges::lower_bound(state_.running, member.member, {}, &MemberState::member);
  if (at != state_.running.end() && at->member == member.member) {
    *at = member;
  } else {
    state_.running.insert(at, member);
  }
  state_.seconds = seconds_ + steady_seconds() - members_began_;
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

}  // namespace

TrainResult train(const Config& config, const Catalog& catalog, const TrainOptions& options) {
  // Until the model is written: a signal then must not lose the training that led to it.
  std::optional<InterruptGuard> guard;
  if (!options.watch) guard.emplace();
  std::optional<Catalog> reduced;
  const auto used_by = [&](const Decided& decided) -> const Catalog& {
    return (reduced = reduced_catalog(catalog, decided.config.data)) ? *reduced : catalog;
  };
  if (!options.save) {
    const Decided decided = decide(config, catalog, options);
    return Training(config, decided, used_by(decided), options).run();
  }
  const std::filesystem::path path = config.path.model;
  try_places(path);
  const PathLock lock(path);
  const Decided decided = decide(config, catalog, options);
  Training training(config, decided, used_by(decided), options);
  // Of the model, which the disk may have no room for when it is made. Another program can still
  // take it in the moment between this file and that one.
  std::optional<OutputFile> room;
  const TrainResult result = training.run([&](std::size_t bytes) {
    room.emplace(path, "path.model");
    room->reserve(bytes);
  });
  room.reset();
  if (!training.is_output(result)) {
    save_at_the_end(path, result.model, [&] { return training.keep(result); });
  }
  if (result.interrupted) {
    log_warning(interruption_text(path, result));
  } else {
    remove_state(path);
  }
  return result;
}

}  // namespace sluice
