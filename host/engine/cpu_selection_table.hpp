// Measured, not written by hand. By which rule it is read: cpu_selection.hpp. Made by
//   sluice-bench cpu --selection host/engine/cpu_selection_table.hpp
// on AMD EPYC, 2 threads, 2026-11-24, oneDNN 2.6.3;
// lanes 16 by AVX3, 8 by AVX2; 7 samples each
#pragma once

#include <array>

#include "engine/cpu_selection.hpp"

namespace sluice {

/// Lanes, L, H; fused over onednn in training and forward.
// clang-format off
inline constexpr std::array<CpuSelectionRow, 28> kCpuSelection = {{
    {16, 1, 16, 2.32, 2.05},
    {16, 1, 32, 1.86, 1.64},
    {16, 1, 64, 1.55, 1.89},
    {16, 1, 128, 1.38, 1.24},
    {16, 1, 256, 1.16, 1.20},
    {16, 1, 512, 1.11, 1.20},
    {16, 1, 1024, 1.14, 1.09},
    {16, 2, 16, 2.31, 1.93},
    {16, 2, 32, 1.63, 1.55},
    {16, 2, 64, 1.40, 1.53},
    {16, 2, 128, 1.22, 1.19},
    {16, 2, 256, 1.08, 1.14},
    {16, 2, 512, 1.06, 1.11},
    {16, 2, 1024, 1.10, 1.15},
    {8, 1, 16, 1.42, 2.36},
    {8, 1, 32, 1.13, 2.21},
    {8, 1, 64, 1.63, 1.94},
    {8, 1, 128, 1.60, 1.57},
    {8, 1, 256, 1.30, 1.25},
    {8, 1, 512, 1.15, 1.17},
    {8, 1, 1024, 1.03, 1.05},
    {8, 2, 16, 2.54, 2.81},
    {8, 2, 32, 1.84, 2.39},
    {8, 2, 64, 1.42, 1.74},
    {8, 2, 128, 1.40, 1.40},
    {8, 2, 256, 1.15, 1.12},
    {8, 2, 512, 1.00, 1.12},
    {8, 2, 1024, 0.95, 0.98},
}};
// clang-format on

}  // namespace sluice
