// Settings as text: TOML, and the explanations made from the list of keys.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "run/config/explanation.hpp"
#include "run/config/setting_texts.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/config.hpp"

namespace sluice {
namespace {

constexpr std::size_t kColumns = 80;

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The member as a TOML value; "auto" for an empty optional.
template <typename Member>
std::string toml_value(const Member& member) {
  if constexpr (IsOptional<Member>::value) {
    return member ? toml_value(*member) : toml_text("auto");
  } else if constexpr (IsVector<Member>::value) {
    std::vector<std::string> parts;
    for (const auto& element : member) parts.push_back(toml_value(element));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  } else if constexpr (std::is_same_v<Member, std::string>) {
    return toml_text(member);
  } else {
    return fmt::format("{}", member);  // fmt's shortest form reads back to the same bits
  }
}

template <typename Member>
void check_texts(const Key& key, const Member& member) {
  if constexpr (std::is_same_v<Member, std::string>) {
    if (!is_utf8(member)) {
      throw ConfigError(fmt::format("{} is not UTF-8 text; give another name", key.name));
    }
  } else if constexpr (std::is_same_v<Member, std::vector<std::string>>) {
    for (const std::string& element : member) check_texts(key, element);
  }
}

std::vector<std::string> words_of(const Key& key, MemberType type) {
  std::vector<std::string> words(key.choices.begin(), key.choices.end());
  if (type.kind == Kind::boolean) words = {"true", "false"};
  if (type.optional && !words.empty()) words.emplace_back("auto");
  return words;
}

template <typename Member>
Explanation explanation(const Key& key, const Member& member) {
  constexpr MemberType kType = member_type<Member>();
  return {.key = std::string(key.name),
          .type = expected_text(key, kType),
          .default_value = toml_value(member),
          .meaning = std::string(key.meaning),
          .automatic = std::string(key.automatic),
          .words = words_of(key, kType),
          .path = key.form == Form::path};
}

bool in_section(const std::string& key, std::string_view section) {
  return key.starts_with(section) && key.size() > section.size() && key[section.size()] == '.';
}

/// Words of `text` in lines of at most kColumns, each after `indent` spaces.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out, line(indent, ' ');
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (line.size() > indent && line.size() + 1 + word.size() > kColumns) {
      out += line + '\n';
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
    begin = end + 1;
  }
  return out + line + '\n';
}

/// Breaks `text` in Markdown's table cells: a bar would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string toml_text_of(const std::string& text) { return toml_text(text); }

std::map<std::string, std::string> setting_texts(const Config& config) {
  std::map<std::string, std::string> texts;
  visit_keys(config, [&](const Key& key, const auto& member) {
    check_texts(key, member);
    texts.emplace(key.name, toml_value(member));
  });
  return texts;
}

std::string differing_toml(const Config& config, const Config& base) {
  const auto before = setting_texts(base);
  std::string out, section;
  visit_keys(config, [&](const Key& key, const auto& member) {
    check_texts(key, member);
    const std::string value = toml_value(member);
    if (before.at(std::string(key.name)) == value) return;
    const std::size_t dot = key.name.find('.');
    if (key.name.substr(0, dot) != section) {
      out += out.empty() ? "" : "\n";
      section = key.name.substr(0, dot);
      out += fmt::format("[{}]\n", section);
    }
    out += fmt::format("{} = {}\n", key.name.substr(dot + 1), value);
  });
  return out;
}

std::vector<Explanation> explanations() {
  static const Config defaults;
  std::vector<Explanation> all;
  visit_keys(defaults,
             [&](const Key& key, const auto& member) { all.push_back(explanation(key, member)); });
  return all;
}

std::string to_toml(const Config& config) {
  std::string out, section;
  visit_keys(config, [&](const Key& key, const auto& member) {
    check_texts(key, member);
    const std::size_t dot = key.name.find('.');
    if (key.name.substr(0, dot) != section) {
      out += out.empty() ? "" : "\n";
      section = key.name.substr(0, dot);
      out += fmt::format("[{}]\n", section);
    }
    out += fmt::format("{} = {}\n", key.name.substr(dot + 1), toml_value(member));
  });
  return out;
}

std::string explain_keys(const std::string& filter) {
  const std::vector<Explanation> all = explanations();
  std::string out;
  for (const Section& section : kSections) {
    std::string body;
    for (const Explanation& e : all) {
      if (!in_section(e.key, section.name)) continue;
      if (!filter.empty() && filter != section.name && filter != e.key) continue;
      body += wrapped(fmt::format("{} = {}", e.key, e.default_value), 2);
      body += wrapped(e.meaning, 6);
      body += wrapped(fmt::format("Takes {}.", e.type), 6);
      if (!e.automatic.empty()) body += wrapped(fmt::format("Auto: {}.", e.automatic), 6);
    }
    if (body.empty()) continue;
    out += out.empty() ? "" : "\n";
    out += fmt::format("[{}] {}\n{}", section.name, section.meaning, body);
  }
  if (!out.empty()) return out;
  std::vector<std::string_view> sections;
  for (const Section& section : kSections) sections.push_back(section.name);
  const std::string_view near =
      filter.find('.') == std::string::npos ? nearest_name(filter, sections) : std::string_view{};
  const std::string_view key = near.empty() ? nearest_key(filter) : near;
  throw ConfigError(fmt::format("explain: no section or key '{}'; {}", filter,
                                key.empty()
                                    ? fmt::format("the sections are {}", fmt::join(sections, ", "))
                                    : fmt::format("did you mean '{}'?", key)));
}

std::string explain_markdown() {
  std::string out =
      "# Settings\n\n"
      "Made by `sluice explain --markdown`; do not edit.\n\n"
      "Every key of a TOML file, with its default. Each is also a flag, `--section.key value`: "
      "lists\nare separated by commas, and a flag goes before the file, the file before the "
      "default.\nWhere \"auto\" is the default, the data's frequency and values decide.\n";
  const std::vector<Explanation> all = explanations();
  for (const Section& section : kSections) {
    out += fmt::format("\n## [{}] {}\n\n| key | default | takes | meaning |\n|---|---|---|---|\n",
                       section.name, section.meaning);
    for (const Explanation& e : all) {
      if (!in_section(e.key, section.name)) continue;
      const std::string automatic =
          e.automatic.empty() ? "" : fmt::format(" Auto: {}.", e.automatic);
      out += fmt::format("| `{}` | `{}` | {} | {}{} |\n", e.key.substr(section.name.size() + 1),
                         cell(e.default_value), cell(e.type), cell(e.meaning), cell(automatic));
    }
  }
  return out;
}

}  // namespace sluice
