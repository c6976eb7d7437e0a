#include "run/training/across_ranks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/checksum.hpp"
#include "engine/shared/rank_sums.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::uint64_t checksum(std::span<const float> numbers) {
  Checksum sum;
  sum.add(numbers);
  return sum.value();
}

class AcrossRanks final : public Engine {
 public:
  AcrossRanks(std::unique_ptr<Engine> engine, const ModelSpec& spec, Ranks& ranks)
      : engine_(std::move(engine)), spec_(spec), ranks_(ranks) {}

  std::string description() const override { return engine_->description(); }
  std::string recurrence() const override { return engine_->recurrence(); }

  void set_state(const EngineState& state) override {
    const std::int64_t unit = std::int64_t{spec_.L} * spec_.H;
    carried_ = static_cast<std::int64_t>(state.carried_h.size()) / unit;
    EngineState own = state;
    own.carried_h = part_of(state.carried_h);
    own.carried_c = part_of(state.carried_c);
    engine_->set_state(own);
  }
  EngineState state() const override {
    EngineState state = engine_->state();
    // All make the same updates of the same gradients: with other results the sums are of nothing.
    check_alike(ranks_, checksum(state.params), "weights");
    if (carried_ > 0) {
      state.carried_h = whole_of(state.carried_h);
      state.carried_c = whole_of(state.carried_c);
    }
    return state;
  }
  void set_evaluation_params(std::span<const float> params) override {
    engine_->set_evaluation_params(params);
  }
  void set_target_limit(std::span<const std::int64_t> limit) override {
    engine_->set_target_limit(limit);
  }

  void train_step(std::span<const Window> windows, const StepSettings& settings) override {
    StepSettings own = settings;
    own.windows = std::ssize(windows);
    own.first = share(own.windows).begin;
    if (spec_.carry_state) carried_ = own.windows;
    engine_->train_step(own_of(windows), own);
  }
  LossReport take_loss() override { return engine_->take_loss(); }

  LossReport validate(std::span<const Window> windows,
                      std::span<const std::int64_t> limit) override {
    const LossReport own = engine_->validate(own_of(windows), limit);
    const StepSums total =
        sum_over(ranks_, {.loss = own.targets > 0 ? own.loss * static_cast<double>(own.targets) : 0,
                          .targets = own.targets,
                          .bad_series = own.bad_series});
    return {.loss = total.targets > 0 ? total.loss / static_cast<double>(total.targets) : kNone,
            .targets = total.targets,
            .windows = std::ssize(windows),
            .bad_series = total.bad_series};
  }
  void forecast(std::span<const Window> windows, std::span<const float> offsets,
                std::span<float> out) override {
    engine_->forecast(own_of(windows), offsets, own_part(out, std::ssize(windows)));
    join(out, std::ssize(windows));
  }
  void sample(std::span<const Window> windows, const PathSettings& settings,
              std::span<float> out) override {
    PathSettings own = settings;
    const Share share = this->share(std::ssize(windows));
    own.streams = settings.streams.subspan(static_cast<std::size_t>(share.begin * spec_.M),
                                           static_cast<std::size_t>(size(share) * spec_.M));
    engine_->sample(own_of(windows), own, own_part(out, std::ssize(windows)));
    join(out, std::ssize(windows));
  }
  void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                 std::span<float> out) override {
    engine_->residuals(own_of(windows), limit, own_part(out, std::ssize(windows)));
    join(out, std::ssize(windows));
  }
  /// Not shared out.
  Attributions attribute(std::span<const Window> windows, const InputGroups& groups,
                         const AttributionSettings& settings) override {
    return engine_->attribute(windows, groups, settings);
  }

  Seconds seconds() const override { return engine_->seconds(); }
  LevelStatistics level_statistics() const override { return engine_->level_statistics(); }
  std::unique_ptr<Engine> beside(int) const override {
    throw InternalError("an engine of several processes has none beside it");
  }

 private:
  static std::int64_t size(Share share) { return share.end - share.begin; }
  Share share(std::int64_t count) const { return share_of(count, ranks_.rank(), ranks_.size()); }
  std::span<const Window> own_of(std::span<const Window> windows) const {
    const Share own = share(std::ssize(windows));
    return windows.subspan(static_cast<std::size_t>(own.begin),
                           static_cast<std::size_t>(size(own)));
  }
  /// Of results of so many windows.
  std::span<float> own_part(std::span<float> out, std::int64_t windows) const {
    if (windows == 0) return out;
    const std::int64_t each = std::ssize(out) / windows;
    const Share own = share(windows);
    return out.subspan(static_cast<std::size_t>(own.begin * each),
                       static_cast<std::size_t>(size(own) * each));
  }
  void join(std::span<float> out, std::int64_t windows) const {
    if (windows == 0) return;
    ranks_.join(out, share_sizes(windows, std::ssize(out) / windows, ranks_.size()));
  }

  /// This rank's windows of a carried state [L, N, H].
  std::vector<float> part_of(const std::vector<float>& whole) const {
    const Share own = share(carried_);
    std::vector<float> part;
    for (std::int64_t l = 0; l < spec_.L && !whole.empty(); ++l) {
      const auto begin = whole.begin() + (l * carried_ + own.begin) * spec_.H;
      part.insert(part.end(), begin, begin + size(own) * spec_.H);
    }
    return part;
  }
  /// All ranks' windows of one: each rank's lie together, then layers.
  std::vector<float> whole_of(const std::vector<float>& part) const {
    std::vector<float> joined(static_cast<std::size_t>(spec_.L * carried_ * spec_.H), 0.0f);
    std::ranges::copy(part, joined.begin() + spec_.L * share(carried_).begin * spec_.H);
    join(joined, carried_);
    std::vector<float> whole(joined.size());
    auto from = joined.begin();
    for (int r = 0; r < ranks_.size(); ++r) {
      const Share of_rank = share_of(carried_, r, ranks_.size());
      const std::int64_t numbers = size(of_rank) * spec_.H;
      for (std::int64_t l = 0; l < spec_.L; ++l, from += numbers) {
        std::copy_n(from, numbers, whole.begin() + (l * carried_ + of_rank.begin) * spec_.H);
      }
    }
    return whole;
  }

  std::unique_ptr<Engine> engine_;
  ModelSpec spec_;
  Ranks& ranks_;
  std::int64_t carried_ = 0;  ///< windows of all ranks whose states are carried on
};

}  // namespace

std::unique_ptr<Engine> across_ranks(std::unique_ptr<Engine> engine, const ModelSpec& spec,
                                     Ranks& ranks) {
  return std::make_unique<AcrossRanks>(std::move(engine), spec, ranks);
}

}  // namespace sluice
