#include "data/table/csv/form.hpp"

#include <arrow/io/memory.h>
#include <fmt/format.h>

#include <optional>

#include "data/table/csv/scan.hpp"
#include "data/table/encoding.hpp"
#include "data/table/files.hpp"
#include "data/table/kinds.hpp"
#include "sluice/base/error.hpp"

namespace sluice::csv {
namespace {

constexpr std::int64_t kHead = 1 << 16;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

/// The separator that Excel's first line "sep=;" names.
std::optional<char> separator_of(std::string_view head) {
  std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  if (line.size() == 7 && line.front() == '"' && line.back() == '"') line = line.substr(1, 5);
  if (line.size() != 5 || !(line.starts_with("sep=") || line.starts_with("SEP="))) {
    return std::nullopt;
  }
  return line.back();
}

std::string named(char delimiter) {
  return delimiter == '\t' ? "the tabulator" : fmt::format("'{}'", delimiter);
}

/// What a delimiter makes of a file's first rows.
struct Fit {
  char delimiter;
  std::int64_t header = 0;  ///< cells of the first row
  bool even = true;         ///< and all rows that could be seen have as many
};

Fit fit_of(char delimiter, std::string_view head, bool whole) {
  Fit fit{.delimiter = delimiter};
  RowScanner scanner(delimiter);
  const auto take = [&] {
    if (fit.header == 0) fit.header = scanner.cells();
    fit.even = fit.even && scanner.cells() == fit.header;
  };
  for (const char c : head) {
    if (scanner.feed(c)) take();
  }
  // A last row that the sample cuts off says nothing, unless it is the only one.
  if ((whole || fit.header == 0) && scanner.finish()) take();
  return fit;
}

constexpr char kUsualDelimiters[] = {',', ';', '\t', '|'};

/// Throws DataError where the delimiter that was asked for cuts nothing and a usual one does.
void refuse_idle(const std::filesystem::path& path, char asked, std::string_view head, bool whole) {
  if (fit_of(asked, head, whole).header > 1) return;
  for (const char delimiter : kUsualDelimiters) {
    const Fit fit = fit_of(delimiter, head, whole);
    if (fit.header <= 1 || !fit.even) continue;
    throw DataError(fmt::format(
        "{}: {} (data.delimiter) does not occur between cells of its first row, and {} cuts its "
        "first rows into {} each; set data.delimiter to it, or to auto",
        path.string(), named(asked), named(delimiter), fit.header));
  }
}

/// The delimiter that the first rows leave no doubt about.
char delimiter_by_rows(const std::filesystem::path& path, std::string_view head, bool whole) {
  std::vector<Fit> possible;
  for (const char delimiter : kUsualDelimiters) {
    const Fit fit = fit_of(delimiter, head, whole);
    if (fit.header > 1) possible.push_back(fit);
  }
  if (possible.empty()) return ',';
  if (possible.size() == 1) return possible.front().delimiter;
  std::vector<Fit> even;
  for (const Fit& fit : possible) {
    if (fit.even) even.push_back(fit);
  }
  if (even.size() == 1) return even.front().delimiter;
  if (even.empty()) return possible.front().delimiter;
  throw DataError(fmt::format(
      "{}: {} cuts its first rows into {} cells each and {} into {}; set data.delimiter to the one "
      "that separates the fields",
      path.string(), named(even[0].delimiter), even[0].header, named(even[1].delimiter),
      even[1].header));
}

}  // namespace

Text::Text(const std::filesystem::path& path, const ReadOptions& options,
           std::vector<std::string>& remarks)
    : source_(path, options.max_bytes) {
  if (source_.compression_unnamed()) {
    remarks.push_back(fmt::format(
        "{}: is compressed, which its name does not say; it was read unpacked", path.string()));
  }
  const std::string head = source_.head(kHead);
  source_.check();
  const std::string marked = encoding::by_mark(head);
  if (!marked.empty()) {
    form_.encoding = marked;
  } else if (options.encoding != "auto") {
    form_.encoding = options.encoding;
  }
  if (encoding::is_utf8(form_.encoding)) form_.encoding.clear();
  if (!form_.encoding.empty()) decode(marked.empty(), remarks);
  if (form_.encoding.empty()) {
    refuse_other_kinds(path, head);
  } else {
    if (marked == form_.encoding) {
      remarks.push_back(fmt::format("{}: was read as {}, by its byte order mark", path.string(),
                                    form_.encoding.substr(0, 6)));
    }
  }
  settle_delimiter(options, remarks);
}

Text::Text(const std::filesystem::path& path, const Form& form) : source_(path), form_(form) {
  if (!form_.encoding.empty()) convert(source_.read_all());
}

void Text::decode(bool may_be_utf8, std::vector<std::string>& remarks) {
  const std::string bytes = source_.read_all();
  if (!may_be_utf8 || !encoding::is_utf8_beyond_doubt(bytes, form_.encoding)) {
    return convert(bytes);
  }
  remarks.push_back(
      fmt::format("{}: was read as UTF-8, which its bytes are beyond doubt, not as {} "
                  "(data.encoding)",
                  path().string(), form_.encoding));
  form_.encoding.clear();
}

void Text::convert(std::string_view bytes) {
  decoded_ =
      arrow::Buffer::FromString(encoding::to_utf8(path(), bytes, form_.encoding, source_.budget()));
  if (decoded_->size() == 0) {
    throw DataError(fmt::format("{}: the file is empty; write it again", path().string()));
  }
}

bool Text::is_plain() const {
  return decoded_ != nullptr || source_.compression() == arrow::Compression::UNCOMPRESSED;
}

void Text::settle_delimiter(const ReadOptions& options, std::vector<std::string>& remarks) {
  const std::string sample =
      decoded_ != nullptr
          ? std::string(reinterpret_cast<const char*>(decoded_->data()),
                        static_cast<std::size_t>(std::min<std::int64_t>(decoded_->size(), kHead)))
          : source_.head(kHead);
  std::string_view head = sample;
  if (head.starts_with(kUtf8Mark)) head.remove_prefix(kUtf8Mark.size());
  const auto separator = separator_of(head);
  form_.separator_line = separator.has_value();
  const bool tabs = files::extension_of(files::without_compression(path())) == ".tsv";
  const bool whole = sample.size() < static_cast<std::size_t>(kHead);
  if (options.delimiter != '\0' && !(options.form_of_another && separator)) {
    form_.delimiter = tabs && options.delimiter == ',' ? '\t' : options.delimiter;
    if (!options.form_of_another) refuse_idle(path(), form_.delimiter, head, whole);
    // One that cuts nothing separates nothing; which other one does shows as without a setting.
    if (!options.form_of_another || fit_of(form_.delimiter, head, whole).header > 1) return;
  }
  if (separator) {
    form_.delimiter = *separator;
    return;
  }
  const std::string_view header = head.substr(0, head.find_first_of("\r\n"));
  if (tabs && header.find('\t') != std::string_view::npos) {
    form_.delimiter = '\t';
    return;
  }
  form_.delimiter = delimiter_by_rows(path(), head, whole);
  if (form_.delimiter != ',') {
    remarks.push_back(fmt::format("{}: {} separates the fields; data.delimiter can say otherwise",
                                  path().string(), named(form_.delimiter)));
  }
}

std::shared_ptr<arrow::io::InputStream> Text::stream(Source::Watch watch) const {
  if (decoded_ == nullptr) return source_.stream(std::move(watch));
  if (watch) {
    watch({reinterpret_cast<const char*>(decoded_->data()),
           static_cast<std::size_t>(decoded_->size())});
  }
  return std::make_shared<arrow::io::BufferReader>(decoded_);
}

}  // namespace sluice::csv
