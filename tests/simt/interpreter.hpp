// Runs a CUDA kernel's source on the CPU: one fiber a thread, a block after the other in random
// order. A fiber runs until it reaches a barrier or a warp-wide instruction; which one runs next is
// random, from a seed. So a missing barrier shows as a wrong number, and a barrier that not all
// threads reach, a warp instruction that lanes do not reach together, a write beside shared memory
// and a copy that nobody waits for stop the kernel with a std::logic_error that names the place.
//
// What it does not show: the order of memory operations within a run between two barriers, speed,
// bank conflicts, registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>

namespace simt {

/// The built-in indices of the running fiber.
struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

struct Grid {
  std::int64_t blocks = 1;
  int threads = 1;
  std::size_t shared_bytes = 0;
};

/// Runs `thread` once for each thread of each block. Throws std::logic_error for what the kernel
/// does wrong.
void run_grid(const Grid& grid, const std::function<void()>& thread);

/// Schedules are a function of this seed and of the number of grids run since.
void seed(std::uint64_t seed);

/// Blocks and threads run, and barriers passed, since the start: that a test has run anything at
/// all.
struct Counts {
  std::int64_t grids = 0, threads = 0, barriers = 0, collectives = 0;
};
Counts counts();

// What device code calls, through the headers in shadow/.

void sync_threads(std::source_location where);

/// All lanes of `mask` arrive with an argument each; the last one runs `execute` on all arguments
/// (null for lanes that take no part).
using Execute = void (*)(void* const* lane_arguments);
void warp_collective(const char* name, std::uint32_t mask, void* argument, Execute execute,
                     std::source_location where);

unsigned char* shared_base();
std::size_t shared_bytes();
/// Throws unless the address is a multiple of `alignment`.
void expect_aligned(const char* name, const void* address, std::size_t alignment,
                    std::source_location where);
/// Throws unless [address, address + bytes) lies in the block's shared memory, aligned.
void expect_shared(const char* name, const void* address, std::size_t bytes, std::size_t alignment,
                   std::source_location where);

/// A copy that becomes visible at any time between now and the wait for its group.
void async_copy(void* shared, const void* global, std::size_t bytes, std::source_location where);
void async_commit();
void async_wait(int pending);

}  // namespace simt
