#include "data/table/text_numbers.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "data/table/cells.hpp"
#include "data/table/files.hpp"
#include "data/table/packed_cells.hpp"

namespace sluice::text_numbers {
namespace {

constexpr const char* kRemedy = "give the process more memory";

bool is_text_column(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return cells::is_text(type);
  return cells::is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
}

/// The array that holds a chunk's words: its dictionary, or itself.
const arrow::Array& words_of(const arrow::Array& chunk) {
  if (chunk.type_id() != arrow::Type::DICTIONARY) return chunk;
  return *static_cast<const arrow::DictionaryArray&>(chunk).dictionary();
}

/// Calls `visit(word)` for each word that is a value, until it returns false.
bool each_word(const PartTable& table, int column, const std::vector<std::string>& missing,
               const std::function<bool(std::string_view)>& visit) {
  bool all = true;
  table.each_chunk(column, [&](const auto& chunk) {
    const arrow::Array& words = words_of(*chunk);
    for (std::int64_t i = 0; i < words.length() && all; ++i) {
      if (words.IsNull(i)) continue;
      const std::string_view word = cells::text_at(words, i);
      all = is_missing(missing, word) || visit(word);
    }
    return all;
  });
  return all;
}

/// Calls `visit(number)` for each number of a column of doubles, until it returns false.
bool each_number(const PartTable& table, int column, const std::function<bool(double)>& visit) {
  bool all = true;
  table.each_chunk(column, [&](const auto& chunk) {
    const auto& numbers = static_cast<const arrow::DoubleArray&>(*chunk);
    for (std::int64_t i = 0; i < numbers.length() && all; ++i) {
      all = numbers.IsNull(i) || visit(numbers.Value(i));
    }
    return all;
  });
  return all;
}

/// Whether "1.200" may stand for any number of the column: all are whole, or have at most three
/// decimals and lie from 1 to 999.999.
bool may_be_thousands(const PartTable& table, int column) {
  bool any = false;
  return each_number(table, column,
                     [&](double number) {
                       any = true;
                       const double size = std::abs(number), thousandths = size * 1000;
                       return size == std::floor(size) ||
                              (size >= 1 && size < 1000 &&
                               std::abs(thousandths - std::round(thousandths)) <= 1e-6);
                     }) &&
         any;
}

/// Cells of one chunk as numbers.
std::shared_ptr<arrow::Array> numbers_of(const arrow::Array& chunk,
                                         const std::vector<std::string>& missing, char decimal,
                                         const std::filesystem::path& path) {
  const arrow::Array& words = words_of(chunk);
  std::vector<double> values(static_cast<std::size_t>(words.length()), std::nan(""));
  for (std::int64_t w = 0; w < words.length(); ++w) {
    if (words.IsNull(w) || is_missing(missing, cells::text_at(words, w))) continue;
    values[static_cast<std::size_t>(w)] = numerals::read(cells::text_at(words, w), decimal)->value;
  }
  arrow::DoubleBuilder builder;
  files::check(builder.Reserve(chunk.length()), path, kRemedy);
  const auto* coded = chunk.type_id() == arrow::Type::DICTIONARY
                          ? static_cast<const arrow::DictionaryArray*>(&chunk)
                          : nullptr;
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    const std::int64_t w = coded == nullptr || coded->IsNull(i) ? i : coded->GetValueIndex(i);
    const double value = chunk.IsNull(i) ? std::nan("") : values[static_cast<std::size_t>(w)];
    if (std::isnan(value)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(value);
    }
  }
  std::shared_ptr<arrow::Array> out;
  files::check(builder.Finish(&out), path, kRemedy);
  return out;
}

/// Remarks on columns whose numbers are written in some way, those written alike in one.
class Readings {
 public:
  void add(const std::string& name, const numerals::Evidence& evidence, char decimal,
           bool decimal_is_told) {
    const std::string& word = evidence.is_unusual() ? evidence.unusual() : evidence.first();
    std::string marks;
    if (evidence.percent()) marks += ", the percent sign left out";
    if (!evidence.currency().empty()) marks += ", the currency sign left out";
    if (!decimal_is_told &&
        (evidence.says_comma() || evidence.says_point() || evidence.is_ambiguous())) {
      marks += "; data.decimal can say otherwise";
    }
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [&](const Group& known) { return known.marks == marks; });
    if (group == groups_.end()) {
      group = groups_.insert(group, Group{marks, {}, word, numerals::read(word, decimal)->value});
    }
    group->names.push_back(name);
  }

  void say(const std::string& source, std::vector<std::string>& remarks) const {
    constexpr std::size_t kShown = 4;
    for (const Group& group : groups_) {
      const auto shown = std::span(group.names).first(std::min(kShown, group.names.size()));
      const std::size_t more = group.names.size() - shown.size();
      remarks.push_back(fmt::format(
          "{}: {} '{}'{}: '{}' is read as {}{}", source,
          group.names.size() == 1 ? "column" : fmt::format("{} columns,", group.names.size()),
          fmt::join(shown, "', '"), more > 0 ? fmt::format(" and {} more", more) : "",
          group.example, group.value, group.marks));
    }
  }

 private:
  struct Group {
    std::string marks;
    std::vector<std::string> names;
    std::string example;  ///< of the first column
    double value;
  };
  std::vector<Group> groups_;
};

}  // namespace

std::optional<numerals::Evidence> evidence_of(const PartTable& table, int column,
                                              const std::vector<std::string>& missing) {
  if (!is_text_column(table.type(column))) return std::nullopt;
  numerals::Evidence evidence;
  const bool numbers =
      each_word(table, column, missing, [&](std::string_view word) { return evidence.add(word); });
  return numbers && !evidence.empty() ? std::optional(evidence) : std::nullopt;
}

bool is_missing(const std::vector<std::string>& missing, std::string_view word) {
  while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
  while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
  return word.empty() || std::find(missing.begin(), missing.end(), word) != missing.end();
}

bool says_other_decimal(const PartTable& table, const Findings& findings, char decimal) {
  bool any = false;
  for (const auto& evidence : findings.columns) {
    if (!evidence) continue;
    const bool point = evidence->says_point(), comma = evidence->says_comma();
    if (decimal == ',' ? comma : point) return false;
    any = any || (decimal == ',' ? point : comma);
  }
  if (!any) return false;
  for (int c = 0; c < table.num_columns(); ++c) {
    if (table.type(c).id() != arrow::Type::DOUBLE) continue;
    if (!each_number(table, c, [](double number) { return number == std::floor(number); })) {
      return false;
    }
  }
  return true;
}

Findings look_at(const PartTable& table, const std::vector<char>& keep,
                 const std::vector<std::string>& missing, char decimal,
                 const std::vector<Points>& points) {
  Findings findings;
  bool comma = false, point = false;
  for (int c = 0; c < table.num_columns(); ++c) {
    findings.columns.emplace_back();
    if (keep[static_cast<std::size_t>(c)] != 0) continue;
    auto evidence = evidence_of(table, c, missing);
    if (!evidence) continue;
    comma = comma || evidence->says_comma();
    point = point || evidence->says_point();
    findings.columns.back() = std::move(evidence);
  }
  findings.decimal = decimal;
  if (decimal != '\0') return findings;
  for (int c = 0; c < table.num_columns(); ++c) {
    if (table.type(c).id() != arrow::Type::DOUBLE) continue;
    const Points known = points[static_cast<std::size_t>(c)];
    if (known == Points::none) continue;
    if (known == Points::unknown && may_be_thousands(table, c)) {
      findings.doubtful.push_back(c);
    } else {
      point = true;
    }
  }
  if (comma != point) findings.decimal = comma ? ',' : '.';
  if (findings.decimal == '.') findings.doubtful.clear();  // they were read with a decimal point
  return findings;
}

PartTable converted(PartTable table, const Findings& findings,
                    const std::vector<std::string>& missing, bool decimal_is_told, bool packs,
                    const std::filesystem::path& path, std::vector<std::string>& remarks) {
  Readings readings;
  for (int c = 0; c < table.num_columns(); ++c) {
    const auto& evidence = findings.columns[static_cast<std::size_t>(c)];
    if (!evidence || !evidence->contradiction(findings.decimal).empty()) continue;
    char decimal = findings.decimal == '\0' ? '.' : findings.decimal;
    if (evidence->says_comma()) decimal = ',';
    if (evidence->says_point()) decimal = '.';
    // What is told is not overruled: a cell that does not fit is an error where it is used.
    if (decimal_is_told && decimal != findings.decimal) continue;
    ColumnCollector numbers(arrow::float64(), packs, path);
    table.each_chunk(c, [&](const auto& chunk) {
      numbers.add(numbers_of(*chunk, missing, decimal, path));
      return true;
    });
    const std::string name = table.schema()->field(c)->name();  // the table is replaced below
    table = table.with_column(c, arrow::field(name, arrow::float64()), std::move(numbers).cells());
    if (evidence->is_unusual() || (decimal == ',' && evidence->is_ambiguous())) {
      readings.add(name, *evidence, decimal, decimal_is_told);
    }
  }
  readings.say(path.string(), remarks);
  return table;
}

}  // namespace sluice::text_numbers
