// Which files are read, and as what.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sluice/data/table.hpp"

namespace sluice::inputs {

/// Whether a file or folder of this name is passed by in a directory.
bool is_hidden(const std::filesystem::path& entry);
/// Whether a folder is named COLUMN=VALUE, as Hive, Spark and pandas name the parts of a table:
/// what is in it is read as part of the folder above.
bool is_partition(const std::filesystem::path& folder);

/// A column all of whose cells in a file are what the folder above it says.
struct Partition {
  std::string column;
  std::optional<std::string> value;  ///< none: missing
};

struct Input {
  std::filesystem::path path;
  TableFormat format;  ///< automatic only where the file is missing
  std::vector<Partition> partitions;
};

/// The files of options.paths, and those that patterns among them mean (glob.hpp); directories with
/// what is in them and in folders inside that are named COLUMN=VALUE, in natural order of their
/// names. What is passed by is added to `remarks`. Throws
/// DataError where there is nothing to read, or a file of no known format.
std::vector<Input> list(const ReadOptions& options, std::vector<std::string>& remarks);

}  // namespace sluice::inputs
