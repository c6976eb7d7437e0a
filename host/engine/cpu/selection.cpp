#include "engine/cpu/selection.hpp"

#include <tuple>

namespace sluice {
namespace {

constexpr double kTie = 0.97;

/// Smaller is nearer; what lies on the wanted side comes before what does not.
std::tuple<bool, int, bool, int> distance(const CpuSelectionRow& row, int H, int L) {
  const int layers = L - row.L, units = row.H - H;
  return {layers < 0, layers < 0 ? -layers : layers, units < 0, units < 0 ? -units : units};
}

}  // namespace

bool fused_is_chosen(std::span<const CpuSelectionRow> rows, int lanes, int H, int L) {
  const CpuSelectionRow* nearest = nullptr;
  for (const CpuSelectionRow& row : rows) {
    if (row.lanes != lanes) continue;
    if (nearest == nullptr || distance(row, H, L) < distance(*nearest, H, L)) nearest = &row;
  }
  return nearest != nullptr && nearest->training >= kTie;
}

}  // namespace sluice
