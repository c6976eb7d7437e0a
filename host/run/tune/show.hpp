// A search as people see it: a line while it runs, a table at its end, the settings it found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/redrawn_line.hpp"
#include "run/tune/journal.hpp"
#include "run/tune/search.hpp"

namespace sluice {

/// "trial 5: MASE 0.8123 after 467 steps, 3.1 s; learning_rate 0.00134, hidden_size 32"
std::string run_text(const FinishedRun& run, const std::string& measure);

/// A line that redraws itself on a terminal; elsewhere nothing, as each trial has a line there.
class TuneProgress {
 public:
  TuneProgress(std::string measure, std::int64_t trials, std::vector<FinishedRun> finished);

  void ended(const FinishedRun& run);
  void at(double done);  ///< redraws at most five times a second

 private:
  std::string measure_;
  std::int64_t trials_;
  std::vector<FinishedRun> finished_;
  bool interactive_;
  double start_, first_done_ = -1;
  RedrawnLine line_;
};

/// At most 80 columns. `left`: seconds; negative: not known yet.
std::string tune_line(double done, std::int64_t entered, std::int64_t trials,
                      const FinishedRun* best, const std::string& measure, double left);

/// The table of 80 columns: trials of the highest rung first, better ones first, at most `most` and
/// the settings as given, then the simple methods.
std::string tune_table(const std::vector<FinishedRun>& runs, const SearchStart& start,
                       std::size_t most);

}  // namespace sluice
