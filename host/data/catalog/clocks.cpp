#include "data/catalog/clocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/calendar/civil.hpp"
#include "data/calendar/clock.hpp"
#include "data/calendar/named_period.hpp"
#include "data/calendar/stamp.hpp"
#include "data/calendar/time_format.hpp"
#include "data/catalog/digits.hpp"
#include "data/table/zone.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class Settling {
 public:
  Settling(RawTimes raw, const CatalogSpec& spec, const TimeAxis* main, const TimesPlace& place)
      : raw_(std::move(raw)), spec_(spec), main_(main), place_(place) {
    const std::string& wanted = frequency_wanted(spec);
    if (main != nullptr) {
      unit_ = main->frequency.unit;
      anchor_ = main->frequency.anchor;
    } else if (wanted != "auto") {
      const Frequency frequency = parse_frequency(wanted);
      unit_ = frequency.unit;
      anchor_ = frequency.anchor;
    }
  }

  Times settle() {
    times_.remarks = std::move(raw_.remarks);
    const bool in_form = raw_.iso_cells < static_cast<std::int64_t>(raw_.walls.size());
    if (spec_.time_format != "auto" && in_form) times_.axis.format = spec_.time_format;
    if (spec_.time_format == "iso_week") times_.axis.format = raw_.week_pattern;
    if (raw_.integers) read_digits();
    if (raw_.integers) {
      times_.axis.integers = true;
      times_.values = std::move(raw_.walls);
      return std::move(times_);
    }
    refuse_fractions();
    if (main_ != nullptr && spec_.time_zone.empty() && steps_are_short()) agree_with_main();
    if (raw_.zoned()) {
      settle_zoned();
    } else if (times_.axis.clock.empty() && !spec_.time_zone.empty() && steps_are_short()) {
      times_.axis.zone = spec_.time_zone;
      times_.axis.clock = clock_of_zone(spec_.time_zone, place_.source);
      times_.axis.ahead_of_utc = standard_offset(times_.axis.clock);
      settle_local();
    }
    if (times_.values.empty()) times_.values = std::move(raw_.walls);
    return std::move(times_);
  }

 private:
  void read_digits() {
    const auto reading = reading_of_digits(raw_.walls, unit_, place_.source, place_.column);
    if (!reading) return;
    const auto [low, high] = std::minmax_element(raw_.walls.begin(), raw_.walls.end());
    const std::int64_t first = *low, last = *high;
    for (std::size_t row = 0; row < raw_.walls.size(); ++row) {
      bool fraction = false;
      const auto time = time_of_digits(reading->form, raw_.walls[row], fraction);
      if (!time) throw InternalError("read_digits: an integer that is no date");
      if (fraction && raw_.fraction < 0) raw_.fraction = static_cast<std::int64_t>(row);
      raw_.walls[row] = *time;
    }
    raw_.integers = false;
    const Frequency stamps{.unit = unit_.value_or(Unit::day), .anchor = anchor_};
    const bool long_units =
        stamps.unit == Unit::month || stamps.unit == Unit::quarter || stamps.unit == Unit::year;
    if (long_units &&
        (reading->form == "%Y" || reading->form == "%Y%m" || reading->form == "%Yq")) {
      // The integer means the whole month or year, however its steps are stamped.
      for (Timestamp& wall : raw_.walls) wall = time_of(stamps, period_containing(stamps, wall));
    }
    if (epoch_scale(reading->form) > 0) raw_.offsets.assign(raw_.walls.size(), 0);
    if (reading->form == "%Y") return;
    const auto [begin, end] = std::minmax_element(raw_.walls.begin(), raw_.walls.end());
    times_.remarks.push_back(fmt::format(
        "{}: the integers of '{}' ({} .. {}) were read as {}: {} .. {}; data.frequency = 1 takes "
        "them as plain integers",
        place_.source, place_.column, first, last, reading->words, time_text(*begin),
        time_text(*end)));
  }

  void refuse_fractions() const {
    if (raw_.fraction < 0 || spec_.align_to_period || !spec_.aggregate.empty()) return;
    throw DataError(fmt::format(
        "{}: the time has a fraction of a second; round it to whole seconds, or set data.align to "
        "period with data.frequency (a row is the period that holds it) or data.aggregate",
        place_.of_row(raw_.fraction)));
  }

  /// Whether steps are shorter than a day: by the frequency, else where times of day differ.
  bool steps_are_short() const {
    if (unit_) return is_shorter_than_day(*unit_);
    if (raw_.walls.empty()) return false;
    const std::int64_t first = civil::floor_mod(raw_.walls.front(), civil::kDay);
    return std::any_of(raw_.walls.begin(), raw_.walls.end(), [&](Timestamp wall) {
      return civil::floor_mod(wall, civil::kDay) != first;
    });
  }

  /// A file beside the data has its times on the data's clock, or carries an offset where they do.
  void agree_with_main() {
    if (raw_.zoned() && !main_->has_instants()) {
      throw DataError(fmt::format(
          "{}: the times of '{}' carry an offset from UTC ({}), those of the data none; write both "
          "alike, or set data.time_zone to the zone of the data (UTC, Europe/Berlin)",
          place_.source, place_.column, offset_text(raw_.offsets.front())));
    }
    if (raw_.zoned() || !main_->has_instants() || raw_.walls.empty()) return;
    if (main_->offsets_differ) {
      throw DataError(fmt::format(
          "{}: the times of '{}' carry no offset from UTC, those of the data several; write the "
          "offsets, or set data.time_zone to the zone of both (Europe/Berlin)",
          place_.source, place_.column));
    }
    times_.axis.zone = main_->zone;
    times_.axis.clock = main_->clock;
    times_.axis.ahead_of_utc = main_->ahead_of_utc;
    times_.remarks.push_back(fmt::format(
        "{}: the times of '{}' carry no offset from UTC; they were read by the data's clock, {}",
        place_.source, place_.column, main_->zone));
    settle_local();
  }

  void settle_zoned() {
    std::vector<Timestamp> utc = raw_.walls;
    for (std::size_t i = 0; i < utc.size(); ++i) utc[i] -= raw_.offsets[i];
    if (!spec_.time_zone.empty()) {
      times_.axis.zone = spec_.time_zone;
      times_.axis.clock = clock_of_zone(spec_.time_zone, place_.source);
      for (std::size_t i = 0; i < utc.size(); ++i) {
        raw_.walls[i] = utc[i] + offset_at(times_.axis.clock, utc[i]);
      }
    } else if (!raw_.zone.empty()) {
      times_.axis.zone = raw_.zone;
      times_.axis.clock = clock_of_zone(raw_.zone, place_.source);
    }
    settle_skipped_midnights(utc);
    if (!steps_are_short()) return say_local();
    if (!spec_.time_zone.empty()) {
      times_.axis.ahead_of_utc = standard_offset(times_.axis.clock);
      for (Timestamp& time : utc) time += times_.axis.ahead_of_utc;
    } else if (raw_.zone.empty()) {
      settle_written_offsets();
    }
    times_.values = std::move(utc);
  }

  /// Days whose midnight the clock skips begin an hour later; where all others begin at midnight,
  /// they do, too.
  void settle_skipped_midnights(const std::vector<Timestamp>& utc) {
    if (times_.axis.clock.empty()) return;
    const auto midnight_of = [&](std::size_t i) {
      return civil::day_of(raw_.walls[i]) * civil::kDay;
    };
    std::vector<std::size_t> late;
    for (std::size_t i = 0; i < utc.size(); ++i) {
      if (raw_.walls[i] == midnight_of(i)) continue;
      if (utc[i] != first_instant_from(times_.axis.clock, midnight_of(i))) return;
      late.push_back(i);
    }
    for (const std::size_t i : late) raw_.walls[i] = midnight_of(i);
  }

  /// Offsets in texts name no zone: one offset is kept in what is written, of several none.
  void settle_written_offsets() {
    const auto [low, high] = std::minmax_element(raw_.offsets.begin(), raw_.offsets.end());
    const bool one = *low == *high;
    times_.axis.zone = !one ? "UTC" : raw_.zulu ? "Z" : offset_text(*low);
    times_.axis.clock = clock_of_zone(times_.axis.zone, place_.source);
    times_.axis.offsets_differ = !one;
    // A file beside the data is written nowhere.
    if ((one && *low == 0) || main_ != nullptr) return;
    if (one) {
      times_.remarks.push_back(fmt::format(
          "{}: the times of '{}' carry the offset {}: steps count in UTC, and what is written "
          "carries {}; set data.time_zone (Europe/Berlin) for local time that is set forward and "
          "back",
          place_.source, place_.column, times_.axis.zone, times_.axis.zone));
      return;
    }
    times_.remarks.push_back(fmt::format(
        "{}: the times of '{}' carry offsets from {} to {}: steps count in UTC, and times are "
        "written in UTC; set data.time_zone (Europe/Berlin) for local time",
        place_.source, place_.column, offset_text(*low), offset_text(*high)));
  }

  void say_local() {
    const bool any = std::any_of(raw_.offsets.begin(), raw_.offsets.end(),
                                 [](std::int32_t offset) { return offset != 0; });
    if (!any) return say_utc();
    times_.remarks.push_back(fmt::format(
        "{}: the times of '{}' carry an offset from UTC; steps are local days or longer "
        "and keep the date that is written",
        place_.source, place_.column));
  }

  /// Times of day in UTC may belong to another day where they are from.
  void say_utc() {
    const auto all_at = [&](std::int64_t second) {
      return std::all_of(raw_.walls.begin(), raw_.walls.end(), [&](Timestamp wall) {
        return civil::floor_mod(wall, civil::kDay) == second;
      });
    };
    // Noon is a usual stamp of a day, and a midnight for few.
    const bool days = all_at(0) || all_at(civil::kDay / 2);
    if (days || main_ != nullptr || !spec_.time_zone.empty()) return;
    const std::string zone = zone_of_midnights(raw_.walls, place_.source);
    if (!zone.empty()) {
      times_.remarks.push_back(fmt::format(
          "{}: the times of '{}' are in UTC, and all are midnights of {}: where they are its days, "
          "set data.time_zone = \"{}\"; without it {} is a step of {}",
          place_.source, place_.column, zone, zone, time_text(raw_.walls.front()),
          time_text(civil::day_of(raw_.walls.front()) * civil::kDay)));
    } else if (!spec_.aggregate.empty() || spec_.align_to_period) {
      times_.remarks.push_back(fmt::format(
          "{}: the times of '{}' are in UTC: days begin at midnight UTC; set data.time_zone "
          "(Europe/Berlin) for the days of a zone",
          place_.source, place_.column));
    }
  }

  /// Local times without an offset, of the axis' clock.
  void settle_local() {
    for (std::size_t row = 0; row < raw_.walls.size(); ++row) {
      const std::vector<Timestamp> instants = instants_of(times_.axis.clock, raw_.walls[row]);
      if (instants.empty()) {
        throw DataError(fmt::format(
            "{}: {} does not exist in {}, whose clocks are set forward over it; correct the row, "
            "or {}",
            place_.of_row(static_cast<std::int64_t>(row)), time_text(raw_.walls[row]),
            times_.axis.zone,
            spec_.time_zone.empty() ? "write the offsets from UTC"
                                    : "leave data.time_zone empty where the times are not local "
                                      "ones"));
      }
      times_.values.push_back(instants.front() + times_.axis.ahead_of_utc);
      if (instants.size() > 1) {
        times_.repeated.push_back(
            {static_cast<std::int64_t>(row), instants.back() + times_.axis.ahead_of_utc});
      }
    }
  }

  RawTimes raw_;
  const CatalogSpec& spec_;
  const TimeAxis* main_;  // of the data, where this is a file beside them
  const TimesPlace& place_;
  std::optional<Unit> unit_;
  int anchor_ = 0;
  Times times_;
};

}  // namespace

std::string time_text(Timestamp time, bool integers) {
  return integers ? fmt::format("{}", time) : format_time({.unit = Unit::day}, time);
}

std::string repeated_hour_remedy(const TimeAxis& axis, std::int64_t period) {
  if (!axis.clock.empty() || !is_shorter_than_day(axis.frequency.unit)) return {};
  // Clocks are set back at night, between 23 and 3 o'clock.
  const Timestamp time = time_of(axis.frequency, period);
  const std::int64_t hour = civil::floor_mod(time + civil::kHour, civil::kDay) / civil::kHour;
  if (hour > 3) return {};
  return "where clocks were set back in that hour, set data.time_zone to theirs (Europe/Berlin); "
         "else ";
}

const std::string& frequency_wanted(const CatalogSpec& spec) {
  return spec.aggregate.empty() ? spec.frequency : spec.aggregate;
}

Times settle_raw(RawTimes raw, const CatalogSpec& spec, const TimeAxis* main,
                 const TimesPlace& place) {
  return Settling(std::move(raw), spec, main, place).settle();
}

std::string zone_of_midnights(std::span<const Timestamp> utc, const std::string& source) {
  constexpr const char* kZones[] = {
      "Europe/Berlin",    "Europe/London",      "Europe/Athens",    "Europe/Moscow",
      "America/New_York", "America/Chicago",    "America/Denver",   "America/Los_Angeles",
      "America/Halifax",  "America/Sao_Paulo",  "Asia/Kolkata",     "Asia/Shanghai",
      "Asia/Tokyo",       "Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland"};
  for (const char* zone : kZones) {
    const std::vector<UtcOffset> clock = clock_of_zone(zone, source);
    if (std::all_of(utc.begin(), utc.end(), [&](Timestamp time) {
          return civil::floor_mod(time + offset_at(clock, time), civil::kDay) == 0;
        })) {
      return zone;
    }
  }
  return {};
}

namespace {

/// Whether the rows run from the newest to the oldest, series by series or across them.
bool newest_first(std::span<const Timestamp> times) {
  constexpr std::int64_t kClearly = 3;
  std::int64_t later = 0, earlier = 0;
  for (std::size_t row = 1; row < times.size(); ++row) {
    later += times[row] > times[row - 1] ? 1 : 0;
    earlier += times[row] < times[row - 1] ? 1 : 0;
  }
  return earlier > kClearly * later;
}

}  // namespace

void settle_repeated(Times& times, const std::function<std::size_t(std::int64_t row)>& series_of) {
  if (times.repeated.empty()) return;
  const bool descending = newest_first(times.values);
  std::map<std::pair<std::size_t, Timestamp>, const RepeatedTime*> seen;
  for (const RepeatedTime& repeated : times.repeated) {
    const Timestamp time = times.values[static_cast<std::size_t>(repeated.row)];
    const auto [first, is_first] = seen.try_emplace({series_of(repeated.row), time}, &repeated);
    if (is_first) continue;
    const RepeatedTime& second = descending ? *first->second : repeated;
    times.values[static_cast<std::size_t>(second.row)] = second.later;
  }
}

std::optional<std::int64_t> period_for(const CatalogSpec& spec, const Frequency& frequency,
                                       Timestamp time) {
  if (!spec.align_to_period && spec.aggregate.empty()) return period_of(frequency, time);
  if (frequency.unit == Unit::week) {
    // A week is stamped by its last day.
    return period_containing(frequency, time + (frequency.multiple * 7 - 1) * civil::kDay);
  }
  return period_containing(frequency, time);
}

}  // namespace sluice
