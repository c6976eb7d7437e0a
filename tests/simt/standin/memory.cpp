// Memory of the stand-in: every block lies between redzones and is born full of NaN; what is freed
// is kept for a while, full of NaN again. With AddressSanitizer redzones and freed blocks are
// poisoned as well, so that a read beside a block stops at once.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "standin/state.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace standin {
namespace {

constexpr std::size_t kRedzone = 256;  // also the alignment that cudaMalloc promises
constexpr unsigned char kPattern = 0xA5, kFresh = 0xFF;
constexpr std::size_t kMostKept = std::size_t{32} << 20;

#if defined(__SANITIZE_ADDRESS__)
void poison(const void* pointer, std::size_t bytes) { __asan_poison_memory_region(pointer, bytes); }
void unpoison(const void* pointer, std::size_t bytes) {
  __asan_unpoison_memory_region(pointer, bytes);
}
#else
void poison(const void*, std::size_t) {}
void unpoison(const void*, std::size_t) {}
#endif

std::size_t padded(std::size_t bytes) { return (bytes + kRedzone - 1) / kRedzone * kRedzone; }
std::size_t raw_bytes(const Block& block) { return padded(block.bytes) + 2 * kRedzone; }

// Looks at poisoned bytes on purpose.
[[gnu::no_sanitize_address]] bool all_equal(const unsigned char* from, std::size_t bytes,
                                            unsigned char value) {
  unsigned char different = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    different = static_cast<unsigned char>(different | (from[i] ^ value));
  }
  return different == 0;
}

std::string name_of(const Block& block) {
  return std::string(block.device ? "device" : "pinned") + " allocation #" +
         std::to_string(block.number) + " of " + std::to_string(block.bytes) + " bytes";
}

void discard(const Block& block) {
  unpoison(block.raw, raw_bytes(block));
  std::free(block.raw);
}

void check_redzones_of(const Block& block) {
  const unsigned char* data = block.raw + kRedzone;
  if (!all_equal(block.raw, kRedzone, kPattern)) {
    throw std::logic_error(name_of(block) + ": written before its beginning");
  }
  const std::size_t behind = raw_bytes(block) - kRedzone - block.bytes;
  if (!all_equal(data + block.bytes, behind, kPattern)) {
    throw std::logic_error(name_of(block) + ": written behind its end");
  }
}

void check_freed_block(const Block& block) {
  if (!all_equal(block.raw, raw_bytes(block), kFresh)) {
    throw std::logic_error(name_of(block) + ": written after it was freed");
  }
}

void* allocate(std::size_t bytes, bool device) {
  State& s = state();
  Block block{
      .bytes = bytes, .number = ++s.block_number, .device = device, .home = current_device()};
  block.raw = static_cast<unsigned char*>(std::aligned_alloc(kRedzone, raw_bytes(block)));
  if (block.raw == nullptr) throw Refusal{cudaErrorMemoryAllocation};
  unsigned char* data = block.raw + kRedzone;
  std::memset(block.raw, kPattern, kRedzone);
  std::memset(data, kFresh, bytes);
  std::memset(data + bytes, kPattern, raw_bytes(block) - kRedzone - bytes);
  poison(block.raw, kRedzone);
  poison(data + bytes, raw_bytes(block) - kRedzone - bytes);
  s.blocks.emplace(reinterpret_cast<std::uintptr_t>(data), block);
  if (device) s.used_bytes[block.home] += static_cast<std::int64_t>(bytes);
  return data;
}

cudaError_t allocate_pinned(void** pointer, std::size_t bytes) {
  refuse_in_capture();
  *pointer = bytes == 0 ? nullptr : allocate(bytes, false);
  return cudaSuccess;
}

void release(void* pointer, bool device) {
  State& s = state();
  if (pointer == nullptr) return;
  const auto found = s.blocks.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == s.blocks.end()) {
    for (const auto& [address, block] : s.freed) {
      if (address == reinterpret_cast<std::uintptr_t>(pointer)) {
        throw std::logic_error(name_of(block) + " is freed twice");
      }
    }
    throw std::logic_error("freed memory was never allocated, or not from here");
  }
  const Block block = found->second;
  std::string wrong;
  if (block.device != device) {
    throw std::logic_error(name_of(block) + " is freed by the other kind's function");
  }
  for (const auto& capture : s.captures) {
    if (capture->origin->home != block.home)
      continue;  // perhaps another rank's, a process of its own
    spoil(*capture);
    wrong = name_of(block) + " is freed in a capture";
  }
  if (!device) {
    for (const CUstream_st* stream : all_streams()) {
      for (const Item& item : stream->items) {
        const auto uses = [&](const Range& range) { return range.block == block.number; };
        if (std::any_of(item.ranges.begin(), item.ranges.end(), uses)) {
          wrong = name_of(block) + " is freed before this work has run: " + item.what;
        }
      }
    }
  }
  // CUDA waits for the device before it takes memory back.
  if (s.lost == cudaSuccess) run_device(block.home);
  s.blocks.erase(found);
  if (device) s.used_bytes[block.home] -= static_cast<std::int64_t>(block.bytes);
  std::string damaged;
  try {
    check_redzones_of(block);
  } catch (const std::logic_error& error) {
    damaged = error.what();
  }
  if (raw_bytes(block) > kMostKept / 4) {
    discard(block);
  } else {
    unpoison(block.raw, raw_bytes(block));
    std::memset(block.raw, kFresh, raw_bytes(block));
    poison(block.raw, raw_bytes(block));
    s.freed.emplace_back(reinterpret_cast<std::uintptr_t>(pointer), block);
    s.freed_bytes += raw_bytes(block);
  }
  if (!damaged.empty()) throw std::logic_error(damaged);
  if (!wrong.empty()) throw std::logic_error(wrong);
  while (s.freed_bytes > kMostKept) {
    const Block oldest = s.freed.front().second;
    s.freed.pop_front();
    s.freed_bytes -= raw_bytes(oldest);
    try {
      check_freed_block(oldest);
    } catch (const std::logic_error&) {
      discard(oldest);
      throw;
    }
    discard(oldest);
  }
}

/// The block whose raw memory holds the address, if any.
const Block* block_round(std::uintptr_t address) {
  const auto& blocks = state().blocks;
  auto next = blocks.upper_bound(address + kRedzone);
  if (next == blocks.begin()) return nullptr;
  const auto& [begin, block] = *std::prev(next);
  return address < begin + raw_bytes(block) - kRedzone ? &block : nullptr;
}

}  // namespace

Range range_of(const void* pointer, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (bytes == 0) return {};
  if (pointer == nullptr) throw Refusal{cudaErrorInvalidValue};
  if (const Block* block = block_round(address)) {
    const auto begin = reinterpret_cast<std::uintptr_t>(block->raw) + kRedzone;
    if (address < begin || address + bytes > begin + block->bytes) {
      throw std::logic_error(
          std::to_string(bytes) + " bytes from offset " +
          std::to_string(static_cast<std::int64_t>(address) - static_cast<std::int64_t>(begin)) +
          " do not lie in " + name_of(*block));
    }
    return {pointer, bytes, block->number};
  }
  for (const auto& [begin, block] : state().freed) {
    if (address >= begin && address < begin + block.bytes) {
      throw std::logic_error(name_of(block) + " is used after it was freed");
    }
  }
  return {pointer, bytes, 0};
}

Range device_range(const void* pointer, std::size_t bytes) {
  const Range range = range_of(pointer, bytes);
  if (bytes > 0 && !is_device(range)) throw Refusal{cudaErrorInvalidValue};
  return range;
}

namespace {

const Block* block_of(const Range& range) {
  if (range.block == 0) return nullptr;
  return block_round(reinterpret_cast<std::uintptr_t>(range.pointer));
}

}  // namespace

bool is_device(const Range& range) {
  const Block* block = block_of(range);
  return block != nullptr && block->device;
}

bool is_pinned(const Range& range) {
  const Block* block = block_of(range);
  return block != nullptr && !block->device;
}

void expect_live(const std::vector<Range>& ranges) {
  for (const Range& range : ranges) {
    const Block* block = block_of(range);
    if (range.block != 0 && (block == nullptr || block->number != range.block)) {
      throw std::logic_error("allocation #" + std::to_string(range.block) +
                             " is used after it was freed");
    }
  }
}

void expect_home(const std::vector<Range>& ranges, int home) {
  for (const Range& range : ranges) {
    const Block* block = block_of(range);
    if (block == nullptr || !block->device || block->home == home) continue;
    throw std::logic_error(name_of(*block) + " lies on device " + std::to_string(block->home) +
                           " and is used by work of device " + std::to_string(home));
  }
}

void check_redzones() {
  for (const auto& [address, block] : state().blocks) check_redzones_of(block);
}

void check_freed() {
  for (const auto& [address, block] : state().freed) check_freed_block(block);
}

void release_all_memory() {
  for (const auto& [address, block] : state().blocks) discard(block);
  for (const auto& [address, block] : state().freed) discard(block);
}

}  // namespace standin

using namespace standin;

namespace {

/// Of the current device.
std::size_t free_bytes() {
  State& s = state();
  return static_cast<std::size_t>(
      std::max<std::int64_t>(0, s.memory_bytes - s.used_bytes[current_device()]));
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return framed("cudaMalloc", [&] {
    refuse_in_capture();
    if (bytes > free_bytes()) {
      return cudaErrorMemoryAllocation;
    }
    *pointer = bytes == 0 ? nullptr : allocate(bytes, true);
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* pointer) {
  return framed_release("cudaFree", [&] { release(pointer, true); });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return framed("cudaMallocHost", [&] { return standin::allocate_pinned(pointer, bytes); });
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  return framed("cudaHostAlloc", [&] { return standin::allocate_pinned(pointer, bytes); });
}

cudaError_t cudaFreeHost(void* pointer) {
  return framed_release("cudaFreeHost", [&] { release(pointer, false); });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return framed("cudaMemGetInfo", [&] {
    *free = free_bytes();
    *total = static_cast<std::size_t>(state().memory_bytes);
    return cudaSuccess;
  });
}
