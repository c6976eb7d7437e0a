// Text for people: how wide it is on a terminal, and numbers with thousands separated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Columns that UTF-8 text takes on a terminal: Chinese, Japanese and Korean characters take two.
/// A byte that is not UTF-8 counts as one.
int display_width(std::string_view text);

/// `text` cut to at most `width` columns, the cut marked by "…", never inside a character.
std::string cut_to_width(std::string_view text, int width);

/// The same, filled with spaces on the right to exactly `width` columns.
std::string pad_to_width(std::string_view text, int width);

/// Each line of `text` cut like that.
std::string cut_lines(std::string_view text, int width);

/// `text` broken at spaces into lines of at most `width` columns, the later ones indented by two; a
/// longer word stays whole.
std::string wrapped(std::string_view text, int width);

/// `text` with what would steer a terminal made visible: control characters (but line breaks and
/// tabulators) and marks of writing direction as "\x1b" or "\u202e", bytes that are no UTF-8 as
/// "\xff".
std::string printable(std::string_view text);

/// `text` as one word of a POSIX shell: as it is where that is one, else in single quotes.
std::string shell_quoted(std::string_view text);

/// 1437 -> "1,437".
std::string grouped(std::int64_t number);

/// A finite `value` with `digits` decimals and `unit` behind it, right in a column of `width` that
/// begins with a blank; a larger one as "1.2e+07%", with as many digits as there is room for.
std::string in_column(double value, int digits, int width, std::string_view unit = {});

/// "1 step", "2 steps".
std::string steps_text(std::int64_t steps);

/// True if a character of `text` is Chinese, Japanese or Korean.
bool has_wide_characters(std::string_view text);

/// The length in bytes of the UTF-8 character that begins at text[at]; 1 where it is no valid one.
std::size_t utf8_length(std::string_view text, std::size_t at);

}  // namespace sluice
