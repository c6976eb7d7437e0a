// How many tiles of 16 series a CTA of the forward kernel owns, and how many steps of assembled x
// it fetches at a time: chosen by a model of the time, which no card has checked.
#pragma once

#include <cstdint>

#include "sluice/model/precision.hpp"

namespace sluice::mma {

/// A layer's launch, as far as the choice depends on it, and the device.
struct ForwardLoad {
  Precision precision = Precision::bf16;
  int units = 0, x_steps = 0;
  std::int64_t N = 0;
  int multiprocessors = 1;
  std::int64_t shared_bytes = 0;  ///< most of a block
};

/// CTAs of so many tiles that a multiprocessor holds at once, by registers and shared memory; at
/// least 1. `slots`: of x.
int resident_forward(const ForwardLoad& load, int tiles, int slots);

/// Cycles that the model gives a step of the whole batch.
double forward_step_cycles(const ForwardLoad& load, int tiles);

/// Tiles to a CTA, 1 .. kMostTiles, that fit into shared memory: those of the shortest step.
int forward_tiles(const ForwardLoad& load);

/// Steps of x that such a CTA assembles together: as many as give every thread a row, but no more
/// than leave as many CTAs on a multiprocessor as one step would.
int assembled_ahead(const ForwardLoad& load, int tiles);

}  // namespace sluice::mma
