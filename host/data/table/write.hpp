// The writers behind write_table. Each writes a whole file; none renames or syncs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "sluice/data/table.hpp"

namespace sluice {

std::int64_t rows_of(const OutputColumn& column);

/// Throws InternalError if the columns are not of one length or a code is none of its texts.
void check_columns(const std::filesystem::path& path, const std::vector<OutputColumn>& columns);

/// csv, parquet or arrow, by the extension. Throws DataError where there is no writer for it.
TableFormat output_format(const std::filesystem::path& path);

/// `name` is the final name, which messages have, and whose extension says how to compress.
void write_csv(const std::filesystem::path& path, const std::filesystem::path& name,
               const std::vector<OutputColumn>& columns);
void write_parquet(const std::filesystem::path& path, const std::filesystem::path& name,
                   const std::vector<OutputColumn>& columns, const TableNotes& notes = {});
void write_arrow(const std::filesystem::path& path, const std::filesystem::path& name,
                 const std::vector<OutputColumn>& columns, const TableNotes& notes = {});

}  // namespace sluice
