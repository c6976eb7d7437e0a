#include "data/catalog/clocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "data/calendar/civil.hpp"
#include "data/calendar/stamp.hpp"
#include "data/catalog/digits.hpp"
#include "data/catalog/time_format.hpp"
#include "data/table/zone.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

bool shorter_than_day(Unit unit) { return unit == Unit::minute || unit == Unit::hour; }

std::string shown(Timestamp time) { return format_time({.unit = Unit::day}, time); }

class Settling {
 public:
  Settling(RawTimes raw, const CatalogSpec& spec, const Frequency* known, const TimesPlace& place)
      : raw_(std::move(raw)), spec_(spec), place_(place) {
    const std::string& wanted = frequency_wanted(spec);
    if (known != nullptr) {
      unit_ = known->unit;
    } else if (wanted != "auto") {
      const Frequency frequency = parse_frequency(wanted);
      unit_ = frequency.unit;
      anchor_ = frequency.anchor;
    }
    if (known != nullptr) anchor_ = known->anchor;
  }

  Times settle() {
    times_.remarks = std::move(raw_.remarks);
    if (spec_.time_format != "auto") times_.format = spec_.time_format;
    if (raw_.integers) read_digits();
    if (raw_.integers) {
      times_.integers = true;
      times_.values = std::move(raw_.walls);
      return std::move(times_);
    }
    refuse_fractions();
    if (raw_.zoned()) {
      settle_zoned();
    } else if (!spec_.time_zone.empty() && steps_are_short()) {
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
        place_.source, place_.column, first, last, reading->words, shown(*begin), shown(*end)));
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
    if (unit_) return shorter_than_day(*unit_);
    if (raw_.walls.empty()) return false;
    const std::int64_t first = civil::floor_mod(raw_.walls.front(), civil::kDay);
    return std::any_of(raw_.walls.begin(), raw_.walls.end(), [&](Timestamp wall) {
      return civil::floor_mod(wall, civil::kDay) != first;
    });
  }

  void settle_zoned() {
    std::vector<Timestamp> utc = raw_.walls;
    for (std::size_t i = 0; i < utc.size(); ++i) utc[i] -= raw_.offsets[i];
    if (!spec_.time_zone.empty()) {
      times_.zone = spec_.time_zone;
      times_.clock = clock_of_zone(spec_.time_zone, place_.source);
      for (std::size_t i = 0; i < utc.size(); ++i) {
        raw_.walls[i] = utc[i] + offset_at(times_.clock, utc[i]);
      }
    } else if (!raw_.zone.empty()) {
      times_.zone = raw_.zone;
      times_.clock = clock_of_zone(raw_.zone, place_.source);
    }
    if (!steps_are_short()) return say_local();
    if (!spec_.time_zone.empty()) {
      times_.ahead_of_utc = standard_offset(times_.clock);
      for (Timestamp& time : utc) time += times_.ahead_of_utc;
    } else if (raw_.zone.empty() && epoch_scale(times_.format) == 0) {
      settle_written_offsets();
    }
    times_.values = std::move(utc);
  }

  /// Offsets in texts name no zone: one offset is kept in what is written, of several none.
  void settle_written_offsets() {
    const auto [low, high] = std::minmax_element(raw_.offsets.begin(), raw_.offsets.end());
    const bool one = *low == *high;
    times_.zone = !one ? "UTC" : raw_.zulu ? "Z" : offset_text(*low);
    times_.clock = clock_of_zone(times_.zone, place_.source);
    if (one && *low == 0) return;
    if (one) {
      times_.remarks.push_back(fmt::format(
          "{}: the times of '{}' carry the offset {}: steps count in UTC, and what is written "
          "carries {}; set data.time_zone (Europe/Berlin) for local time that is set forward and "
          "back",
          place_.source, place_.column, times_.zone, times_.zone));
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
    if (!any) return;
    times_.remarks.push_back(fmt::format(
        "{}: the times of '{}' carry an offset from UTC; steps are local days or longer "
        "and keep the date that is written",
        place_.source, place_.column));
  }

  /// Local times without an offset, of data.time_zone.
  void settle_local() {
    times_.zone = spec_.time_zone;
    times_.clock = clock_of_zone(spec_.time_zone, place_.source);
    times_.ahead_of_utc = standard_offset(times_.clock);
    for (std::size_t row = 0; row < raw_.walls.size(); ++row) {
      const std::vector<Timestamp> instants = instants_of(times_.clock, raw_.walls[row]);
      if (instants.empty()) {
        throw DataError(
            fmt::format("{}: {} does not exist in {}, whose clocks are set forward over it; "
                        "correct the row, or "
                        "leave data.time_zone empty where the times are not local ones",
                        place_.of_row(static_cast<std::int64_t>(row)), shown(raw_.walls[row]),
                        spec_.time_zone));
      }
      times_.values.push_back(instants.front() + times_.ahead_of_utc);
      if (instants.size() > 1) {
        times_.repeated.push_back(
            {static_cast<std::int64_t>(row), instants.back() + times_.ahead_of_utc});
      }
    }
  }

  RawTimes raw_;
  const CatalogSpec& spec_;
  const TimesPlace& place_;
  std::optional<Unit> unit_;
  int anchor_ = 0;
  Times times_;
};

}  // namespace

const std::string& frequency_wanted(const CatalogSpec& spec) {
  return spec.aggregate.empty() ? spec.frequency : spec.aggregate;
}

Times settle_raw(RawTimes raw, const CatalogSpec& spec, const Frequency* known,
                 const TimesPlace& place) {
  return Settling(std::move(raw), spec, known, place).settle();
}

void settle_repeated(Times& times, const std::function<std::size_t(std::int64_t row)>& series_of) {
  std::set<std::pair<std::size_t, Timestamp>> seen;
  for (const RepeatedTime& repeated : times.repeated) {
    Timestamp& time = times.values[static_cast<std::size_t>(repeated.row)];
    if (!seen.emplace(series_of(repeated.row), time).second) time = repeated.later;
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
