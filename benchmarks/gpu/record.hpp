// What a run has measured so far, built from its lines.
#pragma once

#include <map>
#include <span>
#include <string>

#include "gpu/lines.hpp"
#include "gpu/supervisor.hpp"

namespace sluice::bench {

class Record {
 public:
  /// `cases`: what a lost case's row is made of; they outlive the record.
  Record(std::span<const GpuCase> cases, const GpuRunSettings& settings);

  void take(const Line& line);

  bool has_rows() const { return !report_.rates.empty() || !report_.rows.empty(); }
  /// With the peaks of the device and of the rates so far.
  const GpuReport& report() const { return report_; }
  /// table(), or empty if there is no row.
  std::string text() const { return has_rows() ? table(report_) : std::string(); }
  int failed() const;  ///< rows and rates that failed, lost ones among them
  int lost() const { return lost_; }

 private:
  void take_lost(const std::string& name, const std::string& reason);

  std::map<std::string, const GpuCase*> cases_;
  GpuReport report_;
  int lost_ = 0;
};

/// "end": {"done", "left", "lost", "seconds", "budget_seconds", "stopped", "no_device"}.
Line end_line(const Ending& ending, int lost, double budget);
/// A line of a case or rate for people: "12.3 us", "refused: ...", "lost: ...".
std::string summary(const Line& line);

}  // namespace sluice::bench
