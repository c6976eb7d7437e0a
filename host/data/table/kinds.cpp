#include "data/table/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

struct Kind {
  std::string_view start, what, remedy;
};
using namespace std::string_view_literals;
constexpr std::string_view kSpreadsheet =
    "save its sheet as CSV (\"CSV UTF-8\") and give that file";
constexpr Kind kKinds[] = {
    {"\xD0\xCF\x11\xE0"sv, "an Excel workbook (.xls)", kSpreadsheet},
    {"PAR1"sv, "a Parquet file", "name it .parquet, or set data.format to parquet"},
    {"ARROW1"sv, "an Arrow file", "name it .arrow, or set data.format to arrow"},
    {"FEA1"sv, "a Feather file of the first version", "write it again as Parquet or CSV"},
    {"BZh"sv, "a bzip2 file", "unpack it (bunzip2)"},
    {"\xFD\x37zXZ"sv, "an xz file", "unpack it (unxz)"},
    {"7z\xBC\xAF"sv, "a 7-Zip archive", "unpack it"},
    {"SQLite format 3"sv, "an SQLite database", "export the table as CSV"},
    {"\x89HDF"sv, "an HDF5 file", "write the table as Parquet or CSV"},
    {"%PDF"sv, "a PDF document", "give the table as CSV"},
    {"\x80\x04\x95"sv, "a pickle of Python", "write the table as Parquet or CSV (to_parquet)"},
    {"\x80\x05\x95"sv, "a pickle of Python", "write the table as Parquet or CSV (to_parquet)"},
    {"\x89PNG"sv, "a picture", "give the table as CSV"},
};

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(b)) == a;
         });
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view what,
                         std::string_view remedy) {
  throw DataError(fmt::format("{}: this is {}, not CSV; {}", path.string(), what, remedy));
}

/// An object, or a list of objects or lists.
bool begins_json(std::string_view text) {
  const char first = text.empty() ? '\0' : text.front();
  if (first != '{' && first != '[') return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n", 1);
  return next != text.npos &&
         (first == '{' ? text[next] == '"' : text[next] == '{' || text[next] == '[');
}

/// Text in two bytes a character has a zero in every second one, in Latin letters and digits.
void refuse_zeros(const std::filesystem::path& path, std::string_view head) {
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0' ? 1u : 0u;
  if (zeros[0] + zeros[1] == 0) return;
  const std::size_t half = head.size() / 2;
  for (const std::size_t odd : {0u, 1u}) {
    if (10 * zeros[odd] < 8 * half || 10 * zeros[1 - odd] > half) continue;
    const std::string_view name = odd == 1 ? "utf-16le" : "utf-16be";
    throw DataError(
        fmt::format("{}: every second byte is zero, as in UTF-16 without a byte order mark; set "
                    "data.encoding to {}",
                    path.string(), name));
  }
  const auto first = static_cast<std::size_t>(head.find('\0'));
  const auto line =
      std::count(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(first), '\n') + 1;
  throw DataError(
      fmt::format("{}:{}: a zero byte (NUL), which no text has; the file is damaged or no CSV file "
                  "(data.format)",
                  path.string(), line));
}

}  // namespace

void refuse_other_kinds(const std::filesystem::path& path, std::string_view head) {
  if (head.starts_with("PK\x03\x04")) {
    if (head.find("[Content_Types].xml") != head.npos || head.find("xl/") != head.npos) {
      refuse(path, "an Excel workbook (.xlsx)", kSpreadsheet);
    }
    if (head.find("opendocument.spreadsheet") != head.npos) {
      refuse(path, "an OpenDocument sheet (.ods)", kSpreadsheet);
    }
    refuse(path, "a zip archive", "unpack it (unzip) and give the file in it");
  }
  for (const Kind& kind : kKinds) {
    if (head.starts_with(kind.start)) refuse(path, kind.what, kind.remedy);
  }
  std::string_view text = head;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  for (const std::string_view start : {"<!doctype html"sv, "<html"sv, "<table"sv}) {
    if (starts_with_ignoring_case(text, start)) {
      refuse(path, "a web page",
             "a download may be a form to log in: download it again; a sheet saved as HTML: save "
             "it as CSV");
    }
  }
  if (text.starts_with("<?xml")) refuse(path, "XML", "write the table as CSV or Parquet");
  if (begins_json(text)) {
    refuse(path, "JSON", "write the table as CSV or Parquet (pandas: read_json(...).to_csv(...))");
  }
  refuse_zeros(path, head);
}

}  // namespace sluice
