// A row for each time: of a series (long, single), or of all of them side by side (columns).
#include <fmt/format.h>

#include <algorithm>

#include "data/catalog/build.hpp"
#include "data/catalog/gaps.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/roles.hpp"
#include "data/catalog/steps.hpp"
#include "data/catalog/unique.hpp"
#include "data/catalog/uses.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Series one_series() {
  Series series;
  series.ids = {"series"};
  return series;
}

/// Columns of one name can be told apart by their places, but not as series.
void refuse_equal_names(const std::vector<std::string>& ids, const std::string& source) {
  std::vector<std::string> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return;
  throw DataError(
      fmt::format("{}: two columns are named '{}' and would be two series of one name; rename one "
                  "in the header",
                  source, *twice));
}

/// A column "id" that is different in every row numbers the rows: as ids they would be series of
/// one step each.
void refuse_row_numbers(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, const Series& series) {
  const std::string& name = table.names[static_cast<std::size_t>(choice.ids.front())];
  constexpr std::string_view kNamesSeries[] = {"unique_id", "item_id", "series"};
  constexpr std::size_t kMany = 10;
  if (series.of_row.size() < 2 || series.ids.size() != series.of_row.size()) return;
  if (is_one_of(name, kNamesSeries)) return;
  if (series.ids.size() < kMany && !counts_rows(table, choice.ids.front())) return;
  const std::vector<int> time = {*choice.time};
  std::vector<int> others = id_candidates(table, spec, choice.time);
  std::erase(others, choice.ids.front());
  const std::vector<int> found = unique_columns(table, time, others);
  throw DataError(fmt::format(
      "{}: the column '{}' is different in every row, so that no series would have two steps; {}",
      table.source, name,
      found.empty() ? "set data.id to what names a series, or data.layout to columns or single"
                    : unique_ids_text(table, found)));
}

}  // namespace

CatalogParts build_long(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, CatalogNotes& notes) {
  const Header header = header_of(table);
  const int time = require_time(table, choice);
  notes.time_columns = names_of(header, std::vector<int>{time});
  notes.id_columns = names_of(header, choice.ids);
  use_column(notes, time, "time");
  for (const int id : choice.ids) use_column(notes, id, "id");
  if (notes.layout == "long" && choice.ids.empty()) {
    throw DataError(fmt::format(
        "{}: no id column among the usual names (unique_id, item_id, series, id); set data.id, or "
        "data.layout = \"single\"; the columns are: {}",
        table.source, list_columns(header)));
  }
  std::vector<ChannelSource> sources = channel_sources(table, spec, choice, false, notes);
  Series series = choice.ids.empty() ? one_series() : read_series(table, choice.ids);
  if (choice.ids_guessed) refuse_row_numbers(table, spec, choice, series);
  return lay_rows(table, spec, time, std::move(sources), std::move(series), true, notes);
}

CatalogParts build_columns(const Table::Impl& table, const CatalogSpec& spec,
                           const ColumnChoice& choice, CatalogNotes& notes) {
  const Header header = header_of(table);
  const int time = require_time(table, choice);
  notes.time_columns = names_of(header, std::vector<int>{time});
  use_column(notes, time, "time");
  CatalogParts wide = lay_rows(table, spec, time, channel_sources(table, spec, choice, true, notes),
                               one_series(), false, notes);

  CatalogParts parts;
  parts.axis = wide.axis;
  parts.value_offset = std::move(wide.value_offset);  // of targets there, of their series here
  Channel y{"y", Role::target, {}};
  const std::int64_t length = wide.offsets.back();
  const auto series =
      std::count_if(wide.channels.begin(), wide.channels.end(),
                    [](const Channel& channel) { return channel.role == Role::target; });
  y.values.reserve(static_cast<std::size_t>(length * series));
  parts.offsets = {0};
  for (Channel& channel : wide.channels) {
    if (channel.role != Role::target) continue;
    y.values.insert(y.values.end(), channel.values.begin(), channel.values.end());
    channel.values = {};
    parts.ids.push_back(channel.name);
    parts.first.push_back(wide.first.front());
    parts.offsets.push_back(parts.offsets.back() + length);
  }
  refuse_equal_names(parts.ids, table.source);
  parts.channels.push_back(std::move(y));
  for (Channel& channel : wide.channels) {
    if (channel.role == Role::target) continue;
    // Known to every series alike.
    Channel shared{channel.name, channel.role, {}};
    shared.values.reserve(static_cast<std::size_t>(length * series));
    for (std::int64_t s = 0; s < series; ++s) {
      shared.values.insert(shared.values.end(), channel.values.begin(), channel.values.end());
    }
    parts.channels.push_back(std::move(shared));
  }
  for (CategoryChannel& channel : wide.categories) {
    CategoryChannel shared{channel.name, channel.role, std::move(channel.vocabulary), {}};
    shared.codes.reserve(static_cast<std::size_t>(length * series));
    for (std::int64_t s = 0; s < series; ++s) {
      shared.codes.insert(shared.codes.end(), channel.codes.begin(), channel.codes.end());
    }
    parts.categories.push_back(std::move(shared));
  }
  trim_missing(parts, parts.channels.size() == 1 && parts.categories.empty());
  finish_wide(parts, spec, table.source, false, notes);
  Series of_columns;
  of_columns.ids = parts.ids;
  of_columns.keys = {{"series"}, {parts.ids}};
  add_statics(table, spec, of_columns, parts, notes);
  return parts;
}

}  // namespace sluice
