#include "data/catalog/time_parts.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/chunked_array.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "data/calendar/civil.hpp"
#include "data/calendar/time_format.hpp"
#include "data/catalog/columns.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/time_cells.hpp"
#include "data/catalog/values.hpp"
#include "data/table/cells.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

/// What data.time_format says, also where build_catalog has put it away.
const std::string& format_of_parts(const CatalogSpec& spec) {
  return spec.time_part_format.empty() ? spec.time_format : spec.time_part_format;
}

/// Whether the parts make a time: a year or a date, and what follows it without a hole.
bool makes_time(std::span<const TimePart> parts) {
  std::array<int, kTimeParts> count{};
  for (const TimePart part : parts) ++count[static_cast<std::size_t>(part)];
  const auto has = [&](TimePart part) { return count[static_cast<std::size_t>(part)] == 1; };
  if (*std::max_element(count.begin(), count.end()) > 1) return false;
  const bool clock = has(TimePart::clock), hour = has(TimePart::hour);
  const bool minute = has(TimePart::minute), second = has(TimePart::second);
  if ((minute && !hour) || (second && !minute) || (clock && hour)) return false;
  const bool of_day = clock || hour;
  const bool year = has(TimePart::year), month = has(TimePart::month), day = has(TimePart::day);
  const bool week = has(TimePart::week), quarter = has(TimePart::quarter);
  if (has(TimePart::date)) return of_day && !year && !month && !day && !week && !quarter;
  if (!year) return false;
  if (week || quarter) return week != quarter && !month && !day && !of_day;
  return month && (day || !of_day);
}

std::optional<int> whole_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || number < 0) return std::nullopt;
  if (std::string_view(end, text.data() + text.size()).find_first_not_of(".0") !=
      std::string_view::npos) {
    return std::nullopt;
  }
  return number;
}

/// "Q1", "W05", "week 5": the number behind the letters.
std::optional<int> number_behind_letters(std::string_view text) {
  while (!text.empty() && (text.front() < '0' || text.front() > '9')) text.remove_prefix(1);
  return whole_number(text);
}

/// A column of the time: its words, each read once.
class Part {
 public:
  Part(const Table::Impl& table, int column, const CatalogSpec& spec)
      : table_(table),
        name_(table.names[static_cast<std::size_t>(column)]),
        column_(column),
        pattern_(is_pattern(format_of_parts(spec)) ? format_of_parts(spec) : ""),
        codes_(read_codes(table, column)) {
    kind_ = kind();
  }

  std::optional<TimePart> what() const { return kind_; }
  bool read_by_pattern() const { return by_pattern_; }
  bool missing(std::size_t row) const { return codes_.codes[row] < 0; }
  const std::string& word(std::size_t row) const {
    return codes_.words[static_cast<std::size_t>(codes_.codes[row])];
  }
  std::size_t rows() const { return codes_.codes.size(); }
  const std::string& name() const { return name_; }
  const std::vector<std::string>& words() const { return codes_.words; }
  /// Of the first row with the word.
  std::string place_of(const std::string& word) const {
    const auto code = std::find(codes_.words.begin(), codes_.words.end(), word);
    const auto row = std::find(codes_.codes.begin(), codes_.codes.end(),
                               static_cast<std::int32_t>(code - codes_.words.begin()));
    return place_of_row(table_, row - codes_.codes.begin(), column_);
  }

  /// Turns the words into what they are in ISO 8601: "2011-01-31", "13:15", "05".
  void settle(std::vector<std::string>& remarks) {
    const bool ends = kind_ == TimePart::hour && counts_ends(remarks);
    for (const std::string& word : codes_.words) {
      const auto text = iso(word, ends);
      if (!text) refuse(word);
      written_.push_back(*text);
    }
  }
  /// The settled word of a row.
  const std::string& written(std::size_t row) const {
    return written_[static_cast<std::size_t>(codes_.codes[row])];
  }

 private:
  std::optional<TimePart> kind() {
    const auto named = time_part_of_name(name_);
    bool dates = true, clocks = true;
    for (const std::string& word : codes_.words) {
      dates = dates && date_of(word).has_value();
      clocks = clocks && word.find(':') != std::string::npos && clock(word).has_value();
    }
    if (dates) return TimePart::date;
    by_pattern_ = false;
    if (clocks) return TimePart::clock;
    return named;
  }

  std::optional<Timestamp> date_of(const std::string& word) {
    if (const auto time = parse_time(word)) {
      // A timestamp whose clock is always midnight is a date.
      return *time % civil::kDay == 0 ? time : std::nullopt;
    }
    if (pattern_.empty()) return std::nullopt;
    const auto stamp = parse_by_pattern(word, pattern_);
    if (!stamp || stamp->fraction || stamp->offset || stamp->wall % civil::kDay != 0) {
      return std::nullopt;
    }
    by_pattern_ = true;
    return stamp->wall;
  }

  static std::optional<std::string> clock(std::string_view word) {
    const auto time = parse_time(fmt::format("2000-01-01 {}", word));
    if (!time) return std::nullopt;
    const Timestamp of_day = *time % civil::kDay;
    return fmt::format("{:02}:{:02}:{:02}", of_day / civil::kHour,
                       of_day % civil::kHour / civil::kMinute, of_day % civil::kMinute);
  }

  /// Hours 1 to 24: each named by its end, so that the 24th is the midnight that follows.
  bool counts_ends(std::vector<std::string>& remarks) const {
    bool zero = false, last = false;
    for (const std::string& word : codes_.words) {
      const auto number = whole_number(word);
      zero = zero || number == 0;
      last = last || number == 24;
    }
    if (zero || !last) return false;
    remarks.push_back(fmt::format(
        "{}: '{}' counts hours from 1 to 24: 24 is the midnight that follows (data.time)",
        table_.source, name_));
    return true;
  }

  std::optional<std::string> iso(const std::string& word, bool ends) {
    const auto within = [&](std::optional<int> number, int low,
                            int high) -> std::optional<std::string> {
      if (!number || *number < low || *number > high) return std::nullopt;
      return fmt::format("{:02}", *number);
    };
    switch (*kind_) {
      case TimePart::date:
        return format_time({.unit = Unit::day}, *date_of(word));
      case TimePart::clock:
        return clock(word);
      case TimePart::year: {
        const auto number = whole_number(word);
        if (!number || *number < 1 || *number > 9999) return std::nullopt;
        return fmt::format("{:04}", *number);
      }
      case TimePart::month: {
        if (const auto number = within(whole_number(word), 1, 12)) return number;
        const auto stamp = parse_by_pattern("2000 " + word, "%Y %b");
        if (!stamp) return std::nullopt;
        return fmt::format(
            "{:02}", static_cast<unsigned>(civil::date_of_day(civil::day_of(stamp->wall)).month()));
      }
      case TimePart::day:
        return within(whole_number(word), 1, 31);
      case TimePart::hour:
        return within(whole_number(word), 0, ends ? 24 : 23);
      case TimePart::minute:
      case TimePart::second:
        return within(whole_number(word), 0, 59);
      case TimePart::week:
        return within(number_behind_letters(word), 1, 53);
      case TimePart::quarter: {
        const auto number = number_behind_letters(word);
        if (!number || *number < 1 || *number > 4) return std::nullopt;
        return fmt::format("{}", *number);
      }
    }
    return std::nullopt;
  }

  [[noreturn]] void refuse(const std::string& word) const {
    throw DataError(fmt::format(
        "{}: '{}' is no {} (data.time); correct the cell, or write the time in one column "
        "(2022-01-31 13:15)",
        place_of(word), cells::visible(word), name_of(*kind_)));
  }

  const Table::Impl& table_;
  std::string name_;
  int column_;
  std::string pattern_;
  bool by_pattern_ = false;
  Codes codes_;
  std::optional<TimePart> kind_;
  std::vector<std::string> written_;
};

/// The time of a row from its parts; nullopt: one is missing.
class Writer {
 public:
  explicit Writer(std::vector<Part>& parts) {
    for (Part& part : parts) part_[static_cast<std::size_t>(*part.what())] = &part;
  }

  std::string write(std::size_t row) const {
    std::string text;
    const auto add = [&](TimePart what, std::string_view before) {
      const Part* part = part_[static_cast<std::size_t>(what)];
      if (part != nullptr) text.append(before).append(part->written(row));
    };
    add(TimePart::date, "");
    add(TimePart::year, "");
    add(TimePart::month, "-");
    add(TimePart::day, "-");
    add(TimePart::week, "-W");
    add(TimePart::quarter, "-Q");
    const std::string day = text;
    add(TimePart::clock, " ");
    add(TimePart::hour, " ");
    if (part_[static_cast<std::size_t>(TimePart::hour)] != nullptr &&
        part_[static_cast<std::size_t>(TimePart::minute)] == nullptr) {
      text += ":00";
    }
    add(TimePart::minute, ":");
    add(TimePart::second, ":");
    if (text.substr(day.size()).starts_with(" 24")) return next_day(day, text);
    return text;
  }

 private:
  /// "2011-01-31 24:00" is 2011-02-01 00:00.
  static std::string next_day(const std::string& day, const std::string& text) {
    const auto midnight = parse_time(day);
    if (!midnight) return text;  // the 31st of February: reading it says so
    return format_time({.unit = Unit::day}, *midnight + civil::kDay) + " 00" +
           text.substr(day.size() + 3);
  }

  std::array<Part*, kTimeParts> part_{};
};

std::shared_ptr<arrow::ChunkedArray> text_column(const std::vector<std::string>& cells,
                                                 const std::vector<char>& missing) {
  arrow::LargeStringBuilder builder;
  arrow::Status status;
  for (std::size_t i = 0; status.ok() && i < cells.size(); ++i) {
    status = missing[i] != 0 ? builder.AppendNull() : builder.Append(cells[i]);
  }
  std::shared_ptr<arrow::Array> array;
  if (status.ok()) status = builder.Finish(&array);
  if (!status.ok()) throw DataError(fmt::format("reading data.time: {}", status.message()));
  return std::make_shared<arrow::ChunkedArray>(std::move(array));
}

[[noreturn]] void refuse(const Table::Impl& table, const std::vector<Part>& parts) {
  std::string names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    names += (i == 0 ? "'" : i + 1 == parts.size() ? "' and '" : "', '") + parts[i].name();
  }
  throw DataError(fmt::format(
      "{}: {}' make no time (data.time): they may be a date and a clock (13:15) or an hour, or "
      "columns named year, month, day, hour, minute, second, week or quarter; write the time in "
      "one column (2022-01-31 13:15), or say how the cells read one after the other: "
      "--data.time_format '%Y-%m-%d %H'",
      table.source, names));
}

/// Where the only unknown part holds text, it is dates that are not in ISO 8601, or nearly so.
void refuse_dates(const std::vector<Part>& parts, const CatalogSpec& spec) {
  const auto unknown = std::find_if(parts.begin(), parts.end(),
                                    [](const Part& part) { return !part.what().has_value(); });
  if (unknown == parts.end()) return;
  const std::vector<std::string>& words = unknown->words();
  const auto odd = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return !parse_time(word) && word.find_first_of("/.-: ") != std::string::npos;
  });
  if (odd == words.end()) return;
  throw DataError(
      fmt::format("{}: {}", unknown->place_of(*odd), what_is_wrong(*odd, spec.time_format, words)));
}

}  // namespace

std::vector<std::string> parts_of_time(const CatalogSpec& spec) {
  if (spec.more_time.empty()) return {};
  std::vector<std::string> names = {spec.time};
  names.insert(names.end(), spec.more_time.begin(), spec.more_time.end());
  return names;
}

WholeTimes with_whole_times(const Table::Impl& table, std::span<const int> columns,
                            const CatalogSpec& spec, std::vector<std::string>& remarks) {
  std::vector<Part> parts;
  std::vector<TimePart> kinds;
  for (const int column : columns) {
    parts.emplace_back(table, column, spec);
    if (const auto kind = parts.back().what()) kinds.push_back(*kind);
  }
  const bool pattern = is_pattern(format_of_parts(spec));
  const bool dates_by_pattern =
      std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.read_by_pattern(); });
  const bool known = kinds.size() == parts.size() && makes_time(kinds);
  const bool composed = known && (!pattern || dates_by_pattern);
  if (!composed && !pattern) {
    if (kinds.size() + 1 == parts.size()) refuse_dates(parts, spec);
    refuse(table, parts);
  }
  if (composed) {
    for (Part& part : parts) part.settle(remarks);
  }
  const std::size_t rows = parts.front().rows();
  std::vector<std::string> texts(rows);
  std::vector<char> missing(rows, 0);
  std::optional<Writer> writer;
  if (composed) writer.emplace(parts);
  for (std::size_t row = 0; row < rows; ++row) {
    missing[row] = std::any_of(parts.begin(), parts.end(),
                               [&](const Part& part) { return part.missing(row); });
    if (missing[row] != 0) continue;
    if (composed) {
      texts[row] = writer->write(row);
      continue;
    }
    for (const Part& part : parts) {
      texts[row] += (texts[row].empty() ? "" : " ") + part.word(row);
    }
  }
  WholeTimes whole{table, composed};
  const auto column = text_column(texts, missing);
  const int place = columns.front();
  std::int64_t begin = 0;
  for (TablePart& part : whole.table.parts) {
    const auto field = arrow::field(part.table.schema()->field(place)->name(), arrow::large_utf8());
    const std::int64_t length = part.table.num_rows();
    part.table = part.table.with_column(place, field, held_cells(column->Slice(begin, length)));
    begin += length;
  }
  return whole;
}

std::vector<int> completing_columns(const Table::Impl& table, int time) {
  const auto kind_of = [&](int column) -> std::optional<TimePart> {
    const Holds holds = contents_of(table, column).holds;
    if (holds == Holds::dates || holds == Holds::digits) return TimePart::date;
    if (holds == Holds::clock) return TimePart::clock;
    if (holds != Holds::integers && holds != Holds::text) return std::nullopt;
    return time_part_of_name(table.names[static_cast<std::size_t>(column)]);
  };
  const auto own = kind_of(time);
  if (own != TimePart::date && own != TimePart::year) return {};
  std::vector<std::pair<TimePart, int>> found;
  const auto has = [&](TimePart part) {
    return std::any_of(found.begin(), found.end(), [&](auto& f) { return f.first == part; });
  };
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    const auto kind = column == time ? std::nullopt : kind_of(column);
    if (!kind || *kind == TimePart::date || *kind == TimePart::year) continue;
    if (own == TimePart::date && *kind != TimePart::clock && *kind < TimePart::hour) continue;
    found.emplace_back(*kind, column);
  }
  // A month and a day say which week and quarter it is, a week which month.
  const bool by_day = has(TimePart::month) && has(TimePart::day);
  const bool by_week = has(TimePart::week) && !by_day;
  std::erase_if(found, [&](const auto& f) {
    return (f.first == TimePart::week && by_day) || (f.first == TimePart::month && by_week) ||
           (f.first == TimePart::quarter && (by_day || by_week || has(TimePart::month)));
  });
  std::vector<TimePart> kinds = {*own};
  std::vector<int> columns;
  for (const auto& [kind, column] : found) {
    kinds.push_back(kind);
    columns.push_back(column);
  }
  return makes_time(kinds) ? columns : std::vector<int>{};
}

}  // namespace sluice
