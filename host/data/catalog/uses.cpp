#include "data/catalog/uses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "data/catalog/odd_rows.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

void start_uses(const Table::Impl& table, CatalogNotes& notes) {
  notes.columns.clear();
  for (const std::string& name : table.names) notes.columns.push_back({name, {}, {}});
}

void use_column(CatalogNotes& notes, int column, const std::string& role) {
  ColumnUse& use = notes.columns[static_cast<std::size_t>(column)];
  if (use.role.find(role) != std::string::npos) return;
  use.role += (use.role.empty() ? "" : ", ") + role;
}

void leave_out(CatalogNotes& notes, int column, const std::string& reason) {
  notes.columns[static_cast<std::size_t>(column)].reason = reason;
}

void remark_left_out(const Table::Impl& table, std::span<const int> columns, CatalogNotes& notes) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const int column : columns) {
    const std::string& reason = notes.columns[static_cast<std::size_t>(column)].reason;
    const std::string& name = table.names[static_cast<std::size_t>(column)];
    auto group = std::find_if(by_reason.begin(), by_reason.end(),
                              [&](const auto& known) { return known.first == reason; });
    if (group == by_reason.end()) group = by_reason.insert(group, {reason, {}});
    group->second.push_back(name.empty() ? fmt::format("#{}", column) : name);
  }
  for (const auto& [reason, names] : by_reason) {
    notes.remarks.push_back(fmt::format("{} {} not used: {}", some_names(names),
                                        names.size() == 1 ? "is" : "are", reason));
  }
}

void finish_uses(const Table::Impl& table, const CatalogSpec& spec, CatalogNotes& notes) {
  const Header header = header_of(table);
  const std::pair<const std::vector<std::string>&, const char*> roles[] = {
      {spec.static_reals, "static"},
      {spec.static_categories, "static category"},
      {spec.past_categories, "past category"},
      {spec.future_categories, "future category"}};
  for (const auto& [wanted, role] : roles) {
    for (const std::string& name : wanted) {
      const bool elsewhere = !has_column(header, name) && !name.starts_with('#');
      if (elsewhere) continue;  // in a file beside it
      for (const int column : find_columns(header, {name}, "data")) use_column(notes, column, role);
    }
  }
  for (ColumnUse& use : notes.columns) {
    if (!use.role.empty()) use.reason.clear();
    if (use.role.empty() && use.reason.empty()) use.reason = "no setting names it";
  }
}

std::string listed(std::string_view name) {
  const bool spaces = name.starts_with(' ') || name.ends_with(' ');
  if (!spaces && name.find_first_of(",;:'\"") == std::string_view::npos) return std::string(name);
  return fmt::format("'{}'", name);
}

std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  const std::size_t shown = names.size() <= kMost ? names.size() : kMost - 1;
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + listed(names[i]);
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

void remark_totals(const std::vector<std::string>& ids, CatalogNotes& notes) {
  if (ids.size() < 2) return;
  std::vector<std::string> totals;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(totals),
               [](const std::string& id) { return is_total(id); });
  if (totals.empty()) return;
  notes.remarks.push_back(fmt::format(
      "{} {} the name of a total, and {} a series like the others: leave it out of the data if it "
      "is the sum of them",
      some_names(totals), totals.size() == 1 ? "has" : "have", totals.size() == 1 ? "is" : "are"));
}

void refuse_second_name(const Header& header, int column, const std::string& key) {
  const std::string& name = header.names[static_cast<std::size_t>(column)];
  for (int other = 0; other < static_cast<int>(header.names.size()); ++other) {
    if (other == column || header.names[static_cast<std::size_t>(other)] != name) continue;
    throw DataError(fmt::format(
        "{}: two columns are named '{}' (#{} and #{}); rename one, or name the one you mean by its "
        "place: --{} '#{}'",
        header.source, name, std::min(column, other), std::max(column, other), key,
        std::min(column, other)));
  }
}

}  // namespace sluice
