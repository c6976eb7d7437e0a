// Memory that runs out while Arrow's CSV reader is at work, made to happen by a pool that refuses.
#include "data/table/reserve_pool.hpp"

#include <arrow/status.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace sluice {
namespace {

/// Gives memory of Arrow's pool, but refuses the requests that it is told to.
class Refusing final : public arrow::MemoryPool {
 public:
  int refusals = 0;  ///< so many requests are refused from now on

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    return refused() ? none() : inner_->Allocate(size, alignment, out);
  }
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment,
                           std::uint8_t** at) override {
    return refused() ? none() : inner_->Reallocate(old_size, new_size, alignment, at);
  }
  void Free(std::uint8_t* at, std::int64_t size, std::int64_t alignment) override {
    inner_->Free(at, size, alignment);
  }
  std::int64_t bytes_allocated() const override { return inner_->bytes_allocated(); }
  std::int64_t total_bytes_allocated() const override { return inner_->total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return inner_->num_allocations(); }
  std::string backend_name() const override { return "refusing"; }

 private:
  bool refused() { return refusals > 0 && refusals-- > 0; }
  static arrow::Status none() { return arrow::Status::OutOfMemory("none left"); }

  arrow::MemoryPool* inner_ = arrow::default_memory_pool();
};

constexpr std::int64_t kBytes = 100, kReserve = 1 << 20;

class ReserveOfMemory : public testing::Test {
 protected:
  arrow::Status take() {
    std::uint8_t* at = nullptr;
    const arrow::Status status = pool_.Allocate(kBytes, &at);
    if (status.ok()) pool_.Free(at, kBytes);
    return status;
  }

  Refusing system_;
  ReservePool pool_{&system_, kReserve};
};

TEST_F(ReserveOfMemory, IsNotTouchedWhileThereIsMemory) {
  pool_.prepare();
  EXPECT_TRUE(take().ok());
  EXPECT_FALSE(pool_.used());
}

TEST_F(ReserveOfMemory, ServesTheRequestThatFailsAndTellsSo) {
  pool_.prepare();
  system_.refusals = 1;
  EXPECT_TRUE(take().ok());
  EXPECT_TRUE(pool_.used());
}

TEST_F(ReserveOfMemory, ServesABlockThatGrows) {
  pool_.prepare();
  std::uint8_t* at = nullptr;
  ASSERT_TRUE(pool_.Allocate(kBytes, &at).ok());
  at[kBytes - 1] = 7;
  system_.refusals = 1;
  EXPECT_TRUE(pool_.Reallocate(kBytes, 2 * kBytes, &at).ok());
  EXPECT_EQ(at[kBytes - 1], 7);
  EXPECT_TRUE(pool_.used());
  pool_.Free(at, 2 * kBytes);
}

TEST_F(ReserveOfMemory, WhatItCannotServeIsRefused) {
  pool_.prepare();
  system_.refusals = 2;
  EXPECT_TRUE(take().IsOutOfMemory());
}

TEST_F(ReserveOfMemory, OnceReleasedItServesNothing) {
  pool_.prepare();
  pool_.release();
  system_.refusals = 1;
  EXPECT_TRUE(take().IsOutOfMemory());
  EXPECT_FALSE(pool_.used());
}

TEST_F(ReserveOfMemory, IsTakenAgainForTheNextFile) {
  pool_.prepare();
  system_.refusals = 1;
  EXPECT_TRUE(take().ok());
  pool_.prepare();
  EXPECT_FALSE(pool_.used());
  system_.refusals = 1;
  EXPECT_TRUE(take().ok());
  EXPECT_TRUE(pool_.used());
}

}  // namespace
}  // namespace sluice
