// The steps of building a catalogue, one file each. Everything here is private to data/catalog.
//   read.cpp         from a table to a catalogue: which layout, the files beside
//   choice.cpp       which columns are id and time, and which layout that is
//   roles.cpp        which column is which channel
//   names.cpp, kinds.cpp   what a column's name says, what its cells hold
//   unique.cpp       which columns together tell the rows apart
//   uses.cpp         what every column is used for
//   time_parts.cpp   times in several columns
//   times.cpp, clocks.cpp, digits.cpp   from cells to times
//   odd_rows.cpp     what a row is that has no time
//   grid.cpp         the frequency, given or inferred; periods of times
//   series.cpp       id columns -> series
//   long.cpp         rows (id, time) -> series; also `single`, and `columns` by way of it
//   steps.cpp, places.cpp, aggregate.cpp   rows (id, time) -> steps of the grid: duplicates, channels
//   rows.cpp, starts.cpp   a series in each row, .tsf; where series begin that say so themselves
//   precision.cpp    values whose steps a float does not hold
//   words.cpp        channels of words
//   ends.cpp, gaps.cpp   where the histories end; what steps without a row are
//   limits.cpp       what is too much, and times that lie far off
//   join.cpp, alike.cpp   which rows of a side file belong to which series; ids that look alike
//   future.cpp, future_values.cpp   rows of a second file, past the history's end
//   static.cpp       what belongs to a series, not to a time
//   catalog.cpp, check.cpp   the catalogue, and what is in it
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/catalog/columns.hpp"
#include "data/catalog/times.hpp"
#include "data/catalog/values.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

/// Where each series' id came from: the values of the id columns, for joins with other files.
struct SeriesKeys {
  std::vector<std::string> columns;           ///< names of the id columns
  std::vector<std::vector<std::string>> key;  ///< [columns][S]
};

/// Codes of an id: its columns joined with "/".
struct Series {
  std::vector<std::int32_t> of_row;  ///< [rows]; empty: one series
  std::vector<std::string> ids;      ///< [S]
  SeriesKeys keys;
  /// Static categories of the last series, which only the future file has: name -> [new series];
  /// nullopt: it does not say.
  std::map<std::string, std::vector<std::optional<std::string>>> of_new;

  std::size_t at(std::int64_t row) const {
    return of_row.empty() ? 0 : static_cast<std::size_t>(of_row[static_cast<std::size_t>(row)]);
  }
};

/// Series in the order of their first rows. Throws DataError where an id is missing or two
/// different ids have the same joined name.
Series read_series(const Table::Impl& table, std::span<const int> id_columns);

/// The distinct values of `times`, ascending.
std::vector<Timestamp> distinct_times(std::span<const Timestamp> times);

/// Settles parts.axis: what `times` are, how they were written, and the frequency by spec over the
/// `distinct` ones. Remarks.
void settle_grid(const Times& times, std::span<const Timestamp> distinct, const CatalogSpec& spec,
                 const std::string& source, CatalogParts& parts, CatalogNotes& notes);

/// What to do about a time that is not on the grid.
std::string off_grid_remedy(const Frequency& grid);

/// The columns that were chosen by data.id and data.time, by their names or by what they hold.
struct ColumnChoice {
  std::vector<int> ids;
  std::optional<int> time;
  bool ids_guessed = false;
};

CatalogParts build_long(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, CatalogNotes& notes);
CatalogParts build_columns(const Table::Impl& table, const CatalogSpec& spec,
                           const ColumnChoice& choice, CatalogNotes& notes);
CatalogParts build_rows(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, CatalogNotes& notes);

/// Adds spec.static_reals and spec.static_categories: from spec.static_files where they have the
/// column, else from the table, in which a column must be constant within each series. Says whom
/// a file misses; throws DataError if it is everybody.
void add_statics(const Table::Impl& table, const CatalogSpec& spec, const Series& series,
                 CatalogParts& parts, CatalogNotes& notes);

/// Missing steps at the start and (if `both_ends`) at the end of every series' targets are cut off;
/// a series without any value keeps one step.
void trim_missing(CatalogParts& parts, bool both_ends);

/// Files beside the main ones, their `text_columns` (in any case) read as text whatever they hold.
/// Files with the same columns become one table. `key` names them for messages ("path.future").
std::vector<Table> read_beside(const std::string& key,
                               const std::vector<std::filesystem::path>& paths,
                               const CatalogSpec& spec,
                               const std::vector<std::string>& text_columns);

}  // namespace sluice
