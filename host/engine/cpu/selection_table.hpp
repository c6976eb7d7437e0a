// Measured, not written by hand. By which rule it is read: selection.hpp. Made by
//   sluice-bench cpu --selection host/engine/cpu/selection_table.hpp
// on AMD EPYC, 2 threads, 2026-11-24, oneDNN 2.6.3
// lanes 16 by AVX3, 8 by AVX2; fastest of 25 samples each; commit 8342b610698d
#pragma once

#include <array>

#include "engine/cpu/selection.hpp"

namespace sluice {

/// Lanes, L, H; fused over onednn in training and forward.
// clang-format off
inline constexpr std::array<CpuSelectionRow, 28> kCpuSelection = {{
    {16, 1, 16, 1.08, 1.99},
    {16, 1, 32, 1.69, 1.87},
    {16, 1, 64, 1.65, 1.54},
    {16, 1, 128, 1.34, 1.26},
    {16, 1, 256, 1.20, 1.14},
    {16, 1, 512, 1.18, 1.11},
    {16, 1, 1024, 1.36, 1.21},
    {16, 2, 16, 2.13, 2.25},
    {16, 2, 32, 1.64, 1.65},
    {16, 2, 64, 1.47, 1.43},
    {16, 2, 128, 1.21, 1.18},
    {16, 2, 256, 1.08, 1.09},
    {16, 2, 512, 1.09, 1.10},
    {16, 2, 1024, 1.18, 1.05},
    {8, 1, 16, 2.55, 3.00},
    {8, 1, 32, 2.10, 2.39},
    {8, 1, 64, 1.76, 1.89},
    {8, 1, 128, 1.54, 1.51},
    {8, 1, 256, 1.30, 1.30},
    {8, 1, 512, 1.17, 1.22},
    {8, 1, 1024, 1.32, 1.16},
    {8, 2, 16, 2.51, 2.87},
    {8, 2, 32, 1.91, 2.19},
    {8, 2, 64, 1.57, 1.60},
    {8, 2, 128, 1.32, 1.35},
    {8, 2, 256, 1.11, 1.26},
    {8, 2, 512, 1.07, 1.18},
    {8, 2, 1024, 1.19, 0.93},
}};
// clang-format on

}  // namespace sluice
