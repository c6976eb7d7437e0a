// Writing tables. The file appears under its name when it is complete and on disk, not before.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "data/table/write.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

namespace fs = std::filesystem;

std::int64_t rows_of(const OutputColumn& column) {
  const std::size_t rows = !column.codes.empty()
                               ? column.codes.size()
                               : std::max({column.text.size(), column.numbers.size(),
                                           column.integers.size(), column.times.size()});
  return static_cast<std::int64_t>(rows);
}

namespace {

constexpr const char* kRemedy = "check the path and the free space of the disk";

void sync_path(const fs::path& path, int flags) {
  const int file = ::open(path.c_str(), flags);
  if (file < 0 || ::fsync(file) != 0) {
    const std::string reason = std::generic_category().message(errno);
    if (file >= 0) ::close(file);
    throw DataError(
        fmt::format("{}: cannot write to disk ({}); {}", path.string(), reason, kRemedy));
  }
  ::close(file);
}

/// Removes the unfinished file unless it was moved to its place.
struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() {
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
  }
};

void check_columns(const fs::path& path, const std::vector<OutputColumn>& columns) {
  if (columns.empty()) throw InternalError("write_table: no columns for " + path.string());
  const std::int64_t rows = rows_of(columns.front());
  for (const OutputColumn& column : columns) {
    if (rows_of(column) != rows) {
      throw InternalError(fmt::format("write_table: column '{}' has {} rows, '{}' has {}",
                                      column.name, rows_of(column), columns.front().name, rows));
    }
    for (const std::int32_t code : column.codes) {
      if (code < 0 || static_cast<std::size_t>(code) >= column.text.size()) {
        throw InternalError(fmt::format("write_table: column '{}' has code {} of {} texts",
                                        column.name, code, column.text.size()));
      }
    }
  }
}

}  // namespace

void write_table(const fs::path& path, const std::vector<OutputColumn>& columns) {
  check_columns(path, columns);
  const std::string name = path.filename().string();
  const bool csv =
      name.ends_with(".csv") || name.ends_with(".csv.gz") || name.ends_with(".csv.zst");
  const bool parquet = name.ends_with(".parquet");
  const bool arrow = name.ends_with(".arrow") || name.ends_with(".feather");
  if (!csv && !parquet && !arrow) {
    throw DataError(
        fmt::format("{}: cannot write this format; use .csv, .csv.gz, .csv.zst, "
                    ".parquet, .arrow or .feather",
                    path.string()));
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw DataError(fmt::format("{}: cannot make the folder ({}); {}", folder.string(),
                                error.message(), kRemedy));
  }
  // In the same folder, so that the move is one step; the process id keeps two writers apart.
  TemporaryFile temporary{folder / fmt::format(".{}.{}.tmp", name, ::getpid())};
  if (csv) {
    write_csv(temporary.path, path, columns);
  } else if (parquet) {
    write_parquet(temporary.path, columns);
  } else {
    write_arrow(temporary.path, columns);
  }
  sync_path(temporary.path, O_WRONLY);
  fs::rename(temporary.path, path, error);
  if (error) {
    throw DataError(
        fmt::format("{}: cannot write ({}); {}", path.string(), error.message(), kRemedy));
  }
  temporary.path.clear();
  sync_path(folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace sluice
