// What a file is by its first bytes, where its name says that it is CSV.
#pragma once

#include <filesystem>
#include <string_view>

namespace sluice {

/// Throws DataError where `head` (a file's first bytes, decompressed and in UTF-8) begins what is
/// no CSV file beyond doubt - a workbook, an archive, a Parquet file, a web page - or is no text.
void refuse_other_kinds(const std::filesystem::path& path, std::string_view head);

}  // namespace sluice
