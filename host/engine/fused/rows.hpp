// How the fused kernels of every instruction set write a tile out row by row.
#pragma once

#include <utility>

namespace sluice {

/// Rows 0, 1, ... of a tile as constants: what is written for each of them stays in registers,
/// which a loop's array does not.
template <int... r>
using Rows = std::integer_sequence<int, r...>;
template <int kCount>
using RowsOf = std::make_integer_sequence<int, kCount>;

}  // namespace sluice
