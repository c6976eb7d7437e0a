// How a CSV file is written: its encoding, its delimiter, a first line for Excel ("sep=;"). And its
// text, which all that looks into the file reads the same way.
#pragma once

#include <arrow/buffer.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/source.hpp"
#include "sluice/data/table.hpp"

namespace sluice::csv {

struct Form {
  char delimiter = ',';
  std::string encoding;         ///< iconv's name; empty: UTF-8
  bool separator_line = false;  ///< the first line is "sep=;", not the header
};

/// A file's text in UTF-8, to be read from its start any number of times.
class Text {
 public:
  /// Settles the form by `options` and the file's first bytes and lines; what was guessed is added
  /// to `remarks`. Throws DataError where the file is no CSV file, or where two delimiters fit.
  Text(const std::filesystem::path& path, const ReadOptions& options,
       std::vector<std::string>& remarks);
  /// In a form that is known.
  Text(const std::filesystem::path& path, const Form& form);

  const std::filesystem::path& path() const { return source_.path(); }
  const Form& form() const { return form_; }
  std::int64_t budget() const { return source_.budget(); }
  /// Whether a second reading costs little more than its bytes.
  bool is_plain() const;

  std::shared_ptr<arrow::io::InputStream> stream(Source::Watch watch = {}) const;
  void check() const { source_.check(); }

 private:
  void settle_delimiter(const ReadOptions& options, std::vector<std::string>& remarks);
  void decode(bool may_be_utf8, std::vector<std::string>& remarks);
  void convert(std::string_view bytes);

  Source source_;
  Form form_;
  std::shared_ptr<arrow::Buffer> decoded_;  ///< where the file is not in UTF-8
};

}  // namespace sluice::csv
