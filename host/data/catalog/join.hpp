// Which rows of a file beside the main one belong to which series: by the id columns, by some of
// them (a store's weather), or by other columns that both files have (a country's holidays).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// A column of the side file by which its rows are given to series.
struct JoinColumn {
  std::string name;                                   ///< in the main file
  int column;                                         ///< of the side file
  std::vector<std::optional<std::string>> of_series;  ///< [S]
};

/// The id columns that the side file has, by name in any case; a single id also by a usual name.
std::vector<JoinColumn> id_join_columns(const Table::Impl& side, const Series& series);

/// A row that lies on no step: a Sunday beside business days.
inline constexpr std::int64_t kNoPeriod = std::numeric_limits<std::int64_t>::min();

/// Other columns of words or whole numbers that both files have and that are constant in each
/// series, but `left_out`. Whole numbers that only say when a row is (a year) are none: `times` are
/// the side rows' periods; empty: it has none.
std::vector<JoinColumn> attribute_join_columns(const Table::Impl& main, const Table::Impl& side,
                                               const Series& series,
                                               std::span<const std::string> left_out,
                                               std::span<const std::int64_t> times);

/// Where a column of `side` (but the `others`), which has no id, stands beside the ids in a file of
/// statics, with words of its own (the city of a store): what to write, as files are joined with
/// the data alone. Empty: no such file has one.
std::string bridge_remedy(const Table::Impl& side, const CatalogSpec& spec, const Series& series,
                          std::span<const int> others);

/// Side rows and series, by their keys.
struct Join {
  std::vector<std::string> columns;         ///< joined on; empty: all rows hold for all series
  bool by_id = false;                       ///< on all id columns: a key is a series
  Series keys;                              ///< of the side rows
  std::vector<std::int32_t> key_of_series;  ///< [S], -1: no row has it
  std::vector<std::string> text_of_series;  ///< [S], their keys as text; empty: it has none
};

/// Joins on `columns`, at least one.
Join join_series(const Table::Impl& side, const std::vector<JoinColumn>& columns,
                 const Series& series);

/// Says whom the join missed: throws DataError if it is everybody, else adds remarks: how many and
/// the first three. `without_row` is what becomes of a series without a row, `without_series` of
/// rows without a series (empty: the caller says it).
void tell_unmatched(const Join& join, const std::string& source, const Series& series,
                    const std::string& without_row, const std::string& without_series,
                    CatalogNotes& notes);

/// The keys of `join` that no series has.
std::vector<std::int32_t> keys_without_series(const Join& join);

/// Whether rows of a table say the same in all of some columns. Reads them when first asked.
class SameRows {
 public:
  SameRows(const Table::Impl& table, std::vector<int> columns)
      : table_(table), columns_(std::move(columns)) {}
  bool operator()(std::size_t row, std::size_t other);

 private:
  const Table::Impl& table_;
  std::vector<int> columns_;
  std::vector<Codes> codes_;
};

/// A word for each series, or none.
using SeriesWords = std::vector<std::optional<std::string>>;

/// The one word of each series in a column; nullopt if some series has two.
std::optional<SeriesWords> constant_words(const Table::Impl& table, int column,
                                          const Series& series);

/// Whether every part stores the column as text.
bool is_words(const Table::Impl& table, int column);

/// "A, B, C, ..." : the first three of them.
std::string first_three(std::span<const std::string> names);

}  // namespace sluice
