// From a table to a catalogue: the choice of a layout, and the files beside the table.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "data/catalog/alike.hpp"
#include "data/catalog/build.hpp"
#include "data/catalog/choice.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/spec.hpp"
#include "data/catalog/time_parts.hpp"
#include "data/catalog/uses.hpp"
#include "data/hierarchy/sums.hpp"
#include "data/table/source.hpp"
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

/// The columns that a setting makes numbers, or the time.
std::vector<int> other_roles(const Header& header, const CatalogSpec& spec) {
  const std::pair<const std::vector<std::string>&, const char*> roles[] = {
      {spec.targets, "data.targets"},
      {spec.past, "data.past"},
      {spec.future, "data.future"},
      {spec.static_reals, "data.static_reals"},
      {spec.more_time, "data.time"}};
  std::vector<int> columns;
  for (const auto& [names, key] : roles) {
    for (const std::string& name : names) {
      if (!has_column(header, name) && !name.starts_with('#')) continue;
      const std::vector<int> found = find_columns(header, {name}, key);
      columns.insert(columns.end(), found.begin(), found.end());
    }
  }
  if (!spec.time.empty()) columns.push_back(find_column(header, spec.time, "data.time"));
  return columns;
}

/// The columns that hold names, by their header alone: before a cell is read.
std::vector<std::string> text_columns_of(const CatalogSpec& spec,
                                         const std::vector<std::string>& names) {
  const std::string source = spec.read.paths.front().string();
  const Header header{names, source};
  std::vector<int> columns = find_columns(header, spec.id, "data.id");
  if (columns.empty()) {
    if (const auto usual = usual_column(header, kUsualIds)) columns.push_back(*usual);
    const std::vector<int> others = other_roles(header, spec);
    for (int column = 0; column < static_cast<int>(names.size()); ++column) {
      const bool other = std::find(others.begin(), others.end(), column) != others.end();
      if (!other && is_id_name(names[static_cast<std::size_t>(column)])) columns.push_back(column);
    }
  }
  std::vector<std::string> text = names_of(header, columns);
  // What is put together is read as it is written: "0930".
  const std::vector<std::string> times = parts_of_time(spec);
  const std::vector<std::string> of_time =
      names_of(header, find_columns(header, times, "data.time"));
  text.insert(text.end(), of_time.begin(), of_time.end());
  const std::pair<const std::vector<std::string>&, const char*> categories[] = {
      {spec.static_categories, "data.static_categories"},
      {spec.past_categories, "data.past_categories"},
      {spec.future_categories, "data.future_categories"}};
  for (const auto& [wanted, key] : categories) {
    for (const std::string& name : wanted) {
      // One that is not here lies in a file beside it, or is complained about later.
      if (name.starts_with('#') && !has_column(header, name)) {
        const std::vector<std::string> more = names_of(header, find_columns(header, {name}, key));
        text.insert(text.end(), more.begin(), more.end());
      } else if (has_column(header, name)) {
        text.push_back(name);
      }
    }
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
  const Table::Impl& as_read = table.impl();
  CatalogSpec spec = asked;
  CatalogNotes ignored;
  CatalogNotes& met = notes != nullptr ? *notes : ignored;
  met = {};
  met.remarks = as_read.remarks;
  std::optional<WholeTimes> whole;
  if (!spec.more_time.empty()) {
    whole = with_whole_times(as_read,
                             find_columns(header_of(as_read), parts_of_time(spec), "data.time"),
                             spec, met.remarks);
    spec.time_part_format = spec.time_format;
    if (whole->iso) spec.time_format = "auto";
  }
  const Table::Impl& impl = whole ? whole->table : as_read;
  const auto ids_place =
      std::find(spec.static_categories.begin(), spec.static_categories.end(), kIdCategory);
  const bool ids_asked =
      ids_place != spec.static_categories.end() && !has_column(header_of(impl), kIdCategory);
  const auto ids_at = ids_place - spec.static_categories.begin();
  if (ids_asked) spec.static_categories.erase(ids_place);
  if (table.rows() == 0) {
    throw DataError(fmt::format("{}: the file has no rows; write it again", impl.source));
  }
  start_uses(impl, met);
  const Choice choice = choose_layout(impl, spec, met);
  const Layout layout = choice.layout;
  met.layout = name_of(layout);
  const auto build = layout == Layout::rows      ? build_rows
                     : layout == Layout::columns ? build_columns
                                                 : build_long;
  ColumnChoice used = choice.columns;
  if (layout == Layout::single || layout == Layout::columns) used.ids.clear();
  CatalogParts parts = build(impl, spec, used, met);
  if (ids_asked) {
    parts.static_categories.insert(parts.static_categories.begin() + ids_at, id_category(parts));
  }
  for (const int part : find_columns(header_of(impl), spec.more_time, "data.time")) {
    use_column(met, part, "time");
    met.time_columns.push_back(impl.names[static_cast<std::size_t>(part)]);
  }
  finish_uses(impl, spec, met);
  remark_alike_ids(parts.ids, met);
  Catalog catalog(std::move(parts));
  remark_totals(catalog, met);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    met.all_missing_series += catalog.history(s) == 0 ? 1 : 0;
  }
  if (met.all_missing_series == catalog.series_count()) {
    throw DataError(fmt::format(
        "{}: no series has any target value; check data.targets and data.missing", impl.source));
  }
  return spec.groups.empty() ? std::move(catalog) : with_sums(std::move(catalog), spec.groups, met);
}

Catalog read_catalog(const CatalogSpec& spec, CatalogNotes* notes) {
  check_spec(spec);
  const Table table =
      read_table_as(spec.read, [&](const auto& names) { return text_columns_of(spec, names); });
  return build_catalog(table, spec, notes);
}

namespace {

/// The rows of two tables with the same columns.
Table joined(const Table& first, const Table& second) {
  auto both = std::make_unique<Table::Impl>(first.impl());
  const Table::Impl& more = second.impl();
  both->parts.insert(both->parts.end(), more.parts.begin(), more.parts.end());
  both->remarks.insert(both->remarks.end(), more.remarks.begin(), more.remarks.end());
  both->source += " and " + more.source;
  return Table(std::move(both));
}

}  // namespace

std::vector<Table> read_beside(const std::string& key,
                               const std::vector<std::filesystem::path>& paths,
                               const CatalogSpec& spec,
                               const std::vector<std::string>& text_columns) {
  ReadOptions options = spec.read;
  options.format = TableFormat::automatic;
  options.max_rows = 0;
  options.form_of_another = true;
  std::vector<Table> tables;
  for (const std::filesystem::path& path : paths) {
    if (!spec.read.memory.contains(path.string())) refuse_missing(path, key);
    options.paths = {path};
    Table table = read_table_as(options, [&](const std::vector<std::string>& names) {
      std::vector<std::string> text;
      const std::string source = path.string();
      for (const std::string& name : text_columns) {
        const std::string_view any_case[] = {name};
        if (const auto column = usual_column({names, source}, any_case)) {
          text.push_back(names[static_cast<std::size_t>(*column)]);
        }
      }
      return text;
    });
    const auto alike = std::find_if(tables.begin(), tables.end(), [&](const Table& known) {
      return known.impl().names == table.impl().names;
    });
    if (alike == tables.end()) {
      tables.push_back(std::move(table));
    } else {
      *alike = joined(*alike, table);
    }
  }
  return tables;
}

}  // namespace sluice
