#include "run/training/progress.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/redrawn_line.hpp"
#include "run/training/loop.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f}M", per_second / 1e6);
  if (per_second >= 1e4) return fmt::format("{:.1f}k", per_second / 1e3);
  return fmt::format("{:.0f}", per_second);
}

std::string loss_text(const char* name, double loss) {
  return std::isnan(loss) ? "" : fmt::format("  {} {:.4g}", name, loss);
}

}  // namespace

std::string progress_line(const std::string& label, const ProgressState& state) {
  const double fraction = std::clamp(state.fraction, 0.0, 1.0);
  const double left = fraction > 0 ? state.seconds * (1 - fraction) / fraction : 0;
  std::string line =
      fmt::format("{}{}  {} win/s  {}", label.empty() ? "" : label + " ", bar_text(fraction),
                  rate_text(state.windows_per_second),
                  fraction < 1 ? "ETA " + clock_text(left) : clock_text(state.seconds));
  line += loss_text("train", state.train_loss) + loss_text("valid", state.valid_loss);
  const std::string data = fmt::format("  data {:.0f} %", 100 * state.data_share);
  if (line.size() + data.size() <= 80) line += data;
  return line.substr(0, 80);
}

Progress::Progress(std::string label, bool announce)
    : label_(std::move(label)),
      announce_(announce && log_has_screen()),
      interactive_(announce && log_is_interactive()) {}

void Progress::update(const ProgressState& state) {
  if (!interactive_ || !line_.is_due(state.seconds)) return;
  line_.draw(progress_line(label_, state), state.seconds);
}

void Progress::end_epoch(const ProgressState& state) {
  if (!announce_ || interactive_) {
    update(state);
    return;
  }
  if (state.seconds < next_line_) return;
  log_info(progress_line(label_, state));
  last_line_step_ = state.step;
  // Plain lines come less and less often: a night's training should not fill the mail.
  next_line_ = std::max(state.seconds * 1.5, state.seconds + 5);
}

void Progress::finish(const ProgressState& state) {
  if (!announce_) return;
  line_.clear();
  if (state.step != last_line_step_) log_info(progress_line(label_, state));
}

void Progress::say(const std::string& label, const ProgressState& state) {
  if (!announce_) return;
  line_.clear();
  log_info(progress_line(label, state));
}

class JointProgress::Part final : public ProgressView {
 public:
  Part(JointProgress& joint, std::string label) : joint_(joint), label_(std::move(label)) {}

  void update(const ProgressState& state) override {
    take(state);
    joint_.progress_.update(joint_.joint());
  }
  void end_epoch(const ProgressState& state) override {
    take(state);
    joint_.progress_.end_epoch(joint_.joint());
  }
  void finish(const ProgressState& state) override {
    joint_.running_.erase(this);
    ++joint_.done_;
    joint_.progress_.say(label_, state);
  }

 private:
  void take(const ProgressState& state) {
    if (!joint_.running_.contains(this)) {
      const double here = steady_seconds() - joint_.start_;
      joint_.before_ = std::max(joint_.before_, state.seconds - here);
    }
    joint_.running_[this] = state;
  }

  JointProgress& joint_;
  std::string label_;
};

JointProgress::JointProgress(std::string label, int count, int done, bool announce)
    : progress_(std::move(label), announce), count_(count), done_(done), start_(steady_seconds()) {}

JointProgress::~JointProgress() = default;

ProgressView& JointProgress::part(std::string label) {
  return *parts_.emplace_back(std::make_unique<Part>(*this, std::move(label)));
}

ProgressState JointProgress::joint() const {
  ProgressState out;
  out.seconds = before_ + steady_seconds() - start_;
  out.fraction = done_;
  double train = 0, trained = 0, valid = 0, validated = 0;
  for (const auto& [part, state] : running_) {
    out.step += state.step;
    out.fraction += state.fraction;
    out.windows_per_second += state.windows_per_second;
    out.data_share += state.data_share / static_cast<double>(running_.size());
    if (!std::isnan(state.train_loss)) train += state.train_loss, ++trained;
    if (!std::isnan(state.valid_loss)) valid += state.valid_loss, ++validated;
  }
  out.fraction /= count_;
  out.train_loss = trained > 0 ? train / trained : kNone;
  out.valid_loss = validated > 0 ? valid / validated : kNone;
  return out;
}

}  // namespace sluice
