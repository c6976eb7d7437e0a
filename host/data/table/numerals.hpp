// Numbers as people and spreadsheets write them: 1.234,50 and 1,234.50, 12 %, R$ 5, (3). A word
// that has two readings is a number only when the words beside it, or a setting, say which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::numerals {

/// What a machine writes: an optional sign, digits with a decimal point, an exponent; inf, nan, and
/// true and false in three cases. Spaces around it do not count.
std::optional<double> read_plain(std::string_view word);

/// A word read with one decimal sign.
struct Reading {
  double value = 0;
  bool percent = false;
  std::string currency = {};  ///< as written; empty: none
  /// Letters of a currency and whole digits right behind them: RM2 may be a shop.
  bool may_be_code = false;
  /// Above a thousand: groups that only India writes (1,23,456), or that it does not (123,456).
  bool indian = false, western = false;
};
/// Beyond what read_plain takes: thousands in groups of three (the other sign of '.' and ',', an
/// apostrophe or a space) or as in India, a percent or currency sign, (5) and 5- for -5, full-width
/// digits, U+2212 for a minus. nullopt: no number with this decimal sign.
std::optional<Reading> read(std::string_view word, char decimal);

/// What the words of one column say about how its numbers are written.
class Evidence {
 public:
  /// False if the word is no number, whichever the decimal sign.
  bool add(std::string_view word);

  bool says_point() const { return !point_.empty(); }
  bool says_comma() const { return !comma_.empty(); }
  bool is_ambiguous() const { return !says_point() && !says_comma() && !ambiguous_.empty(); }
  /// Whether any word is not as a machine writes it with a decimal point.
  bool is_unusual() const { return !unusual_.empty(); }
  bool empty() const { return words_ == 0; }
  const std::string& unusual() const { return unusual_; }  ///< the first such word
  const std::string& currency() const { return currency_; }
  bool percent() const { return percents_ > 0; }

  /// A word that `contradiction` names.
  const std::string& first() const {
    return are_codes()                             ? code_
           : percents_ > 0 && percents_ < words_   ? percent_
           : !indian_.empty() && !western_.empty() ? indian_
           : !comma_.empty() && !point_.empty()    ? comma_
           : !ambiguous_.empty()                   ? ambiguous_
                                                   : unusual_;
  }

  /// Whether nothing but letters in front of digits (TL1, Kr5) speaks for sums of money.
  bool are_codes() const { return !code_.empty() && !money_; }

  /// Why the words cannot be read together, with what helps; empty: they can. `decimal`: what is
  /// known of it from elsewhere, 0: nothing.
  std::string contradiction(char decimal) const;

 private:
  std::int64_t words_ = 0, percents_ = 0;
  /// The first word that is a number with a decimal point only, with a decimal comma only, with
  /// both but not the same one, the first one without a percent sign, and so on.
  std::string point_, comma_, ambiguous_, unusual_, percent_, bare_, currency_, other_currency_,
      indian_, western_, code_;
  bool money_ = false;  // a sign that no code has: a blank before the digits, a fraction, a symbol
};

}  // namespace sluice::numerals
