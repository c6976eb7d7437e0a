// Measured, not written by hand. By which rule it is read: cpu_selection.hpp. Made by
//   sluice-bench cpu --selection host/engine/cpu_selection_table.hpp
// on AMD EPYC, 2 threads, 2026-11-24, oneDNN 2.6.3
// lanes 16 by AVX3, 8 by AVX2; fastest of 25 samples each; commit 2773072f52e0-dirty
#pragma once

#include <array>

#include "engine/cpu_selection.hpp"

namespace sluice {

/// Lanes, L, H; fused over onednn in training and forward.
// clang-format off
inline constexpr std::array<CpuSelectionRow, 28> kCpuSelection = {{
    {16, 1, 16, 2.70, 2.32},
    {16, 1, 32, 2.03, 1.77},
    {16, 1, 64, 2.21, 1.64},
    {16, 1, 128, 1.43, 1.08},
    {16, 1, 256, 1.23, 1.46},
    {16, 1, 512, 1.01, 1.24},
    {16, 1, 1024, 1.23, 1.05},
    {16, 2, 16, 2.50, 2.12},
    {16, 2, 32, 1.77, 1.62},
    {16, 2, 64, 1.53, 1.41},
    {16, 2, 128, 1.24, 1.23},
    {16, 2, 256, 1.13, 1.22},
    {16, 2, 512, 1.04, 1.15},
    {16, 2, 1024, 1.02, 1.03},
    {8, 1, 16, 2.93, 3.09},
    {8, 1, 32, 2.27, 2.49},
    {8, 1, 64, 1.70, 2.01},
    {8, 1, 128, 1.56, 1.73},
    {8, 1, 256, 1.32, 1.26},
    {8, 1, 512, 1.12, 1.17},
    {8, 1, 1024, 1.22, 0.98},
    {8, 2, 16, 2.87, 2.97},
    {8, 2, 32, 2.47, 2.28},
    {8, 2, 64, 1.58, 2.37},
    {8, 2, 128, 1.22, 1.44},
    {8, 2, 256, 1.14, 1.19},
    {8, 2, 512, 1.03, 1.08},
    {8, 2, 1024, 1.16, 1.01},
}};
// clang-format on

}  // namespace sluice
