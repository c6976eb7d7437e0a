// gnuplot as a process of its own, without a shell and without any file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

/// The pictures that `script` draws one after the other on its standard output, each the bytes of a
/// whole PNG file. Blocks until gnuplot has ended. Throws DataError where it is not installed,
/// cannot be started, fails, or draws others than `count` whole pictures, which it may do with a
/// status of 0.
std::vector<std::string> drawn_by_gnuplot(const std::string& script, std::size_t count);

}  // namespace sluice
