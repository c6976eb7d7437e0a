#include "data/catalog/times.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/text.hpp"
#include "data/calendar/civil.hpp"
#include "data/calendar/named_period.hpp"
#include "data/calendar/stamp.hpp"
#include "data/calendar/time_format.hpp"
#include "data/catalog/clocks.hpp"
#include "data/catalog/columns.hpp"
#include "data/catalog/odd_rows.hpp"
#include "data/catalog/time_cells.hpp"
#include "data/catalog/values.hpp"
#include "data/table/cells.hpp"
#include "data/table/zone.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using cells::Chunk;

/// Integers stay far from the ends of 64 bits, so that no later sum can overflow.
constexpr std::int64_t kLargestInteger = std::int64_t{1} << 53;
/// Cells that are looked at for a pattern that fits them all.
constexpr std::size_t kSamples = 20'000;

/// The time column of one file as text, where its reader turned the cells into something that has
/// lost how they were written: dates in UTC, integers without leading zeros.
std::shared_ptr<arrow::ChunkedArray> text_of(const Table::Impl& table, const TablePart& part,
                                             int column) {
  const std::string& name = table.names[static_cast<std::size_t>(column)];
  Table::Impl again;  // what is guessed a second time was said the first time
  again.pool = table.pool;
  again.options = table.options;
  TablePart text{{}, part.path};
  read_csv(again, text, part.file_row(part.table.num_rows() - 1) + 1,
           [&](const auto&) { return std::vector<std::string>{name}; });
  return text.table.column(column);
}

/// Collects the cells of one column.
class TimeReader {
 public:
  TimeReader(const Table::Impl& table, int column, const CatalogSpec& spec, const TimeAxis* main)
      : table_(table), column_(column), main_(main), form_(spec.time_format) {
    check_time_format(form_);
  }

  RawTimes read() {
    std::int64_t rows = 0;
    for (const TablePart& part : table_.parts) rows += part.table.num_rows();
    raw_.walls.reserve(static_cast<std::size_t>(rows));
    guess_numbers_with_fractions();
    if (main_ != nullptr && holds_texts()) settle_form_of_file();
    if (form_ == "auto" && holds_texts()) find_numbered_steps();
    std::int64_t row = 0;
    for (std::size_t p = 0; p < table_.parts.size(); ++p) {
      std::int64_t part_row = 0;
      each_array(p, [&](const std::shared_ptr<arrow::Array>& array) {
        read_chunk({*array, p, part_row, row});
        part_row += array->length();
        row += array->length();
        return true;
      });
    }
    raw_.integers = kind_ == Kind::integer;
    say_iso();
    return std::move(raw_);
  }

 private:
  bool as_text() const { return is_pattern(form_) || form_ == "iso_week"; }

  bool is_to_be_text(std::size_t p) const {
    const TablePart& part = table_.parts[p];
    if (part.format != TableFormat::csv) return false;
    const arrow::DataType& type = part.table.type(column_);
    const bool zoned = type.id() == arrow::Type::TIMESTAMP &&
                       !static_cast<const arrow::TimestampType&>(type).timezone().empty();
    const bool text = cells::is_text(type) || type.id() == arrow::Type::DICTIONARY;
    return zoned || (as_text() && !text);
  }

  void each_array(std::size_t p, const ColumnCells::Visit& visit) const {
    const TablePart& part = table_.parts[p];
    if (!is_to_be_text(p)) return part.table.each_chunk(column_, visit);
    const auto again = text_of(table_, part, column_);
    for (const auto& array : again->chunks()) {
      if (!visit(array)) return;
    }
  }

  const std::string& name() const { return table_.names[static_cast<std::size_t>(column_)]; }

  bool holds_texts() const {
    return std::any_of(table_.parts.begin(), table_.parts.end(), [&](const TablePart& part) {
      const arrow::DataType& type = part.table.type(column_);
      return cells::is_text(type) || type.id() == arrow::Type::DICTIONARY;
    });
  }

  /// A file beside the data may have a form of its own.
  void settle_form_of_file() {
    const std::string own = form_of_side_file(samples(), form_, *main_);
    if (own == form_) return;
    raw_.remarks.push_back(fmt::format(
        "{}: the times of '{}' were read {}, which fits all of them; {} does not", table_.source,
        name(), own == "auto" ? "as dates beginning with the year" : "by " + own,
        form_ == "auto" ? "ISO 8601" : fmt::format("data.time_format = '{}'", form_)));
    form_ = own;
  }

  /// Steps that are numbered behind a word, as in M5's melted table: d_1, d_2, ...
  void find_numbered_steps() {
    const std::vector<std::string> texts = samples();
    if (texts.empty() || parse_cell(form_, texts.front())) return;
    const auto first = counted(without_blanks(texts.front()));
    if (!first || !is_word(first->stem) || !patterns_of({texts.front()}).empty()) return;
    for (const std::string& text : texts) {
      const auto step = counted(without_blanks(text));
      if (!step || step->stem != first->stem || parse_cell(form_, text)) return;
    }
    step_word_ = first->stem;
    raw_.remarks.push_back(
        fmt::format("{}: the times of '{}' ({} ..) are read as the numbers behind '{}'; forecasts "
                    "and settings have the numbers alone",
                    table_.source, name(), texts.front(), step_word_));
  }

  /// Letters, and signs between or behind them.
  static bool is_word(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_letter) &&
           text.find_first_of("0123456789") == std::string_view::npos;
  }
  static bool is_letter(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalpha(byte) != 0;
  }

  std::optional<Parsed> numbered_step(std::string_view text) const {
    const auto step = counted(without_blanks(text));
    if (!step || step->stem != step_word_) return std::nullopt;
    return parse_integer("auto", step->number);
  }

  void say_iso() {
    const auto rows = static_cast<std::int64_t>(raw_.walls.size());
    if (raw_.iso_cells == 0 || (main_ != nullptr && raw_.iso_cells == rows)) return;
    raw_.remarks.push_back(
        fmt::format("{}: {} of '{}' {} in ISO 8601 and not by data.time_format = '{}': so {} read",
                    table_.source,
                    raw_.iso_cells == rows
                        ? "the times"
                        : fmt::format("{} of {} times", grouped(raw_.iso_cells), grouped(rows)),
                    name(), raw_.iso_cells == 1 ? "is" : "are", form_,
                    raw_.iso_cells == 1 ? "it was" : "they were"));
  }

  /// Numbers with fractions can only be a spreadsheet's days, or seconds since 1970.
  void guess_numbers_with_fractions() {
    if (form_ != "auto") return;
    std::optional<double> first;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (const TablePart& part : table_.parts) {
      if (part.table.type(column_).id() != arrow::Type::DOUBLE) continue;
      part.table.each_chunk(column_, [&](const auto& chunk) {
        const auto& array = static_cast<const arrow::DoubleArray&>(*chunk);
        for (std::int64_t i = 0; i < array.length(); ++i) {
          if (array.IsNull(i) || std::isnan(array.Value(i))) continue;
          const double value = array.Value(i);
          if (!first && value != std::floor(value)) first = value;
          low = std::min(low, value);
          high = std::max(high, value);
        }
        return true;
      });
    }
    if (!first) return;
    const bool days = low >= 20'000 && high < 80'000;
    const bool seconds = low >= 1e9 && high <= 2.2e9;
    if (!days && !seconds) return;
    form_ = days ? "excel" : "epoch_s";
    raw_.remarks.push_back(
        fmt::format("{}: the numbers of '{}' ({} ..) were read as {} (data.time_format = {})",
                    table_.source, table_.names[static_cast<std::size_t>(column_)], low,
                    days ? "a spreadsheet's day numbers" : "Unix seconds (UTC)", form_));
  }

  void read_chunk(const Chunk& chunk) {
    const arrow::Array& array = chunk.array;
    switch (array.type_id()) {
      case arrow::Type::DATE32:
        return each<arrow::Date32Array>(chunk,
                                        [](std::int64_t day) { return date(day * civil::kDay); });
      case arrow::Type::DATE64:
        return each<arrow::Date64Array>(
            chunk, [](std::int64_t ms) { return date(civil::floor_div(ms, 1000)); });
      case arrow::Type::TIMESTAMP:
        return timestamps(chunk);
      case arrow::Type::DICTIONARY:
        return dictionary(chunk);
      default:
        break;
    }
    if (!as_text()) {
      const auto number = [&](std::int64_t value) { return parse_integer(form_, value); };
      switch (array.type_id()) {
        case arrow::Type::INT8:
          return each<arrow::Int8Array>(chunk, number);
        case arrow::Type::INT16:
          return each<arrow::Int16Array>(chunk, number);
        case arrow::Type::INT32:
          return each<arrow::Int32Array>(chunk, number);
        case arrow::Type::INT64:
          return each<arrow::Int64Array>(chunk, number);
        case arrow::Type::UINT8:
          return each<arrow::UInt8Array>(chunk, number);
        case arrow::Type::UINT16:
          return each<arrow::UInt16Array>(chunk, number);
        case arrow::Type::UINT32:
          return each<arrow::UInt32Array>(chunk, number);
        case arrow::Type::DOUBLE:
          if (form_ == "auto") break;
          return doubles(chunk);
        default:
          break;
      }
    }
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      const auto name = cells::name_at(array, i);
      if (!name) wrong(chunk, i, array.type()->ToString());
      append(chunk, i, parsed(chunk, i, *name));
    }
  }

  void doubles(const Chunk& chunk) {
    const auto& array = static_cast<const arrow::DoubleArray&>(chunk.array);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i) || std::isnan(array.Value(i))) missing(chunk, i);
      const double value = array.Value(i);
      if (std::abs(value) > kFarthest) wrong(chunk, i, fmt::format("{}", value));
      append(chunk, i, parse_real(form_, value));
    }
  }

  void append(const Chunk& chunk, std::int64_t i, const Parsed& parsed) {
    const Stamp& stamp = parsed.stamp;
    if (kind_ == Kind::none) kind_ = parsed.kind;
    if (kind_ != parsed.kind) {
      throw DataError(
          fmt::format("{}: {} where the rows above have {}; write all times of the column alike",
                      place_of_row(table_, chunk.row + i, column_),
                      parsed.kind == Kind::date ? "a date" : "a plain integer",
                      parsed.kind == Kind::date ? "plain integers" : "dates"));
    }
    if (kind_ == Kind::date && (stamp.wall < civil::kEarliest || stamp.wall > civil::kLatest)) {
      throw DataError(
          fmt::format("{}: the time {} is out of range (years 1 to 9999); correct the cell",
                      place_of_row(table_, chunk.row + i, column_), far_text(stamp.wall)));
    }
    if (stamp.offset || raw_.zoned()) append_offset(chunk, i, stamp);
    if (stamp.fraction && raw_.fraction < 0) raw_.fraction = chunk.row + i;
    raw_.iso_cells += parsed.iso ? 1 : 0;
    raw_.walls.push_back(stamp.wall);
  }

  /// Offsets are kept from the first row on that has one, which must be the first row.
  void append_offset(const Chunk& chunk, std::int64_t i, const Stamp& stamp) {
    if (!stamp.offset || raw_.offsets.size() != raw_.walls.size()) {
      throw DataError(fmt::format(
          "{}: a time {} an offset from UTC where the rows above have {}; write all times of the "
          "column alike",
          place_of_row(table_, chunk.row + i, column_), stamp.offset ? "with" : "without",
          stamp.offset ? "none" : "one"));
    }
    raw_.offsets.push_back(static_cast<std::int32_t>(*stamp.offset));
    raw_.zulu = raw_.zulu && stamp.zulu;
  }

  static std::string far_text(Timestamp time) {
    constexpr Timestamp kShown = Timestamp{1} << 40;  // some 30,000 years
    return std::abs(time) < kShown ? time_text(time) : fmt::format("{} s from 1970", time);
  }

  template <typename Array, typename Convert>
  void each(const Chunk& chunk, Convert convert) {
    const auto& array = static_cast<const Array&>(chunk.array);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      append(chunk, i, convert(static_cast<std::int64_t>(array.Value(i))));
    }
  }

  void timestamps(const Chunk& chunk) {
    const auto& type = static_cast<const arrow::TimestampType&>(*chunk.array.type());
    std::int64_t per_second = 1;
    for (auto unit = static_cast<int>(type.unit()); unit > 0; --unit) per_second *= 1000;
    const auto& array = static_cast<const arrow::TimestampArray&>(chunk.array);
    std::vector<UtcOffset> clock;
    if (!type.timezone().empty()) {
      clock = clock_of_zone(type.timezone(), table_.source);
      raw_.zone = raw_.zone.empty() || raw_.zone == type.timezone() ? type.timezone() : "UTC";
    }
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsNull(i)) missing(chunk, i);
      const std::int64_t value = array.Value(i);
      Parsed parsed = date(civil::floor_div(value, per_second));
      parsed.stamp.fraction = per_second > 1 && value % per_second != 0;
      if (!clock.empty()) {
        parsed.stamp.offset = offset_at(clock, parsed.stamp.wall);
        parsed.stamp.wall += *parsed.stamp.offset;
      }
      append(chunk, i, parsed);
    }
  }

  Parsed parsed(const Chunk& chunk, std::int64_t i, std::string_view text) {
    if (cells::is_missing_word(table_, text)) missing(chunk, i);
    const auto found = step_word_.empty() ? parse_cell(form_, text) : numbered_step(text);
    if (!found) wrong(chunk, i, text);
    if (form_ == "iso_week" && raw_.week_pattern.empty()) {
      raw_.week_pattern = week_pattern_of(without_blanks(text));
    }
    return *found;
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

  [[noreturn]] void missing(const Chunk& chunk, std::int64_t i) const {
    const std::string why = odd_row(chunk.row + i, "");
    throw DataError(fmt::format("{}: the time is missing; {}",
                                place_of_row(table_, chunk.row + i, column_),
                                why.empty() ? "fill the cell or remove the row" : why));
  }
  [[noreturn]] void wrong(const Chunk& chunk, std::int64_t i, std::string_view text) const {
    const std::string why = odd_row(chunk.row + i, text);
    throw DataError(fmt::format(
        "{}: {}", place_of_row(table_, chunk.row + i, column_),
        why.empty()
            ? what_is_wrong(text, form_, samples(), main_ != nullptr)
            : fmt::format("'{}' is not a time; {}", cells::visible(text.substr(0, 60)), why)));
  }
  std::string odd_row(std::int64_t row, std::string_view cell) const {
    return odd_row_text(table_, column_, row, cell, [&](std::string_view text) {
      const bool digits = text.find_first_of("0123456789") != std::string_view::npos;
      return digits && (parse_cell(form_, text) || !patterns_of({std::string(text)}).empty());
    });
  }

  /// Texts of the column, for a guess at how they are written.
  std::vector<std::string> samples() const {
    std::vector<std::string> texts;
    for (std::size_t p = 0; p < table_.parts.size(); ++p) {
      each_array(p, [&](const std::shared_ptr<arrow::Array>& chunk) {
        const bool coded = chunk->type_id() == arrow::Type::DICTIONARY;
        const auto array =
            coded ? static_cast<const arrow::DictionaryArray&>(*chunk).dictionary() : chunk;
        for (std::int64_t i = 0; i < array->length() && texts.size() < kSamples; ++i) {
          const auto name = cells::name_at(*array, i);
          // Words without a digit are no times: a total below the table.
          if (name && name->find_first_of("0123456789") != std::string::npos) {
            texts.push_back(*name);
          }
        }
        return texts.size() < kSamples;
      });
    }
    return texts;
  }

  const Table::Impl& table_;
  int column_;
  const TimeAxis* main_;   // of the data, where this is a file beside them
  std::string form_;       // data.time_format, or what the column was found to have
  std::string step_word_;  // in front of the numbers of steps; empty: there is none
  RawTimes raw_;
  Kind kind_ = Kind::none;
};

}  // namespace

Times read_times_as(const Table::Impl& table, int column, const CatalogSpec& spec,
                    const TimeAxis* main) {
  RawTimes raw = TimeReader(table, column, spec, main).read();
  const std::string& name = table.names[static_cast<std::size_t>(column)];
  const auto place = [&](std::int64_t row) { return place_of_row(table, row, column); };
  Times times = settle_raw(std::move(raw), spec, main, {table.source, name, place});
  if (times.axis.integers) {
    for (std::size_t row = 0; row < times.values.size(); ++row) {
      if (times.values[row] >= -kLargestInteger && times.values[row] <= kLargestInteger) continue;
      throw DataError(
          fmt::format("{}: the integer {} is out of range (up to 2^53); correct the cell, or set "
                      "data.time_format",
                      place(static_cast<std::int64_t>(row)), times.values[row]));
    }
  }
  return times;
}

Times read_times_as(const std::vector<std::string>& texts, const std::string& source,
                    const std::string& word, const CatalogSpec& spec) {
  check_time_format(spec.time_format);
  RawTimes raw;
  Kind kind = Kind::none;
  for (const std::string& text : texts) {
    const auto parsed = parse_cell(spec.time_format, text);
    if (!parsed || (kind != Kind::none && parsed->kind != kind)) {
      throw DataError(
          fmt::format("{}: {} {}", source, word, what_is_wrong(text, spec.time_format, texts)));
    }
    kind = parsed->kind;
    raw.iso_cells += parsed->iso ? 1 : 0;
    if (parsed->stamp.offset)
      raw.offsets.push_back(static_cast<std::int32_t>(*parsed->stamp.offset));
    if (parsed->stamp.fraction) raw.fraction = static_cast<std::int64_t>(raw.walls.size());
    raw.walls.push_back(parsed->stamp.wall);
  }
  if (raw.offsets.size() != raw.walls.size()) raw.offsets.clear();
  if (spec.time_format == "iso_week") {
    raw.week_pattern = week_pattern_of(without_blanks(texts.front()));
  }
  raw.integers = kind == Kind::integer;
  const auto place = [&](std::int64_t i) {
    return fmt::format("{}: {} '{}'", source, word, texts[static_cast<std::size_t>(i)]);
  };
  return settle_raw(std::move(raw), spec, nullptr, {source, word, place});
}

}  // namespace sluice
