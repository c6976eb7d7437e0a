// The catalogue itself, and the choice of a layout.
#include "sluice/data/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "data/catalog_build.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

void check_parts(const CatalogParts& parts) {
  const auto expect = [](bool fits, const char* what) {
    if (!fits) throw InternalError(fmt::format("Catalog: {}", what));
  };
  const std::size_t series = parts.ids.size();
  expect(parts.offsets.size() == series + 1 && parts.offsets.front() == 0,
         "offsets must have S+1 entries, the first one 0");
  for (std::size_t s = 0; s < series; ++s) {
    expect(parts.offsets[s] <= parts.offsets[s + 1], "offsets must not fall");
  }
  expect(parts.first.size() == series, "first must have S entries");
  expect(!parts.channels.empty() && parts.channels.front().role == Role::target,
         "there must be a target, and targets come first");
  for (std::size_t c = 0; c < parts.channels.size(); ++c) {
    expect(parts.channels[c].values.size() == static_cast<std::size_t>(parts.offsets.back()),
           "every channel must have offsets.back() values");
    expect(c == 0 || parts.channels[c - 1].role <= parts.channels[c].role,
           "channels are targets, then past, then future");
  }
  for (const StaticReal& real : parts.static_reals) {
    expect(real.values.size() == series, "static reals must have S values");
  }
  for (const StaticCategory& category : parts.static_categories) {
    expect(category.codes.size() == series, "static categories must have S codes");
    expect(!category.vocabulary.empty(), "a vocabulary begins with \"unknown\"");
    for (const std::int32_t code : category.codes) {
      expect(code >= 0 && static_cast<std::size_t>(code) < category.vocabulary.size(),
             "a category code lies outside its vocabulary");
    }
  }
  std::unordered_set<std::string_view> ids(parts.ids.begin(), parts.ids.end());
  expect(ids.size() == series, "ids must be distinct");
}

}  // namespace

Catalog::Catalog(CatalogParts parts) : parts_(std::move(parts)) {
  check_parts(parts_);
  history_.assign(parts_.ids.size(), 0);
  for (std::int64_t s = 0; s < series_count(); ++s) {
    std::int64_t& end = history_[static_cast<std::size_t>(s)];
    for (int m = 0; m < count(Role::target); ++m) {
      const auto y = values(m, s);
      auto t = static_cast<std::int64_t>(y.size());
      while (t > end && std::isnan(y[static_cast<std::size_t>(t - 1)])) --t;
      end = std::max(end, t);
    }
  }
}

std::string Catalog::date(std::int64_t s, std::int64_t t) const {
  return format_time(parts_.frequency, time_of(parts_.frequency, period(s, t)));
}

int Catalog::count(Role role) const {
  int n = 0;
  for (const Channel& channel : parts_.channels) n += channel.role == role ? 1 : 0;
  return n;
}

std::int64_t Catalog::bytes() const {
  std::size_t bytes = (parts_.offsets.capacity() + parts_.first.capacity() + history_.capacity()) *
                      sizeof(std::int64_t);
  const auto of_strings = [](const std::vector<std::string>& strings) {
    std::size_t sum = strings.capacity() * sizeof(std::string);
    // Short strings live inside the object.
    for (const std::string& text : strings) sum += text.capacity() > 15 ? text.capacity() + 1 : 0;
    return sum;
  };
  bytes += of_strings(parts_.ids);
  for (const Channel& channel : parts_.channels) bytes += channel.values.capacity() * sizeof(float);
  for (const StaticReal& real : parts_.static_reals)
    bytes += real.values.capacity() * sizeof(float);
  for (const StaticCategory& category : parts_.static_categories) {
    bytes += category.codes.capacity() * sizeof(std::int32_t) + of_strings(category.vocabulary);
  }
  return static_cast<std::int64_t>(bytes);
}

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
