// Which column is meant: by name, by "#n", by "#a:b", or by the usual names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/impl.hpp"

namespace sluice {

inline constexpr std::string_view kUsualIds[] = {"unique_id", "item_id", "series", "id"};
inline constexpr std::string_view kUsualTimes[] = {"ds", "timestamp", "date", "time", "日期"};
inline constexpr std::string_view kUsualTargets[] = {"y", "target", "value", "sales"};

/// A file's columns and its name for messages.
struct Header {
  const std::vector<std::string>& names;
  const std::string& source;
};
inline Header header_of(const Table::Impl& table) { return {table.names, table.source}; }

/// The one column that `wanted` names. `key` is the setting it was given by ("data.time"). Throws
/// DataError naming the columns there are.
int find_column(const Header& header, std::string_view wanted, std::string_view key);

/// The same for several; "#a:b" gives b - a columns. Columns wanted twice come once.
std::vector<int> find_columns(const Header& header, const std::vector<std::string>& wanted,
                              std::string_view key);

/// The first of `usual` that there is, in any case.
std::optional<int> usual_column(const Header& header, std::span<const std::string_view> usual);

/// Whether `name` is one of `usual`, in any case.
bool is_one_of(std::string_view name, std::span<const std::string_view> usual);

/// Whether the header has exactly that name.
bool has_column(const Header& header, std::string_view name);

/// "a, b, c" for messages; long lists are cut.
std::string list_columns(const Header& header);

/// The columns as the value of a setting that takes several: names with commas between them, and
/// "#n" for a name that would be read as something else (one with a comma).
std::string setting_text(const Header& header, std::span<const int> columns);

std::vector<std::string> names_of(const Header& header, std::span<const int> columns);

}  // namespace sluice
