// One line on a terminal that redraws itself, for what takes long and says nothing else meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/redrawn_line.hpp"

namespace sluice {

/// Gone when it is destroyed. It is drawn where messages go to the screen and that is a terminal,
/// five times a second at most. Nothing else may be written to the log while it stands: clear()
/// before that.
class StatusLine {
 public:
  /// `what` is done one after the other: "forecasts by ETS, Theta".
  explicit StatusLine(std::string what);

  /// So many of `count` are done.
  void update(std::int64_t done, std::int64_t count);
  void clear();

 private:
  std::string what_;
  double start_;
  RedrawnLine line_;
};

/// "[####--------]  34 %  ETA 4:12  340,000 of 1,000,000 forecasts by ETS", cut to 79 columns;
/// without ETA at the begin and the end.
std::string status_text(std::string_view what, std::int64_t done, std::int64_t count,
                        double seconds);

}  // namespace sluice
