// Which files, in which format; each is read by its own reader and becomes a part of the table.
#include "sluice/data/table.hpp"

#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "data/table/csv/scan.hpp"
#include "data/table/files.hpp"
#include "data/table/glob.hpp"
#include "data/table/impl.hpp"
#include "data/table/inputs.hpp"
#include "data/table/source.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

namespace fs = std::filesystem;

Table::Table(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(Table&&) noexcept = default;
// A catalogue is made of large tables, beside which there is little time: Arrow's allocator keeps
// what it was given back, hundreds of megabytes of them.
Table::~Table() {
  constexpr std::int64_t kLarge = 1'000'000;
  if (!impl_) return;
  const bool is_large = rows() >= kLarge;
  impl_.reset();
  if (is_large) arrow::default_memory_pool()->ReleaseUnused();
}

std::int64_t Table::rows() const {
  std::int64_t rows = 0;
  for (const TablePart& part : impl_->parts) rows += part.table.num_rows();
  return rows;
}
std::vector<std::string> Table::column_names() const { return impl_->names; }
std::string Table::source() const { return impl_->source; }

namespace {

constexpr std::pair<std::string_view, TableFormat> kFormats[] = {{"auto", TableFormat::automatic},
                                                                 {"csv", TableFormat::csv},
                                                                 {"parquet", TableFormat::parquet},
                                                                 {"arrow", TableFormat::arrow},
                                                                 {"tsf", TableFormat::tsf}};

}  // namespace

TableFormat parse_table_format(std::string_view text) {
  for (const auto& [word, format] : kFormats) {
    if (text == word) return format;
  }
  throw ConfigError(
      fmt::format("data.format: unknown format '{}'; use auto, csv, parquet, arrow or tsf", text));
}

namespace {

std::string source_of(const ReadOptions& options, std::size_t files) {
  std::error_code error;
  const std::string first = options.paths.front().string();
  if (options.paths.size() > 1) {
    return fmt::format("{} and {} more", first, options.paths.size() - 1);
  }
  const bool many = fs::is_directory(options.paths.front(), error) || is_pattern(first);
  if (!many || options.memory.contains(first)) return first;
  return fmt::format("{} ({} {})", first, files, files == 1 ? "file" : "files");
}

/// The table with a column of text for each folder above the file that is named COLUMN=VALUE.
PartTable with_partitions(PartTable table, const inputs::Input& input) {
  for (const inputs::Partition& partition : input.partitions) {
    if (table.schema()->GetFieldIndex(partition.column) >= 0) continue;
    const std::string* word = partition.value ? &*partition.value : nullptr;
    const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
    table = table.with_column(table.num_columns(), arrow::field(partition.column, type),
                              constant_cells(word, table.num_rows(), input.path));
  }
  return table;
}

void add_part(Table::Impl& table, const inputs::Input& input, std::int64_t max_rows,
              const TextColumns& text_columns) {
  TablePart part{{}, input.path, input.format, {}, {}};
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
      part.table =
          PartTable(read_tsf(table, input.path, max_rows, table.tsf_frequency, table.tsf_horizon));
      if (before && before != table.tsf_frequency) {
        throw DataError(
            fmt::format("{}: its @frequency is {}, that of the files before it {}; "
                        "read files of one frequency at a time",
                        input.path.string(), *table.tsf_frequency, *before));
      }
      break;
    }
    case TableFormat::memory: {
      const auto& given = table.options.memory.at(input.path.string())->impl().parts.front().table;
      part.table = max_rows > 0 ? given.first(max_rows) : given;
      break;
    }
    case TableFormat::automatic:
      // Only a missing file has no format by now.
      Source(input.path, table.options.max_bytes);
      throw InternalError("read_table: a file without a format");
  }
  part.table = with_partitions(std::move(part.table), input);
  const std::vector<std::string> names = part.table.schema()->field_names();
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

/// What to add to a failure to read a file in a format that was given, and is another one than its
/// name has; empty: it is not.
std::string format_remedy(const inputs::Input& input, TableFormat given) {
  const TableFormat named = format_by_name(input.path);
  if (given == TableFormat::automatic || named == TableFormat::automatic || named == given) {
    return {};
  }
  const auto* word = std::ranges::find(kFormats, given, [](const auto& one) { return one.second; });
  if (word == std::end(kFormats)) return {};
  return fmt::format(
      "; it was read as data.format = \"{}\" says: set that to \"auto\" if its name is right",
      word->first);
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
  auto table = std::make_unique<Table::Impl>();
  const std::vector<inputs::Input> files = inputs::list(options, table->remarks);
  table->options = options;
  table->source = source_of(options, files.size());
  table->kept = std::make_shared<KeptBytes>(options.kept_bytes);
  table->pool = pool_of(Source::budget_of(options.max_bytes));
  std::int64_t rows = 0;
  for (const inputs::Input& input : files) {
    if (options.max_rows > 0 && rows >= options.max_rows) break;
    try {
      add_part(*table, input, options.max_rows > 0 ? options.max_rows - rows : 0, text_columns);
    } catch (const std::bad_alloc&) {
      throw DataError(fmt::format("{}: not enough memory to read it; {}", input.path.string(),
                                  files::kMemoryRemedy));
    } catch (const DataError& error) {
      const std::string remedy = format_remedy(input, options.format);
      if (remedy.empty()) throw;
      throw DataError(error.what() + remedy);
    }
    rows += table->parts.back().table.num_rows();
  }
  return Table(std::move(table));
}

Table read_table(const ReadOptions& options) { return read_table_as(options, {}); }

std::string place_of(const Table::Impl& table, std::size_t part, std::int64_t row,
                     std::string_view column) {
  const TablePart& file = table.parts[part];
  if (file.format == TableFormat::csv || file.format == TableFormat::tsf) {
    const std::int64_t line =
        file.format == TableFormat::csv
            ? csv::line_of_row(csv::Text(file.path, file.form), file.file_row(row))
            : tsf_line_of_row(file.path, row);
    return column.empty() ? fmt::format("{}:{}", file.path.string(), line)
                          : fmt::format("{}:{}:{}", file.path.string(), line, column);
  }
  return column.empty() ? fmt::format("{}: row {}", file.path.string(), row)
                        : fmt::format("{}: row {}: column '{}'", file.path.string(), row, column);
}

}  // namespace sluice
