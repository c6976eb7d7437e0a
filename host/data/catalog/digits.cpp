#include "data/catalog/digits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "data/calendar/civil.hpp"
#include "data/calendar/stamp.hpp"
#include "data/calendar/time_format.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Dates whose digits stand behind each other: the digits after the day, two for each of them.
struct Form {
  const char* form;
  const char* words;
  std::int64_t after_day;  ///< 10 to the number of digits behind the day
};
constexpr Form kForms[] = {{"%Y%m%d", "dates", 1},
                           {"%Y%m%d%H", "dates and hours", 100},
                           {"%Y%m%d%H%M", "dates, hours and minutes", 10'000},
                           {"%Y%m%d%H%M%S", "dates and times of day", 1'000'000}};

std::optional<Timestamp> time_of_form(std::int64_t value, std::int64_t after_day) {
  const std::int64_t date = value / after_day;
  const auto midnight = midnight_of(date / 10'000, date / 100 % 100, date % 100);
  if (!midnight) return std::nullopt;
  Timestamp clock = 0;
  std::int64_t rest = value % after_day, unit = civil::kHour;
  for (std::int64_t place = after_day / 100; place > 0; place /= 100, unit /= 60) {
    const std::int64_t part = rest / place;
    if (part > (unit == civil::kHour ? 23 : 59)) return std::nullopt;
    clock += part * unit;
    rest %= place;
  }
  return *midnight + clock;
}

bool name_has(const std::string& column, std::initializer_list<std::string_view> words) {
  std::string lower = column;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// The integers of one column and what is known about them.
class Digits {
 public:
  Digits(std::span<const Timestamp> values, std::optional<Unit> unit, const std::string& source,
         const std::string& column)
      : values_(values), unit_(unit), source_(source), column_(column) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    low_ = *low;
    high_ = *high;
  }

  std::optional<DigitsReading> reading() const {
    if (unit_ == Unit::integer) return std::nullopt;
    if (unit_ == Unit::year && within(1, 9999)) return DigitsReading{"%Y", "years"};
    for (const Form& form : kForms) {
      if (within(19000101 * form.after_day, 22000101 * form.after_day) && all_are(form.form)) {
        return DigitsReading{form.form, form.words};
      }
    }
    if (within(18000101, 21991231) && all_are("%Y%m%d")) return DigitsReading{"%Y%m%d", "dates"};
    if (const auto epoch = epoch_reading()) return epoch;
    if (within(180001, 219953)) return month_or_week();
    if (within(18001, 21994) && high_ / 10 > low_ / 10 && all_are("%Yq")) {
      return DigitsReading{"%Yq", "years and quarters"};
    }
    refuse_places_in_years();
    return day_numbers();
  }

 private:
  bool within(std::int64_t low, std::int64_t high) const { return low_ >= low && high_ <= high; }
  bool all_are(std::string_view form) const {
    bool ignored = false;
    return std::all_of(values_.begin(), values_.end(), [&](std::int64_t value) {
      return time_of_digits(form, value, ignored).has_value();
    });
  }

  /// Unix time of the years from 2001 to 2039; earlier times among them must be whole minutes.
  std::optional<DigitsReading> epoch_reading() const {
    constexpr std::array<const char*, 4> kWords = {"seconds", "milliseconds", "microseconds",
                                                   "nanoseconds"};
    constexpr std::array<const char*, 4> kNames = {"epoch_s", "epoch_ms", "epoch_us", "epoch_ns"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const std::int64_t scale = epoch_scale(kNames[i]);
      if (high_ < 1'000'000'000 * scale || high_ > 2'200'000'000 * scale) continue;
      const bool minutes = std::all_of(values_.begin(), values_.end(), [&](std::int64_t value) {
        return value % (civil::kMinute * scale) == 0;
      });
      if (low_ < 1'000'000'000 * scale && !minutes) continue;
      return DigitsReading{kNames[i], fmt::format("Unix {} (UTC)", kWords[i])};
    }
    return std::nullopt;
  }

  std::optional<DigitsReading> month_or_week() const {
    const bool several_years = high_ / 100 > low_ / 100;
    if (all_are("%Y%m")) {
      const bool months = unit_ == Unit::month || unit_ == Unit::quarter || unit_ == Unit::year ||
                          name_has(column_, {"month", "yyyymm", "monat", "mois", "mes", "月"});
      // A plain counter has a 13th value in its second hundred, a week's number a 13th week.
      if ((several_years && unit_ != Unit::week) || months) {
        return DigitsReading{"%Y%m", "years and months"};
      }
      refuse("years and months, or years and weeks",
             "data.time_format to %Y%m (months) or iso_week (weeks)");
    }
    const bool weeks = std::all_of(values_.begin(), values_.end(), [](std::int64_t value) {
      return value % 100 >= 1 && value % 100 <= 53;
    });
    if (!weeks) return std::nullopt;
    refuse("years and weeks",
           "data.time_format to iso_week (Monday of ISO 8601's week), or write the Monday of each "
           "week as a date");
  }

  /// A counter passes through all of a hundred. One that goes on with the next hundred after 12 or
  /// 53, or with the next thousand after 366, counts in years of its own: 11152, 11153, 11201.
  void refuse_places_in_years() const {
    struct Places {
      std::int64_t of_year, most;
      const char* words;
    };
    constexpr Places kPlaces[] = {{100, 12, "years and months"},
                                  {100, 53, "years and weeks"},
                                  {1000, 366, "years and days of the year"}};
    for (const Places& places_of : kPlaces) {
      const std::int64_t of_year = places_of.of_year, most = places_of.most;
      const bool within_years = std::all_of(values_.begin(), values_.end(), [&](auto value) {
        return value > 0 && value % of_year >= 1 && value % of_year <= most;
      });
      if (low_ / of_year == high_ / of_year || !within_years) continue;
      const std::int64_t places =
          (high_ / of_year - low_ / of_year) * most + high_ % of_year - low_ % of_year + 1;
      const auto distinct = std::ssize(std::set(values_.begin(), values_.end()));
      constexpr std::int64_t kMany = 12;
      if (distinct < kMany || 2 * distinct < places) continue;
      const std::int64_t year = high_ / of_year;
      const std::string letter = year >= 1000 && year <= 9999 ? "Y" : year < 100 ? "y" : "";
      if (letter.empty() || most == 53) {
        refuse(places_of.words,
               "data.time to a column of dates (join them to the file by this one)");
      }
      refuse(places_of.words,
             fmt::format("data.time_format to %{}{}", letter, most == 12 ? "%m" : "%j"));
    }
  }

  std::optional<DigitsReading> day_numbers() const {
    if (!within(30000, 60000) || values_.size() < 2) return std::nullopt;
    if (unit_ || name_has(column_, {"date", "day", "datum", "fecha", "日"})) {
      return DigitsReading{"excel", "a spreadsheet's day numbers"};
    }
    refuse("a spreadsheet's day numbers", "data.time_format to excel");
  }

  [[noreturn]] void refuse(const char* words, const std::string& remedy) const {
    throw DataError(
        fmt::format("{}: the integers of '{}' ({} .. {}) look like {}; set {}, or data.frequency "
                    "to 1 where they "
                    "are plain integers",
                    source_, column_, low_, high_, words, remedy));
  }

  std::span<const Timestamp> values_;
  std::optional<Unit> unit_;
  const std::string& source_;
  const std::string& column_;
  std::int64_t low_ = 0, high_ = 0;
};

}  // namespace

std::optional<DigitsReading> reading_of_digits(std::span<const Timestamp> values,
                                               std::optional<Unit> unit, const std::string& source,
                                               const std::string& column) {
  if (values.empty()) return std::nullopt;
  return Digits(values, unit, source, column).reading();
}

std::optional<Timestamp> time_of_digits(std::string_view form, std::int64_t value, bool& fraction) {
  if (form == "%Y") return midnight_of(value, 1, 1);
  if (form == "%Y%m") return midnight_of(value / 100, value % 100, 1);
  if (form == "%Yq") return midnight_of(value / 10, value % 10 * 3 - 2, 1);
  if (form == "excel") return time_of_day_number(static_cast<double>(value));
  if (const std::int64_t scale = epoch_scale(form); scale > 0) {
    fraction = value % scale != 0;
    return civil::floor_div(value, scale);
  }
  for (const Form& known : kForms) {
    if (form == known.form) return time_of_form(value, known.after_day);
  }
  return std::nullopt;
}

}  // namespace sluice
