#include "data/catalog/alike.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/compute/exec.h>
#include <arrow/compute/initialize.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "base/text.hpp"
#include "data/table/files.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::string_view trimmed(std::string_view id) {
  while (id.starts_with(' ')) id.remove_prefix(1);
  while (id.ends_with(' ')) id.remove_suffix(1);
  return id;
}

/// Without spaces at the ends, in lower case, as far as ASCII goes.
std::string plain(std::string_view id) {
  std::string out(trimmed(id));
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
  });
  return out;
}

bool is_ascii(const std::string& id) {
  return std::all_of(id.begin(), id.end(), [](unsigned char c) { return c < 0x80; });
}

/// Whether a letter in capitals is one in small print, and whether Unicode's form NFKC is taken: an
/// accented letter is one character, digits of full width are digits, every kind of space is a
/// space.
struct Folding {
  bool of_case = true, of_form = true;
};

/// Each id without spaces at its ends, by the folding.
std::vector<std::string> folded(std::span<const std::string> ids, Folding folding = {}) {
  std::vector<std::string> out;
  if (std::all_of(ids.begin(), ids.end(), is_ascii)) {
    for (const std::string& id : ids) {
      out.push_back(folding.of_case ? plain(id) : std::string(trimmed(id)));
    }
    return out;
  }
  const auto value_of = [](auto result) {
    if (!result.ok()) {
      throw InternalError("Arrow's functions of text: " + result.status().message());
    }
    return std::move(result).ValueUnsafe();
  };
  static const arrow::Status ready = arrow::compute::Initialize();
  if (!ready.ok()) throw InternalError("Arrow's functions of text: " + ready.message());
  arrow::LargeStringBuilder builder;
  for (const std::string& id : ids) {
    files::check(builder.Append(id), "ids", files::kMemoryRemedy);
  }
  const arrow::compute::Utf8NormalizeOptions form(arrow::compute::Utf8NormalizeOptions::NFKC);
  arrow::Datum texts(value_of(builder.Finish()));
  if (folding.of_form) {
    texts = value_of(arrow::compute::CallFunction("utf8_normalize", {texts}, &form));
  }
  if (folding.of_case) texts = value_of(arrow::compute::CallFunction("utf8_lower", {texts}));
  const auto array = std::static_pointer_cast<arrow::LargeStringArray>(texts.make_array());
  for (std::int64_t i = 0; i < array->length(); ++i) out.emplace_back(trimmed(array->GetView(i)));
  return out;
}

bool are_alike(const std::string& there, const std::string& here, Folding folding) {
  const std::string both[] = {there, here};
  const std::vector<std::string> alike = folded(both, folding);
  return alike[0] == alike[1];
}

/// What is left of a folded id after a spreadsheet had it: without spaces, leading zeros and ".0",
/// for each of its parts.
std::string bare(std::string_view id) {
  std::string out;
  bool at_start = true;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool last = i + 1 == id.size() || id[i + 1] == '/';
    if (id[i] == ' ' || (at_start && id[i] == '0' && !last)) continue;
    if (id.substr(i).starts_with(".0") && (i + 2 == id.size() || id[i + 2] == '/')) {
      ++i;
      continue;
    }
    out += id[i];
    at_start = id[i] == '/';
  }
  return out;
}

/// "4.01235E+12": a long number as a spreadsheet shows it.
bool is_rounded(std::string_view id) {
  const std::size_t sign = id.find("E+");
  if (sign == id.npos || sign < 1 || sign + 2 == id.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto mantissa = id.substr(0, sign), exponent = id.substr(sign + 2);
  return std::all_of(exponent.begin(), exponent.end(), is_digit) && is_digit(mantissa.front()) &&
         std::all_of(mantissa.begin(), mantissa.end(),
                     [&](char c) { return is_digit(c) || c == '.' || c == ','; });
}

/// Whether the ids differ by what Unicode's form changes, not only by case and spaces.
bool differ_by_form(const std::string& there, const std::string& here) {
  return !are_alike(there, here, {.of_case = true, .of_form = false});
}

std::string reason(const std::string& there, const std::string& here, bool by_form) {
  if (by_form && !differ_by_form(there, here)) {
    return "they differ by case or spaces only; write them alike";
  }
  if (by_form) {
    const bool also_case = !are_alike(there, here, {.of_case = false, .of_form = true});
    return fmt::format(
        "they differ {}in how Unicode writes their letters (é as one character, or as e and an "
        "accent) or in kinds of spaces; write them alike",
        also_case ? "by case, and " : "");
  }
  return "spreadsheets drop leading zeros, and ids that were read as numbers end in .0; write the "
         "column as text in both";
}

}  // namespace

std::string say_alike(std::span<const std::string> there, std::span<const std::string> here) {
  if (there.empty() || here.empty()) return {};
  const std::vector<std::string> folded_there = folded(there), folded_here = folded(here);
  std::unordered_map<std::string, std::size_t> by_form, by_bare;
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (here[i].empty()) continue;
    by_form.emplace(folded_here[i], i);
    by_bare.emplace(bare(folded_here[i]), i);
  }
  std::string first, why;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < there.size(); ++i) {
    const auto same_form = by_form.find(folded_there[i]);
    const auto same_bare = by_bare.find(bare(folded_there[i]));
    const bool by_forms = same_form != by_form.end();
    if ((!by_forms && same_bare == by_bare.end()) || count++ > 0) continue;
    const std::string& other = here[by_forms ? same_form->second : same_bare->second];
    first = fmt::format("'{}' there and '{}' in the data look like the same", there[i], other);
    why = reason(there[i], other, by_forms);
  }
  if (count > 0) {
    const std::string more = count > 1 ? fmt::format(", so do {} more", grouped(count - 1)) : "";
    return fmt::format("{}{}: {}", first, more, why);
  }
  const auto rounded = std::find_if(there.begin(), there.end(), is_rounded);
  if (rounded == there.end()) return {};
  return fmt::format(
      "'{}' there is a long number that a spreadsheet has rounded: write the column as text",
      *rounded);
}

void remark_alike_ids(const std::vector<std::string>& ids, CatalogNotes& notes) {
  std::unordered_map<std::string, const std::string*> seen;
  std::int64_t alike = 0;
  std::string example;
  bool by_form = false;
  std::vector<std::string> forms = folded(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto [entry, fresh] = seen.emplace(std::move(forms[i]), &ids[i]);
    if (fresh) continue;
    if (alike++ == 0) example = fmt::format("'{}' and '{}'", *entry->second, ids[i]);
    by_form = by_form || differ_by_form(*entry->second, ids[i]);
  }
  if (alike == 0) return;
  notes.remarks.push_back(fmt::format(
      "{} {} from another one only by case{} or spaces, and {} of its own: {}", grouped(alike),
      alike == 1 ? "id differs" : "ids differ", by_form ? ", how Unicode writes a letter" : "",
      alike == 1 ? "is a series" : "are series", example));
}

}  // namespace sluice
