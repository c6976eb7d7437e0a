// CSV by Arrow's multi-threaded reader. Text becomes dictionaries: ids and dates repeat, and all
// later work on them is then work on small integers.
#include <arrow/buffer.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/table/blank_rows.hpp"
#include "data/table/cells.hpp"
#include "data/table/csv/blocks.hpp"
#include "data/table/csv/scan.hpp"
#include "data/table/encoding.hpp"
#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "data/table/reserve_pool.hpp"
#include "data/table/text_numbers.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// More distinct texts in a block than this are no category, and are kept as plain text.
constexpr std::int32_t kMostDistinct = 1 << 20;

/// "------------+-------", "|---|---|": a line that only draws.
bool is_frame(std::string_view line) {
  return line.find("--") != std::string_view::npos &&
         line.find_first_not_of("-+=:| \t") == std::string_view::npos;
}
constexpr std::string_view kFrameRemedy =
    "a line of a frame, as psql and mysql draw it round a table; export the table as CSV (psql "
    "--csv, mysql --batch)";

/// What is wrong with the row, and what to do.
std::string ragged_remedy(const csv::Text& text, const csv::Ragged& ragged) {
  const std::string_view first = ragged.first_cell;
  if (is_frame(first)) return fmt::format("it is {}", kFrameRemedy);
  if (first.find_first_not_of(" \t") == std::string_view::npos && ragged.cells == 1) {
    return "there are only spaces on it: remove the line";
  }
  if (ragged.expected == 1) {
    return fmt::format("{}remove what stands above the header (a title, a comment)",
                       ragged.all_alike ? "so have all rows: " : "");
  }
  if (ragged.all_alike && ragged.cells == ragged.expected + 1) {
    return "so have all rows: give the column without a name one in the header (row names, or a "
           "delimiter at the end of every row), or put numbers with decimal commas in quotes";
  }
  if (first.starts_with('#')) return "a CSV file has no comments: remove the lines with '#'";
  if (ragged.cells == 1 && ragged.at_end && !ragged.all_alike) {
    return fmt::format("'{}' stands below the table: remove what is no row (a note, a count)",
                       cells::visible(first.substr(0, 40)));
  }
  return fmt::format(
      "put cells that contain '{}' or a line end in double quotes, or set "
      "data.delimiter",
      text.form().delimiter == '\t' ? "\\t" : std::string(1, text.form().delimiter));
}

[[noreturn]] void throw_ragged(const csv::Text& text, const csv::Ragged& ragged) {
  throw DataError(fmt::format("{}:{}: {} {} where the header has {} {}; {}", text.path().string(),
                              ragged.line, ragged.cells, ragged.cells == 1 ? "cell" : "cells",
                              ragged.expected, ragged.expected == 1 ? "column" : "columns",
                              ragged_remedy(text, ragged)));
}

[[noreturn]] void throw_not_utf8(const csv::Text& text, const encoding::BadText& bad) {
  throw DataError(
      fmt::format("{}:{}: '{}' is not UTF-8; set data.encoding to what the file is written in "
                  "(cp1252 in Western Europe, cp1250, cp1251, gb18030 in China, shift_jis)",
                  text.path().string(), bad.line, bad.cell));
}

void check_quotes(const csv::Text& text, std::int64_t quotes) {
  if (quotes % 2 == 0) return;
  const auto line = csv::find_open_quote(text);
  if (!line) return;
  throw DataError(fmt::format(
      "{}:{}: a quote is opened that nothing closes, so that all rows below are one cell; close "
      "it, or write two quotes where one is meant as a sign",
      text.path().string(), *line));
}

[[noreturn]] void throw_csv_error(const csv::Text& text, std::int64_t quotes,
                                  const arrow::Status& status) {
  text.check();
  check_quotes(text, quotes);
  if (const auto ragged = csv::find_ragged_row(text)) throw_ragged(text, *ragged);
  if (status.message().find("invalid UTF8") != std::string::npos) {
    if (const auto bad = encoding::find_bad_utf8(*text.stream(), text.form().delimiter)) {
      throw_not_utf8(text, *bad);
    }
  }
  files::check(status, text.path(),
               "check that it is a CSV file in UTF-8 (data.format, data.delimiter)");
  throw InternalError("throw_csv_error: called without an error");
}

void check_header(const csv::Text& text, const std::vector<std::string>& names) {
  constexpr std::size_t kMostColumns = 250'000;  // Arrow takes some 8 kB and 50 us for each
  if (names.size() > kMostColumns) {
    throw DataError(
        fmt::format("{}: its first line has {} cells, and {} columns are the most that are read; "
                    "write a series in rows below each other (data.layout = \"long\") or in one "
                    "row (\"rows\"), or check data.delimiter",
                    text.path().string(), names.size(), kMostColumns));
  }
  arrow::util::InitializeUTF8();
  const auto is_drawn = [](const std::string& name) { return name.empty() || is_frame(name); };
  if (std::any_of(names.begin(), names.end(), [](const auto& name) { return is_frame(name); }) &&
      std::all_of(names.begin(), names.end(), is_drawn)) {
    throw DataError(fmt::format("{}: its first line is {}", text.path().string(), kFrameRemedy));
  }
  for (const std::string& name : names) {
    if (arrow::util::ValidateUTF8(name)) continue;
    const auto bad = encoding::find_bad_utf8(*text.stream(), text.form().delimiter);
    throw_not_utf8(text, bad ? *bad : encoding::BadText{1, "the header"});
  }
}

void refuse_title(const csv::Text& text) {
  const auto found = csv::find_title(text);
  if (!found) return;
  throw DataError(fmt::format(
      "{}:1: '{}' is a title: the names of the columns seem to stand on line {} ({}); remove the "
      "lines above it",
      text.path().string(), cells::visible(found->title), found->line,
      cells::visible(fmt::format("{}", fmt::join(found->names, ", ")))));
}

/// Names without the spaces round them.
std::vector<std::string> trimmed(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (std::string_view name : names) {
    for (bool again = true; again;) {
      again = false;
      for (const std::string_view space : {" ", "\t", "\u00A0", "\uFEFF"}) {
        if (name.starts_with(space)) {
          name.remove_prefix(space.size());
          again = true;
        }
        if (name.ends_with(space)) {
          name.remove_suffix(space.size());
          again = true;
        }
      }
    }
    out.emplace_back(name);
  }
  return out;
}

/// One file in reading.
class CsvReader {
 public:
  CsvReader(Table::Impl& impl, const std::filesystem::path& path)
      : impl_(impl),
        options_(impl.options),
        text_(path, options_, impl.remarks),
        decimal_(options_.decimal) {
    // Fields between commas are written where the decimal sign is a point: 3.459 is no 3459.
    if (options_.form_of_another && text_.form().delimiter == ',') decimal_ = '\0';
  }

  PartTable read(std::int64_t max_rows, const TextColumns& text_columns) {
    raw_names_ = csv::header_of(text_);
    check_header(text_, raw_names_);
    refuse_title(text_);
    const std::vector<std::string> names = trimmed(raw_names_);
    if (max_rows > 0) first_rows_ = arrow::Buffer::FromString(csv::first_rows(text_, max_rows));
    look_for_quotes();
    std::vector<char> keep(names.size(), 0);
    if (text_columns) {
      for (const std::string& name : text_columns(names)) {
        for (std::size_t i = 0; i < names.size(); ++i) {
          if (names[i] == name) keep[i] = 1;
        }
      }
    }
    if (max_rows == 0) look_at_head();
    PartTable table = read_numbers(read_once(keep), keep);
    if (names != raw_names_ && names.size() == raw_names_.size()) {
      table = table.renamed(names);
      impl_.remarks.push_back(fmt::format("{}: spaces round the names of its columns were left out",
                                          text_.path().string()));
    }
    return table;
  }
  const csv::Form& form() const { return text_.form(); }
  const std::vector<std::int64_t>& blank_rows() const { return blank_rows_; }

 private:
  /// Without quotes, no row goes on behind a line end, and the ends of rows need no serial search.
  void look_for_quotes() {
    if (first_rows_ != nullptr) {
      first_marks_.take({reinterpret_cast<const char*>(first_rows_->data()),
                         static_cast<std::size_t>(first_rows_->size())});
    } else if (text_.is_plain()) {
      const auto stream = text_.stream();
      std::vector<char> block(std::size_t{1} << 18);
      const auto size = static_cast<std::int64_t>(block.size());
      for (;;) {
        const std::int64_t count =
            files::value_of(stream->Read(size, block.data()), text_.path(), "check the file");
        if (count == 0) break;
        bytes_ += count;
        first_marks_.take({block.data(), static_cast<std::size_t>(count)});
      }
    }
    may_have_quotes_ = (first_rows_ == nullptr && !text_.is_plain()) || first_marks_.quotes() > 0;
  }

  /// Of a large file, by whose first rows its columns' types are found.
  void look_at_head() {
    constexpr std::int64_t kMostBytes = std::int64_t{16} << 20;
    if (text_.is_plain() && bytes_ <= options_.kept_bytes) return;
    head_ = csv::rows_within(text_, std::min(options_.kept_bytes, kMostBytes));
    if (head_.is_all || head_.rows < 1) head_ = {};
  }

  csv::BlockOptions reading(const std::vector<char>& as_text) const {
    csv::BlockOptions reading;
    reading.path = text_.path();
    reading.parse.delimiter = text_.form().delimiter;
    reading.parse.newlines_in_values = may_have_quotes_;
    auto& convert = reading.convert;
    convert.null_values = options_.missing;
    convert.null_values.emplace_back("");
    convert.strings_can_be_null = true;
    convert.auto_dict_encode = true;
    convert.auto_dict_max_cardinality = kMostDistinct;
    if (decimal_ != '\0') convert.decimal_point = decimal_;
    for (std::size_t i = 0; i < as_text.size(); ++i) {
      if (as_text[i] == 0) continue;
      convert.column_types[raw_names_[i]] = arrow::dictionary(arrow::int32(), arrow::utf8());
    }
    reading.read.skip_rows = text_.form().separator_line ? 1 : 0;
    return reading;
  }

  PartTable read_once(const std::vector<char>& as_text) {
    csv_pool().prepare();
    csv::BlockOptions reading = this->reading(as_text);
    // A row must fit into a block: wide files get larger ones.
    for (const std::int32_t block : {1 << 20, 1 << 26, 1 << 30}) {
      reading.read.block_size = block;
      const auto marks = std::make_shared<csv::Marks>(first_marks_);
      auto table = read_rows(reading, marks);
      if (table.ok()) {
        csv_pool().release();
        text_.check();
        marks_ = *marks;
        check_text(*table);
        check_quotes(text_, first_rows_ == nullptr ? marks_.quotes() : 0);
        blank_rows_ = csv::rows_of_delimiters(text_, rows_without_values(*table));
        return blank_rows_.empty() ? *table
                                   : without_rows(*table, blank_rows_, packs_, text_.path());
      }
      // "Empty block": the header alone is longer than a block.
      const std::string message = table.status().message();
      const bool too_long = message.find("straddling object") != std::string::npos ||
                            message.find("Empty CSV file or block") != std::string::npos;
      if (!too_long || block == 1 << 30) throw_csv_error(text_, marks->quotes(), table.status());
    }
    throw InternalError("read_csv: no block size was tried");
  }

  arrow::Result<PartTable> read_rows(const csv::BlockOptions& reading,
                                     const std::shared_ptr<csv::Marks>& marks) {
    const auto open = [this, marks] {
      *marks = first_marks_;
      return input(first_marks_known() ? nullptr : marks);
    };
    packs_ = false;
    if (head_.rows > 0) {
      csv::BlockOptions blocks = reading;
      const auto head = std::make_shared<arrow::io::BufferReader>(
          arrow::Buffer::FromString(std::string(head_.text)));
      ARROW_ASSIGN_OR_RAISE(const auto first, read_whole(reading, head));
      blocks.first = first->schema();
      blocks.open = open;
      // Many columns in few rows would take more for themselves than their cells do.
      constexpr std::int64_t kRows = 1024, kMostBytes = 1 << 26;
      blocks.read.block_size = static_cast<std::int32_t>(std::clamp(
          std::ssize(head_.text) / head_.rows * kRows, std::int64_t{reading.read.block_size},
          std::max(kMostBytes, std::int64_t{reading.read.block_size})));
      ARROW_ASSIGN_OR_RAISE(auto table, csv::read_blocks(blocks));
      packs_ = table.has_value();
      if (packs_) return *std::move(table);
    }
    ARROW_ASSIGN_OR_RAISE(const auto table, read_whole(reading, open()));
    return PartTable(table);
  }

  static arrow::Result<std::shared_ptr<arrow::Table>> read_whole(
      const csv::BlockOptions& reading, std::shared_ptr<arrow::io::InputStream> text) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::csv::TableReader::Make(
                                                 arrow::io::IOContext(&csv_pool()), std::move(text),
                                                 reading.read, reading.parse, reading.convert));
    return reader->Read();
  }

  /// Where a column's text is not UTF-8, Arrow gives its bytes.
  void check_text(const PartTable& table) const {
    for (const auto& field : table.schema()->fields()) {
      auto type = field->type();
      if (type->id() == arrow::Type::DICTIONARY) {
        type = static_cast<const arrow::DictionaryType&>(*type).value_type();
      }
      if (type->id() != arrow::Type::BINARY && type->id() != arrow::Type::LARGE_BINARY) continue;
      if (const auto bad = encoding::find_bad_utf8(*text_.stream(), text_.form().delimiter)) {
        throw_not_utf8(text_, *bad);
      }
    }
  }

  bool first_marks_known() const { return first_rows_ != nullptr || text_.is_plain(); }

  /// What Arrow reads; `marks` are taken on the way where they are not known.
  std::shared_ptr<arrow::io::InputStream> input(std::shared_ptr<csv::Marks> marks) const {
    if (first_rows_ != nullptr) return std::make_shared<arrow::io::BufferReader>(first_rows_);
    if (marks == nullptr) return text_.stream();
    return text_.stream([marks](std::string_view block) { marks->take(block); });
  }

  /// Columns whose numbers Arrow does not know as such, or takes for others than they may be.
  PartTable read_numbers(PartTable table, const std::vector<char>& keep) {
    // A file beside the data, whose setting it is: between commas a point is decimal.
    const bool beside = options_.form_of_another && options_.decimal != '\0';
    using text_numbers::Points;
    std::vector<Points> points(raw_names_.size(), beside ? Points::decimal : Points::unknown);
    if (decimal_ == '\0' && !beside) {
      const std::vector<char> found = csv::columns_with_decimal_points(text_);
      for (std::size_t c = 0; c < std::min(found.size(), points.size()); ++c) {
        if (found[c] != 0) points[c] = Points::decimal;
      }
    }
    const auto look = [&] {
      return text_numbers::look_at(table, keep, options_.missing, decimal_, points);
    };
    auto findings = look();
    if (!findings.doubtful.empty()) {
      for (const int c : findings.doubtful) points[static_cast<std::size_t>(c)] = Points::none;
      for (const int c : csv::columns_with_points_of_thousands(text_, findings.doubtful)) {
        points[static_cast<std::size_t>(c)] = Points::unknown;
      }
      findings = look();
    }
    if (text_.form().delimiter == ',' && !findings.doubtful.empty()) {
      // Who writes thousands with points writes decimal commas, and does not separate by commas.
      std::vector<std::string> names;
      for (const int c : findings.doubtful) {
        points[static_cast<std::size_t>(c)] = Points::decimal;
        names.push_back(fmt::format("'{}'", table.schema()->field(c)->name()));
      }
      impl_.remarks.push_back(fmt::format(
          "{}: every point in {} stands before three digits; between commas it is "
          "taken for the decimal sign: set data.decimal to \",\" if these are thousands",
          text_.path().string(), fmt::join(names, ", ")));
      findings = look();
    }
    if (decimal_ != '\0' && options_.form_of_another &&
        text_numbers::says_other_decimal(table, findings, decimal_)) {
      decimal_ = decimal_ == ',' ? '.' : ',';
      impl_.remarks.push_back(
          fmt::format("{}: its decimal sign is '{}', which its cells leave no doubt about, not "
                      "that of data.decimal",
                      text_.path().string(), decimal_));
      table = read_once(keep);
      findings = look();
    }
    std::vector<int> again = findings.doubtful;
    if (marks_.hexadecimal()) {
      for (int c = 0; c < table.num_columns(); ++c) {
        if (table.type(c).id() == arrow::Type::INT64) again.push_back(c);
      }
    }
    if (!again.empty()) {
      std::vector<char> as_text = keep;
      for (const int c : again) as_text[static_cast<std::size_t>(c)] = 1;
      table = read_once(as_text);
      findings = look();
    }
    return text_numbers::converted(std::move(table), findings, options_.missing, decimal_ != '\0',
                                   packs_, text_.path(), impl_.remarks);
  }

  Table::Impl& impl_;
  const ReadOptions& options_;
  csv::Text text_;
  char decimal_;  ///< '.' or ','; 0: by the cells
  std::vector<std::string> raw_names_;
  std::shared_ptr<arrow::Buffer> first_rows_;  ///< where not all rows are asked for
  csv::Head head_;                             ///< of a large file
  std::int64_t bytes_ = 0;                     ///< of the text, where it is plain
  bool packs_ = false;                         ///< the columns that were read last
  csv::Marks first_marks_, marks_;
  std::vector<std::int64_t> blank_rows_;
  bool may_have_quotes_ = true;
};

}  // namespace

void read_csv(Table::Impl& impl, TablePart& part, std::int64_t max_rows,
              const TextColumns& text_columns) {
  CsvReader reader(impl, part.path);
  part.table = reader.read(max_rows, text_columns);
  part.form = reader.form();
  part.blank_rows = reader.blank_rows();
  if (part.blank_rows.empty()) return;
  const auto count = part.blank_rows.size();
  impl.remarks.push_back(fmt::format(
      "{}: {} without any value {} left out, the first one on line {}", part.path.string(),
      count == 1 ? "a row" : fmt::format("{} rows", count), count == 1 ? "was" : "were",
      csv::line_of_row(csv::Text(part.path, part.form), part.blank_rows.front())));
}

}  // namespace sluice
