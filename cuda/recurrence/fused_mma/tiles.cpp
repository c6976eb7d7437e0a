#include "recurrence/fused_mma/tiles.hpp"

#include <algorithm>

#include "recurrence/fused_mma/layout.hpp"

namespace sluice::mma {
namespace {

// Of the model, in cycles of an H100; counted and read, not measured.
constexpr double kTanhCycles = 8;       // a warp's special function
constexpr double kProductCycles = 6.4;  // a warp's mma.sync, at 62 % of the unit's peak
constexpr double kProductChain = 33;    // from an mma.sync to the next one of the same sum
constexpr double kCellChain = 340;      // ldmatrix before the products, the cell after them
constexpr double kBarrier = 150;        // what a step has beside its tiles
constexpr int kTanhs = 20,
              kSums = 4;  // of a warp and tile; products of a warp, tile and step of depth
constexpr int kSchedulers = 4;
// What the hardware keeps of a multiprocessor's shared memory for each block, beyond the block's
// own; a block may have all but that.
constexpr std::int64_t kReserved = 1024;

std::int64_t shares(std::int64_t count, std::int64_t of) { return (count + of - 1) / of; }

}  // namespace

int resident_forward(const ForwardLoad& load, int tiles, int slots) {
  const std::int64_t bytes =
      forward_shared(load.precision, load.units, tiles, load.x_steps, slots).end;
  const std::int64_t by_memory = (load.shared_bytes + kReserved) / (bytes + kReserved);
  return static_cast<int>(std::clamp<std::int64_t>(by_memory, 1, resident_blocks(load.units)));
}

// A multiprocessor with n CTAs of t tiles is as fast as its busiest unit lets n t tiles pass
// (special functions or products, over four schedulers), or as a single warp gets through its t
// tiles, one after another. So two CTAs of one tile beat one CTA of two wherever waiting binds.
double forward_step_cycles(const ForwardLoad& load, int tiles) {
  const double warps = static_cast<double>(load.units) / kUnitsOfWarp;
  const double depth = hidden_steps(load.precision, load.units) + load.x_steps;
  const double busy =
      warps / kSchedulers * std::max(kTanhs * kTanhCycles, kSums * depth * kProductCycles);
  const double waiting = kCellChain + kProductChain * depth;
  const auto step = [&](std::int64_t ctas) {
    return tiles * std::max(static_cast<double>(ctas) * busy, waiting) + kBarrier;
  };
  const std::int64_t blocks = shares(load.N, std::int64_t{tiles} * kTileRows);
  const std::int64_t processors = std::max(load.multiprocessors, 1);
  const std::int64_t resident = resident_forward(load, tiles, 2);
  const std::int64_t turns = blocks / (processors * resident);
  const std::int64_t rest = blocks % (processors * resident);
  return static_cast<double>(turns) * step(resident) +
         (rest > 0 ? step(shares(rest, processors)) : 0);
}

int forward_tiles(const ForwardLoad& load) {
  int chosen = 1;
  for (int tiles = 2; tiles <= kMostTiles; ++tiles) {
    const int bytes = forward_shared(load.precision, load.units, tiles, load.x_steps, 2).end;
    if (bytes > load.shared_bytes) break;
    if (forward_step_cycles(load, tiles) < forward_step_cycles(load, chosen)) chosen = tiles;
  }
  return chosen;
}

int assembled_ahead(const ForwardLoad& load, int tiles) {
  constexpr int kMostAhead = 8;
  int ahead = std::clamp(threads_of(load.units) / (tiles * kTileRows), 1, kMostAhead);
  const auto fits = [&](int steps) {
    return forward_shared(load.precision, load.units, tiles, load.x_steps, 2 * steps).end <=
               load.shared_bytes &&
           resident_forward(load, tiles, 2 * steps) == resident_forward(load, tiles, 2);
  };
  while (ahead > 1 && !fits(ahead)) ahead /= 2;
  return ahead;
}

}  // namespace sluice::mma
