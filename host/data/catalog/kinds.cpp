#include "data/catalog/kinds.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data/calendar/time_format.hpp"
#include "data/catalog/values.hpp"
#include "data/table/cells.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

using cells::Chunk;

/// So many distinct words tell what a column of text holds.
constexpr std::size_t kEnoughWords = 100'000;
/// So many words tell by which pattern dates are written.
constexpr std::int64_t kPatternWords = 1000;

/// "13:15", "7:05:00".
bool is_clock(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 2) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == ':' || c == '.'; });
}

/// Counts the distinct words of a column of text by what they could be.
class WordCounter {
 public:
  explicit WordCounter(const Table::Impl& table) : table_(table) {}

  void read(const Chunk& chunk) {
    const arrow::Array& array = chunk.array;
    if (array.type_id() == arrow::Type::DICTIONARY) {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      const arrow::Array& words = *coded.dictionary();
      if (!cells::is_text(*words.type())) return;
      std::vector<char> seen(static_cast<std::size_t>(words.length()), 0);
      for (std::int64_t i = 0; i < coded.length(); ++i) {
        if (coded.IsNull(i)) continue;
        const std::int64_t w = coded.GetValueIndex(i);
        if (seen[static_cast<std::size_t>(w)]++ != 0 || words.IsNull(w)) continue;
        add(cells::text_at(words, w), chunk.row + i);
      }
    } else if (cells::is_text(*array.type())) {
      for (std::int64_t i = 0; i < array.length() && seen_.size() < kEnoughWords; ++i) {
        if (!array.IsNull(i)) add(cells::text_at(array, i), chunk.row + i);
      }
    }
  }

  Contents take() const {
    Contents contents;
    if (numbers_ + dates_ + clocks_ + others_ == 0) return contents;
    contents.holds = Holds::text;
    contents.example = example_;
    const std::int64_t all = numbers_ + dates_ + clocks_ + others_;
    const auto most = [&](std::int64_t count) { return 2 * count >= all; };
    if (2 * dates_ > all) {
      contents.holds = Holds::dates;
      set_odd(contents, {first_number_, first_clock_, first_other_});
    } else if (2 * clocks_ > all) {
      contents.holds = Holds::clock;
      set_odd(contents, {first_number_, first_date_, first_other_});
    } else if (others_ == all && are_dates_by_a_pattern()) {
      contents.holds = Holds::dates;
      set_odd(contents, {first_without_digit_});
    } else if (most(numbers_)) {
      contents.holds = Holds::reals;
      set_odd(contents, {first_date_, first_clock_, first_other_});
    }
    return contents;
  }

 private:
  struct First {
    std::string word;
    std::int64_t row = -1;
  };

  void add(std::string_view word, std::int64_t row) {
    if (seen_.size() >= kEnoughWords || cells::is_missing_word(table_, word)) return;
    if (!seen_.emplace(word).second) return;
    if (example_.empty()) example_ = word;
    const auto count = [&](std::int64_t& counter, First& first) {
      if (counter++ == 0) first = {std::string(word), row};
    };
    if (parse_number(word)) return count(numbers_, first_number_);
    if (parse_time(word)) return count(dates_, first_date_);
    if (is_clock(word)) return count(clocks_, first_clock_);
    count(others_, first_other_);
    if (word.find_first_of("0123456789") != std::string_view::npos) {
      if (std::ssize(with_digit_) < kPatternWords) with_digit_.emplace_back(word);
    } else if (without_digit_++ == 0) {
      first_without_digit_ = {std::string(word), row};
    }
  }

  bool are_dates_by_a_pattern() const {
    return 2 * without_digit_ < others_ && !patterns_of(with_digit_).empty();
  }

  static void set_odd(Contents& contents, std::initializer_list<First> firsts) {
    for (const First& first : firsts) {
      if (first.row < 0 || (contents.odd_row >= 0 && contents.odd_row < first.row)) continue;
      contents.odd_row = first.row;
      contents.odd_word = first.word;
    }
  }

  const Table::Impl& table_;
  std::unordered_set<std::string> seen_;
  std::string example_;
  std::int64_t numbers_ = 0, dates_ = 0, clocks_ = 0, others_ = 0;
  First first_number_, first_date_, first_clock_, first_other_, first_without_digit_;
  std::vector<std::string> with_digit_;
  std::int64_t without_digit_ = 0;
};

/// What a type alone says; nullopt where the cells have to be looked at.
std::optional<Holds> of_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return Holds::nothing;
    case arrow::Type::BOOL:
      return Holds::booleans;
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIMESTAMP:
      return Holds::dates;
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return Holds::clock;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
      return Holds::lists;
    default:
      break;
  }
  if (arrow::is_integer(type.id())) return Holds::integers;
  if (arrow::is_floating(type.id()) || arrow::is_decimal(type.id())) return Holds::reals;
  return std::nullopt;
}

/// Visits the cells of a column of 64-bit integers (as CSV has them) until `visit` says false.
template <typename Visit>
bool all_integers(const Table::Impl& table, int column, Visit visit) {
  bool all = true;
  std::int64_t row = 0;
  cells::each_chunk_while(table, column, [&](const Chunk& chunk) {
    for (std::int64_t i = 0; all && i < chunk.array.length(); ++i) {
      const auto name = cells::name_at(chunk.array, i);
      std::int64_t value = 0;
      all = name &&
            std::from_chars(name->data(), name->data() + name->size(), value).ec == std::errc() &&
            visit(row++, value);
    }
    return all;
  });
  return all;
}

bool are_digits_of_dates(const Table::Impl& table, int column) {
  return all_integers(table, column, [](std::int64_t, std::int64_t value) {
    return value >= 18000101 && value <= 21991231 && parse_time(fmt::format("{}", value));
  });
}

}  // namespace

Contents contents_of(const Table::Impl& table, int column) {
  Contents contents;
  bool by_words = false;
  for (const TablePart& part : table.parts) {
    const arrow::DataType& type = part.table.type(column);
    const auto holds = of_type(type);
    by_words = by_words || !holds;
    // Whole numbers in one file, fractions in another: numbers.
    if (holds && *holds != Holds::nothing && contents.holds != Holds::reals) {
      contents.holds = *holds;
    }
  }
  if (by_words) {
    WordCounter counter(table);
    cells::for_each_chunk(table, column, [&](const Chunk& chunk) { counter.read(chunk); });
    return counter.take();
  }
  if (contents.holds == Holds::integers && are_digits_of_dates(table, column)) {
    contents.holds = Holds::digits;
  }
  return contents;
}

bool holds_whole_numbers(const Table::Impl& table, int column) {
  bool whole = true, any = false;
  cells::each_chunk_while(table, column, [&](const Chunk& chunk) {
    const auto look = [&](const auto& array) {
      for (std::int64_t i = 0; whole && i < array.length(); ++i) {
        if (array.IsNull(i)) continue;
        const auto number = static_cast<double>(array.Value(i));
        if (std::isnan(number)) continue;
        any = true;
        whole = number == std::floor(number) && std::abs(number) < 0x1p53;
      }
    };
    if (chunk.array.type_id() == arrow::Type::DOUBLE) {
      look(static_cast<const arrow::DoubleArray&>(chunk.array));
    } else if (chunk.array.type_id() == arrow::Type::FLOAT) {
      look(static_cast<const arrow::FloatArray&>(chunk.array));
    } else if (!arrow::is_integer(chunk.array.type_id()) &&
               chunk.array.type_id() != arrow::Type::NA) {
      whole = false;
    }
    return whole;
  });
  return whole && any;
}

bool counts_rows(const Table::Impl& table, int column) {
  std::int64_t first = 0;
  return all_integers(table, column, [&](std::int64_t row, std::int64_t value) {
    if (row == 0) first = value;
    return value == first + row;
  });
}

}  // namespace sluice
