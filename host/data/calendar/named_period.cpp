#include "data/calendar/named_period.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "data/calendar/stamp.hpp"

namespace sluice {
namespace {

/// Digits or letters of a text that is taken apart; between two of them there is at most a blank, a
/// separator and a blank.
struct Piece {
  std::string_view text;
  bool number;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// At most `most` pieces; empty: more, or another character.
std::vector<Piece> pieces_of(std::string_view text, std::size_t most) {
  std::vector<Piece> pieces;
  std::size_t between = 0;
  for (std::size_t i = 0; i < text.size();) {
    const bool number = is_digit(text[i]);
    if (!number && !is_letter(text[i])) {
      const bool separator = std::string_view(" -/.'").find(text[i]) != std::string_view::npos;
      if (!separator || pieces.empty() || ++between > 3) return {};
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && (number ? is_digit(text[end]) : is_letter(text[end]))) ++end;
    if (pieces.size() == most) return {};
    pieces.push_back({text.substr(i, end - i), number});
    between = 0;
    i = end;
  }
  return between == 0 ? pieces : std::vector<Piece>{};
}

int number_of(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string lower(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool marks_week(std::string_view word) {
  constexpr std::string_view kWords[] = {"w", "kw", "cw", "wk", "week", "woche"};
  return std::find(std::begin(kWords), std::end(kWords), lower(word)) != std::end(kWords);
}

std::optional<Timestamp> week_of(const Piece& year, const Piece& week) {
  if (year.text.size() != 4 || week.text.size() > 2) return std::nullopt;
  return time_of_iso_week(number_of(year.text), number_of(week.text));
}

std::optional<Timestamp> quarter_of(const Piece& year, const Piece& quarter) {
  const int number = number_of(quarter.text);
  if (quarter.text.size() != 1 || number < 1 || number > 4) return std::nullopt;
  int of = number_of(year.text);
  if (year.text.size() == 2) {
    of += of < 69 ? 2000 : 1900;
  } else if (year.text.size() != 4) {
    return std::nullopt;
  }
  return midnight_of(of, number * 3 - 2, 1);
}

/// 202405, 2024-05, 2024W05, 2024-W05-1.
std::optional<Timestamp> parse_basic_week(std::string_view text) {
  std::string digits;
  std::size_t i = 0;
  const auto take = [&](std::size_t count) {
    for (; count > 0 && i < text.size() && is_digit(text[i]); ++i, --count) digits += text[i];
    return count == 0;
  };
  const auto skip = [&](char c) {
    if (i < text.size() && text[i] == c) ++i;
  };
  if (!take(4)) return std::nullopt;
  skip('-');
  skip('W');
  if (!take(2)) return std::nullopt;
  skip('-');
  if (i == text.size()) digits += '1';
  if (i < text.size() && !take(1)) return std::nullopt;
  if (i != text.size()) return std::nullopt;
  return time_of_iso_week(number_of(std::string_view(digits).substr(0, 4)),
                          number_of(std::string_view(digits).substr(4, 2)), digits[6] - '0');
}

}  // namespace

std::optional<Timestamp> parse_named_period(std::string_view text) {
  const std::vector<Piece> pieces = pieces_of(text, 3);
  if (pieces.size() != 3) return std::nullopt;
  const Piece &a = pieces[0], &b = pieces[1], &c = pieces[2];
  if (!a.number && b.number && c.number) {  // KW 05/2024, Q1 2024
    if (marks_week(a.text)) return week_of(c, b);
    if (lower(a.text) == "q") return quarter_of(c, b);
  } else if (a.number && !b.number && c.number) {  // 2024-KW5, 2024 Q1, 1Q24
    if (marks_week(b.text)) return week_of(a, c);
    if (lower(b.text) != "q") return std::nullopt;
    return a.text.size() == 1 ? quarter_of(c, a) : quarter_of(a, c);
  }
  return std::nullopt;
}

std::optional<Timestamp> parse_iso_week(std::string_view text) {
  if (const auto week = parse_basic_week(text)) return week;
  const std::vector<Piece> pieces = pieces_of(text, 3);
  if (pieces.size() == 2 && pieces[0].number && pieces[1].number) {  // 2024/5, 05/2024
    const bool year_first = pieces[0].text.size() == 4;
    return year_first ? week_of(pieces[0], pieces[1]) : week_of(pieces[1], pieces[0]);
  }
  const bool week = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return !piece.number && marks_week(piece.text);
  });
  return week ? parse_named_period(text) : std::nullopt;
}

std::string week_pattern_of(std::string_view text) {
  std::string pattern;
  bool year = false, week = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      pattern += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    std::size_t digits = end - i;
    i = end;
    if (digits >= 4) {
      pattern += "%G";
      year = true;
      digits -= 4;
    }
    if (digits > 0 && !week) {
      pattern += digits == 1 ? "%-V" : "%V";
      week = true;
      digits -= std::min<std::size_t>(digits, 2);
    }
    if (digits > 0) pattern += year && week ? "%u" : "";
  }
  return pattern;
}

bool is_week_pattern(std::string_view word) { return word.find("%G") != std::string_view::npos; }

}  // namespace sluice
