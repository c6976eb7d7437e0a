#include "data/table/encoding.hpp"

#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <unordered_set>

#include "sluice/base/error.hpp"

namespace sluice::encoding {
namespace {

/// iconv's conversion to UTF-8, closed at its end.
class Converter {
 public:
  explicit Converter(const std::string& from) : handle_(::iconv_open("UTF-8", from.c_str())) {}
  ~Converter() {
    if (known()) ::iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  bool known() const { return handle_ != reinterpret_cast<iconv_t>(-1); }
  /// Takes what it can off `bytes` and appends it to `out`; 0, or errno.
  int convert(std::string_view& bytes, std::string& out) {
    std::array<char, 1 << 16> block{};
    for (;;) {
      // iconv takes a char** for historical reasons and does not write there.
      char* in = const_cast<char*>(bytes.data());
      std::size_t in_left = bytes.size(), out_left = block.size();
      char* to = block.data();
      const std::size_t result = ::iconv(handle_, &in, &in_left, &to, &out_left);
      const int error = result == static_cast<std::size_t>(-1) ? errno : 0;
      out.append(block.data(), block.size() - out_left);
      bytes.remove_prefix(bytes.size() - in_left);
      if (error != E2BIG) return error;
    }
  }

 private:
  iconv_t handle_;
};

std::string visible(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte < 0x20 || byte >= 0x7F ? fmt::format("\\x{:02X}", byte) : std::string(1, c);
  }
  return text;
}

/// The cell of `line` with the first byte at which it stops being UTF-8.
std::string bad_cell(std::string_view line, char delimiter) {
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(delimiter), line.size());
    const std::string_view cell = line.substr(0, end);
    if (!arrow::util::ValidateUTF8(cell)) return visible(cell.substr(0, 40));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return "";
}

}  // namespace

std::string by_mark(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\xFF\xFE\0\0"sv)) return "UTF-32LE";
  if (head.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32BE";
  if (head.starts_with("\xFF\xFE"sv)) return "UTF-16LE";
  if (head.starts_with("\xFE\xFF"sv)) return "UTF-16BE";
  if (head.starts_with("\xEF\xBB\xBF"sv)) return "UTF-8";
  return "";
}

bool is_utf8(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_')
      plain += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return plain == "UTF8" || plain == "ASCII";
}

void check_known(const std::string& name) {
  // To iconv, a name without letter or digit is that of the locale's encoding.
  const bool has_name =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!has_name || !Converter(name).known()) {
    throw ConfigError(
        fmt::format("data.encoding: iconv knows no encoding '{}' here; 'iconv -l' lists those it "
                    "knows (cp1252, gb18030, shift_jis, utf-16le)",
                    name));
  }
}

std::string to_utf8(const std::filesystem::path& path, std::string_view bytes,
                    const std::string& name, std::int64_t most) {
  Converter converter(name);
  check_known(name);
  std::string text;
  while (!bytes.empty()) {
    // In steps, so that the limit holds before the memory is taken.
    std::string_view step = bytes.substr(0, std::size_t{1} << 24);
    const std::size_t before = step.size();
    const int error = converter.convert(step, text);
    const bool cut_in_a_character = error == EINVAL && step.size() < 8 && before < bytes.size();
    bytes.remove_prefix(before - step.size());
    if (error != 0 && !cut_in_a_character) {
      throw DataError(fmt::format(
          "{}:{}: the bytes {} are no text in {}; set data.encoding to what the file is written in",
          path.string(), std::count(text.begin(), text.end(), '\n') + 1,
          visible(bytes.substr(0, 4)), name));
    }
    if (static_cast<std::int64_t>(text.size()) > most) {
      throw DataError(
          fmt::format("{}: too large to be converted from {} in memory; convert it "
                      "first: iconv -f {} -t utf-8",
                      path.string(), name, name));
    }
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

bool is_utf8_beyond_doubt(std::string_view bytes, const std::string& name) {
  // Of GB 18030's common characters one in five is a character of two bytes in UTF-8 too, and 0.2^8
  // is 3 of a million; three bytes are rarer by far.
  constexpr std::size_t kTooMany = 8;
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(bytes)) return false;
  const auto is_lead = [](char c) { return static_cast<unsigned char>(c) >= 0xC0; };
  std::unordered_set<std::string_view> characters;
  std::string several;  // these characters, once each
  std::size_t weight = 0;
  for (std::size_t i = 0; i < bytes.size() && weight < kTooMany; ++i) {
    if (!is_lead(bytes[i])) continue;
    std::size_t end = i + 1;
    while (end < bytes.size() && (static_cast<unsigned char>(bytes[end]) & 0xC0) == 0x80) ++end;
    const std::string_view character = bytes.substr(i, end - i);
    if (!characters.insert(character).second) continue;
    several += character;
    weight += character.size() > 2 ? kTooMany / 2 : 1;
  }
  if (characters.empty() || weight >= kTooMany) return !characters.empty();
  Converter converter(name);
  if (!converter.known()) return false;  // which to_utf8 says
  std::string text;
  std::string_view rest = several;
  if (converter.convert(rest, text) != 0) return true;
  const auto read = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return static_cast<std::size_t>(read) == several.size();
}

std::optional<BadText> find_bad_utf8(arrow::io::InputStream& stream, char delimiter) {
  arrow::util::InitializeUTF8();
  std::int64_t line = 1;
  std::string open;  // the start of a line that the next block goes on with
  for (;;) {
    const auto block = stream.Read(std::int64_t{1} << 20);
    const bool last = !block.ok() || (*block)->size() == 0;
    if (!last) {
      open.append(reinterpret_cast<const char*>((*block)->data()),
                  static_cast<std::size_t>((*block)->size()));
    }
    std::string_view text = open;
    for (;;) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos && !last) break;
      const std::string_view whole = text.substr(0, end);
      if (!arrow::util::ValidateUTF8(whole)) return BadText{line, bad_cell(whole, delimiter)};
      if (end == std::string_view::npos) return std::nullopt;
      text.remove_prefix(end + 1);
      ++line;
    }
    open = std::string(text);
  }
}

}  // namespace sluice::encoding
