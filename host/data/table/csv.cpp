// CSV by Arrow's multi-threaded reader. Text becomes dictionaries: ids and dates repeat, and all
// later work on them is then work on small integers.
#include <arrow/buffer.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <cstring>

#include "data/table/csv_scan.hpp"
#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// More distinct texts in a block than this are no category, and are kept as plain text.
constexpr std::int32_t kMostDistinct = 1 << 20;

[[noreturn]] void throw_csv_error(const std::filesystem::path& path, char delimiter,
                                  const arrow::Status& status) {
  if (const auto ragged = csv::find_ragged_row(path, delimiter)) {
    throw DataError(fmt::format(
        "{}:{}: {} cells where the header has {} columns; put cells that contain '{}' or a line "
        "end in double quotes, or set data.delimiter",
        path.string(), ragged->line, ragged->cells, ragged->expected, delimiter));
  }
  files::check(status, path, "check that it is a CSV file in UTF-8 (data.format, data.delimiter)");
  throw InternalError("throw_csv_error: called without an error");
}

void check_header(const std::filesystem::path& path, const std::vector<std::string>& names) {
  arrow::util::InitializeUTF8();
  for (const std::string& name : names) {
    if (!arrow::util::ValidateUTF8(name)) {
      throw DataError(
          fmt::format("{}:1: the header is not UTF-8; convert the file (iconv -f gb18030 -t utf-8)",
                      path.string()));
    }
  }
}

bool contains_quote(const arrow::Buffer& buffer) {
  return std::memchr(buffer.data(), '"', static_cast<std::size_t>(buffer.size())) != nullptr;
}

}  // namespace

std::shared_ptr<arrow::Table> read_csv(const std::filesystem::path& path,
                                       const ReadOptions& options, std::int64_t max_rows,
                                       const TextColumns& text_columns) {
  const char delimiter = delimiter_of(path, options);
  const std::vector<std::string> names = csv::header_of(path, delimiter);
  check_header(path, names);

  // Compressed files are read as a stream; others lie in memory (mapped), where a look for quotes
  // costs little and saves the serial search for the ends of quoted rows.
  std::shared_ptr<arrow::Buffer> text;
  if (max_rows > 0) {
    text = arrow::Buffer::FromString(csv::first_rows(path, delimiter, max_rows));
  } else if (files::compression_of(path) == arrow::Compression::UNCOMPRESSED) {
    const auto file = files::open_random(path);
    const auto size = files::value_of(file->GetSize(), path, "check the file");
    text = files::value_of(file->ReadAt(0, size), path, "check the file");
  }

  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = delimiter;
  parse.newlines_in_values = !text || contains_quote(*text);
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = options.missing;
  convert.null_values.emplace_back("");
  convert.strings_can_be_null = true;
  convert.auto_dict_encode = true;
  convert.auto_dict_max_cardinality = kMostDistinct;
  if (text_columns) {
    for (const std::string& name : text_columns(names)) {
      convert.column_types[name] = arrow::dictionary(arrow::int32(), arrow::utf8());
    }
  }
  // A row must fit into a block: wide files get larger ones.
  auto read = arrow::csv::ReadOptions::Defaults();
  for (const std::int32_t block : {1 << 20, 1 << 26, 1 << 30}) {
    read.block_size = block;
    const std::shared_ptr<arrow::io::InputStream> input =
        text ? std::make_shared<arrow::io::BufferReader>(text) : files::open_stream(path);
    const auto reader = files::value_of(
        arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read, parse, convert),
        path, "check the file");
    auto table = reader->Read();
    if (table.ok()) return *table;
    // "Empty block": the header alone is longer than a block.
    const std::string message = table.status().message();
    const bool too_long = message.find("straddling object") != std::string::npos ||
                          message.find("Empty CSV file or block") != std::string::npos;
    if (!too_long || block == 1 << 30) throw_csv_error(path, delimiter, table.status());
  }
  throw InternalError("read_csv: no block size was tried");
}

}  // namespace sluice
