// How a training shows itself: one line that redraws itself on a terminal, plain lines otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/redrawn_line.hpp"

namespace sluice {

struct ProgressState {
  std::int64_t step = 0, total_steps = 0;  ///< total 0: unknown
  double fraction = 0;                     ///< done, 0..1, by whichever limit is nearest
  double seconds = 0;
  double windows_per_second = 0;
  double train_loss = 0, valid_loss = 0;  ///< NaN: none yet
  double data_share = 0;                  ///< of the time, gathering windows
};

/// What a training says of itself.
class ProgressView {
 public:
  virtual ~ProgressView() = default;
  /// Redraws at most five times a second; only on a terminal.
  virtual void update(const ProgressState& state) = 0;
  /// A plain line now and then where there is no terminal.
  virtual void end_epoch(const ProgressState& state) = 0;
  virtual void finish(const ProgressState& state) = 0;  ///< the last word: always written
};

class Progress final : public ProgressView {
 public:
  /// `label`: "seed 1/3"; silent if `announce` is false or the log has no screen.
  Progress(std::string label, bool announce);

  void update(const ProgressState& state) override;
  void end_epoch(const ProgressState& state) override;
  void finish(const ProgressState& state) override;
  /// A line of another label, above the one that redraws itself.
  void say(const std::string& label, const ProgressState& state);

 private:
  std::string label_;
  bool announce_, interactive_;
  RedrawnLine line_;
  double next_line_ = 0;
  std::int64_t last_line_step_ = -1;  ///< step of the last plain line
};

/// One line for several trainings side by side: their mean progress and losses, and all their
/// windows a second. The end of each is a line of its own. Used by one thread.
class JointProgress {
 public:
  /// Of `count` trainings; `done` of them ended before.
  JointProgress(std::string label, int count, int done, bool announce);
  ~JointProgress();
  JointProgress(const JointProgress&) = delete;
  JointProgress& operator=(const JointProgress&) = delete;
  /// Of one of them, by its own label; lives as long as this.
  ProgressView& part(std::string label);

 private:
  class Part;
  ProgressState joint() const;
  Progress progress_;
  int count_, done_;
  double before_ = 0, start_;  ///< seconds: of earlier runs; when this one began
  std::vector<std::unique_ptr<Part>> parts_;
  std::map<const Part*, ProgressState> running_;
};

/// "[#####---------------]  27 %  1.2k windows/s  ETA 0:41  train 0.0812  valid 0.0855  data 3 %",
/// at most 80 columns.
std::string progress_line(const std::string& label, const ProgressState& state);

}  // namespace sluice
