#include "data/cache/block_checksum.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 22;

std::uint64_t sum_of(std::span<const std::byte> bytes) {
  Checksum sum;
  add_in_blocks(sum, bytes);
  return sum.value();
}

/// As files have it: the size, then the checksum of each block by itself.
std::uint64_t one_by_one(std::span<const std::byte> bytes) {
  Checksum sum;
  sum.add(std::uint64_t{bytes.size()});
  for (std::size_t begin = 0; begin < bytes.size(); begin += kBlock) {
    Checksum block;
    block.add(bytes.subspan(begin, std::min(kBlock, bytes.size() - begin)));
    sum.add(block.value());
  }
  return sum.value();
}

TEST(BlockChecksum, IsThatOfEachBlockWhateverTheThreadsAndTheSize) {
  std::vector<std::byte> bytes(9 * kBlock + 13);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i >> 7);
  const std::span<const std::byte> all = bytes;
  const int threads = omp_get_max_threads();
  for (const int some : {1, 3}) {
    omp_set_num_threads(some);
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kBlock, 3 * kBlock + 1,
                                   4 * kBlock, 6 * kBlock - 9, all.size()}) {
      EXPECT_EQ(sum_of(all.first(size)), one_by_one(all.first(size))) << size;
    }
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace sluice
