// The writers behind write_table. Each writes a whole file; none renames or syncs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "sluice/data/table.hpp"

namespace arrow::io {
class FileOutputStream;
}  // namespace arrow::io

namespace sluice {

class OutputFile;

/// Into the file as it was opened: by its name it might be another one by now. `name` is its final
/// one, for messages. Throws DataError.
std::shared_ptr<arrow::io::FileOutputStream> stream_to(const OutputFile& file,
                                                       const std::filesystem::path& name);

std::int64_t rows_of(const OutputColumn& column);

/// Throws InternalError if the columns are not of one length or a code is none of its texts.
void check_columns(const std::filesystem::path& path, const std::vector<OutputColumn>& columns);

/// csv, parquet or arrow, by the extension. Throws DataError where there is no writer for it.
TableFormat output_format(const std::filesystem::path& path);

/// `name` is the final name, which messages have, and whose extension says how to compress.
void write_csv(const OutputFile& file, const std::filesystem::path& name,
               const std::vector<OutputColumn>& columns);
void write_parquet(const OutputFile& file, const std::filesystem::path& name,
                   const std::vector<OutputColumn>& columns, const TableNotes& notes = {});
void write_arrow(const OutputFile& file, const std::filesystem::path& name,
                 const std::vector<OutputColumn>& columns, const TableNotes& notes = {});

}  // namespace sluice
