// Time as Sluice sees it: a frequency is a grid, a period is an integer on it. All arithmetic on
// time is integer arithmetic on periods; dates appear only when files are read or written.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Seconds since 1970-01-01 00:00 (no time zones: a file's local time is taken as it is written).
/// Where a file has integer times, the integer itself.
using Timestamp = std::int64_t;

/// business_day: Mondays to Fridays; weekends lie between two periods, holidays are periods.
enum class Unit { integer, second, minute, hour, day, business_day, week, month, quarter, year };

/// Whether its periods have times of day.
constexpr bool is_shorter_than_day(Unit unit) {
  return unit == Unit::second || unit == Unit::minute || unit == Unit::hour;
}

/// A regular grid in time. Pandas' names: "10s", "15min", "h", "D", "B", "W-SUN", "MS", "ME", "QS",
/// "QE", "YS", "YE"; "1" (or any n) for integer times.
struct Frequency {
  Unit unit = Unit::integer;
  std::int64_t multiple = 1;  ///< every `multiple` units
  /// Where in the unit a period is stamped. week: the weekday, 0 = Monday. month, quarter, year: 0
  /// = the first day, 1 = the last day.
  int anchor = 0;
  /// Offset of the grid from 1970-01-01 00:00 in seconds, 0 <= phase < step, for second, minute,
  /// hour and day; from zero in integer units for integer times; in whole units for week, month,
  /// quarter and year. business_day: seconds too, a day of 86,400 for each weekday after Monday
  /// 1970-01-05.
  std::int64_t phase = 0;

  bool operator==(const Frequency&) const = default;
};

std::string to_string(const Frequency& frequency);

/// Reads pandas' old and new names (M/ME/MS, Q, A/Y, H/h, T/min, D, B, W, W-SUN, 15min, 2h,
/// integers).
/// Names carry no phase: the result has phase 0 except where the name itself says one (QS-FEB,
/// YS-JUL). Throws ConfigError naming the accepted names.
Frequency parse_frequency(std::string_view text);

/// The grid that `times` (sorted ascending, distinct, at least 2) lie on: the most frequent
/// distance, which must divide all others. Days of which none is a weekend although several
/// weekends passed, and few weekdays are without a time, are business days. Steps of seconds must
/// be the distance of at least half of the times: rows at the till lie on no grid. nullopt if there
/// is no such grid.
std::optional<Frequency> infer_frequency(std::span<const Timestamp> times, bool integer_times);

/// The period that `time` stamps, or nullopt if it is not on the grid.
std::optional<std::int64_t> period_of(const Frequency& frequency, Timestamp time);
Timestamp time_of(const Frequency& frequency, std::int64_t period);
/// The period whose span holds `time`, on the grid or not: the month of a day in it, the hour of a
/// minute in it; a weekend belongs to its Friday where the unit is business_day.
std::int64_t period_containing(const Frequency& frequency, Timestamp time);

/// ISO 8601: "2023-02-04" for days and longer (with the time of day where it is not midnight),
/// "2023-02-04 13:15:00" below; the integer for integers.
std::string format_time(const Frequency& frequency, Timestamp time);
/// Reads 2022-01-31, 2022/1/31, 20220131, 2022-01-31 13:15[:00[.000]][Z], 2022-01-31T13:15:00,
/// 20220131T1315, 2022-01, 2022-Q1, 2022-W05, a span "2022-01-31/2022-02-06" (its first day) and
/// Monash's 2015-07-01 12-00-00. nullopt if the text is none of them, no such day exists, the
/// second has a fraction, or there is an offset from UTC other than Z.
std::optional<Timestamp> parse_time(std::string_view text);

/// A wall clock: from the instant `from` on (seconds since 1970 in UTC) it shows UTC + `seconds`.
/// A zone is a list of them, ascending; the first one holds before it too.
struct UtcOffset {
  Timestamp from = 0;
  std::int64_t seconds = 0;
  bool operator==(const UtcOffset&) const = default;
};
/// What the clock is ahead of UTC at an instant.
std::int64_t offset_at(std::span<const UtcOffset> clock, Timestamp utc);
/// The instants at which the clock shows `wall`: one, two where it is set back (the earlier one
/// first), none where it is set forward.
std::vector<Timestamp> instants_of(std::span<const UtcOffset> clock, Timestamp wall);

/// Steps of the short season (metrics, seasonal naive): second: none (1), minute: a day, h 24, D 7,
/// B 5, W 52, M 12, Q 4, else 1.
int season_length(const Frequency& frequency);
/// Steps of the long season (levels, lags): minute and hour: a week, D 28, B 20, W 52, M 12, Q 4,
/// else 1.
int long_season_length(const Frequency& frequency);

/// The calendar terms of one step (sines and cosines; hour of day, day of week, day of year ... as
/// the frequency has them). Integer and yearly times have none.
int calendar_size(const Frequency& frequency);
std::vector<std::string> calendar_names(const Frequency& frequency);
/// Writes calendar_size() numbers in [-1, 1].
void calendar_features(const Frequency& frequency, std::int64_t period, float* out);

}  // namespace sluice
