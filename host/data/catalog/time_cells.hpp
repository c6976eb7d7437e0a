// One cell of a time column, by a word of data.time_format, and what is said of one that is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/calendar/stamp.hpp"
#include "sluice/data/time_axis.hpp"

namespace sluice {

enum class Kind { none, date, integer };

/// A cell's time, or its integer.
struct Parsed {
  Stamp stamp;
  Kind kind;
  bool iso = false;  ///< in ISO 8601, where the form asked for is another
};

/// A time without an offset, in seconds since 1970.
Parsed date(Timestamp wall);

/// An integer or a number by a word of data.time_format that is no pattern; numbers by epoch_* or
/// excel only.
Parsed parse_integer(const std::string& form, std::int64_t value);
Parsed parse_real(const std::string& form, double value);
/// Numbers beyond do not fit 64 bits.
constexpr double kFarthest = 9e18;

std::string_view without_blanks(std::string_view text);

/// A text by a word of data.time_format; whatever that is, also a date that ISO 8601 writes
/// 2024-01-31, with or without a time of day, unless the form itself has a day in the month's
/// place.
std::optional<Parsed> parse_cell(const std::string& form, std::string_view text);

/// "d_17": a step's number behind a word. nullopt without digits at the end.
struct Counted {
  std::string_view stem;
  std::int64_t number;
};
std::optional<Counted> counted(std::string_view text);

/// Whether a column of texts such as `example` numbers its steps: M5's "d" with d_1, d_2; "week"
/// with "Week 12"; not "shop" with shop_1.
bool numbers_steps(std::string_view column, std::string_view example);

/// The form of a file beside the data whose times are `texts`: `form` (data.time_format) where it
/// fits all of them; else the one that does so beyond doubt: dates that begin with the year
/// ("auto"), the only pattern that fits, the date of `form` without its time of day, or the only
/// one whose times have the data's frequency. `form` where there is none.
std::string form_of_side_file(const std::vector<std::string>& texts, const std::string& form,
                              const TimeAxis& main);

/// Why a text is no time, and what to write. `samples`: other texts of the column; `beside`: of a
/// file beside the data.
std::string what_is_wrong(std::string_view text, const std::string& form,
                          const std::vector<std::string>& samples, bool beside = false);

}  // namespace sluice
