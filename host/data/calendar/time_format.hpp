// How times are written where they are not as ISO 8601 has it: strptime's patterns and the words of
// data.time_format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/calendar/stamp.hpp"

namespace sluice {

/// Throws ConfigError where `word` is no value of data.time_format: auto, epoch_s, epoch_ms,
/// epoch_us, epoch_ns, excel, iso_week, or strptime's words with a year among them.
void check_time_format(const std::string& word);

/// Whether the word is a pattern of strptime's words.
bool is_pattern(std::string_view word);

/// Units of an epoch_* word in a second; 0 for other words.
std::int64_t epoch_scale(std::string_view word);

/// A text by strptime's words; %f is a fraction of a second of up to 9 digits. A day that is not
/// said is the first one.
std::optional<Stamp> parse_by_pattern(const std::string& text, const std::string& pattern);
std::string write_by_pattern(const std::string& pattern, Timestamp wall, std::int64_t offset);

/// Seconds since 1970 of a spreadsheet's day number (day 25569 is 1970-01-01), to the second.
Timestamp time_of_day_number(double number);

/// The patterns that fit every one of the texts.
std::vector<std::string> fitting_patterns(const std::vector<std::string>& texts);
/// Candidates for data.time_format: of several that fit those whose times lie on a regular grid,
/// where there is one.
std::vector<std::string> patterns_of(const std::vector<std::string>& texts);

}  // namespace sluice
