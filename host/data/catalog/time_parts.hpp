// Times that a file has in several columns: a date and an hour, a year and a month.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/table/impl.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

/// The columns of data.time where these are several (spec.time, spec.more_time), in their order;
/// empty: they are not.
std::vector<std::string> parts_of_time(const CatalogSpec& spec);

struct WholeTimes {
  Table::Impl table;
  bool iso = true;  ///< its times are written in ISO 8601; false: as spec.time_format says
};

/// `table` with the time of each row in the cells of the first of `columns`, as ISO 8601; missing
/// where a part of it is. A column is a date, a clock (13:15), or by its name a year, month, day,
/// hour, minute, second, week (ISO) or quarter. Where spec.time_format is a pattern, it reads the
/// dates among them, or else the cells joined by blanks. Throws DataError: file, line and column,
/// or the columns that make no time.
WholeTimes with_whole_times(const Table::Impl& table, std::span<const int> columns,
                            const CatalogSpec& spec, std::vector<std::string>& remarks);

/// The columns that complete a date or a year in `time`, by their names and contents: hour, clock,
/// month, day. Empty: there are none, or too many.
std::vector<int> completing_columns(const Table::Impl& table, int time);

}  // namespace sluice
