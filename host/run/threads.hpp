// How many threads compute.
#pragma once

namespace sluice {

/// Computes with `wanted` threads, 0: with all. Throws DeviceError if the process may not have so
/// many at once, where OpenMP would end it in the first parallel region, or is the fork of one that
/// had several. Blocks until they were tried.
void use_threads(int wanted);

/// The same for work of a moment that is done again and again: as many threads as this thread had
/// last are not tried anew.
void use_threads_again(int wanted);

/// Threads for this rank where engine.threads leaves it open: of the cores that it may use as many
/// as fall to it, where ranks of this machine may use the same ones. 0: all that there are, as on
/// one rank and where OMP_NUM_THREADS says a number. Called by all ranks. Blocks.
int threads_of_rank();

}  // namespace sluice
