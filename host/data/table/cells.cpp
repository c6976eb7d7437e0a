#include "data/table/cells.hpp"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/scalar.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice::cells {

void each_chunk_while(const Table::Impl& table, int column,
                      const std::function<bool(const Chunk&)>& visit) {
  std::int64_t row = 0;
  for (std::size_t part = 0; part < table.parts.size(); ++part) {
    std::int64_t part_row = 0;
    bool more = true;
    table.parts[part].table.each_chunk(column, [&](const auto& array) {
      more = visit({*array, part, part_row, row});
      part_row += array->length();
      row += array->length();
      return more;
    });
    if (!more) return;
  }
}

void for_each_chunk(const Table::Impl& table, int column,
                    const std::function<void(const Chunk&)>& visit) {
  each_chunk_while(table, column, [&](const Chunk& chunk) {
    visit(chunk);
    return true;
  });
}

bool is_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return true;
    default:
      return false;
  }
}

std::string_view text_at(const arrow::Array& array, std::int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case arrow::Type::STRING_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(i);
    default:
      return static_cast<const arrow::BinaryArray&>(array).GetView(i);
  }
}

bool is_missing_word(const Table::Impl& table, std::string_view text) {
  const auto& words = table.options.missing;
  return text.empty() || std::find(words.begin(), words.end(), text) != words.end();
}

std::string visible(std::string_view text) {
  arrow::util::InitializeUTF8();
  constexpr std::size_t kShown = 60;
  const bool cut = text.size() > kShown;
  text = text.substr(0, kShown);
  bool utf8 = arrow::util::ValidateUTF8(text);
  // A character that the cut goes through is left out.
  for (std::size_t less = 1; cut && !utf8 && less < 4; ++less) {
    if (!arrow::util::ValidateUTF8(text.substr(0, text.size() - less))) continue;
    text.remove_suffix(less);
    utf8 = true;
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text.substr(i).starts_with("\uFEFF")) {
      out += "\\uFEFF";
      i += 2;
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02X}", byte);
    } else {
      out += text[i];
    }
  }
  return out;
}

namespace {

std::string time_name(Timestamp time) {
  const bool midnight = civil::floor_mod(time, civil::kDay) == 0;
  if (time < civil::kEarliest || time > civil::kLatest) return fmt::format("{}", time);
  return format_time({.unit = midnight ? Unit::day : Unit::minute}, time);
}

std::string real_name(double number) {
  // A column of whole numbers with a missing one arrives as floating point from pandas.
  if (number == std::floor(number) && std::abs(number) < 0x1p53) {
    return fmt::format("{}", static_cast<std::int64_t>(number));
  }
  return fmt::format("{}", number);
}

}  // namespace

std::optional<std::string> name_at(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  if (is_text(*array.type())) return std::string(text_at(array, i));
  switch (array.type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return name_at(*coded.dictionary(), coded.GetValueIndex(i));
    }
    case arrow::Type::INT8:
      return fmt::format("{}", static_cast<const arrow::Int8Array&>(array).Value(i));
    case arrow::Type::INT16:
      return fmt::format("{}", static_cast<const arrow::Int16Array&>(array).Value(i));
    case arrow::Type::INT32:
      return fmt::format("{}", static_cast<const arrow::Int32Array&>(array).Value(i));
    case arrow::Type::INT64:
      return fmt::format("{}", static_cast<const arrow::Int64Array&>(array).Value(i));
    case arrow::Type::UINT8:
      return fmt::format("{}", static_cast<const arrow::UInt8Array&>(array).Value(i));
    case arrow::Type::UINT16:
      return fmt::format("{}", static_cast<const arrow::UInt16Array&>(array).Value(i));
    case arrow::Type::UINT32:
      return fmt::format("{}", static_cast<const arrow::UInt32Array&>(array).Value(i));
    case arrow::Type::UINT64:
      return fmt::format("{}", static_cast<const arrow::UInt64Array&>(array).Value(i));
    case arrow::Type::FLOAT: {
      const float number = static_cast<const arrow::FloatArray&>(array).Value(i);
      return std::isnan(number) ? std::nullopt : std::optional(real_name(number));
    }
    case arrow::Type::DOUBLE: {
      const double number = static_cast<const arrow::DoubleArray&>(array).Value(i);
      return std::isnan(number) ? std::nullopt : std::optional(real_name(number));
    }
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(i) ? "true" : "false";
    case arrow::Type::DATE32:
      return time_name(static_cast<const arrow::Date32Array&>(array).Value(i) * civil::kDay);
    case arrow::Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(i);
    default: {
      const auto scalar = array.GetScalar(i);
      return scalar.ok() ? std::optional((*scalar)->ToString()) : std::nullopt;
    }
  }
}

}  // namespace sluice::cells
