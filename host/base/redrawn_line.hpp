// A line of a terminal that is drawn again in its place, and what such lines are made of.
#pragma once

#include <string>

namespace sluice {

/// On standard error; gone when it is destroyed. Nothing else may be written there while it stands:
/// clear() before that. The caller knows that it is a terminal.
class RedrawnLine {
 public:
  RedrawnLine() = default;
  ~RedrawnLine();
  RedrawnLine(const RedrawnLine&) = delete;
  RedrawnLine& operator=(const RedrawnLine&) = delete;

  /// True if it was not drawn within the fifth of a second before `now` (seconds of any clock).
  bool is_due(double now) const;
  void draw(const std::string& text, double now);
  void clear();

 private:
  bool is_drawn_ = false;
  double drawn_at_ = -1;
};

/// "[####--------]  34 %" of a share, which is brought to 0 .. 1.
std::string bar_text(double share);

/// "4:12", "1:06:38" from an hour on; a negative time is none.
std::string clock_text(double seconds);

}  // namespace sluice
