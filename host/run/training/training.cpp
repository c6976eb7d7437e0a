#include "run/training/training.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "run/channels.hpp"
#include "run/provenance/checksums.hpp"
#include "run/training/earlier_model.hpp"
#include "run/training/loop.hpp"
#include "run/training/state_check.hpp"
#include "run/training/validation.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Training::Training(const Config& given, const Decided& decided, const Catalog& catalog,
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
    state_.start_checksum = checksum_of(start_->members);
    announce(fmt::format("going on from {} ({} steps)", earlier.path, start_->steps));
  }
  const std::string words = unknown_words_text(vocabularies_.series, vocabularies_.steps, catalog);
  if (!words.empty() && options.announce) {
    log_warning("words that are not trained on mean \"unknown\" to the model: " + words);
  }
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

/// By one on the steps before `end`. Two engines at once would hold the data twice more.
void Training::replace(Phase& phase, std::span<const std::int64_t> end) const {
  phase.engine.reset();
  phase = phase_before(end);
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
  model.provenance = {.program = this_program(),
                      .data = hash_text(static_cast<std::uint64_t>(state_.catalog_checksum)),
                      .settings = settings_hash(config_),
                      .model = {}};
  return model;
}

TrainResult Training::run(const std::function<void(std::size_t)>& reserve) {
  state_.config = settings_to_keep(given_);
  if (!(config_ == given_)) {
    state_.chosen = settings_to_keep(config_);
    state_.choice = decided_.lines;
  }
  state_.catalog_checksum = checksum_of(catalog_);
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
    replace(phase, split_.valid_end);
    const SeedsResult made = run_members(phase, true);
    if (made.interrupted) return interrupted_result(phase, made);
    if (made.out_of_time) return out_of_time_result(phase);
  }
  return result_of(phase);
}

}  // namespace sluice
