// Which columns together tell the rows apart: computed where a message is to propose them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

std::int64_t row_count(const Table::Impl& table);

/// The fewest of `candidates` (at most four) that with `fixed` are different in every row, in
/// their order; empty: there are none. A candidate that numbers the rows is none.
std::vector<int> unique_columns(const Table::Impl& table, std::span<const int> fixed,
                                std::span<const int> candidates);

/// Columns that could name series: words, and whole numbers with a name of an id; not those that
/// have another role. Names of ids first.
std::vector<int> id_candidates(const Table::Impl& table, const CatalogSpec& spec,
                               std::optional<int> time);

/// "Store and Dept together are unique: --data.id Store,Dept; ", for a message on rows that repeat
/// for one time of a series named by `ids`; empty where there is nothing to propose.
std::string repeated_rows_remedy(const Table::Impl& table, const CatalogSpec& spec,
                                 std::span<const int> ids, int time);

/// The same where a series' numbers of steps begin again, as weeks do with each year: `periods` of
/// its rows from the first one of that number to the one before the second.
std::string year_remedy(const TimeAxis& axis, std::span<const std::int64_t> periods);

/// "'dteday' and 'hr' together are the time: --data.time dteday,hr"; `rest` at least one.
std::string whole_time_text(const Table::Impl& table, const CatalogSpec& spec, int time,
                            std::span<const int> rest);

/// The same where rows that repeat for one
/// time of a series do not with the columns that complete the time; else empty.
std::string whole_time_remedy(const Table::Impl& table, const CatalogSpec& spec,
                              std::span<const int> ids, int time);

/// "Store and Dept together are unique: --data.id Store,Dept"; `ids` at least one.
std::string unique_ids_text(const Table::Impl& table, std::span<const int> ids);

}  // namespace sluice
