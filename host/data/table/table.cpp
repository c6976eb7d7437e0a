// Which files, in which format; each is read by its own reader and becomes a part of the table.
#include "sluice/data/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "data/table/csv_scan.hpp"
#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

namespace fs = std::filesystem;

Table::Table(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(Table&&) noexcept = default;
Table::~Table() = default;

std::int64_t Table::rows() const {
  std::int64_t rows = 0;
  for (const TablePart& part : impl_->parts) rows += part.table->num_rows();
  return rows;
}
std::vector<std::string> Table::column_names() const { return impl_->names; }
std::string Table::source() const { return impl_->source; }

TableFormat parse_table_format(std::string_view text) {
  if (text == "auto") return TableFormat::automatic;
  if (text == "csv") return TableFormat::csv;
  if (text == "parquet") return TableFormat::parquet;
  if (text == "arrow") return TableFormat::arrow;
  if (text == "tsf") return TableFormat::tsf;
  throw ConfigError(
      fmt::format("data.format: unknown format '{}'; use auto, csv, parquet, arrow or tsf", text));
}

namespace {

struct Input {
  fs::path path;
  TableFormat format;
};

void add_directory(const fs::path& directory, TableFormat format, std::vector<Input>& inputs) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!entry->is_regular_file() || name.starts_with('.') || name.starts_with('_')) continue;
    if (format == TableFormat::automatic && format_by_name(entry->path()) == format) continue;
    paths.push_back(entry->path());
  }
  if (error) {
    throw DataError(fmt::format("{}: cannot list the directory ({}); check that it may be read",
                                directory.string(), error.message()));
  }
  if (paths.empty()) {
    throw DataError(fmt::format(
        "{}: no .csv, .parquet, .arrow, .feather or .tsf file in this directory; give the files "
        "themselves, or set data.format",
        directory.string()));
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    inputs.push_back({path, format == TableFormat::automatic ? format_by_name(path) : format});
  }
}

/// Renaming would not help these.
void refuse_workbook(const fs::path& path) {
  const std::string extension = path.extension().string();
  for (const char* workbook : {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}) {
    if (extension != workbook) continue;
    throw DataError(fmt::format(
        "{}: a workbook cannot be read; save its sheet as CSV (\"CSV UTF-8\") and give that file",
        path.string()));
  }
}

std::vector<Input> list_inputs(const ReadOptions& options) {
  if (options.paths.empty()) throw DataError("no data file is given; set path.data");
  std::vector<Input> inputs;
  for (const fs::path& path : options.paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      add_directory(path, options.format, inputs);
      continue;
    }
    Input input{path, options.format};
    if (input.format == TableFormat::automatic) input.format = format_by_name(path);
    if (input.format == TableFormat::automatic && fs::exists(path, error)) {
      refuse_workbook(path);
      throw DataError(fmt::format(
          "{}: the extension '{}' names no format; rename the file (.csv, .parquet, .arrow, "
          ".feather, .tsf, each also with .gz or .zst) or set data.format",
          path.string(), files::without_compression(path).extension().string()));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::string source_of(const ReadOptions& options, std::size_t files) {
  std::error_code error;
  const std::string first = options.paths.front().string();
  if (options.paths.size() > 1) {
    return fmt::format("{} and {} more", first, options.paths.size() - 1);
  }
  if (!fs::is_directory(options.paths.front(), error)) return first;
  return fmt::format("{} ({} {})", first, files, files == 1 ? "file" : "files");
}

void add_part(Table::Impl& table, const Input& input, std::int64_t max_rows,
              const TextColumns& text_columns) {
  TablePart part{nullptr, input.path, input.format, {}};
  switch (input.format) {
    case TableFormat::csv:
      read_csv(table, part, max_rows, text_columns);
      break;
    case TableFormat::parquet:
      part.table = read_parquet(table, input.path, max_rows);
      break;
    case TableFormat::arrow:
      part.table = read_arrow(table, input.path, max_rows);
      break;
    case TableFormat::tsf: {
      const auto before = table.tsf_frequency;
      part.table = read_tsf(table, input.path, max_rows, table.tsf_frequency);
      if (before && before != table.tsf_frequency) {
        throw DataError(
            fmt::format("{}: its @frequency is {}, that of the files before it {}; "
                        "read files of one frequency at a time",
                        input.path.string(), *table.tsf_frequency, *before));
      }
      break;
    }
    case TableFormat::automatic:
      // Only a missing file has no format by now.
      Source(input.path, table.options.max_bytes);
      throw InternalError("read_table: a file without a format");
  }
  const std::vector<std::string> names = part.table->schema()->field_names();
  if (names.empty()) {
    throw DataError(fmt::format("{}: the file has no columns; write it again with a header",
                                input.path.string()));
  }
  if (table.parts.empty()) {
    table.names = names;
  } else if (names != table.names) {
    throw DataError(fmt::format(
        "{}: its columns are {}; those of {} are {}; files read together must have the same ones "
        "in the same order",
        input.path.string(), fmt::join(names, ", "), table.parts.front().path.string(),
        fmt::join(table.names, ", ")));
  }
  table.parts.push_back(std::move(part));
}

/// The pool that gives out `budget` bytes at most. It outlives every table: Arrow's threads may
/// still let go of a block when the table it was read for is gone.
arrow::MemoryPool* pool_of(std::int64_t budget) {
  using Pools = std::map<std::int64_t, std::unique_ptr<arrow::MemoryPool>>;
  static std::mutex mutex;
  static Pools& pools = *std::make_unique<Pools>().release();
  const std::lock_guard lock(mutex);
  auto& pool = pools[budget];
  if (!pool) {
    pool = std::make_unique<arrow::CappedMemoryPool>(arrow::default_memory_pool(), budget);
  }
  return pool.get();
}

}  // namespace

Table read_table_as(const ReadOptions& options, const TextColumns& text_columns) {
  const std::vector<Input> inputs = list_inputs(options);
  auto table = std::make_unique<Table::Impl>();
  table->options = options;
  table->source = source_of(options, inputs.size());
  table->pool = pool_of(Source::budget_of(options.max_bytes));
  std::int64_t rows = 0;
  for (const Input& input : inputs) {
    if (options.max_rows > 0 && rows >= options.max_rows) break;
    try {
      add_part(*table, input, options.max_rows > 0 ? options.max_rows - rows : 0, text_columns);
    } catch (const std::bad_alloc&) {
      throw DataError(fmt::format("{}: not enough memory to read it; {}", input.path.string(),
                                  files::kMemoryRemedy));
    }
    rows += table->parts.back().table->num_rows();
  }
  return Table(std::move(table));
}

Table read_table(const ReadOptions& options) { return read_table_as(options, {}); }

std::string place_of(const Table::Impl& table, std::size_t part, std::int64_t row,
                     std::string_view column) {
  const TablePart& file = table.parts[part];
  if (file.format == TableFormat::csv || file.format == TableFormat::tsf) {
    const std::int64_t line = file.format == TableFormat::csv
                                  ? csv::line_of_row(csv::Text(file.path, file.form), row)
                                  : tsf_line_of_row(file.path, row);
    return column.empty() ? fmt::format("{}:{}", file.path.string(), line)
                          : fmt::format("{}:{}:{}", file.path.string(), line, column);
  }
  return column.empty() ? fmt::format("{}: row {}", file.path.string(), row)
                        : fmt::format("{}: row {}: column '{}'", file.path.string(), row, column);
}

}  // namespace sluice
