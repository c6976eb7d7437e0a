#include "data/catalog/ends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "data/calendar/civil.hpp"
#include "data/catalog/limits.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kListed = 3;

/// The time in data.end. A date means its whole day where steps are shorter, and a month all its
/// days.
TimeSpan end_span(const CatalogSpec& spec, const TimeAxis& axis) {
  if (const auto span = axis.span_of_text(spec.end)) return *span;
  throw ConfigError(
      fmt::format("data.end: '{}' is neither common, series or auto nor a time; write {}", spec.end,
                  axis.integers ? "an integer, as the data has" : "2022-01-31"));
}

/// The period that data.end means: that of the span which holds it.
std::int64_t span_of(Timestamp end, const CatalogSpec& spec, const TimeAxis& axis) {
  return period_for(spec, axis.frequency, end).value_or(period_containing(axis.frequency, end));
}

/// The laid series, and what is found of their ends.
class Ends {
 public:
  Ends(CatalogParts& parts, Bits& has_row, const CatalogSpec& spec, const std::string& source,
       bool own_axes, CatalogNotes& notes)
      : parts_(parts),
        has_row_(has_row),
        spec_(spec),
        source_(source),
        notes_(notes),
        dated_(has_end_date(spec)),
        together_(ends_together(spec) && !(own_axes && spec.end == "auto")),
        ended_after_(spec.ended_after.value_or(
            own_axes && !together_ ? 0 : steps_of_year(parts.axis.frequency))),
        own_axes_(own_axes) {}

  void settle() {
    if (dated_) {
      const TimeSpan named = end_span(spec_, parts_.axis);
      end_time_ = named.last;
      begin_of_end_ = span_of(named.first, spec_, parts_.axis);
      end_ = span_of(end_time_, spec_, parts_.axis);
      cut();
    }
    const std::vector<std::int64_t> own = histories_of(parts_);
    for (std::size_t s = 0; s < own.size(); ++s) {
      last_.push_back(own[s] > 0 ? parts_.first[s] + own[s] - 1 : kNone);
      if (!dated_) end_ = std::max(end_, last_[s]);
    }
    const bool any =
        std::any_of(last_.begin(), last_.end(), [](auto last) { return last != kNone; });
    if (!any && dated_) {
      throw ConfigError(fmt::format("data.end: no series has a value up to {}", end_text()));
    }
    if (!any) return;
    if (dated_) end_inside_day();
    if (dated_) tell_end_after_data();
    mark_ended();
    say_late();
    say_zeros_at_end();
    if (together_) {
      lengthen();
    } else {
      say_early();
    }
  }

 private:
  /// The last period of a series' history where it reaches the end.
  std::int64_t end_of(std::size_t s) const {
    if (!dated_ || parts_.axis.shift.empty()) return end_;
    return parts_.axis.containing(end_time_, static_cast<std::int64_t>(s));
  }
  std::string text_of(std::int64_t period, std::size_t s) const {
    return parts_.axis.text_of(period, static_cast<std::int64_t>(s));
  }
  /// The end as a time that some series has, or as it was given.
  std::string end_text() const {
    if (parts_.axis.shift.empty()) return parts_.axis.text_of(end_);
    if (dated_) return parts_.axis.text(civil::day_of(end_time_) * civil::kDay);  // of weeks
    const auto last = std::find(last_.begin(), last_.end(), end_);
    return text_of(end_, static_cast<std::size_t>(last - last_.begin()));
  }
  std::string name_of(std::size_t s) const {
    return fmt::format("{} ({})", parts_.ids[s], text_of(last_[s], s));
  }
  bool is_ended(std::size_t s) const { return !parts_.ended.empty() && parts_.ended[s] != 0; }

  /// What came after data.end is not known yet, but for what is known ahead.
  void cut() {
    std::int64_t rows = 0;
    bool any_known = false;
    for (const Channel& channel : parts_.channels) any_known |= channel.role == Role::future;
    for (const CategoryChannel& channel : parts_.categories)
      any_known |= channel.role == Role::future;
    for (std::size_t s = 0; s < parts_.ids.size(); ++s) {
      const std::int64_t begin =
          parts_.offsets[s] + std::max<std::int64_t>(0, end_of(s) - parts_.first[s] + 1);
      for (std::int64_t i = begin; i < parts_.offsets[s + 1]; ++i) {
        rows += has_row_.test(i) ? 1 : 0;
        for (Channel& channel : parts_.channels) {
          if (channel.role != Role::future) channel.values[static_cast<std::size_t>(i)] = kMissing;
        }
        for (CategoryChannel& channel : parts_.categories) {
          if (channel.role != Role::future) channel.codes[static_cast<std::size_t>(i)] = 0;
        }
      }
    }
    if (rows == 0) return;
    const char* word = spec_.aggregate.empty() ? "row" : "step";
    notes_.remarks.push_back(
        fmt::format("{} {}{} after {} {} cut off (data.end){}", grouped(rows), word,
                    rows == 1 ? "" : "s", end_text(), rows == 1 ? "is" : "are",
                    any_known ? "; only the columns of data.future are read there" : ""));
  }

  /// The data may end before a day that data.end names does: at noon of today.
  void end_inside_day() {
    const std::int64_t last = *std::max_element(last_.begin(), last_.end());
    if (begin_of_end_ == end_ || last < begin_of_end_) return;
    end_ = last;
    end_time_ = parts_.axis.time(last, 0);
  }

  /// "Today" may lie after the last value of all, but not so far that every series would be over.
  void tell_end_after_data() {
    const auto last = std::max_element(last_.begin(), last_.end());
    const auto s = static_cast<std::size_t>(last - last_.begin());
    const std::int64_t after = end_of(s) - *last;
    if (after <= 0) return;
    const std::string steps =
        fmt::format("{} {} of frequency {}", grouped(after), after == 1 ? "step" : "steps",
                    to_string(parts_.axis.frequency));
    if (ended_after_ > 0 && after > ended_after_) {
      throw ConfigError(fmt::format(
          "data.end = \"{}\" lies {} after the last value of the data ({}), so that every series "
          "would have ended (data.ended_after = {}); set data.end to a time up to which the data "
          "reach, or to common",
          spec_.end, steps, text_of(*last, s), ended_after_));
    }
    notes_.remark_on_forecast(fmt::format("the data end {}, {} before data.end = \"{}\"",
                                          text_of(*last, s), steps, spec_.end));
  }

  void mark_ended() {
    if (ended_after_ == 0) return;
    std::vector<std::size_t> ended;
    for (std::size_t s = 0; s < last_.size(); ++s) {
      if (last_[s] != kNone && end_of(s) - last_[s] > ended_after_) ended.push_back(s);
    }
    if (ended.empty()) return;
    parts_.ended.assign(parts_.ids.size(), 0);
    std::string names;
    for (std::size_t i = 0; i < ended.size(); ++i) {
      parts_.ended[ended[i]] = 1;
      if (i < kListed) names += (i > 0 ? ", " : "") + name_of(ended[i]);
    }
    notes_.remark_on_forecast(fmt::format(
        "{} of {} series ended more than {} {} before {} (data.ended_after): {}{}; {} not forecast "
        "unless forecast.ended = true",
        grouped(std::ssize(ended)), grouped(std::ssize(parts_.ids)), grouped(ended_after_),
        ended_after_ == 1 ? "step" : "steps", end_text(), names,
        ended.size() > kListed ? ", ..." : "", ended.size() == 1 ? "it is" : "they are"));
  }

  /// A table that was written out with zeros for the days to come.
  void say_zeros_at_end() const {
    constexpr std::int64_t kMany = 14;
    if (own_axes_) return;
    const std::int64_t end = *std::max_element(last_.begin(), last_.end());
    std::int64_t latest = kNone;
    std::size_t series = 0;
    for (std::size_t m = 0; m < parts_.channels.size(); ++m) {
      const Channel& channel = parts_.channels[m];
      if (channel.role != Role::target) break;
      for (std::size_t s = 0; s < last_.size(); ++s) {
        const std::size_t at = m * last_.size() + s;
        const double zero = at < parts_.value_offset.size() ? -parts_.value_offset[at] : 0;
        const float* y = channel.values.data() + parts_.offsets[s];
        for (std::int64_t period = last_[s]; period > latest && period >= parts_.first[s];
             --period) {
          const auto value = static_cast<double>(y[period - parts_.first[s]]);
          if (std::isnan(value) || value == zero) continue;
          latest = period;
          series = s;
        }
      }
    }
    if (latest == kNone || end - latest < kMany) return;
    notes_.remarks.push_back(fmt::format(
        "no value but 0 stands in the last {} steps, after {}: if these are still to "
        "come, --data.end {} cuts them off",
        grouped(end - latest), text_of(latest, series), shell_quoted(text_of(latest, series))));
  }

  /// Where many begin late, the early part of the data is that of a few.
  void say_late() const {
    if (own_axes_) return;
    std::vector<std::size_t> series;  // with a history
    for (std::size_t s = 0; s < last_.size(); ++s) {
      if (last_[s] != kNone) series.push_back(s);
    }
    const auto begins_before = [&](std::size_t a, std::size_t b) {
      return parts_.first[a] < parts_.first[b];
    };
    const auto [first, last] = std::minmax_element(series.begin(), series.end(), begins_before);
    const auto late = std::count_if(series.begin(), series.end(), [&, begin = *first](auto s) {
      return parts_.first[s] > parts_.first[begin];
    });
    if (late == 0) return;
    notes_.remarks.push_back(fmt::format(
        "{} of {} series {} after {}, where the first one begins; the last to begin: {} ({})",
        grouped(late), grouped(std::ssize(series)), late == 1 ? "begins" : "begin",
        text_of(parts_.first[*first], *first), parts_.ids[*last],
        text_of(parts_.first[*last], *last)));
  }

  /// Series with ends of their own are forecast from there: days that are over, for some.
  void say_early() {
    std::int64_t early = 0;
    std::size_t first = 0;
    for (std::size_t s = 0; s < last_.size(); ++s) {
      if (last_[s] == kNone || last_[s] >= end_of(s) || is_ended(s)) continue;
      if (early++ == 0) first = s;
    }
    if (early == 0 || own_axes_) return;
    notes_.early_ends = fmt::format(
        "{} of {} series {} before the others, so that {} before the others' (the first one: {}; "
        "the last time of all is {}); data.end = \"common\" ends all there",
        grouped(early), grouped(std::ssize(parts_.ids)), early == 1 ? "ends" : "end",
        early == 1 ? "its forecast begins" : "their forecasts begin", name_of(first), end_text());
    notes_.remarks.push_back(notes_.early_ends);
  }

  void lengthen() {
    std::vector<std::int64_t> offsets{0};
    parts_.history.assign(parts_.ids.size(), 0);
    std::int64_t longer = 0;
    std::size_t example = 0;
    for (std::size_t s = 0; s < parts_.ids.size(); ++s) {
      const std::int64_t length = parts_.offsets[s + 1] - parts_.offsets[s];
      std::int64_t& history = parts_.history[s];
      if (last_[s] != kNone) {
        history = (is_ended(s) ? last_[s] : end_of(s)) - parts_.first[s] + 1;
        if (!is_ended(s) && last_[s] < end_of(s) && longer++ == 0) example = s;
      }
      offsets.push_back(offsets.back() + std::max(length, history));
    }
    refuse_too_many(offsets.back());
    move_to(offsets);
    if (longer == 0) return;
    const char* as = spec_.gaps == GapPolicy::zero           ? "zero"
                     : spec_.gaps == GapPolicy::forward_fill ? "the value before"
                                                             : "missing";
    notes_.remarks.push_back(fmt::format(
        "{} of {} series {} no value up to {}, where all histories end (data.end): the steps "
        "without a row are {} (data.gaps); the first one: {}; data.end = \"series\" ends each at "
        "its own last value",
        grouped(longer), grouped(std::ssize(parts_.ids)), longer == 1 ? "has" : "have", end_text(),
        as, name_of(example)));
  }

  void refuse_too_many(std::int64_t steps) const {
    const auto channels = std::ssize(parts_.channels) + std::ssize(parts_.categories);
    const std::int64_t before = parts_.offsets.back();
    const std::int64_t most = std::max(before * channels, most_values(spec_, before, channels));
    if (steps <= most / channels) return;
    throw DataError(fmt::format(
        "{}: with all histories up to {} (data.end) the {} series would have {} steps of {} "
        "columns; is that time right? data.end = \"series\" ends each at its own last value, and "
        "data.max_steps allows more",
        source_, end_text(), grouped(std::ssize(parts_.ids)), grouped(steps), channels));
  }

  /// The series' steps at new, wider offsets.
  void move_to(const std::vector<std::int64_t>& offsets) {
    if (offsets.back() == parts_.offsets.back()) return;
    const auto move = [&](auto& values, auto missing) {
      std::remove_reference_t<decltype(values)> wider(static_cast<std::size_t>(offsets.back()),
                                                      missing);
      for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        std::copy(values.begin() + parts_.offsets[s], values.begin() + parts_.offsets[s + 1],
                  wider.begin() + offsets[s]);
      }
      values = std::move(wider);
    };
    for (Channel& channel : parts_.channels) move(channel.values, kMissing);
    for (CategoryChannel& channel : parts_.categories) move(channel.codes, std::int32_t{0});
    Bits rows(offsets.back());
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
      for (std::int64_t i = parts_.offsets[s]; i < parts_.offsets[s + 1]; ++i) {
        if (has_row_.test(i)) rows.set(offsets[s] + i - parts_.offsets[s]);
      }
    }
    has_row_ = std::move(rows);
    parts_.offsets = offsets;
  }

  CatalogParts& parts_;
  Bits& has_row_;
  const CatalogSpec& spec_;
  const std::string& source_;
  CatalogNotes& notes_;
  bool dated_, together_;
  std::int64_t ended_after_;
  bool own_axes_;
  Timestamp end_time_ = 0;          // where data.end is a time
  std::int64_t begin_of_end_ = 0;   // the first period of the day or month that data.end names
  std::int64_t end_ = kNone;        // the last period of the histories, on the grid
  std::vector<std::int64_t> last_;  // [S] period of each series' last value; kNone: it has none
};

}  // namespace

std::int64_t steps_of_year(const Frequency& frequency) {
  if (frequency.unit == Unit::integer) return 0;
  constexpr Timestamp kMonday = 4 * 86'400, kYear = 365 * 86'400;
  return std::max<std::int64_t>(
      1, period_containing(frequency, kMonday + kYear) - period_containing(frequency, kMonday));
}

bool has_end_date(const CatalogSpec& spec) {
  return spec.end != "auto" && spec.end != "common" && spec.end != "series";
}

bool ends_together(const CatalogSpec& spec) {
  return spec.end == "auto" ? spec.gaps == GapPolicy::zero : spec.end != "series";
}

StepsOf steps_to_end(const CatalogSpec& spec, const CatalogParts& parts) {
  if (!has_end_date(spec)) return {};
  const Timestamp time = end_span(spec, parts.axis).last;
  return [&parts, time, span = span_of(time, spec, parts.axis)](std::size_t s) {
    const std::int64_t end =
        parts.axis.shift.empty() ? span : parts.axis.containing(time, static_cast<std::int64_t>(s));
    return std::clamp<std::int64_t>(end - parts.first[s] + 1, 0,
                                    parts.offsets[s + 1] - parts.offsets[s]);
  };
}

void settle_ends(CatalogParts& parts, Bits& has_row, const CatalogSpec& spec,
                 const std::string& source, bool own_axes, CatalogNotes& notes) {
  Ends(parts, has_row, spec, source, own_axes, notes).settle();
}

}  // namespace sluice
