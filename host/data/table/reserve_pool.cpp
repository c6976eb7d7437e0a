#include "data/table/reserve_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <new>

#include "data/table/memory.hpp"

namespace sluice {
namespace {

/// Some blocks of Arrow's (1 MB of text each) with all that is made of them.
constexpr std::int64_t kReserve = std::int64_t{48} << 20;
/// Of what the process may still take.
constexpr std::int64_t kLeastShare = 4;

}  // namespace

ReservePool::ReservePool(arrow::MemoryPool* inner, std::int64_t reserve_bytes)
    : inner_(inner), reserve_bytes_(reserve_bytes) {}

ReservePool::~ReservePool() { release(); }

// Address space without pages: it costs nothing until the allocator takes its place.
void ReservePool::prepare() {
  const std::lock_guard lock(mutex_);
  used_ = false;
  if (reserve_ != nullptr || reserve_bytes_ == 0) return;
  void* taken = ::mmap(nullptr, static_cast<std::size_t>(reserve_bytes_), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (taken == MAP_FAILED) throw std::bad_alloc();
  reserve_ = taken;
}

void ReservePool::release() {
  const std::lock_guard lock(mutex_);
  if (reserve_ != nullptr) ::munmap(reserve_, static_cast<std::size_t>(reserve_bytes_));
  reserve_ = nullptr;
}

bool ReservePool::give_back() {
  {
    const std::lock_guard lock(mutex_);
    if (reserve_ == nullptr) return used_;  // another thread may just have given it back
    used_ = true;
  }
  release();
  return true;
}

arrow::Status ReservePool::Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) {
  const arrow::Status status = inner_->Allocate(size, alignment, out);
  if (!status.IsOutOfMemory() || !give_back()) return status;
  return inner_->Allocate(size, alignment, out);
}

arrow::Status ReservePool::Reallocate(std::int64_t old_size, std::int64_t new_size,
                                      std::int64_t alignment, std::uint8_t** at) {
  const arrow::Status status = inner_->Reallocate(old_size, new_size, alignment, at);
  if (!status.IsOutOfMemory() || !give_back()) return status;
  return inner_->Reallocate(old_size, new_size, alignment, at);
}

ReservePool& csv_pool() {
  static ReservePool& pool =
      *std::make_unique<ReservePool>(arrow::default_memory_pool(),
                                     std::min(kReserve, memory::allowed_bytes() / kLeastShare))
           .release();
  return pool;
}

}  // namespace sluice
