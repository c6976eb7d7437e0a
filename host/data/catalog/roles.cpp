#include "data/catalog/roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Columns that could be targets: numeric, and neither id nor time nor another channel.
std::vector<int> numeric_columns(const Table::Impl& table, const ColumnChoice& choice,
                                 const std::vector<int>& others) {
  std::vector<int> columns;
  const auto in = [](const std::vector<int>& list, int column) {
    return std::find(list.begin(), list.end(), column) != list.end();
  };
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    if (column == choice.time || in(choice.ids, column) || in(others, column)) continue;
    if (is_numeric(table, column)) columns.push_back(column);
  }
  return columns;
}

}  // namespace

int require_time(const Table::Impl& table, const ColumnChoice& choice) {
  if (choice.time) return *choice.time;
  throw DataError(fmt::format(
      "{}: no time column among the usual names (ds, timestamp, date, time, 日期); set data.time; "
      "the columns are: {}",
      table.source, list_columns(header_of(table))));
}

std::vector<ChannelSource> channel_sources(const Table::Impl& table, const CatalogSpec& spec,
                                           const ColumnChoice& choice, bool every_column,
                                           CatalogNotes& notes) {
  const Header header = header_of(table);
  std::vector<int> future;
  std::vector<std::string> only_in_future_file;
  for (const std::string& name : spec.future) {
    if (spec.future_file && !name.starts_with('#') && !has_column(header, name)) {
      only_in_future_file.push_back(name);
      continue;
    }
    const std::vector<int> found = find_columns(header, {name}, "data.future");
    future.insert(future.end(), found.begin(), found.end());
  }
  const std::vector<int> past = find_columns(header, spec.past, "data.past");
  std::vector<int> targets = find_columns(header, spec.targets, "data.targets");
  if (targets.empty()) {
    std::vector<int> others = future;
    others.insert(others.end(), past.begin(), past.end());
    for (const auto* categories : {&spec.past_categories, &spec.future_categories}) {
      for (const std::string& name : *categories) {
        if (spec.future_file && !name.starts_with('#') && !has_column(header, name)) continue;
        const std::vector<int> words = find_columns(header, {name}, "data.future_categories");
        others.insert(others.end(), words.begin(), words.end());
      }
    }
    const std::vector<int> candidates = numeric_columns(table, choice, others);
    const auto usual = usual_column(header, kUsualTargets);
    if (every_column) {
      targets = candidates;
    } else if (usual) {
      targets = {*usual};
    }
    if (targets.empty()) {
      throw DataError(fmt::format(
          "{}: which column is to be forecast? none has a usual name (y, target, value, sales); "
          "set data.targets to one or more of: {}",
          table.source, fmt::join(names_of(header, candidates), ", ")));
    }
  }
  notes.target_columns = names_of(header, targets);

  std::vector<ChannelSource> sources;
  std::vector<char> used(table.names.size(), 0);
  const auto add = [&](const std::vector<int>& columns, Role role) {
    for (const int column : columns) {
      if (used[static_cast<std::size_t>(column)]++ != 0) continue;
      sources.push_back({table.names[static_cast<std::size_t>(column)], role, column});
    }
  };
  add(targets, Role::target);
  std::vector<int> only_past;
  std::copy_if(past.begin(), past.end(), std::back_inserter(only_past), [&](int column) {
    return std::find(future.begin(), future.end(), column) == future.end();
  });
  add(only_past, Role::past);
  add(future, Role::future);
  for (const std::string& name : only_in_future_file) sources.push_back({name, Role::future, -1});
  return sources;
}

}  // namespace sluice
