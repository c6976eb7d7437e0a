// A table as read from or written to a file: named columns of text, numbers or times, in memory
// once, in Apache Arrow's columnar form (hidden behind the pointer: nothing else of Sluice sees
// Arrow's headers).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ArrowArrayStream;  // sluice/arrow_c.h

namespace sluice {

class Table;

/// memory: not a file, but a table that the caller holds.
enum class TableFormat { automatic, csv, parquet, arrow, tsf, memory };

/// Tables that a caller holds in memory, each under the name by which a path means it.
using MemoryTables = std::map<std::string, std::shared_ptr<const Table>>;

/// "auto", "csv", "parquet", "arrow", "tsf". Throws ConfigError.
TableFormat parse_table_format(std::string_view text);

/// What the ending of a file's name says, ".gz" and ".zst" left out; automatic: nothing. Of a
/// directory only files with such endings are read, unless a format is given.
TableFormat format_by_name(const std::filesystem::path& path);

/// What a file says beside its columns: texts by their keys.
using TableNotes = std::map<std::string, std::string>;

struct ReadOptions {
  std::vector<std::filesystem::path> paths;  ///< files, directories of them, patterns ("a/*.csv")
  TableFormat format = TableFormat::automatic;  ///< automatic: by extension, .gz and .zst stripped
  char delimiter = ',';                         ///< 0: by the file's first lines
  /// auto: UTF-8, or UTF-16 by its mark; else a name that iconv knows, of files that are not UTF-8
  /// beyond doubt.
  std::string encoding = "auto";
  char decimal = 0;  ///< '.' or ','; 0: by the cells where they leave no doubt
  /// Delimiter and decimal sign were said of another file: they hold where this one leaves a doubt.
  bool form_of_another = false;
  /// Words that mean "no value", beside the empty cell.
  std::vector<std::string> missing = {"NA", "NaN", "nan", "null", "NULL", "None", "N/A", "?"};
  std::int64_t max_rows = 0;   ///< read only the first so many rows; 0: all
  std::int64_t max_bytes = 0;  ///< of a file, uncompressed; 0: what the machine's memory allows
  /// Parquet and Arrow files that take more than this in memory, all of them together, are read
  /// column by column, again each time that a column is looked at.
  std::int64_t kept_bytes = std::int64_t{64} << 20;
  /// Looked into before the file system: a path that is a name in here is that table.
  MemoryTables memory = {};
};

class Table {
 public:
  struct Impl;  ///< host/data/table/impl.hpp; holds an arrow::Table and where it came from
  explicit Table(std::unique_ptr<Impl> impl);
  Table(Table&&) noexcept;
  Table& operator=(Table&&) noexcept;
  ~Table();

  std::int64_t rows() const;
  std::vector<std::string> column_names() const;
  /// Where the table came from, for messages: the path, or "DIR (12 files)".
  std::string source() const;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Reads all files into one table. A directory's and a list's files must have the same columns.
/// Throws DataError: file, line and column, what was expected, the remedy.
Table read_table(const ReadOptions& options);

/// The batches of an Arrow C stream as a table named `name`, for ReadOptions::memory. Nothing is
/// copied: what the stream's producer gave is let go of when the table is. The stream is released.
/// Throws DataError where the producer fails or a column is not as Arrow's format has it.
Table take_stream(ArrowArrayStream& stream, const std::string& name);

/// A column to be written (name members when initialising: {.name = "y", .numbers = {...}}):
/// exactly one of `text`, `numbers`, `integers` and `times` holds the rows.
struct OutputColumn {
  std::string name = {};
  std::vector<std::string> text = {};
  std::vector<double> numbers =
      {};  ///< NaN: an empty cell or null. CSV has the fewest digits that read
  ///< back the same: as a float where the number is one, else as a double
  std::vector<std::int64_t> integers = {};
  std::vector<std::int64_t> times =
      {};                      ///< seconds since 1970; in CSV dates where all are midnights
  std::string time_zone = {};  ///< of `times`, which are UTC then and written as this zone's
  /// Text with few distinct values: `codes` index `text`, one code a row (written as a dictionary
  /// in Parquet and Arrow, as text in CSV). Empty: `text` has one entry a row.
  std::vector<std::int32_t> codes = {};
};

/// Writes CSV, Parquet (zstd) or Arrow IPC by `path`'s extension (.csv, .csv.gz, .csv.zst,
/// .parquet, .arrow, .feather), to a temporary file that is renamed when complete. `notes` become
/// the key-value metadata of a Parquet or Arrow file; CSV has no place for them. Throws DataError.
void write_table(const std::filesystem::path& path, const std::vector<OutputColumn>& columns,
                 const TableNotes& notes = {});

/// The notes of a Parquet or Arrow file, of which no row is read; none of another format. Throws
/// DataError.
TableNotes read_notes(const std::filesystem::path& path);

/// The columns as an Arrow C stream of one batch, which owns them; types as in a Parquet file of
/// write_table. `out` is released by whoever reads it.
void give_stream(std::vector<OutputColumn> columns, ArrowArrayStream& out);

}  // namespace sluice
