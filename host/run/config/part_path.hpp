// Whether forecasts go into one file or a directory of them.
#pragma once

#include <string_view>

namespace sluice {

/// Whether path.forecast means a directory of Parquet files.
inline bool is_path_of_parts(std::string_view path) { return path.ends_with('/'); }

}  // namespace sluice
