// A row for each time: of a series (long, single), or of all of them side by side (columns).
#include <fmt/format.h>

#include <algorithm>

#include "data/catalog/build.hpp"
#include "data/catalog/gaps.hpp"
#include "data/catalog/roles.hpp"
#include "data/catalog/steps.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Series one_series() {
  Series series;
  series.ids = {"series"};
  return series;
}

}  // namespace

CatalogParts build_long(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, CatalogNotes& notes) {
  const Header header = header_of(table);
  const int time = require_time(table, choice);
  notes.time_columns = names_of(header, std::vector<int>{time});
  notes.id_columns = names_of(header, choice.ids);
  if (notes.layout == "long" && choice.ids.empty()) {
    throw DataError(fmt::format(
        "{}: no id column among the usual names (unique_id, item_id, series, id); set data.id, or "
        "data.layout = \"single\"; the columns are: {}",
        table.source, list_columns(header)));
  }
  return lay_rows(table, spec, time, channel_sources(table, spec, choice, false, notes),
                  choice.ids.empty() ? one_series() : read_series(table, choice.ids), true, notes);
}

CatalogParts build_columns(const Table::Impl& table, const CatalogSpec& spec,
                           const ColumnChoice& choice, CatalogNotes& notes) {
  const Header header = header_of(table);
  const int time = require_time(table, choice);
  notes.time_columns = names_of(header, std::vector<int>{time});
  CatalogParts wide = lay_rows(table, spec, time, channel_sources(table, spec, choice, true, notes),
                               one_series(), false, notes);

  CatalogParts parts;
  parts.frequency = wide.frequency;
  parts.integer_times = wide.integer_times;
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
  trim_missing(parts, parts.channels.size() == 1);
  finish_wide(parts, spec, table.source, false, notes);
  Series of_columns;
  of_columns.ids = parts.ids;
  of_columns.keys = {{"series"}, {parts.ids}};
  add_statics(table, spec, of_columns, parts);
  return parts;
}

}  // namespace sluice
