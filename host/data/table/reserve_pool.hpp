// Memory of Arrow's CSV reader, with a reserve.
#pragma once

#include <arrow/memory_pool.h>

#include <atomic>
#include <mutex>
#include <string>

namespace sluice {

/// Hands on what `inner` gives. Where that has nothing left, the reserve is given back to the
/// system and `inner` is asked again: Arrow's CSV parser ends the process where it gets no memory,
/// so what it has begun has to be finished. used() then ends the stream that it reads. Thread-safe.
class ReservePool final : public arrow::MemoryPool {
 public:
  ReservePool(arrow::MemoryPool* inner, std::int64_t reserve_bytes);
  ~ReservePool() override;

  /// Whether memory ran out since the last prepare().
  bool used() const { return used_; }
  /// Takes the reserve (again). Throws std::bad_alloc if there is no memory for it.
  void prepare();
  /// Gives the reserve back when all that was begun is done.
  void release();

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;
  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override;
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment,
                           std::uint8_t** at) override;
  void Free(std::uint8_t* at, std::int64_t size, std::int64_t alignment) override {
    inner_->Free(at, size, alignment);
  }
  std::int64_t bytes_allocated() const override { return inner_->bytes_allocated(); }
  std::int64_t max_memory() const override { return inner_->max_memory(); }
  std::int64_t total_bytes_allocated() const override { return inner_->total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return inner_->num_allocations(); }
  std::string backend_name() const override { return inner_->backend_name(); }

 private:
  /// Gives the reserve back for a request that failed; false if there is none to give.
  bool give_back();

  arrow::MemoryPool* inner_;
  const std::int64_t reserve_bytes_;
  std::mutex mutex_;
  void* reserve_ = nullptr;
  std::atomic<bool> used_ = false;
};

/// That of the process, on Arrow's default pool. It outlives every table: Arrow's threads may still
/// let go of a block when the table that it was read for is gone.
ReservePool& csv_pool();

}  // namespace sluice
