#include "base/shorten.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::size_t kMostOfWord = 1000, kMostOfText = 6000;

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Two thirds of `most` bytes of the beginning and a sixth of the end, the rest for what is said
/// between them.
std::string without_middle(std::string_view text, std::size_t most) {
  std::size_t begin = most * 2 / 3, end = text.size() - most / 6;
  while (begin > 0 && continues_a_character(text[begin])) --begin;
  while (end < text.size() && continues_a_character(text[end])) ++end;
  return fmt::format("{}…({} bytes left out)…{}", text.substr(0, begin), end - begin,
                     text.substr(end));
}

}  // namespace

std::string shortened(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    out += word.size() > kMostOfWord ? without_middle(word, kMostOfWord) : std::string(word);
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out.size() > kMostOfText ? without_middle(out, kMostOfText) : out;
}

}  // namespace sluice
