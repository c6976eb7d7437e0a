// Weeks and quarters as people name them: KW 05/2024, W05-2024, 2024-KW5, Q1 2024, 1Q24.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/data/calendar.hpp"

namespace sluice {

/// A year and a marked number in either order: a week of ISO 8601 (W, KW, CW, WK, week, Woche; its
/// Monday), or a quarter (Q before or behind its number; its first day). The year has four digits,
/// of a quarter also two (69 to 99 are 19..). Whole texts only.
std::optional<Timestamp> parse_named_period(std::string_view text);

/// The weeks that data.time_format = iso_week reads: 202405, 2024-05, 2024/5, 05/2024, 2024W05,
/// 2024-W05-1 and those of parse_named_period.
std::optional<Timestamp> parse_iso_week(std::string_view text);

/// strftime's pattern for an ISO week as `text` writes it: "%G%V", "%G-W%V-%u", "KW %V/%G" ...
std::string week_pattern_of(std::string_view text);
bool is_week_pattern(std::string_view word);

}  // namespace sluice
