// What a column's name says about its role: the usual names in several languages, whatever their
// case and their separators ("Invoice Date", "invoice_date", "InvoiceDate").
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice {

/// "visit_date", "Month", "fecha", "时间". Columns of such a name may still hold anything.
bool is_time_name(std::string_view name);
/// Of those the ones that are times even where they hold plain integers: "week", "yyyymm", but not
/// "lead_time".
bool is_time_name_of_integers(std::string_view name);
/// What a column can say of a time that it shares with others.
enum class TimePart { date, clock, year, quarter, month, week, day, hour, minute, second };
inline constexpr std::size_t kTimeParts = 10;
/// "mnth" -> month, "Stunde" -> hour; nullopt for others, and for dates and clocks, which their
/// cells tell.
std::optional<TimePart> time_part_of_name(std::string_view name);
/// "month".
const char* name_of(TimePart part);

/// "Store", "shop_id", "item_nbr", "StockCode", "店铺".
bool is_id_name(std::string_view name);
/// "qty", "Weekly_Sales", "Umsatz", "销量".
bool is_target_name(std::string_view name);
/// "DayOfWeek", "month", "is_weekend": what a time column says already.
bool is_calendar_name(std::string_view name);
/// "latitude", "lon".
bool is_position_name(std::string_view name);
/// No name: empty, only spaces, or pandas' "Unnamed: 0".
bool is_unnamed(std::string_view name);
/// pandas' "__index_level_0__".
bool is_pandas_index(std::string_view name);
/// "index", "row": a name that row numbers often have.
bool is_row_number_name(std::string_view name);

}  // namespace sluice
