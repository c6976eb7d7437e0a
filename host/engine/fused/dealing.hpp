// How the fused recurrence cuts a batch of series: chunks, each walked by one thread, and groups,
// whose gradients are summed apart. The groups depend on the batch alone, so that the sum of their
// gradients does, whatever the number of threads.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace sluice {

/// What shares a load of the weights with AVX-512, in series.
inline constexpr std::int64_t kTileSeries = 6;
/// Most series of a chunk: their h, and one block of units' weights, stay in the first cache.
inline constexpr std::int64_t kChunkSeries = 48;

struct SeriesRange {
  std::int64_t begin, end;
  int size() const { return static_cast<int>(end - begin); }
};

/// Part `i` of `count` of N series: in whole tiles where parts are large, else as even as can be.
inline SeriesRange series_part(std::int64_t N, std::int64_t i, std::int64_t count) {
  const std::int64_t unit = N >= 4 * kTileSeries * count ? kTileSeries : 1;
  const std::int64_t units = (N + unit - 1) / unit;
  return {std::min(N, units * i / count * unit), std::min(N, units * (i + 1) / count * unit)};
}

/// Chunks of a range that one thread walks one after the other.
inline std::int64_t chunk_count(std::int64_t N) { return (N + kChunkSeries - 1) / kChunkSeries; }

/// Chunks of a batch that threads share: the same number for each of them as long as there are
/// series.
inline std::int64_t chunk_count(std::int64_t N, std::int64_t threads) {
  const std::int64_t rounds = (N + kChunkSeries * threads - 1) / (kChunkSeries * threads);
  return std::min(N, rounds * threads);
}

/// Groups of a batch of N series of T steps: few enough for clearing and summing their gradients,
/// `packed_size` floats each, to cost little beside the walks; a number that two, four or eight
/// threads share evenly.
inline std::int64_t group_count(std::int64_t T, std::int64_t N, std::int64_t packed_size) {
  constexpr std::int64_t kLeastSeries = 8, kLeastRows = 160, kMostGroups = 64;
  constexpr std::int64_t kMostFloats = 16 << 20;
  const std::int64_t most = std::min(N / kLeastSeries, T * N / kLeastRows);
  std::int64_t groups = 1;
  while (groups < 8 && 2 * groups <= most) groups *= 2;
  if (groups == 8) groups = std::max<std::int64_t>(8, (chunk_count(N) + 7) / 8 * 8);
  const std::int64_t room = std::max<std::int64_t>(kMostFloats / packed_size, 4);
  groups = std::min(groups, kMostGroups);
  if (groups <= room) return groups;
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(room)));
}

}  // namespace sluice
