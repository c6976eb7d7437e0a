// Integers that are dates.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/data/calendar.hpp"

namespace sluice {

/// What integers of a time column mean: one of epoch_* and excel, "%Y%m%d", "%Y%m", ..., "%Yq" for
/// years and quarters, "%Y" for years.
struct DigitsReading {
  std::string form;
  std::string words;  ///< "years and months", for messages
};

/// How `values` are meant: nullopt where they are plain integers. `unit` is that of the frequency
/// where it is known. Throws DataError, with what to write, where they look like dates but may be
/// something else.
std::optional<DigitsReading> reading_of_digits(std::span<const Timestamp> values,
                                               std::optional<Unit> unit, const std::string& source,
                                               const std::string& column);

/// The time of one integer by DigitsReading::form; nullopt where there is no such day. `fraction`
/// is set where a second has one.
std::optional<Timestamp> time_of_digits(std::string_view form, std::int64_t value, bool& fraction);

}  // namespace sluice
