#include "data/catalog/uses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
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

namespace {

/// Whether target m of series `total` is in every step the sum of those of `parts`; none that has
/// no value is.
bool is_their_sum(const Catalog& catalog, int m, std::int64_t total,
                  const std::vector<std::int64_t>& parts) {
  const std::span<const float> totals = catalog.values(m, total);
  std::vector<double> sum(totals.size(), 0), size(totals.size(), 0);
  for (const std::int64_t part : parts) {
    const std::span<const float> values = catalog.values(m, part);
    const std::int64_t shift = catalog.period(part, 0) - catalog.period(total, 0);
    const std::int64_t begin = std::max<std::int64_t>(0, -shift);
    const std::int64_t end = std::min(std::ssize(values), std::ssize(totals) - shift);
    for (std::int64_t t = begin; t < end; ++t) {
      const double value =
          static_cast<double>(values[static_cast<std::size_t>(t)]) + catalog.value_offset(m, part);
      if (std::isnan(value)) continue;
      sum[static_cast<std::size_t>(t + shift)] += value;
      size[static_cast<std::size_t>(t + shift)] += std::abs(value);
    }
  }
  bool any = false;
  for (std::size_t t = 0; t < totals.size(); ++t) {
    const double value = static_cast<double>(totals[t]) + catalog.value_offset(m, total);
    if (std::isnan(value)) continue;
    any = true;
    if (!is_sum_of_parts(value, sum[t], size[t])) return false;
  }
  return any;
}

}  // namespace

void remark_totals(const Catalog& catalog, CatalogNotes& notes) {
  std::vector<std::int64_t> totals, parts;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) == 0) continue;
    (is_total(catalog.id(s)) ? totals : parts).push_back(s);
  }
  if (totals.empty() || parts.empty()) return;
  std::vector<std::string> sums, others;
  for (const std::int64_t total : totals) {
    bool is_sum = true;
    for (int m = 0; is_sum && m < catalog.count(Role::target); ++m) {
      is_sum = is_their_sum(catalog, m, total, parts);
    }
    (is_sum ? sums : others).push_back(catalog.id(total));
  }
  if (!sums.empty()) {
    const bool one = sums.size() == 1;
    notes.remarks.push_back(fmt::format(
        "{} {} the sum of the other series, and forecast like them: leave {} out of the data if {} "
        "of {} own",
        some_names(sums), one ? "is" : "are", one ? "it" : "them",
        one ? "it is no series" : "they are no series", one ? "its" : "their"));
  }
  if (!others.empty()) {
    notes.remarks.push_back(fmt::format(
        "{} {} the name of a total, and {} not the sum of the other series: forecast like them",
        some_names(others), others.size() == 1 ? "has" : "have",
        others.size() == 1 ? "is" : "are"));
  }
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
