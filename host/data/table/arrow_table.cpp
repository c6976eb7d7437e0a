#include "data/table/arrow_table.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/buffer.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "data/table/files.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::shared_ptr<arrow::Buffer> buffer_of(const std::vector<T>& values) {
  return arrow::Buffer::Wrap(values);
}
template <typename T>
std::shared_ptr<arrow::Buffer> buffer_of(std::vector<T>&& values) {
  return arrow::Buffer::FromVector(std::move(values));
}

template <typename ArrowArray, typename Values>
std::shared_ptr<arrow::Array> plain_array(Values&& values) {
  const auto rows = static_cast<std::int64_t>(values.size());
  return std::make_shared<ArrowArray>(rows, buffer_of(std::forward<Values>(values)));
}

std::shared_ptr<arrow::Array> text_array(const fs::path& path,
                                         const std::vector<std::string>& text) {
  arrow::StringBuilder builder;
  files::check(builder.AppendValues(text), path, files::kMemoryRemedy);
  return files::value_of(builder.Finish(), path, files::kMemoryRemedy);
}

/// NaN as null; the numbers stay where they are.
template <typename Numbers>
std::shared_ptr<arrow::Array> number_array(const fs::path& path, Numbers&& numbers) {
  const auto rows = static_cast<std::int64_t>(numbers.size());
  std::int64_t nulls = 0;
#pragma omp simd reduction(+ : nulls)
  for (std::int64_t i = 0; i < rows; ++i) {
    nulls += std::isnan(numbers[static_cast<std::size_t>(i)]) ? 1 : 0;
  }
  std::shared_ptr<arrow::Buffer> known;
  if (nulls > 0) {
    known = files::value_of(arrow::AllocateEmptyBitmap(rows), path, files::kMemoryRemedy);
    for (std::int64_t i = 0; i < rows; ++i) {
      arrow::bit_util::SetBitTo(known->mutable_data(), i,
                                !std::isnan(numbers[static_cast<std::size_t>(i)]));
    }
  }
  return std::make_shared<arrow::DoubleArray>(rows, buffer_of(std::forward<Numbers>(numbers)),
                                              std::move(known), nulls);
}

/// `Column`: const OutputColumn& (borrowed) or OutputColumn (taken).
template <typename Column>
std::shared_ptr<arrow::Array> array_of(const fs::path& path, Column&& column) {
  if (!column.codes.empty()) {
    return files::value_of(arrow::DictionaryArray::FromArrays(
                               arrow::dictionary(arrow::int32(), arrow::utf8()),
                               plain_array<arrow::Int32Array>(std::forward<Column>(column).codes),
                               text_array(path, column.text)),
                           path, files::kMemoryRemedy);
  }
  if (!column.numbers.empty()) return number_array(path, std::forward<Column>(column).numbers);
  if (!column.integers.empty()) {
    return plain_array<arrow::Int64Array>(std::forward<Column>(column).integers);
  }
  if (column.times.empty()) return text_array(path, column.text);
  const auto type =
      arrow::timestamp(arrow::TimeUnit::SECOND, column.time_zone == "Z" ? "UTC" : column.time_zone);
  const auto rows = static_cast<std::int64_t>(column.times.size());
  return std::make_shared<arrow::TimestampArray>(type, rows,
                                                 buffer_of(std::forward<Column>(column).times));
}

template <typename Columns>
std::shared_ptr<arrow::Table> table_of(Columns& columns, const fs::path& path) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (auto& column : columns) {
    if constexpr (std::is_const_v<Columns>) {
      arrays.push_back(array_of(path, column));
    } else {
      arrays.push_back(array_of(path, std::move(column)));
    }
    fields.push_back(arrow::field(column.name, arrays.back()->type()));
  }
  return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays));
}

}  // namespace

std::shared_ptr<arrow::Table> arrow_table(const std::vector<OutputColumn>& columns,
                                          const fs::path& path) {
  return table_of(columns, path);
}

std::shared_ptr<arrow::Table> arrow_table(std::vector<OutputColumn>&& columns,
                                          const fs::path& path) {
  return table_of(columns, path);
}

}  // namespace sluice
