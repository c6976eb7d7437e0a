// How fused_mma lies in memory: padded units, the order of the gates' columns, the fragments of the
// packed weights, and how much shared memory a kernel takes. One place for host and kernels.
//
// Units are padded to Hp = 16, 32, 48, 64, 96 or 128; padded units have weights of zero, so h = c =
// 0 and no gradient. A row of gates [4Hp] keeps the four gates of two neighbouring units together,
// [i2|f2|g2|o2]: what one thread has of one row of an accumulator fragment is one vector.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sluice/base/bf16.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/model/precision.hpp"

namespace sluice::mma {

inline constexpr int kMostUnits = 128;
inline constexpr int kUnitsOfWarp = 8;
inline constexpr int kStepBytes = 32;  ///< of a row that one matrix instruction multiplies: 16 bf16
inline constexpr int kTileRows = 16;   ///< rows of a matrix instruction
inline constexpr int kGapBytes = 16;   ///< between rows in shared memory: see row_bytes()

/// H or the next size that kernels exist for; 0 beyond kMostUnits.
constexpr int padded_units(int H) {
  for (const int units : {16, 32, 48, 64, 96, 128}) {
    if (H <= units) return units;
  }
  return 0;
}

/// Place of a unit's gate (0..3 for i, f, g, o) in a row of gates, and back.
SLUICE_HD constexpr int gate_column(int unit, int gate) {
  return 8 * (unit / 2) + 2 * gate + unit % 2;
}
SLUICE_HD constexpr int unit_of_column(int column) { return 2 * (column / 8) + column % 2; }
SLUICE_HD constexpr int gate_of_column(int column) { return column % 8 / 2; }

SLUICE_HD constexpr int element_bytes(Precision precision) {
  return precision == Precision::bf16 ? 2 : 4;
}
/// Depth of one matrix instruction: elements of kStepBytes.
SLUICE_HD constexpr int step_depth(Precision precision) {
  return kStepBytes / element_bytes(precision);
}
SLUICE_HD constexpr int threads_of(int units) { return units / kUnitsOfWarp * 32; }
/// Most tiles of 16 series that a forward CTA owns.
inline constexpr int kMostTiles = 4;
/// CTAs on a multiprocessor at once that registers are shared out for: 128 to a thread, or 168.
SLUICE_HD constexpr int resident_blocks(int units) { return 512 / threads_of(units); }

/// Steps of depth of h R^T, and how many of them a warp keeps in registers for the whole sequence:
/// 8 registers a step. The rest lies in shared memory, together with W.
SLUICE_HD constexpr int hidden_steps(Precision precision, int units) {
  return units / step_depth(precision);
}
SLUICE_HD constexpr int forward_resident(Precision precision, int units) {
  return precision == Precision::tf32 && units > 96 ? 8 : hidden_steps(precision, units);
}
/// Steps of depth of dA R.
SLUICE_HD constexpr int gradient_steps(Precision precision, int units) {
  return 4 * units / step_depth(precision);
}
/// Neighbouring warps that make dh of their units together: each multiplies a share of the steps
/// for the units of all, so that it loads a share of dA from shared memory, and they exchange sums.
/// tf32 has registers for two only, and beyond 96 units no shared memory for their sums on an A100.
/// At 16 units in bf16 the sums would cost what they save.
SLUICE_HD constexpr int partners(Precision precision, int units) {
  if (precision == Precision::tf32) return units > 96 ? 1 : 2;
  return units >= 96 ? 4 : units > 16 ? 2 : 1;
}
/// Steps that one of them multiplies, and how many of these it keeps in registers for the whole
/// sequence: 2 registers a step and partner. The rest lies in shared memory.
SLUICE_HD constexpr int partner_steps(Precision precision, int units) {
  return gradient_steps(precision, units) / partners(precision, units);
}
SLUICE_HD constexpr int backward_resident(Precision precision, int units) {
  const int steps = partner_steps(precision, units);
  return precision == Precision::tf32 && units > 96 ? steps / 2 : steps;
}

/// Words of 32 bits of the fragments of one step of one warp. Forward: [2][32 lanes][4], half and
/// word giving gate 2 half + word / 2, register word % 2; backward: [32 lanes][2].
inline constexpr int kForwardFragment = 256;
inline constexpr int kBackwardFragment = 64;

/// Elements between rows of a layer's input of I elements, in memory: whole 16 bytes.
SLUICE_HD constexpr int input_pitch(Precision precision, int inputs) {
  const int pack = 16 / element_bytes(precision);
  return (inputs + pack - 1) / pack * pack;
}
SLUICE_HD constexpr int input_steps(Precision precision, int inputs) {
  return (inputs + step_depth(precision) - 1) / step_depth(precision);
}

/// Bytes of a row in shared memory of so many steps of depth: an odd number of 16 bytes, so that 8
/// rows of a matrix (ldmatrix) lie in different banks.
SLUICE_HD constexpr int row_bytes(int steps) { return steps * kStepBytes + kGapBytes; }

/// Shared memory of a forward CTA, in this order.
struct ForwardShared {
  int bias = 0;     ///< [4][Hp / 2][4] float: of a gate and two units, twice
  int h = 0;        ///< [2][rows][row_bytes(hidden steps)]
  int x = 0;        ///< [slots][rows][row_bytes(input steps)]
  int weights = 0;  ///< [steps not in registers][warps][kForwardFragment]
  int c = 0;        ///< [tiles][threads][4] float: each thread's own
  int end = 0;
};

SLUICE_HD constexpr ForwardShared forward_shared(Precision precision, int units, int tiles,
                                                 int x_steps, int slots) {
  const int rows = tiles * kTileRows, steps = hidden_steps(precision, units);
  const int own = steps - forward_resident(precision, units) + x_steps;
  ForwardShared at;
  at.h = 8 * units * 4;
  at.x = at.h + 2 * rows * row_bytes(steps);
  at.weights = at.x + (x_steps == 0 ? 0 : slots * rows * row_bytes(x_steps));
  at.c = at.weights + own * (units / kUnitsOfWarp) * kForwardFragment * 4;
  at.end = at.c + rows * units * 4;
  return at;
}

/// Where row r of the backward kernel's tile of dA begins. Besides matrices, threads store 16 bytes
/// each there, a quarter of a warp two rows: in bf16 4 neighbouring chunks of both, which therefore
/// have to begin 64 bytes apart in the 128 bytes of all banks. So rows are whole 128 bytes apart,
/// and shifted by 0, 4, 1, 5, 2, 6, 3, 7 chunks. In tf32 they are every second chunk, and the gap
/// does.
SLUICE_HD constexpr int gradient_row(Precision precision, int units, int row) {
  const int steps = gradient_steps(precision, units);
  if (precision == Precision::tf32) return row * row_bytes(steps);
  return row * ((steps * kStepBytes + 127) / 128 * 128 + 128) + 16 * (4 * (row % 2) + row / 2 % 4);
}

/// Shared memory of a backward CTA.
struct BackwardShared {
  int gradients = 0;  ///< rows at gradient_row()
  int sums = 0;       ///< [partners - 1][warps][32 lanes][4] float: for a warp, by the others
  int weights = 0;    ///< [steps not in registers][warps][kBackwardFragment]
  int end = 0;
};

SLUICE_HD constexpr BackwardShared backward_shared(Precision precision, int units) {
  const int warps = units / kUnitsOfWarp;
  const int others = partner_steps(precision, units) - backward_resident(precision, units);
  BackwardShared at;
  at.sums = gradient_row(precision, units, kTileRows);
  at.weights = at.sums + (partners(precision, units) - 1) * warps * 32 * 16;
  at.end = at.weights + others * warps * kBackwardFragment * 4;
  return at;
}

}  // namespace sluice::mma
