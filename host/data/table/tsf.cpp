// Monash's .tsf: a header of @-lines, then a row for each series: attributes and values, separated
// by colons. Comment lines may hold any bytes (Latin-1 is seen in the wild).
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

struct FrequencyWord {
  std::string_view word, name;
};
constexpr FrequencyWord kFrequencies[] = {
    {"4_seconds", "4s"},     {"minutely", "min"},     {"5_minutes", "5min"},
    {"10_minutes", "10min"}, {"15_minutes", "15min"}, {"half_hourly", "30min"},
    {"hourly", "h"},         {"daily", "D"},          {"weekly", "W"},
    {"monthly", "MS"},       {"quarterly", "QS"},     {"yearly", "YS"}};

/// Takes the text up to the next line end off `text`.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

/// Takes the part before `separator` off `text`; all of it where there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

bool is_row(std::string_view line) { return !line.empty() && line.front() != '#'; }
bool is_data_tag(std::string_view line) { return line == "@data" || line == "@DATA"; }

class TsfReader {
 public:
  TsfReader(const std::filesystem::path& path, std::string_view text) : path_(path), text_(text) {}

  std::shared_ptr<arrow::Table> read(std::int64_t max_rows, std::optional<std::string>& frequency,
                                     std::int64_t& horizon) {
    read_header(frequency, horizon);
    builders_.resize(names_.size());
    while (!text_.empty() && (max_rows == 0 || values_.length() < max_rows)) {
      const std::string_view line = next_line();
      if (is_row(line)) read_row(line);
    }
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      fields.push_back(arrow::field(names_[i], arrow::utf8()));
      arrays.push_back(checked(builders_[i].Finish()));
    }
    fields.push_back(arrow::field("values", arrow::large_list(arrow::float64())));
    arrays.push_back(checked(values_.Finish()));
    return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays));
  }

 private:
  template <typename T>
  T checked(arrow::Result<T> result) {
    return files::value_of(std::move(result), path_, "give the process more memory");
  }
  void checked(const arrow::Status& status) {
    files::check(status, path_, "give the process more memory");
  }

  std::string_view next_line() {
    ++line_;
    return take_line(text_);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}:{}: {}", path_.string(), line_, what));
  }

  void read_header(std::optional<std::string>& frequency, std::int64_t& horizon) {
    while (!text_.empty()) {
      std::string_view line = next_line();
      if (!is_row(line)) continue;
      if (is_data_tag(line)) {
        if (names_.empty())
          fail("@data before any @attribute; add '@attribute series_name string'");
        return;
      }
      if (line.front() != '@') {
        fail("a line that is neither a comment nor a @tag before @data; add a line '@data'");
      }
      const std::string_view tag = take_until(line, ' ');
      if (tag == "@attribute") {
        const std::string_view name = take_until(line, ' ');
        if (name.empty() || !arrow::util::ValidateUTF8(name)) {
          fail("an @attribute without a name in UTF-8; write '@attribute NAME TYPE'");
        }
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
          line.remove_prefix(1);
        if (line != "string" && line != "numeric" && line != "date") {
          fail(
              fmt::format("attribute '{}' has no type that .tsf files have ('{}'); write string, "
                          "numeric or date",
                          name, line));
        }
        names_.emplace_back(name);
      } else if (tag == "@frequency") {
        const auto* known =
            std::find_if(std::begin(kFrequencies), std::end(kFrequencies),
                         [&](const FrequencyWord& word) { return word.word == line; });
        if (known == std::end(kFrequencies)) {
          fail(
              fmt::format("unknown @frequency '{}'; known are 4_seconds, minutely, 5_minutes, "
                          "10_minutes, 15_minutes, "
                          "half_hourly, hourly, daily, weekly, monthly, quarterly, yearly",
                          line));
        }
        frequency = known->name;
      } else if (tag == "@horizon") {
        std::int64_t steps = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), steps);
        if (error != std::errc() || end != line.data() + line.size() || steps < 1) {
          fail(fmt::format(
              "@horizon '{}' is no number of steps; write '@horizon 6', or no such line", line));
        }
        horizon = steps;
      }
    }
    fail("no line '@data'; the file is cut off or no .tsf file");
  }

  void read_row(std::string_view line) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (line.find(':') == std::string_view::npos) {
        fail(
            fmt::format("{} {} before the values where {} attributes are declared; separate "
                        "attributes and values by ':'",
                        i, i == 1 ? "field" : "fields", names_.size()));
      }
      const std::string_view field = take_until(line, ':');
      if (!arrow::util::ValidateUTF8(field)) {
        fail(fmt::format("attribute '{}' is not UTF-8; convert the file (iconv)", names_[i]));
      }
      checked(builders_[i].Append(field));
    }
    checked(values_.Append());
    while (!line.empty()) read_value(take_until(line, ','));
  }

  void read_value(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (text == "?" || text == "NaN" || text.empty()) {
      checked(numbers_->AppendNull());
      return;
    }
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("value {} '{}' is not a number; write '?' where a value is missing",
                       numbers_->length() + 1 - first_number_of_row(), text.substr(0, 40)));
    }
    checked(numbers_->Append(number));
  }

  std::int64_t first_number_of_row() const { return values_.value_offset(values_.length() - 1); }

  const std::filesystem::path& path_;
  std::string_view text_;
  std::int64_t line_ = 0;
  std::vector<std::string> names_;
  std::vector<arrow::StringBuilder> builders_;
  std::shared_ptr<arrow::DoubleBuilder> numbers_ = std::make_shared<arrow::DoubleBuilder>();
  struct Values : arrow::LargeListBuilder {
    using arrow::LargeListBuilder::LargeListBuilder;
    std::int64_t value_offset(std::int64_t i) const { return offsets_builder_.data()[i]; }
  };
  Values values_{arrow::default_memory_pool(), numbers_};
};

}  // namespace

std::shared_ptr<arrow::Table> read_tsf(const Table::Impl& impl, const std::filesystem::path& path,
                                       std::int64_t max_rows, std::optional<std::string>& frequency,
                                       std::int64_t& horizon) {
  arrow::util::InitializeUTF8();
  const std::string text = Source(path, impl.options.max_bytes).read_all();
  return TsfReader(path, text).read(max_rows, frequency, horizon);
}

std::int64_t tsf_line_of_row(const std::filesystem::path& path, std::int64_t row) {
  const std::string all = Source(path).read_all();
  std::string_view text = all;
  std::int64_t line = 0, seen = -1;
  for (bool data = false; !text.empty() && seen < row; ++line) {
    const std::string_view content = take_line(text);
    if (data && is_row(content)) ++seen;
    if (is_data_tag(content)) data = true;
  }
  return line;
}

}  // namespace sluice
