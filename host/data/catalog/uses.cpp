#include "data/catalog/uses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

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

std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  if (names.size() <= kMost) return fmt::format("{}", fmt::join(names, ", "));
  const auto shown = std::span(names).first(kMost - 1);
  return fmt::format("{} and {} more", fmt::join(shown, ", "), names.size() - shown.size());
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
