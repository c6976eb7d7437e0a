#include "data/catalog/values.hpp"

#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/util/float16.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/text.hpp"
#include "data/catalog/columns.hpp"
#include "data/table/cells.hpp"
#include "data/table/numerals.hpp"
#include "data/table/text_numbers.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

using cells::Chunk;

std::string place_of_row(const Table::Impl& table, std::int64_t row, int column) {
  for (std::size_t part = 0; part < table.parts.size(); ++part) {
    const std::int64_t rows = table.parts[part].table.num_rows();
    if (row < rows) {
      return place_of(table, part, row,
                      column < 0 ? "" : table.names[static_cast<std::size_t>(column)]);
    }
    row -= rows;
  }
  throw InternalError("place_of_row: no such row");
}
std::string place_of_row(const Table::Impl& table, std::int64_t row) {
  return place_of_row(table, row, -1);
}

std::optional<double> parse_number(std::string_view text) { return numerals::read_plain(text); }

namespace {

constexpr std::int64_t kBlock = 1 << 13;

/// A number in a machine's form, or in the one that data.decimal names.
std::optional<double> parse_number(const Table::Impl& table, std::string_view text) {
  if (table.options.decimal == '\0') return numerals::read_plain(text);
  const auto reading = numerals::read(text, table.options.decimal);
  // Signs need the whole column's agreement, which CSV files are read with.
  if (!reading || reading->percent || !reading->currency.empty()) return std::nullopt;
  return reading->value;
}

/// Reads one chunk; knows where its cells lie, for messages. Number: float or double.
template <typename Number>
class NumberReader {
 public:
  using Take = std::function<void(std::int64_t row, std::span<const Number>)>;
  /// `cells_in_one_row`: a chunk is a list, all of whose numbers lie in the list's row.
  NumberReader(const Table::Impl& table, int column, const Take& take,
               bool cells_in_one_row = false)
      : table_(table), column_(column), take_(take), cells_in_one_row_(cells_in_one_row) {}

  void read(const Chunk& chunk) {
    const arrow::Array& array = chunk.array;
    check_decimal(chunk);
    switch (array.type_id()) {
      case arrow::Type::NA:
        return blocks(chunk, [](std::int64_t) { return std::nan(""); });
      case arrow::Type::BOOL:
        return plain<arrow::BooleanArray>(chunk);
      case arrow::Type::INT8:
        return plain<arrow::Int8Array>(chunk);
      case arrow::Type::INT16:
        return plain<arrow::Int16Array>(chunk);
      case arrow::Type::INT32:
        return plain<arrow::Int32Array>(chunk);
      case arrow::Type::INT64:
        return plain<arrow::Int64Array>(chunk);
      case arrow::Type::UINT8:
        return plain<arrow::UInt8Array>(chunk);
      case arrow::Type::UINT16:
        return plain<arrow::UInt16Array>(chunk);
      case arrow::Type::UINT32:
        return plain<arrow::UInt32Array>(chunk);
      case arrow::Type::UINT64:
        return plain<arrow::UInt64Array>(chunk);
      case arrow::Type::FLOAT:
        return plain<arrow::FloatArray>(chunk);
      case arrow::Type::DOUBLE:
        return plain<arrow::DoubleArray>(chunk);
      case arrow::Type::HALF_FLOAT: {
        const auto& halves = static_cast<const arrow::HalfFloatArray&>(array);
        return present(chunk, [&](std::int64_t i) {
          return static_cast<double>(arrow::util::Float16::FromBits(halves.Value(i)).ToFloat());
        });
      }
      case arrow::Type::DECIMAL128: {
        const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
        return present(
            chunk, [&](std::int64_t i) { return number_of(chunk, i, decimals.FormatValue(i)); });
      }
      case arrow::Type::DICTIONARY:
        return dictionary(chunk);
      default:
        break;
    }
    if (!cells::is_text(*array.type())) {
      throw DataError(fmt::format("{}: a cell of type {} is not a number; choose another column",
                                  place_of_row(table_, chunk.row, column_),
                                  array.type()->ToString()));
    }
    present(chunk, [&](std::int64_t i) { return number_of(chunk, i, cells::text_at(array, i)); });
  }

 private:
  /// A column of a CSV file is still text where its words cannot be read together, each of which
  /// may look like a number all the same ("1.200" in a file with decimal commas).
  void check_decimal(const Chunk& chunk) {
    const TablePart& part = table_.parts[chunk.part];
    if (part.format != TableFormat::csv || chunk.part_row != 0 || chunk.array.length() == 0) return;
    const auto evidence =
        text_numbers::evidence_of(part.table, column_, table_.options.missing);
    if (!evidence) return;
    const std::string reason = evidence->contradiction(table_.options.decimal);
    if (!reason.empty()) {
      throw DataError(fmt::format(
          "{}: {}", place_of_row(table_, first_of(chunk, evidence->first()), column_), reason));
    }
  }
  /// The row of the first cell with this word.
  std::int64_t first_of(const Chunk& chunk, std::string_view word) const {
    std::int64_t row = chunk.row;
    const auto column = table_.parts[chunk.part].table.column(column_);
    for (const auto& array : column->chunks()) {
      for (std::int64_t i = 0; i < array->length(); ++i, ++row) {
        if (cells::name_at(*array, i) == word) return row;
      }
    }
    return chunk.row;
  }

  /// Calls value(i) for each cell and hands on blocks of them.
  template <typename Value>
  void blocks(const Chunk& chunk, Value value) {
    Number block[kBlock];
    const std::int64_t length = chunk.array.length();
    for (std::int64_t begin = 0; begin < length; begin += kBlock) {
      const std::int64_t count = std::min(kBlock, length - begin);
      double largest = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const double number = value(begin + i);
        block[i] = static_cast<Number>(number);
        largest = std::max(largest, std::isnan(number) ? 0 : std::abs(number));
      }
      if (largest > std::numeric_limits<float>::max()) too_large(chunk, begin, count, value);
      take_(chunk.row + begin, {block, static_cast<std::size_t>(count)});
    }
  }
  /// The same with missing cells left out of `value`.
  template <typename Value>
  void present(const Chunk& chunk, Value value) {
    if (chunk.array.null_count() == 0) return blocks(chunk, value);
    blocks(chunk, [&](std::int64_t i) { return chunk.array.IsNull(i) ? std::nan("") : value(i); });
  }
  template <typename Array>
  void plain(const Chunk& chunk) {
    const auto& array = static_cast<const Array&>(chunk.array);
    present(chunk, [&](std::int64_t i) { return static_cast<double>(array.Value(i)); });
  }

  void dictionary(const Chunk& chunk) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk.array);
    const auto& words = *coded.dictionary();
    if (!cells::is_text(*words.type())) {
      throw DataError(
          fmt::format("{}: a category of type {} is not a number; choose another column",
                      place_of_row(table_, chunk.row, column_), words.type()->ToString()));
    }
    std::vector<double> numbers(static_cast<std::size_t>(words.length()), std::nan(""));
    std::vector<char> wrong(numbers.size(), 0);
    for (std::size_t w = 0; w < numbers.size(); ++w) {
      const auto i = static_cast<std::int64_t>(w);
      if (words.IsNull(i) ||
          text_numbers::is_missing(table_.options.missing, cells::text_at(words, i))) {
        continue;
      }
      const auto number = parse_number(table_, cells::text_at(words, i));
      wrong[w] = !number;
      numbers[w] = number.value_or(0);
    }
    present(chunk, [&](std::int64_t i) {
      const auto w = static_cast<std::size_t>(coded.GetValueIndex(i));
      if (wrong[w] != 0)
        not_a_number(chunk, i, cells::text_at(words, static_cast<std::int64_t>(w)));
      return numbers[w];
    });
  }

  std::string place(const Chunk& chunk, std::int64_t i) const {
    return place_of_row(table_, chunk.row + (cells_in_one_row_ ? 0 : i), column_);
  }

  double number_of(const Chunk& chunk, std::int64_t i, std::string_view text) const {
    if (text_numbers::is_missing(table_.options.missing, text)) return std::nan("");
    const auto number = parse_number(table_, text);
    if (!number) not_a_number(chunk, i, text);
    return *number;
  }

  /// `text` of cell `i` is not in a machine's form. Where all words of the column are numbers, what
  /// is said is why they cannot be read together; else which cell is none.
  [[noreturn]] void not_a_number(const Chunk& chunk, std::int64_t i, std::string_view text) const {
    numerals::Evidence evidence;
    std::string word(text);
    std::int64_t row = chunk.row + (cells_in_one_row_ ? 0 : i);
    bool all_numbers = !cells_in_one_row_;
    if (all_numbers) {
      cells::for_each_chunk(table_, column_, [&](const Chunk& part) {
        for (std::int64_t k = 0; all_numbers && k < part.array.length(); ++k) {
          const auto name = cells::name_at(part.array, k);
          if (!name || text_numbers::is_missing(table_.options.missing, *name)) continue;
          if (evidence.add(*name)) continue;
          all_numbers = false;
          word = *name;
          row = part.row + k;
        }
      });
    }
    const char decimal = table_.options.decimal;
    const std::string reason = all_numbers ? evidence.contradiction(decimal) : "";
    const std::string place = place_of_row(table_, row, column_);
    if (!reason.empty()) throw DataError(fmt::format("{}: {}", place, reason));
    if (all_numbers && decimal != '\0') {
      throw DataError(
          fmt::format("{}: '{}' is not a number with the decimal sign '{}'; correct the "
                      "cell, or data.decimal",
                      place, cells::visible(word), decimal));
    }
    if (all_numbers) {
      throw DataError(fmt::format(
          "{}: '{}' is not a number as machines write it; write 1234.5, or set data.decimal", place,
          cells::visible(word)));
    }
    throw DataError(
        fmt::format("{}: '{}' is not a number; correct the cell, or add the word to data.missing "
                    "if it means no value{}",
                    place, cells::visible(word), missing_flag(word)));
  }

  /// ": --data.missing 'NA,abc'" for a word that may mean "no value": the list replaces what it
  /// was.
  std::string missing_flag(const std::string& word) const {
    constexpr std::size_t kLongest = 12;
    if (word.size() > kLongest || word.find_first_of(",'\"") != std::string::npos ||
        cells::visible(word) != word) {
      return {};
    }
    std::vector<std::string> words = table_.options.missing;
    words.push_back(word);
    return ": --data.missing " + shell_quoted(fmt::format("{}", fmt::join(words, ",")));
  }

  template <typename Value>
  [[noreturn]] void too_large(const Chunk& chunk, std::int64_t begin, std::int64_t count,
                              Value value) const {
    for (std::int64_t i = begin; i < begin + count; ++i) {
      const double number = value(i);
      if (!(std::abs(number) > std::numeric_limits<float>::max())) continue;
      throw DataError(fmt::format(
          "{}: {} is infinite or too large (beyond 3.4e38); correct the cell or leave it empty",
          place(chunk, i), number));
    }
    throw InternalError("read_numbers: a too large number got lost");
  }

  const Table::Impl& table_;
  int column_;
  const Take& take_;
  bool cells_in_one_row_;
};

}  // namespace

void read_numbers(const Table::Impl& table, int column,
                  const std::function<void(std::int64_t, std::span<const float>)>& take) {
  NumberReader<float> reader(table, column, take);
  cells::for_each_chunk(table, column, [&](const Chunk& chunk) { reader.read(chunk); });
}

void read_exact(const Table::Impl& table, int column,
                const std::function<void(std::int64_t, std::span<const double>)>& take) {
  NumberReader<double> reader(table, column, take);
  cells::for_each_chunk(table, column, [&](const Chunk& chunk) { reader.read(chunk); });
}

std::vector<float> read_numbers(const Table::Impl& table, int column) {
  std::vector<float> numbers;
  read_numbers(table, column, [&](std::int64_t, std::span<const float> block) {
    numbers.insert(numbers.end(), block.begin(), block.end());
  });
  return numbers;
}

bool is_list(const Table::Impl& table, int column) {
  const arrow::DataType& type = table.parts.front().table.type(column);
  if (type.id() != arrow::Type::LIST && type.id() != arrow::Type::LARGE_LIST) return false;
  const auto item = static_cast<const arrow::BaseListType&>(type).value_type()->id();
  return arrow::is_numeric(item) || arrow::is_decimal(item) || item == arrow::Type::NA;
}

namespace {

template <typename ListArray, typename Number>
void read_list_chunk(const Table::Impl& table, int column, const Chunk& chunk,
                     const std::function<void(std::int64_t, std::span<const Number>)>& take) {
  const auto& lists = static_cast<const ListArray&>(chunk.array);
  std::vector<Number> numbers;
  const typename NumberReader<Number>::Take collect = [&](std::int64_t,
                                                          std::span<const Number> block) {
    numbers.insert(numbers.end(), block.begin(), block.end());
  };
  NumberReader<Number> reader(table, column, collect, true);
  for (std::int64_t i = 0; i < lists.length(); ++i) {
    numbers.clear();
    if (!lists.IsNull(i)) {
      const auto values = lists.value_slice(i);
      reader.read({*values, chunk.part, chunk.part_row + i, chunk.row + i});
    }
    take(chunk.row + i, numbers);
  }
}

template <typename Number>
void read_lists_as(const Table::Impl& table, int column,
                   const std::function<void(std::int64_t, std::span<const Number>)>& take) {
  cells::for_each_chunk(table, column, [&](const Chunk& chunk) {
    if (chunk.array.type_id() == arrow::Type::LIST) {
      read_list_chunk<arrow::ListArray, Number>(table, column, chunk, take);
    } else if (chunk.array.type_id() == arrow::Type::LARGE_LIST) {
      read_list_chunk<arrow::LargeListArray, Number>(table, column, chunk, take);
    } else {
      throw DataError(
          fmt::format("{}: a cell of type {} where the other files have lists; write "
                      "the files alike",
                      place_of_row(table, chunk.row, column), chunk.array.type()->ToString()));
    }
  });
}

}  // namespace

void read_lists(const Table::Impl& table, int column,
                const std::function<void(std::int64_t, std::span<const float>)>& take) {
  read_lists_as<float>(table, column, take);
}

void read_exact_lists(const Table::Impl& table, int column,
                      const std::function<void(std::int64_t, std::span<const double>)>& take) {
  read_lists_as<double>(table, column, take);
}

bool is_numeric(const Table::Impl& table, int column) {
  return std::all_of(table.parts.begin(), table.parts.end(), [&](const TablePart& part) {
    const arrow::DataType& type = part.table.type(column);
    const auto id = type.id();
    return id == arrow::Type::NA || id == arrow::Type::BOOL || id == arrow::Type::DECIMAL128 ||
           arrow::is_integer(id) || arrow::is_floating(id);
  });
}

namespace {

/// Codes of words over all chunks of a column.
class Coder {
 public:
  Coder(const Table::Impl& table, int column) : table_(table), column_(column) {}

  void read(const Chunk& chunk) {
    if (chunk.array.type_id() == arrow::Type::DICTIONARY) return dictionary(chunk);
    if (chunk.array.type_id() == arrow::Type::INT64) return integers(chunk);
    for (std::int64_t i = 0; i < chunk.array.length(); ++i) {
      const auto name = cells::name_at(chunk.array, i);
      out_.codes.push_back(name ? code_of(*name, chunk.row + i) : -1);
    }
  }
  Codes take() { return std::move(out_); }
  void reserve(std::int64_t rows) { out_.codes.reserve(static_cast<std::size_t>(rows)); }

 private:
  std::int32_t code_of(const std::string& word, std::int64_t row) {
    if (cells::is_missing_word(table_, word)) return -1;
    const auto next = static_cast<std::int32_t>(out_.words.size());
    const auto [entry, fresh] = index_.try_emplace(word, next);
    if (fresh) {
      check_is_text(word, row);
      if (next == std::numeric_limits<std::int32_t>::max()) {
        throw DataError(fmt::format("{}: column '{}' has more than 2^31 distinct values",
                                    table_.source,
                                    table_.names[static_cast<std::size_t>(column_)]));
      }
      out_.words.push_back(word);
    }
    return entry->second;
  }

  /// Parquet and Arrow hold any bytes in a column of "binary", and zeros in one of text.
  void check_is_text(const std::string& word, std::int64_t row) const {
    arrow::util::InitializeUTF8();
    if (word.find('\0') == word.npos && arrow::util::ValidateUTF8(word)) return;
    throw DataError(
        fmt::format("{}: '{}' is no text in UTF-8; write the column as text, or choose another one",
                    place_of_row(table_, row, column_), cells::visible(word)));
  }

  void dictionary(const Chunk& chunk) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk.array);
    const auto& words = *coded.dictionary();
    // Only words that rows use get a code, in the order of the rows.
    constexpr std::int32_t kUnseen = -2;
    std::vector<std::int32_t> codes(static_cast<std::size_t>(words.length()), kUnseen);
    for (std::int64_t i = 0; i < coded.length(); ++i) {
      if (coded.IsNull(i)) {
        out_.codes.push_back(-1);
        continue;
      }
      const std::int64_t w = coded.GetValueIndex(i);
      std::int32_t& code = codes[static_cast<std::size_t>(w)];
      if (code == kUnseen) {
        const auto name = cells::name_at(words, w);
        code = name ? code_of(*name, chunk.row + i) : -1;
      }
      out_.codes.push_back(code);
    }
  }

  void integers(const Chunk& chunk) {
    const auto& array = static_cast<const arrow::Int64Array&>(chunk.array);
    std::int64_t last = 0;
    std::int32_t last_code = -1;
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) {
        out_.codes.push_back(-1);
        continue;
      }
      const std::int64_t value = array.Value(i);
      if (last_code < 0 || value != last) {
        const auto known = integer_index_.find(value);
        last_code = known != integer_index_.end()
                        ? known->second
                        : code_of(fmt::format("{}", value), chunk.row + i);
        if (known == integer_index_.end()) integer_index_.emplace(value, last_code);
        last = value;
      }
      out_.codes.push_back(last_code);
    }
  }

  const Table::Impl& table_;
  int column_;
  Codes out_;
  std::unordered_map<std::string, std::int32_t> index_;
  std::unordered_map<std::int64_t, std::int32_t> integer_index_;
};

}  // namespace

Codes read_codes(const Table::Impl& table, int column) {
  Coder coder(table, column);
  std::int64_t rows = 0;
  for (const TablePart& part : table.parts) rows += part.table.num_rows();
  coder.reserve(rows);
  cells::for_each_chunk(table, column, [&](const Chunk& chunk) { coder.read(chunk); });
  return coder.take();
}

}  // namespace sluice
