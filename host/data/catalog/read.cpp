// From a table to a catalogue: the choice of a layout, and the files beside the table.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/catalog/build.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {
namespace {

const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::automatic:
      return "auto";
    case Layout::long_form:
      return "long";
    case Layout::single:
      return "single";
    case Layout::columns:
      return "columns";
    case Layout::rows:
      return "rows";
  }
  return "";
}

ColumnChoice choose_columns(const Header& header, const CatalogSpec& spec) {
  ColumnChoice choice;
  choice.ids = find_columns(header, spec.id, "data.id");
  if (choice.ids.empty()) {
    if (const auto usual = usual_column(header, kUsualIds)) choice.ids = {*usual};
  }
  choice.time = spec.time.empty() ? usual_column(header, kUsualTimes)
                                  : find_column(header, spec.time, "data.time");
  return choice;
}

Layout choose_layout(const Table::Impl& table, const CatalogSpec& spec,
                     const ColumnChoice& choice) {
  if (spec.layout != Layout::automatic) return spec.layout;
  for (std::size_t column = 0; column < table.names.size(); ++column) {
    if (is_list(table, static_cast<int>(column))) return Layout::rows;
  }
  if (!spec.first_value.empty() || !choice.time) return Layout::rows;
  return choice.ids.empty() ? Layout::columns : Layout::long_form;
}

/// The columns that hold names, by their header alone: before a cell is read.
std::vector<std::string> text_columns_of(const CatalogSpec& spec,
                                         const std::vector<std::string>& names) {
  const std::string source = spec.read.paths.front().string();
  const Header header{names, source};
  std::vector<int> columns = find_columns(header, spec.id, "data.id");
  if (columns.empty()) {
    if (const auto usual = usual_column(header, kUsualIds)) columns.push_back(*usual);
  }
  std::vector<std::string> text = names_of(header, columns);
  for (const std::string& name : spec.static_categories) {
    // One that is not here lies in the static file, or is complained about later.
    if (has_column(header, name)) text.push_back(name);
  }
  return text;
}

/// The series themselves as a category: a code each.
constexpr const char* kIdCategory = "unique_id";

StaticCategory id_category(const CatalogParts& parts) {
  StaticCategory category{kIdCategory, {"unknown"}, {}};
  category.vocabulary.insert(category.vocabulary.end(), parts.ids.begin(), parts.ids.end());
  for (std::size_t s = 0; s < parts.ids.size(); ++s) {
    category.codes.push_back(static_cast<std::int32_t>(s + 1));
  }
  return category;
}

}  // namespace

Catalog build_catalog(const Table& table, const CatalogSpec& asked, CatalogNotes* notes) {
  const Table::Impl& impl = table.impl();
  CatalogSpec spec = asked;
  const auto ids_place =
      std::find(spec.static_categories.begin(), spec.static_categories.end(), kIdCategory);
  const bool ids_asked =
      ids_place != spec.static_categories.end() && !has_column(header_of(impl), kIdCategory);
  const auto ids_at = ids_place - spec.static_categories.begin();
  if (ids_asked) spec.static_categories.erase(ids_place);
  if (table.rows() == 0) {
    throw DataError(fmt::format("{}: the file has no rows; write it again", impl.source));
  }
  const ColumnChoice choice = choose_columns(header_of(impl), spec);
  const Layout layout = choose_layout(impl, spec, choice);
  CatalogNotes ignored;
  CatalogNotes& met = notes != nullptr ? *notes : ignored;
  met = {};
  met.remarks = impl.remarks;
  met.layout = name_of(layout);
  const auto build = layout == Layout::rows      ? build_rows
                     : layout == Layout::columns ? build_columns
                                                 : build_long;
  ColumnChoice used = choice;
  if (layout == Layout::single || layout == Layout::columns) used.ids.clear();
  CatalogParts parts = build(impl, spec, used, met);
  if (ids_asked) {
    parts.static_categories.insert(parts.static_categories.begin() + ids_at, id_category(parts));
  }
  Catalog catalog(std::move(parts));
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    met.all_missing_series += catalog.history(s) == 0 ? 1 : 0;
  }
  if (met.all_missing_series == catalog.series_count()) {
    throw DataError(fmt::format(
        "{}: no series has any target value; check data.targets and data.missing", impl.source));
  }
  return catalog;
}

Catalog read_catalog(const CatalogSpec& spec, CatalogNotes* notes) {
  const Table table =
      read_table_as(spec.read, [&](const auto& names) { return text_columns_of(spec, names); });
  return build_catalog(table, spec, notes);
}

Table read_beside(const std::filesystem::path& path, const CatalogSpec& spec,
                  const std::vector<std::string>& text_columns) {
  ReadOptions options = spec.read;
  options.paths = {path};
  options.format = TableFormat::automatic;
  options.max_rows = 0;
  return read_table_as(options, [&](const std::vector<std::string>& names) {
    std::vector<std::string> text;
    for (const std::string& name : text_columns) {
      if (std::find(names.begin(), names.end(), name) != names.end()) text.push_back(name);
    }
    return text;
  });
}

}  // namespace sluice
