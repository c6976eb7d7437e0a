#include "sluice/data/calendar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Timestamp at(std::string_view text) { return parse_time(text).value(); }

std::string inferred(const std::vector<std::string>& dates) {
  std::vector<Timestamp> times;
  for (const std::string& date : dates) times.push_back(at(date));
  const auto frequency = infer_frequency(times, false);
  return frequency ? to_string(*frequency) : "none";
}

TEST(Frequency, ReadsOldAndNewPandasNames) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"h", "h"},  {"H", "h"},        {"T", "min"},      {"15min", "15min"}, {"2h", "2h"},
      {"D", "D"},  {"B", "B"},        {"W", "W-SUN"},    {"W-FRI", "W-FRI"}, {"2W-MON", "2W-MON"},
      {"M", "ME"}, {"MS", "MS"},      {"Q", "QE"},       {"QE-DEC", "QE"},   {"QS-OCT", "QS"},
      {"A", "YE"}, {"Y", "YE"},       {"YS-JAN", "YS"},  {"AS", "YS"},       {"1", "1"},
      {"7", "7"},  {"QS-FEB", "3MS"}, {"YE-JUN", "12ME"}};
  for (const auto& [text, name] : names) {
    EXPECT_EQ(to_string(parse_frequency(text)), name) << text;
    EXPECT_EQ(to_string(parse_frequency(name)), name) << text;
  }
}

TEST(Frequency, UnknownNameListsTheKnownOnes) {
  for (const char* text : {"", "fortnight", "W-XYZ", "0D", "-1", "h-MON", "1.5h", "D5"}) {
    try {
      parse_frequency(text);
      FAIL() << text;
    } catch (const ConfigError& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("unknown frequency '" + std::string(text) +
                                               "'; use \"auto\", s, min, h, D, B, W-MON..W-SUN"));
    }
  }
}

TEST(Frequency, DaysOfACalendarOfHolidaysNameBusinessDaysAsTheRemedy) {
  try {
    parse_frequency("C");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("'C' needs a calendar of holidays, which Sluice has "
                                             "not; use \"B\""));
  }
}

TEST(Frequency, AStepLongerThanAllYearsIsRefused) {
  for (const char* text : {"10000YS", "107171YE-JUN", "39997QS", "119989MS", "600000W"}) {
    try {
      parse_frequency(text);
      FAIL() << text;
    } catch (const ConfigError& e) {
      EXPECT_EQ(
          std::string(e.what()),
          "data.frequency: a step of '" + std::string(text) +
              "' is longer than the years 1 to 9999, which times may have; use a smaller number");
    }
  }
  for (const char* text : {"9999YS", "9999YE-JUN", "39996QS", "119988ME", "500000W-MON"}) {
    const Frequency longest = parse_frequency(text);
    for (const char* date : {"0001-01-01", "1970-01-01", "9999-12-31"}) {
      const std::int64_t period = period_containing(longest, *parse_time(date));
      EXPECT_EQ(period_of(longest, time_of(longest, period)), period) << text << " " << date;
    }
  }
}

TEST(Period, OfItsTimeIsItself) {
  for (const char* name :
       {"s",   "30s",   "min",   "15min",  "h",  "3h", "D",      "2D",     "B",
        "2B",  "W-SUN", "W-MON", "3W-FRI", "MS", "ME", "5ME",    "QS",     "QE",
        "3QS", "YS",    "YE",    "4YE",    "1",  "10", "QS-FEB", "QE-JAN", "YE-JUN"}) {
    Frequency frequency = parse_frequency(name);
    for (const std::int64_t phase : {0, 1}) {
      if (phase > 0 && (frequency.multiple == 1 || frequency.phase > 0)) continue;
      if (phase > 0) frequency.phase = phase;
      for (std::int64_t period = -700; period <= 700; ++period) {
        const Timestamp time = time_of(frequency, period);
        ASSERT_EQ(period_of(frequency, time), period) << name;
        ASSERT_LT(time, time_of(frequency, period + 1)) << name;
      }
    }
  }
}

TEST(Period, MonthEndsFollowLeapYears) {
  const Frequency ends = parse_frequency("ME");
  const std::int64_t january = period_of(ends, at("2024-01-31")).value();
  EXPECT_EQ(time_of(ends, january + 1), at("2024-02-29"));
  EXPECT_EQ(time_of(ends, january + 13), at("2025-02-28"));
  EXPECT_EQ(period_of(ends, at("2024-02-28")), std::nullopt);
}

TEST(Period, LeapDayIsADayOfItsOwn) {
  const Frequency days = parse_frequency("D");
  const std::int64_t before = period_of(days, at("2024-02-28")).value();
  EXPECT_EQ(period_of(days, at("2024-02-29")), before + 1);
  EXPECT_EQ(period_of(days, at("2024-03-01")), before + 2);
}

TEST(Period, WeeksAreStampedByTheirAnchorOnly) {
  const Frequency fridays = parse_frequency("W-FRI");
  EXPECT_TRUE(period_of(fridays, at("2010-02-05")).has_value());
  EXPECT_FALSE(period_of(fridays, at("2010-02-06")).has_value());
  EXPECT_FALSE(period_of(fridays, at("2010-02-05 12:00")).has_value());
  EXPECT_EQ(
      period_of(fridays, at("2010-02-12")).value() - period_of(fridays, at("2010-02-05")).value(),
      1);
}

TEST(Period, BusinessDaysHaveNoWeekends) {
  const Frequency days = parse_frequency("B");
  const std::int64_t friday = period_of(days, at("2024-03-01")).value();
  EXPECT_EQ(time_of(days, friday + 1), at("2024-03-04"));
  EXPECT_EQ(time_of(days, friday - 5), at("2024-02-23"));
  EXPECT_EQ(period_of(days, at("2024-03-02")), std::nullopt);
  EXPECT_EQ(period_of(days, at("2024-03-03")), std::nullopt);
  EXPECT_EQ(period_containing(days, at("2024-03-03 12:00")), friday);
  EXPECT_EQ(period_of(days, at("1969-12-31")).value() + 3, period_of(days, at("1970-01-05")));
}

TEST(Period, BusinessDaysMayHaveATimeOfDay) {
  Frequency closes = parse_frequency("B");
  closes.phase = 16 * 3600;
  const std::int64_t friday = period_of(closes, at("2024-03-01 16:00")).value();
  EXPECT_EQ(time_of(closes, friday + 1), at("2024-03-04 16:00"));
  EXPECT_EQ(period_containing(closes, at("2024-03-04 15:59")), friday);
}

TEST(Period, PhaseMovesTheGrid) {
  Frequency hours = parse_frequency("h");
  hours.phase = 1800;
  EXPECT_TRUE(period_of(hours, at("2020-01-01 00:30")).has_value());
  EXPECT_FALSE(period_of(hours, at("2020-01-01 01:00")).has_value());
}

TEST(Period, SecondsCountFromTheirPhase) {
  Frequency frequency = parse_frequency("30s");
  frequency.phase = 5;
  const std::int64_t period = period_of(frequency, at("2024-01-01 00:00:35")).value();
  EXPECT_EQ(format_time(frequency, time_of(frequency, period + 1)), "2024-01-01 00:01:05");
  EXPECT_EQ(period_of(frequency, at("2024-01-01 00:00:36")), std::nullopt);
}

TEST(Period, ContainingHoldsTimesOffTheGrid) {
  EXPECT_EQ(time_of(parse_frequency("MS"),
                    period_containing(parse_frequency("MS"), at("1994-01-15 12:00"))),
            at("1994-01-01"));
  EXPECT_EQ(
      time_of(parse_frequency("ME"), period_containing(parse_frequency("ME"), at("1994-01-15"))),
      at("1994-01-31"));
  EXPECT_EQ(time_of(parse_frequency("D"),
                    period_containing(parse_frequency("D"), at("1960-01-15 12:00"))),
            at("1960-01-15"));
}

TEST(InferFrequency, FindsTheGridOfDates) {
  EXPECT_EQ(inferred({"2022/1/1", "2022/1/2", "2022/1/4", "2022/1/5"}), "D");
  EXPECT_EQ(inferred({"2010-02-05", "2010-02-12", "2010-02-26"}), "W-FRI") << "a tie: the smaller";
}

TEST(InferFrequency, KnowsWeeksMonthsQuartersYears) {
  EXPECT_EQ(inferred({"2010-02-05", "2010-02-12", "2010-02-19", "2010-03-05"}), "W-FRI");
  EXPECT_EQ(inferred({"2020-01-01", "2020-02-01", "2020-03-01"}), "MS");
  EXPECT_EQ(inferred({"2020-01-31", "2020-02-29", "2020-03-31"}), "ME");
  EXPECT_EQ(inferred({"2020-01-01", "2020-04-01", "2020-07-01"}), "QS");
  EXPECT_EQ(inferred({"2020-03-31", "2020-06-30", "2020-09-30"}), "QE");
  EXPECT_EQ(inferred({"2020-02-01", "2020-05-01", "2020-08-01"}), "3MS");
  EXPECT_EQ(inferred({"2020-01-01", "2021-01-01", "2022-01-01"}), "YS");
  EXPECT_EQ(inferred({"2020-12-31", "2021-12-31", "2022-12-31"}), "YE");
  EXPECT_EQ(inferred({"2020-01-01 00:00", "2020-01-01 00:15", "2020-01-01 00:30"}), "15min");
  EXPECT_EQ(inferred({"2020-01-01 00:30", "2020-01-01 01:30", "2020-01-01 04:30"}), "h");
  EXPECT_EQ(inferred({"2020-02-28", "2020-02-29", "2020-03-01"}), "D");
  EXPECT_EQ(inferred({"2020-01-01 00:00:05", "2020-01-01 00:00:35", "2020-01-01 00:01:35"}), "30s");
  EXPECT_EQ(inferred({"2020-01-01 00:00:58", "2020-01-01 00:00:59", "2020-01-01 00:01:00"}), "s");
}

/// The days of `count` weeks from Monday 2024-01-01 whose weekday (0 = Monday) is in `weekdays`.
std::vector<std::string> weeks(int count, const std::vector<int>& weekdays,
                               const std::string& clock = "") {
  const Frequency days = parse_frequency("D");
  std::vector<std::string> dates;
  for (int week = 0; week < count; ++week) {
    for (const int weekday : weekdays) {
      const std::int64_t day = *period_of(days, at("2024-01-01")) + week * 7 + weekday;
      dates.push_back(format_time(days, time_of(days, day)) + clock);
    }
  }
  return dates;
}

TEST(InferFrequency, DaysWithoutAnyWeekendAreBusinessDays) {
  EXPECT_EQ(inferred(weeks(3, {0, 1, 2, 3, 4})), "B");
  EXPECT_EQ(inferred(weeks(3, {0, 1, 2, 3, 4}, " 16:00")), "B");
  auto holidays = weeks(3, {0, 1, 2, 3, 4});
  holidays.erase(holidays.begin() + 4, holidays.begin() + 6);
  EXPECT_EQ(inferred(holidays), "B") << "a Friday and a Monday without a row";
}

TEST(InferFrequency, DaysThatMayHaveWeekendsStayDays) {
  EXPECT_EQ(inferred(weeks(2, {0, 1, 2, 3, 4})), "D") << "one weekend is no habit";
  EXPECT_EQ(inferred(weeks(3, {0, 1, 2, 3, 4, 5})), "D") << "Saturdays";
  EXPECT_EQ(inferred(weeks(8, {0, 1, 2})), "D") << "two of five weekdays never have a row";
}

TEST(InferFrequency, ItsGridHoldsAllTimes) {
  const std::vector<std::vector<std::string>> cases = {
      {"2020-01-01 00:30", "2020-01-01 01:30", "2020-01-01 02:30"},
      {"2020-01-02", "2020-01-16", "2020-01-30"},
      {"2021-12-31", "2023-12-31", "2025-12-31"},
      {"2020-02-01", "2020-05-01", "2020-08-01"},
      {"2020-06-30", "2021-06-30"},
      {"2020-01-01 13:00", "2020-01-03 13:00"}};
  for (const auto& dates : cases) {
    std::vector<Timestamp> times;
    for (const std::string& date : dates) times.push_back(at(date));
    const Frequency frequency = infer_frequency(times, false).value();
    const std::int64_t first = period_of(frequency, times.front()).value();
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_EQ(period_of(frequency, times[i]), first + static_cast<std::int64_t>(i)) << dates[i];
    }
  }
}

TEST(InferFrequency, RefusesWhatIsNoGrid) {
  EXPECT_EQ(inferred({"2020-01-01"}), "none");
  EXPECT_EQ(
      inferred({"2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:00", "2020-01-01 02:20"}),
      "none");
  EXPECT_EQ(inferred({"2020-01-01 06:05:33", "2020-01-01 06:05:34", "2020-01-01 06:12:07",
                      "2020-01-01 06:20:51"}),
            "none")
      << "the till's seconds";
}

TEST(InferFrequency, IntegersHaveStepAndPhase) {
  const std::vector<Timestamp> times = {7, 12, 17, 27};
  const Frequency frequency = infer_frequency(times, true).value();
  EXPECT_EQ(frequency.multiple, 5);
  EXPECT_EQ(frequency.phase, 2);
  EXPECT_EQ(infer_frequency(std::vector<Timestamp>{1, 3, 5, 6}, true), std::nullopt);
}

TEST(ParseTime, ReadsEveryListedForm) {
  const Timestamp day = at("2022-01-31");
  EXPECT_EQ(day, 1643587200);
  EXPECT_EQ(at("2022/1/31"), day);
  EXPECT_EQ(at("20220131"), day);
  EXPECT_EQ(at("2022-01"), at("2022-01-01"));
  for (const char* text : {"2022-01-31 13:15", "2022-01-31 13:15:00", "2022-01-31 13:15:00.000",
                           "2022-01-31T13:15:00Z", "2022-01-31T13:15", "2022-01-31 13-15-00",
                           "2022/1/31 13:15", " 2022-01-31 13:15 "}) {
    EXPECT_EQ(parse_time(text), day + 13 * 3600 + 15 * 60) << text;
  }
  EXPECT_EQ(at("1990/1/1 0:00"), at("1990-01-01"));
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "abc", "2022", "2022-13-01", "2023-02-29", "2022-01-31 24:00",
                           "2022-01-31 13", "31.1.2022", "2022-01-31 13:15:00.5", "2022-01-31x",
                           "2022-1/31", "0000-01-01", "2022-01-31 13:15:00+01:00"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(FormatTime, IsIsoAndReadsBack) {
  const Frequency days = parse_frequency("D"), hours = parse_frequency("h");
  EXPECT_EQ(format_time(days, at("2023-02-04")), "2023-02-04");
  EXPECT_EQ(format_time(days, at("2023-02-04 13:00")), "2023-02-04 13:00:00");
  EXPECT_EQ(format_time(hours, at("2023-02-04 13:15")), "2023-02-04 13:15:00");
  EXPECT_EQ(format_time(hours, at("1969-12-31 23:59:59")), "1969-12-31 23:59:59");
  EXPECT_EQ(format_time(parse_frequency("1"), -17), "-17");
}

TEST(Season, FollowsFrequency) {
  const auto lengths = [](const char* name) {
    const Frequency frequency = parse_frequency(name);
    return std::pair(season_length(frequency), long_season_length(frequency));
  };
  EXPECT_EQ(lengths("10s"), std::pair(1, 1));
  EXPECT_EQ(lengths("15min"), std::pair(96, 672));
  EXPECT_EQ(lengths("h"), std::pair(24, 168));
  EXPECT_EQ(lengths("2h"), std::pair(12, 84));
  EXPECT_EQ(lengths("5h"), std::pair(1, 1));
  EXPECT_EQ(lengths("D"), std::pair(7, 28));
  EXPECT_EQ(lengths("B"), std::pair(5, 20));
  EXPECT_EQ(lengths("W-FRI"), std::pair(52, 52));
  EXPECT_EQ(lengths("MS"), std::pair(12, 12));
  EXPECT_EQ(lengths("QE"), std::pair(4, 4));
  EXPECT_EQ(lengths("YS"), std::pair(1, 1));
  EXPECT_EQ(lengths("1"), std::pair(1, 1));
}

std::vector<float> features(const char* name, std::string_view time) {
  const Frequency frequency = parse_frequency(name);
  std::vector<float> out(static_cast<std::size_t>(calendar_size(frequency)) + 1, 99.0f);
  calendar_features(frequency, period_of(frequency, at(time)).value(), out.data());
  EXPECT_EQ(out.back(), 99.0f) << "wrote past calendar_size()";
  out.pop_back();
  return out;
}

TEST(CalendarFeatures, AreSinesAndCosinesOfTheirCycles) {
  // Six in the morning of Monday, 1 January: a quarter of the day, the start of week and year.
  const auto hour = features("h", "2024-01-01 06:00");
  const std::vector<float> expected = {1, 0, 0, -1, 0, 1, 0, 1, 0, 1, 0, 1};
  ASSERT_EQ(hour.size(), expected.size());
  for (std::size_t i = 0; i < hour.size(); ++i) EXPECT_NEAR(hour[i], expected[i], 1e-6) << i;
  const auto april = features("MS", "2023-04-01");
  EXPECT_NEAR(april[0], 1, 1e-6);
  EXPECT_NEAR(april[3], -1, 1e-6);
  const auto july = features("QS", "2023-07-01");
  EXPECT_NEAR(july[1], -1, 1e-6);
  const auto sunday = features("D", "2024-01-07");
  EXPECT_NEAR(sunday[0], std::sin(2 * M_PI * 6 / 7), 1e-6);
}

TEST(CalendarFeatures, TellWeekdaysOfBusinessDaysApart) {
  const auto tuesday = features("B", "2024-01-02");
  EXPECT_NEAR(tuesday[0], std::sin(2 * M_PI / 5), 1e-6);
  EXPECT_NEAR(tuesday[3], std::cos(4 * M_PI / 5), 1e-6);
  EXPECT_NEAR(tuesday[4], std::sin(2 * M_PI / 366), 1e-6) << "day of year";
}

TEST(CalendarFeatures, SizeNamesAndBoundsAgree) {
  const std::vector<std::pair<const char*, int>> sizes = {
      {"s", 4},     {"15min", 10}, {"h", 12}, {"D", 8},  {"B", 6},
      {"W-SUN", 4}, {"ME", 4},     {"QE", 2}, {"YE", 0}, {"1", 0}};
  for (const auto& [name, size] : sizes) {
    const Frequency frequency = parse_frequency(name);
    EXPECT_EQ(calendar_size(frequency), size) << name;
    EXPECT_EQ(calendar_names(frequency).size(), static_cast<std::size_t>(size)) << name;
    std::vector<float> out(static_cast<std::size_t>(size));
    for (std::int64_t period = -500; period < 500; ++period) {
      calendar_features(frequency, period, out.data());
      for (const float value : out) ASSERT_LE(std::abs(value), 1.0f);
    }
  }
}

}  // namespace
}  // namespace sluice
