// A setting's value as written, in a file or on the command line, and its way into a member: one
// type check and one set of messages for both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "run/config/keys.hpp"

namespace sluice {

struct Value;
using ValueList = std::vector<Value>;

struct Value {
  struct Other {
    std::string what;  ///< "a table"
  };
  std::variant<bool, std::int64_t, double, std::string, ValueList, Other> data;
};

/// What a member takes, in words: "an integer from 0 to 1000000".
enum class Kind { boolean, integer, number, text };
struct MemberType {
  Kind kind = Kind::text;
  bool list = false;
  bool optional = false;
};

template <typename Member>
struct IsOptional : std::false_type {};
template <typename Inner>
struct IsOptional<std::optional<Inner>> : std::true_type {};
template <typename Member>
struct IsVector : std::false_type {};
template <typename Inner>
struct IsVector<std::vector<Inner>> : std::true_type {};

template <typename Member>
constexpr MemberType member_type() {
  if constexpr (IsOptional<Member>::value) {
    MemberType inner = member_type<typename Member::value_type>();
    inner.optional = true;
    return inner;
  } else if constexpr (IsVector<Member>::value) {
    MemberType inner = member_type<typename Member::value_type>();
    inner.list = true;
    return inner;
  } else if constexpr (std::is_same_v<Member, bool>) {
    return {.kind = Kind::boolean};
  } else if constexpr (std::is_integral_v<Member>) {
    return {.kind = Kind::integer};
  } else if constexpr (std::is_floating_point_v<Member>) {
    return {.kind = Kind::number};
  } else {
    static_assert(std::is_same_v<Member, std::string>);
    return {.kind = Kind::text};
  }
}

/// "an integer from 0 to 1000000", "one of csv, parquet", "a list of column names ...".
std::string expected_text(const Key& key, MemberType type);
/// "0 to 1000000", or empty if a number may be anything or it is no number.
std::string range_text(const Range& range);

/// The text of a list as flags take it: "a,b" of the settings' ["a", "b"].
std::string without_brackets(const std::string& value);

/// The value that `given` on the command line is for a member of this type. Lists are separated by
/// commas, with or without brackets.
Value value_from_text(const std::string& given, const Key& key, MemberType type);

/// One scalar, checked. `where` begins the message ("shop.toml:7: training.epochs"), `whole` is the
/// type of the member (a scalar may stand in a list). Throw ConfigError.
bool as_boolean(const Value& value, const Key& key, MemberType whole, const std::string& where);
double as_number(const Value& value, const Key& key, MemberType whole, const std::string& where);
std::int64_t as_integer(const Value& value, const Key& key, MemberType whole,
                        const std::string& where);
std::string as_text(const Value& value, const Key& key, MemberType whole, const std::string& where);
/// Throws ConfigError where a number of the list is a share (0.8) in place of a percentage.
void refuse_shares(const Value& value, const std::string& where);
/// The elements of a list; a scalar is a list of one.
ValueList list_of(const Value& value);
/// Throws ConfigError for a list that has more elements than any use of its numbers.
void check_length(const ValueList& list, const std::string& where);
/// Throws ConfigError where one of the choices of a key stands twice in a list of them.
void refuse_twice(const std::vector<std::string>& list, const std::string& where);
/// The same as list_of, but that an empty text alone is no path at all.
ValueList paths_of(const Value& value);
bool is_auto(const Value& value);

/// Puts `value` into `member`; throws ConfigError if it does not fit the key.
template <typename Member>
void assign(const Value& value, const Key& key, MemberType whole, const std::string& where,
            Member& member) {
  if constexpr (IsOptional<Member>::value) {
    if (is_auto(value)) {
      member.reset();
    } else {
      typename Member::value_type inner{};
      assign(value, key, whole, where, inner);
      member = std::move(inner);
    }
  } else if constexpr (IsVector<Member>::value) {
    if (key.form == Form::percent) refuse_shares(value, where);
    const ValueList list = key.form == Form::path ? paths_of(value) : list_of(value);
    if constexpr (std::is_arithmetic_v<typename Member::value_type>) check_length(list, where);
    Member fresh;
    for (const Value& element : list) {
      typename Member::value_type inner{};
      assign(element, key, whole, where, inner);
      fresh.push_back(std::move(inner));
    }
    if constexpr (std::is_same_v<Member, std::vector<std::string>>) {
      if (!key.choices.empty()) refuse_twice(fresh, where);
    }
    member = std::move(fresh);
  } else if constexpr (std::is_same_v<Member, bool>) {
    member = as_boolean(value, key, whole, where);
  } else if constexpr (std::is_integral_v<Member>) {
    member = static_cast<Member>(as_integer(value, key, whole, where));
  } else if constexpr (std::is_floating_point_v<Member>) {
    member = as_number(value, key, whole, where);
  } else {
    member = as_text(value, key, whole, where);
  }
}

/// Whether `text` is well-formed UTF-8, which TOML asks for.
bool is_utf8(std::string_view text);

/// The one of `names` that was probably meant by `written`, or empty.
std::string_view nearest_name(std::string_view written, const std::vector<std::string_view>& names);
/// The key that was probably meant: by its whole name, or by its last part in another section.
std::string_view nearest_key(std::string_view written);

}  // namespace sluice
