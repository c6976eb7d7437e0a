// How the CPU's fused recurrence cuts a batch: every series once, no chunk too large for its
// scratch, and no thread left without work.
#include "engine/fused/dealing.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

/// Checks that the parts cover N, one after the other; gives the largest.
int largest_part(std::int64_t N, std::int64_t count) {
  std::int64_t end = 0;
  int largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const SeriesRange part = series_part(N, i, count);
    EXPECT_EQ(part.begin, end) << N << ' ' << count << ' ' << i;
    EXPECT_GT(part.size(), 0) << N << ' ' << count << ' ' << i;
    end = part.end;
    largest = std::max(largest, part.size());
  }
  EXPECT_EQ(end, N) << count;
  return largest;
}

TEST(FusedDealing, ChunksCoverABatchAndFitTheirScratch) {
  for (std::int64_t N = 1; N < 700; ++N) {
    EXPECT_LE(largest_part(N, chunk_count(N)), kChunkSeries) << N;
    for (const std::int64_t threads : {1, 2, 3, 8, 64}) {
      EXPECT_LE(largest_part(N, chunk_count(N, threads)), kChunkSeries) << N << ' ' << threads;
    }
  }
}

TEST(FusedDealing, EveryThreadHasASeriesWhereThereAreAsMany) {
  for (const std::int64_t threads : {1, 2, 3, 8, 64}) {
    for (std::int64_t N = 1; N < 700; ++N) {
      EXPECT_GE(chunk_count(N, threads), std::min(N, threads));
      if (N >= threads) {
        EXPECT_EQ(chunk_count(N, threads) % threads, 0) << N;
      }
    }
  }
}

TEST(FusedDealing, GroupsCoverABatchAndTwoThreadsShareThem) {
  for (const std::int64_t packed_size : {1'000, 1'100'000, 3'200'000}) {
    for (const std::int64_t T : {1, 10, 100}) {
      for (std::int64_t N = 1; N < 6000; N += 1 + N / 64) {
        const std::int64_t groups = group_count(T, N, packed_size);
        largest_part(N, groups);
        EXPECT_LE(groups, 64) << T << ' ' << N;
        if (N >= 16 && T * N >= 320) {
          EXPECT_EQ(groups % 2, 0) << packed_size << ' ' << T << ' ' << N;
        }
      }
    }
  }
}

TEST(FusedDealing, ShortWindowsAndWideLayersHaveFewerGroups) {
  EXPECT_EQ(group_count(28, 1024, 1000), 24);
  EXPECT_EQ(group_count(28, 1024, 2 << 20), 8);
  EXPECT_EQ(group_count(28, 1024, 1 << 30), 4);
  EXPECT_EQ(group_count(100, 64, 1000), 8);
  EXPECT_EQ(group_count(10, 64, 1000), 4);
}

}  // namespace
}  // namespace sluice
