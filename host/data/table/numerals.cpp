#include "data/table/numerals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace sluice::numerals {
namespace {

constexpr std::string_view kSpaces[] = {" ", "\t", "\u00A0", "\u202F", "\u2009"};
constexpr std::string_view kApostrophes[] = {"'", "\u2019"};
/// Longer ones before those that they begin or end with.
constexpr std::string_view kCurrencies[] = {
    "R$",  "US$", "A$",  "C$",  "HK$", "NT$", "$",   "€",   "£",   "¥",   "￥",  "₹",   "₽",
    "₩",   "₺",   "₴",   "₫",   "฿",   "₪",   "元",  "円",  "zł",  "Kč",  "kr",  "Ft",  "лв",
    "TL",  "Fr",  "RM",  "Rp",  "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "RMB", "BRL", "INR",
    "PLN", "CZK", "SEK", "NOK", "DKK", "HUF", "CAD", "AUD", "NZD", "MXN", "ZAR", "TRY", "KRW"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take_start(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}
bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}
void trim(std::string_view& text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view space : kSpaces) {
      again = take_start(text, space) || take_end(text, space) || again;
    }
  }
}

/// Full-width digits and signs as ASCII; the minus sign U+2212 as '-'.
std::string narrow(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\u2212")) {
      out += '-';
      i += 3;
    } else if (rest.size() >= 3 && rest.starts_with("\xEF\xBC") &&
               static_cast<unsigned char>(rest[2]) >= 0x81) {
      // U+FF01 .. U+FF3F are '!' .. '_'.
      out += static_cast<char>(static_cast<unsigned char>(rest[2]) - 0x80 + 0x20);
      i += 3;
    } else {
      out += text[i++];
    }
  }
  return out;
}

/// Takes the number of digits at the start off `text` and appends them to `out`.
std::size_t take_digits(std::string_view& text, std::string& out) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  out += text.substr(0, count);
  text.remove_prefix(count);
  return count;
}

/// The mark between two groups of digits at the start of `text`; empty: there is none.
std::string_view group_mark(std::string_view text, char decimal) {
  const std::string_view sign = decimal == '.' ? "," : ".";
  if (text.starts_with(sign)) return sign;
  for (const std::string_view mark : kApostrophes) {
    if (text.starts_with(mark)) return mark;
  }
  for (const std::string_view space : kSpaces) {
    if (space != "\t" && text.starts_with(space)) return space;
  }
  return {};
}

/// Takes the groups behind the first one, which has `first` digits: of three digits each, or of two
/// and at the end of three, as India counts. False: they are no groups.
bool take_groups(std::string_view& text, std::string_view mark, std::size_t first,
                 std::string& digits, Reading& reading) {
  std::size_t count = 0, pairs = 0, last = 0;
  while (take_start(text, mark)) {
    last = take_digits(text, digits);
    if (last != 3 && last != 2) return false;
    pairs += last == 2 ? 1u : 0u;
    ++count;
  }
  if (last != 3) return false;
  if (pairs == 0) {
    reading.western = first == 3 || count > 1;
    return true;
  }
  reading.indian = true;
  return mark == "," && first <= 2 && pairs == count - 1;
}

/// Digits with groups, a decimal sign and an exponent, without sign and marks. What the groups say
/// is put into `reading`.
std::optional<double> read_digits(std::string_view text, char decimal, Reading& reading) {
  std::string plain;
  const std::size_t first = take_digits(text, plain);
  const std::string_view mark = first > 0 ? group_mark(text, decimal) : std::string_view();
  if (!mark.empty()) {
    // "0,123" and "1234,567" are no groups.
    if (first > 3 || plain.front() == '0') return std::nullopt;
    if (!take_groups(text, mark, first, plain, reading)) return std::nullopt;
  }
  std::size_t after = 0;
  if (!text.empty() && text.front() == decimal) {
    text.remove_prefix(1);
    plain += '.';
    after = take_digits(text, plain);
  }
  if (first + after == 0) return std::nullopt;
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    if (!mark.empty()) return std::nullopt;
    plain += 'e';
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
      if (text.front() == '-') plain += '-';
      text.remove_prefix(1);
    }
    if (take_digits(text, plain) == 0) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (error == std::errc::result_out_of_range) return HUGE_VAL;
  if (error != std::errc() || end != plain.data() + plain.size()) return std::nullopt;
  return value;
}

/// Takes a sign off the front, and at most one.
bool take_sign(std::string_view& text, bool& negative) {
  if (take_start(text, "-")) {
    negative = true;
    return true;
  }
  return take_start(text, "+");
}

std::string_view take_currency(std::string_view& text) {
  for (const std::string_view currency : kCurrencies) {
    if (take_start(text, currency) || take_end(text, currency)) return currency;
  }
  return {};
}

/// Whether a currency is written with letters only, as codes are.
bool is_letters(std::string_view currency) {
  const auto first = static_cast<unsigned char>(currency.empty() ? '$' : currency.front());
  const bool letter = std::isalpha(first) != 0 || currency == "лв";
  return letter && currency.find('$') == std::string_view::npos;
}

}  // namespace

std::optional<double> read_plain(std::string_view word) {
  trim(word);
  if (word == "TRUE" || word == "True" || word == "true") return 1;
  if (word == "FALSE" || word == "False" || word == "false") return 0;
  if (word.starts_with('+') && word.size() > 1 && word[1] != '-') word.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

std::optional<Reading> read(std::string_view word, char decimal) {
  if (decimal == '.' || word.find('.') == word.npos) {
    if (const auto plain = read_plain(word)) return Reading{*plain};
  }
  const std::string narrowed = narrow(word);
  std::string_view text = narrowed;
  trim(text);
  Reading reading;
  bool negative = false, signed_already = false;
  std::string_view inside = text;  // of a currency sign: "(5) €"
  const std::string_view outer = take_currency(inside);
  trim(inside);
  if (!outer.empty() && inside.starts_with('(') && inside.ends_with(')')) {
    reading.currency = outer;
    text = inside;
  }
  if (text.starts_with('(') && text.ends_with(')')) {
    text = text.substr(1, text.size() - 2);
    negative = signed_already = true;
    trim(text);
  }
  if (!signed_already) signed_already = take_sign(text, negative);
  trim(text);
  if (reading.currency.empty()) {
    const std::string_view marked = text;
    reading.currency = take_currency(text);
    reading.may_be_code = !signed_already && is_letters(reading.currency) &&
                          marked.starts_with(reading.currency) && !text.empty() &&
                          std::all_of(text.begin(), text.end(), is_digit);
  }
  trim(text);
  reading.percent = take_end(text, "%");
  if (reading.percent && !reading.currency.empty()) return std::nullopt;
  trim(text);
  if (!signed_already) signed_already = take_sign(text, negative);
  if (!signed_already && text.size() > 1) negative = take_end(text, "-");  // SAP's: 5-
  trim(text);
  const auto digits = read_digits(text, decimal, reading);
  if (!digits) return std::nullopt;
  reading.value = negative ? -*digits : *digits;
  return reading;
}

bool Evidence::add(std::string_view word) {
  const auto point = read(word, '.');
  const auto comma = read(word, ',');
  if (!point && !comma) return false;
  ++words_;
  const Reading& one = point ? *point : *comma;
  const auto keep = [&](std::string& first) {
    if (first.empty()) first = word;
  };
  if (!comma) {
    keep(point_);
  } else if (!point) {
    keep(comma_);
  } else if (point->value != comma->value) {
    keep(ambiguous_);
  }
  if (!read_plain(word)) keep(unusual_);
  if (one.percent) {
    ++percents_;
    keep(percent_);
  } else {
    keep(bare_);
  }
  if (one.may_be_code) {
    keep(code_);
  } else if (!one.currency.empty() || word.find_first_of(".,") != word.npos) {
    money_ = true;
  }
  if (one.indian) keep(indian_);
  if (one.western) keep(western_);
  if (!one.currency.empty()) {
    if (currency_.empty()) currency_ = one.currency;
    if (currency_ != one.currency && other_currency_.empty()) other_currency_ = one.currency;
  }
  return true;
}

std::string Evidence::contradiction(char decimal) const {
  if (are_codes()) {
    return fmt::format(
        "'{}' may be a code as well as a number with the currency '{}'; if it is a number, write "
        "it without the letters, or with a blank behind them",
        code_, currency_);
  }
  if (percents_ > 0 && percents_ < words_) {
    return fmt::format(
        "'{}' has a percent sign and '{}' of the same column has none; write them "
        "alike",
        percent_, bare_);
  }
  if (!other_currency_.empty()) {
    return fmt::format("its cells are in '{}' and in '{}'; write one currency", currency_,
                       other_currency_);
  }
  if (says_point() && says_comma()) {
    return fmt::format(
        "'{}' has a decimal comma and '{}' of the same column a decimal point; "
        "write them alike",
        comma_, point_);
  }
  if (!indian_.empty() && !western_.empty()) {
    return fmt::format(
        "'{}' has groups of two digits and '{}' of the same column groups of three; "
        "write them alike",
        indian_, western_);
  }
  if (is_ambiguous() && decimal == '\0') {
    return fmt::format(
        "'{}' is not a number beyond doubt: set data.decimal to \".\" if it means "
        "{}, to \",\" if it means {}",
        ambiguous_, read(ambiguous_, '.')->value, read(ambiguous_, ',')->value);
  }
  return "";
}

}  // namespace sluice::numerals
