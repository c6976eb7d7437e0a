#include "run/config/toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/text.hpp"
#include "run/config/names.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Of a file of settings: columns named one by one take some.
constexpr std::size_t kMostBytes = std::size_t{8} << 20;
/// Parts of a dotted key, at most: toml++ walks and frees nested tables by recursion.
constexpr int kMostKeyParts = 16;
/// Columns of a line that a message repeats.
constexpr int kExcerptColumns = 200;

/// Where the TOML string that begins at text[at] ends; a string that does not end is toml++'s to
/// refuse.
std::size_t string_end(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string triple(3, quote);
  const std::string close = text.substr(at, 3) == triple ? triple : std::string(1, quote);
  for (std::size_t i = at + close.size(); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text.substr(i, close.size()) == close) {
      return i + close.size();
    } else if (text[i] == '\n' && close.size() == 1) {
      return i;
    }
  }
  return text.size();
}

/// Refuses text in other encodings than TOML's, with the way to convert it.
void check_encoding(std::string_view text, const std::string& origin) {
  const bool utf16 = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (!utf16 && is_utf8(text)) return;
  throw ConfigError(fmt::format(
      "{0}: is not UTF-8, as TOML is, {1}; convert it: iconv -f {2} -t UTF-8 {3} > utf8.toml",
      origin, utf16 ? "but UTF-16" : "but probably of an older code page",
      utf16 ? "UTF-16" : "CP1252", shell_quoted(origin)));
}

/// Refuses keys of so many parts (a.a.a.a...) that the parser would run out of stack.
void check_depth(std::string_view text, const std::string& origin) {
  int parts = 1;
  std::int64_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = string_end(text, i);
      line += std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                         text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
      i = end;
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '\n') ++line;
    if (c == '.') ++parts;
    if (std::string_view("\n,=[]{}").find(c) != std::string_view::npos) parts = 1;
    if (parts > kMostKeyParts) {
      throw ConfigError(fmt::format(
          "{}:{}: a key of more than {} parts; keys are written under their section: [training], "
          "then steps = 500",
          origin, line, kMostKeyParts));
    }
    ++i;
  }
}

/// `text` of the file without its last line break; lines count from 1.
std::string line_of(const std::string& text, std::uint32_t line) {
  std::size_t begin = 0;
  for (std::uint32_t i = 1; i < line && begin != std::string::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return {};
  std::string found = text.substr(begin, text.find('\n', begin) - begin);
  while (!found.empty() && (found.back() == '\r' || found.back() == ' ')) found.pop_back();
  return cut_to_width(found, kExcerptColumns);
}

template <typename Part>
std::string text_of(const Part& part) {
  std::ostringstream out;
  out << part;
  return out.str();
}

}  // namespace

Value value_of(const toml::node& node) {
  if (const auto* boolean = node.as_boolean()) return {boolean->get()};
  if (const auto* integer = node.as_integer()) return {integer->get()};
  if (const auto* number = node.as_floating_point()) return {number->get()};
  if (const auto* text = node.as_string()) return {text->get()};
  // Dates may stand without quotes, as TOML has them.
  if (const auto* date = node.as_date()) return {text_of(date->get())};
  if (const auto* time = node.as_date_time()) return {text_of(time->get())};
  if (const auto* array = node.as_array()) {
    ValueList list;
    for (const toml::node& element : *array) {
      Value value = value_of(element);
      if (std::holds_alternative<ValueList>(value.data)) value.data = Value::Other{"a list"};
      list.push_back(std::move(value));
    }
    return {std::move(list)};
  }
  return {Value::Other{node.is_table() ? "a table" : "a time of day"}};
}

std::string place(const std::string& origin, const toml::source_region& source) {
  return fmt::format("{}:{}", origin, source.begin.line);
}

/// The key that was meant: by a name that other programs have for it, or by likeness.
std::string_view likely_key(std::string_view written) {
  const std::string_view meant = meant_key(written.substr(written.find('.') + 1));
  return meant.empty() ? nearest_key(written) : meant;
}

[[noreturn]] void refuse_key(const std::string& where, const std::string& written) {
  const std::string_view near = likely_key(written);
  if (!near.empty()) {
    throw ConfigError(
        fmt::format("{}: unknown key '{}'; did you mean '{}'?", where, written, near));
  }
  const std::string section = written.substr(0, written.find('.'));
  throw ConfigError(
      fmt::format("{}: unknown key '{}'; 'sluice explain {}' lists the keys there are", where,
                  written, section));
}

toml::table toml_table(const std::string& text, const std::string& origin) {
  if (text.size() > kMostBytes) {
    throw ConfigError(
        fmt::format("{}: it has more than {} bytes, the most that settings have; is it the file "
                    "that was meant?",
                    origin, kMostBytes));
  }
  check_depth(text, origin);
  try {
    return toml::parse(text, std::string_view(origin));
  } catch (const toml::parse_error& e) {
    const std::uint32_t line = e.source().begin.line;
    std::string_view what = e.description();
    if (what.starts_with("Error while parsing ")) what.remove_prefix(what.find(": ") + 2);
    const bool repeated = what.find("cannot redefine") != std::string_view::npos;
    throw ConfigError(fmt::format("{}:{}: {} in '{}'; {}", origin, line, what, line_of(text, line),
                                  repeated
                                      ? "write each key and each section once"
                                      : "TOML is written as key = value, texts in \"quotes\""));
  }
}

std::string read_toml(const std::filesystem::path& file) {
  std::error_code status;
  if (std::filesystem::is_directory(file, status)) {
    throw ConfigError(fmt::format("{}: is a directory; give a TOML file", file.string()));
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw ConfigError(fmt::format(
        "{}: cannot be read ({}); give the path of a TOML file, such as configs/shop.toml",
        file.string(), std::generic_category().message(errno)));
  }
  std::string text;
  char block[1 << 14];
  do {
    errno = 0;
    in.read(block, sizeof block);
    text.append(block, static_cast<std::size_t>(in.gcount()));
  } while (in && text.size() <= kMostBytes);  // a device may have no end
  if (in.bad()) {
    throw ConfigError(
        fmt::format("{}: cannot be read ({}); look at the disk, or give another TOML file",
                    file.string(), std::generic_category().message(errno)));
  }
  check_encoding(text, file.string());
  return text;
}

}  // namespace sluice
