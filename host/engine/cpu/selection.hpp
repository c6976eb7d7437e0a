// What `auto` on the CPU decides by: measured ratios, and how a model that lies between them is
// read. The measured ones are selection_table.hpp, which `sluice-bench cpu --selection` wrote.
#pragma once

#include <span>

namespace sluice {

/// How many times as fast as `onednn` the `fused` recurrence was.
struct CpuSelectionRow {
  int lanes;  ///< floats of a vector of the instruction set that both were held to
  int L, H;
  double training, forward;
};

/// Whether `fused` is to be taken, by the row of these lanes with the nearest L at most this one
/// and, of these, the nearest H at least this one; where there is none such, the nearest. A
/// training takes longer than its forecasts, so its ratio decides. A tie, which is anything down to
/// 0.97, goes to `fused`: on a machine shared with others it loses less. Without rows of these
/// lanes `onednn` is taken, which other people have tried on many machines.
bool fused_is_chosen(std::span<const CpuSelectionRow> rows, int lanes, int H, int L);

}  // namespace sluice
