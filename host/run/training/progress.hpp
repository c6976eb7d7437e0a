// How a training shows itself: one line that redraws itself on a terminal, plain lines otherwise.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

struct ProgressState {
  std::int64_t step = 0, total_steps = 0;  ///< total 0: unknown
  double fraction = 0;                     ///< done, 0..1, by whichever limit is nearest
  double seconds = 0;
  double windows_per_second = 0;
  double train_loss = 0, valid_loss = 0;  ///< NaN: none yet
  double data_share = 0;                  ///< of the time, gathering windows
};

class Progress {
 public:
  /// `label`: "seed 1 of 3"; silent if `announce` is false or the log has no screen.
  Progress(std::string label, bool announce);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(
      const ProgressState& state);  ///< redraws at most five times a second; only on a terminal
  void end_epoch(
      const ProgressState& state);  ///< a plain line now and then where there is no terminal
  void finish(const ProgressState& state);  ///< the last word: always written

 private:
  void draw(const ProgressState& state);
  void clear();
  std::string label_;
  bool announce_, interactive_;
  bool drawn_ = false;
  double last_draw_ = -1, next_line_ = 0;
  std::int64_t last_line_step_ = -1;  ///< step of the last plain line
};

/// "[#####---------------]  27 %  1.2k windows/s  ETA 0:41  train 0.0812  valid 0.0855  data 3 %",
/// at most 80 columns.
std::string progress_line(const std::string& label, const ProgressState& state);

}  // namespace sluice
