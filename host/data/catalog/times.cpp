// Time columns: dates in every type they come in, plain integers, and integers that are dates.
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "data/catalog/columns.hpp"
#include "data/catalog/values.hpp"
#include "data/table/cells.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using cells::Chunk;

/// Integers stay far from the ends of 64 bits, so that no later sum can overflow.
constexpr std::int64_t kLargestInteger = std::int64_t{1} << 53;

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

enum class Kind { none, date, integer };

class TimeReader {
 public:
  TimeReader(const Table::Impl& table, int column) : table_(table), column_(column) {}

  void read(const Chunk& chunk) {
    const arrow::Array& array = chunk.array;
    switch (array.type_id()) {
      case arrow::Type::DATE32:
        return each<arrow::Date32Array>(chunk, Kind::date,
                                        [](std::int64_t day) { return day * civil::kDay; });
      case arrow::Type::DATE64:
        return each<arrow::Date64Array>(chunk, Kind::date,
                                        [](std::int64_t ms) { return civil::floor_div(ms, 1000); });
      case arrow::Type::TIMESTAMP:
        return timestamps(chunk);
      case arrow::Type::INT8:
        return each<arrow::Int8Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::INT16:
        return each<arrow::Int16Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::INT32:
        return each<arrow::Int32Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::INT64:
        return each<arrow::Int64Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::UINT8:
        return each<arrow::UInt8Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::UINT16:
        return each<arrow::UInt16Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::UINT32:
        return each<arrow::UInt32Array>(chunk, Kind::integer, std::identity());
      case arrow::Type::DICTIONARY:
        return dictionary(chunk);
      default:
        break;
    }
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      const auto name = cells::name_at(array, i);
      if (!name) wrong(chunk, i, array.type()->ToString());
      append(chunk, i, parsed(chunk, i, *name));
    }
  }

  Times take() {
    times_.integers = kind_ == Kind::integer;
    if (times_.integers) dates_from_digits();
    return std::move(times_);
  }
  void reserve(std::int64_t rows) { times_.values.reserve(static_cast<std::size_t>(rows)); }

 private:
  struct Parsed {
    Timestamp time;
    Kind kind;
  };

  void append(const Chunk& chunk, std::int64_t i, Parsed parsed) {
    if (kind_ == Kind::none) kind_ = parsed.kind;
    if (kind_ != parsed.kind) {
      throw DataError(
          fmt::format("{}: {} where the rows above have {}; write all times of the column alike",
                      place_of_row(table_, chunk.row + i, column_),
                      parsed.kind == Kind::date ? "a date" : "a plain integer",
                      parsed.kind == Kind::date ? "plain integers" : "dates"));
    }
    const bool within = kind_ == Kind::date
                            ? parsed.time >= civil::kEarliest && parsed.time <= civil::kLatest
                            : parsed.time >= -kLargestInteger && parsed.time <= kLargestInteger;
    if (!within) {
      throw DataError(fmt::format(
          "{}: the time {} is out of range (dates: years 1 to 9999; integers: up to 2^53); correct "
          "the cell",
          place_of_row(table_, chunk.row + i, column_), parsed.time));
    }
    times_.values.push_back(parsed.time);
  }

  template <typename Array, typename Convert>
  void each(const Chunk& chunk, Kind kind, Convert convert) {
    const auto& array = static_cast<const Array&>(chunk.array);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      append(chunk, i, {convert(static_cast<std::int64_t>(array.Value(i))), kind});
    }
  }

  void timestamps(const Chunk& chunk) {
    const auto& type = static_cast<const arrow::TimestampType&>(*chunk.array.type());
    std::int64_t per_second = 1;
    for (auto unit = static_cast<int>(type.unit()); unit > 0; --unit) per_second *= 1000;
    const auto& array = static_cast<const arrow::TimestampArray&>(chunk.array);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      if (array.Value(i) % per_second != 0) {
        throw DataError(
            fmt::format("{}: the time has a fraction of a second; round it to whole seconds",
                        place_of_row(table_, chunk.row + i, column_)));
      }
      append(chunk, i, {array.Value(i) / per_second, Kind::date});
    }
  }

  Parsed parsed(const Chunk& chunk, std::int64_t i, std::string_view text) const {
    if (cells::is_missing_word(table_, text)) missing(chunk, i);
    if (const auto time = parse_time(text)) return {*time, Kind::date};
    if (const auto integer = parse_integer(text)) return {*integer, Kind::integer};
    wrong(chunk, i, text);
  }

  void dictionary(const Chunk& chunk) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk.array);
    const auto& words = *coded.dictionary();
    std::vector<std::optional<Parsed>> known(static_cast<std::size_t>(words.length()));
    for (std::int64_t i = 0; i < coded.length(); ++i) {
      if (coded.IsNull(i)) missing(chunk, i);
      const std::int64_t w = coded.GetValueIndex(i);
      auto& entry = known[static_cast<std::size_t>(w)];
      if (!entry) {
        const auto name = cells::name_at(words, w);
        if (!name) missing(chunk, i);
        entry = parsed(chunk, i, *name);
      }
      append(chunk, i, *entry);
    }
  }

  /// 20220131: integers all of which are dates between 1800 and 2199.
  void dates_from_digits() {
    const auto as_date = [](Timestamp value) -> std::optional<Timestamp> {
      if (value < 18000101 || value > 21991231) return std::nullopt;
      return parse_time(fmt::format("{}", value));
    };
    std::vector<Timestamp> dates;
    dates.reserve(times_.values.size());
    for (const Timestamp value : times_.values) {
      const auto date = as_date(value);
      if (!date) return;
      dates.push_back(*date);
    }
    if (dates.empty()) return;
    times_.values = std::move(dates);
    times_.integers = false;
  }

  [[noreturn]] void missing(const Chunk& chunk, std::int64_t i) const {
    throw DataError(fmt::format("{}: the time is missing; fill the cell or remove the row",
                                place_of_row(table_, chunk.row + i, column_)));
  }
  [[noreturn]] void wrong(const Chunk& chunk, std::int64_t i, std::string_view text) const {
    throw DataError(fmt::format(
        "{}: '{}' is not a time; write 2022-01-31, 2022/1/31, 20220131, 2022-01, 2022-01-31 13:15 "
        "or a plain integer, or choose another column by data.time",
        place_of_row(table_, chunk.row + i, column_), text.substr(0, 60)));
  }

  const Table::Impl& table_;
  int column_;
  Times times_;
  Kind kind_ = Kind::none;
};

}  // namespace

Times read_times(const Table::Impl& table, int column) {
  TimeReader reader(table, column);
  std::int64_t rows = 0;
  for (const TablePart& part : table.parts) rows += part.table->num_rows();
  reader.reserve(rows);
  cells::for_each_chunk(table, column, [&](const Chunk& chunk) { reader.read(chunk); });
  return reader.take();
}

}  // namespace sluice
