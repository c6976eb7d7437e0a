// Rows that are none: totals, notes below the table, a second line of the header. Looked at where a
// row has no time and a message is to say why.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/table/impl.hpp"

namespace sluice {

/// "Total", "Grand Total:", "Summe", "总计": the name of a sum of other rows.
bool is_total(std::string_view name);
/// Whether `value` is the `sum` of parts whose sizes add up to `size`, to a thousandth of these: a
/// total may be rounded, or the sum of parts that are not.
bool is_sum_of_parts(double value, double sum, double size);
/// is_total, also as one of several words: "Store 5 Total".
bool speaks_of_total(std::string_view text);

/// What row `row` (over all parts) may be, whose cell in the time column `column` is `cell` (empty:
/// missing), and what to do: "the row seems to be a total ...: remove it". Empty: nothing is known.
std::string odd_row_text(const Table::Impl& table, int column, std::int64_t row,
                         std::string_view cell,
                         const std::function<bool(std::string_view)>& is_time);

}  // namespace sluice
