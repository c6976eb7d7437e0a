// Parquet (zstd) and Arrow IPC output through an Arrow table.
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <cmath>

#include "data/table/files.hpp"
#include "data/table/write.hpp"

namespace sluice {
namespace {

constexpr const char* kRemedy = "check the path and the free space of the disk";
namespace fs = std::filesystem;

/// A column without copying its numbers: Arrow borrows the vectors, which outlive the writing.
template <typename ArrowArray, typename T>
std::shared_ptr<arrow::Array> borrowed(const std::vector<T>& values) {
  return std::make_shared<ArrowArray>(static_cast<std::int64_t>(values.size()),
                                      arrow::Buffer::Wrap(values));
}

std::shared_ptr<arrow::Array> text_array(const fs::path& path,
                                         const std::vector<std::string>& text) {
  arrow::StringBuilder builder;
  files::check(builder.AppendValues(text), path, kRemedy);
  return files::value_of(builder.Finish(), path, kRemedy);
}

std::shared_ptr<arrow::Array> array_of(const fs::path& path, const OutputColumn& column) {
  if (!column.codes.empty()) {
    return files::value_of(
        arrow::DictionaryArray::FromArrays(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                           borrowed<arrow::Int32Array>(column.codes),
                                           text_array(path, column.text)),
        path, kRemedy);
  }
  if (!column.numbers.empty()) {
    std::vector<bool> known(column.numbers.size());
    std::transform(column.numbers.begin(), column.numbers.end(), known.begin(),
                   [](double number) { return !std::isnan(number); });
    arrow::DoubleBuilder builder;
    files::check(builder.AppendValues(column.numbers, known), path, kRemedy);
    return files::value_of(builder.Finish(), path, kRemedy);
  }
  if (!column.integers.empty()) return borrowed<arrow::Int64Array>(column.integers);
  if (column.times.empty()) return text_array(path, column.text);
  return std::make_shared<arrow::TimestampArray>(
      arrow::timestamp(arrow::TimeUnit::SECOND, column.time_zone == "Z" ? "UTC" : column.time_zone),
      rows_of(column), arrow::Buffer::Wrap(column.times));
}

std::shared_ptr<arrow::Table> table_of(const fs::path& path,
                                       const std::vector<OutputColumn>& columns) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const OutputColumn& column : columns) {
    arrays.push_back(array_of(path, column));
    fields.push_back(arrow::field(column.name, arrays.back()->type()));
  }
  return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays));
}

}  // namespace

void write_parquet(const fs::path& path, const std::vector<OutputColumn>& columns) {
  const auto out = files::value_of(arrow::io::FileOutputStream::Open(path.string()), path, kRemedy);
  const auto properties =
      parquet::WriterProperties::Builder().compression(arrow::Compression::ZSTD)->build();
  const auto keep_types = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  files::check(parquet::arrow::WriteTable(*table_of(path, columns), arrow::default_memory_pool(),
                                          out, std::int64_t{1} << 20, properties, keep_types),
               path, kRemedy);
  files::check(out->Close(), path, kRemedy);
}

void write_arrow(const fs::path& path, const std::vector<OutputColumn>& columns) {
  const auto out = files::value_of(arrow::io::FileOutputStream::Open(path.string()), path, kRemedy);
  const auto table = table_of(path, columns);
  const auto writer =
      files::value_of(arrow::ipc::MakeFileWriter(out, table->schema()), path, kRemedy);
  files::check(writer->WriteTable(*table, std::int64_t{1} << 20), path, kRemedy);
  files::check(writer->Close(), path, kRemedy);
  files::check(out->Close(), path, kRemedy);
}

}  // namespace sluice
