// What a column's name says about its role: the usual names in several languages, whatever their
// case and their separators ("Invoice Date", "invoice_date", "InvoiceDate").
#pragma once

#include <string_view>

namespace sluice {

/// "visit_date", "Month", "fecha", "时间". Columns of such a name may still hold anything.
bool is_time_name(std::string_view name);
/// Of those the ones that are times even where they hold plain integers: "week", "yyyymm", but not
/// "lead_time".
bool is_time_name_of_integers(std::string_view name);
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
/// "Total", "Grand Total", "Summe", "合计": the name of a sum of other rows or columns.
bool is_total_name(std::string_view name);
/// "index", "row": a name that row numbers often have.
bool is_row_number_name(std::string_view name);

}  // namespace sluice
