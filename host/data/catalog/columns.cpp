#include "data/catalog/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "data/catalog/names.hpp"
#include "data/catalog/uses.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::optional<int> parse_index(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

struct Places {
  int begin, end;
};

/// "#3" or "#1:14"; nullopt for names (also those that begin with '#').
std::optional<Places> parse_places(std::string_view text) {
  if (!text.starts_with('#')) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  const auto begin = parse_index(text.substr(0, colon));
  if (!begin) return std::nullopt;
  if (colon == std::string_view::npos) return Places{*begin, *begin + 1};
  const auto end = parse_index(text.substr(colon + 1));
  if (!end) return std::nullopt;
  return Places{*begin, *end};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

}  // namespace

std::string list_columns(const Header& header) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(header.names.size(), kMost); ++i) {
    text += (i == 0 ? "" : ", ") + listed(header.names[i]);
  }
  if (header.names.size() > kMost) text += fmt::format(", ... ({} in all)", header.names.size());
  return text;
}

bool has_column(const Header& header, std::string_view name) {
  return std::find(header.names.begin(), header.names.end(), name) != header.names.end();
}

std::vector<int> find_columns(const Header& header, const std::vector<std::string>& wanted,
                              std::string_view key) {
  const int count = static_cast<int>(header.names.size());
  std::vector<int> columns;
  const auto add = [&](int column) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
      columns.push_back(column);
    }
  };
  for (const std::string& name : wanted) {
    const auto places = parse_places(name);
    if (places && !has_column(header, name)) {
      if (places->begin >= places->end || places->end > count) {
        throw DataError(fmt::format("{}: no columns {} ({}); the file has columns #0 to #{}",
                                    header.source, name, key, count - 1));
      }
      for (int column = places->begin; column < places->end; ++column) add(column);
      continue;
    }
    const auto found = std::find(header.names.begin(), header.names.end(), name);
    if (found == header.names.end()) {
      throw DataError(fmt::format("{}: no column '{}' ({}); the columns are: {}", header.source,
                                  name, key, list_columns(header)));
    }
    const auto again = std::find(found + 1, header.names.end(), name);
    if (again != header.names.end()) {
      throw DataError(fmt::format(
          "{}: two columns are named '{}' ({}); name the one you mean by its place: \"#{}\" or "
          "\"#{}\"",
          header.source, name, key, found - header.names.begin(), again - header.names.begin()));
    }
    add(static_cast<int>(found - header.names.begin()));
  }
  return columns;
}

int find_column(const Header& header, std::string_view wanted, std::string_view key) {
  const std::vector<int> columns = find_columns(header, {std::string(wanted)}, key);
  if (columns.size() != 1) {
    throw DataError(fmt::format("{}: '{}' are {} columns, but {} is one; name one column",
                                header.source, wanted, columns.size(), key));
  }
  return columns.front();
}

bool is_one_of(std::string_view name, std::span<const std::string_view> usual) {
  return std::any_of(usual.begin(), usual.end(),
                     [&](std::string_view word) { return equal_ignoring_case(name, word); });
}

std::optional<int> usual_column(const Header& header, std::span<const std::string_view> usual) {
  for (const std::string_view name : usual) {
    for (std::size_t i = 0; i < header.names.size(); ++i) {
      if (equal_ignoring_case(header.names[i], name)) return static_cast<int>(i);
    }
  }
  return std::nullopt;
}

std::string setting_text(const Header& header, std::span<const int> columns) {
  std::string text;
  for (const int column : columns) {
    const std::string& name = header.names[static_cast<std::size_t>(column)];
    const bool plain = !is_unnamed(name) && name.find(',') == std::string::npos &&
                       !name.starts_with('#') && !name.starts_with('[') && !name.starts_with(' ') &&
                       !name.ends_with(' ') &&
                       std::count(header.names.begin(), header.names.end(), name) == 1;
    text += text.empty() ? "" : ",";
    text += plain ? name : fmt::format("#{}", column);
  }
  return text;
}

std::vector<std::string> names_of(const Header& header, std::span<const int> columns) {
  std::vector<std::string> names;
  for (const int column : columns) names.push_back(header.names[static_cast<std::size_t>(column)]);
  return names;
}

}  // namespace sluice
