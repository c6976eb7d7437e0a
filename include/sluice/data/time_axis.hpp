// The time scale of a catalogue: which times its steps have, and how those are read and written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/calendar.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

/// From the first second to the last one.
struct TimeSpan {
  Timestamp first, last;
};

/// A period is a step's number on the grid; its time is a Timestamp of the grid. People read and
/// write that time by the axis only, never by the frequency alone: steps may be instants that a
/// clock shows, and a series may lie beside the grid.
struct TimeAxis {
  Frequency frequency;
  bool integers = false;  ///< times are plain integers, not dates
  /// How times were written, so that output is written alike: a word of data.time_format (empty:
  /// ISO 8601; ISO weeks: the pattern of strftime that writes them) and the offset or zone that the
  /// input carried (empty: none).
  std::string format, zone;
  /// Where the input carried an offset or zone: the clock by which it was written. Empty: times are
  /// as they were written.
  std::vector<UtcOffset> clock;
  /// Seconds by which the grid's times are ahead of UTC where steps are instants (data.time_zone's
  /// standard time; 0 without it).
  std::int64_t ahead_of_utc = 0;
  /// The input carried offsets that differ and no zone: no clock shows its local times.
  bool offsets_differ = false;
  /// [S], seconds that a series' times lie after those of the grid: weekly series that begin on
  /// different weekdays keep theirs. Empty: all lie on the grid.
  std::vector<std::int64_t> shift;

  /// Whether steps are instants, shown by the clock: shorter than a day, of an input with a zone.
  bool has_instants() const { return !clock.empty() && is_shorter_than_day(frequency.unit); }

  Timestamp shift_of(std::int64_t series) const {
    return shift.empty() ? 0 : shift[static_cast<std::size_t>(series)];
  }
  /// When a period of a series is.
  Timestamp time(std::int64_t period, std::int64_t series) const {
    return time_of(frequency, period) + shift_of(series);
  }
  /// The period of a series whose span holds `time`.
  std::int64_t containing(Timestamp time, std::int64_t series) const {
    return period_containing(frequency, time - shift_of(series));
  }
  /// The first period of a series that is not before `time`.
  std::int64_t first_from(Timestamp time, std::int64_t series) const;
  /// Whether `time` is one of the series' steps.
  bool has_step_at(Timestamp time, std::int64_t series) const {
    return period_of(frequency, time - shift_of(series)).has_value();
  }

  /// What the clock shows at a time of the grid.
  Timestamp wall(Timestamp time) const;
  /// "2023-02-04", "2023-02-04 13:15:00" on the clock, or "17": a time of the grid for messages.
  std::string text(Timestamp time) const;
  /// The same for a period, of the grid or of a series.
  std::string text_of(std::int64_t period) const { return text(time_of(frequency, period)); }
  std::string text_of(std::int64_t period, std::int64_t series) const {
    return text(time(period, series));
  }

  /// The time that a text names which somebody wrote for these data: as text() has it, in the
  /// data's own form, or with an offset from UTC. On the grid or not. nullopt: it is no time, or
  /// one that the clock skips.
  std::optional<Timestamp> time_of_text(std::string_view text) const;
  /// From that time to the last second of what the text names: of 2022-01-05 the day, of 2022-01
  /// the month, of 2022-01-05 13:00 that second alone.
  std::optional<TimeSpan> span_of_text(std::string_view text) const;
};

/// Times of steps as a column, written as the data's times were.
OutputColumn time_column(const TimeAxis& axis, std::string name, std::vector<Timestamp> times);

}  // namespace sluice
