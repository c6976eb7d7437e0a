#include "data/cache/block_checksum.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice {

void add_in_blocks(Checksum& checksum, std::span<const std::byte> bytes) {
  constexpr std::size_t kBlock = std::size_t{1} << 22;
  std::vector<std::uint64_t> blocks((bytes.size() + kBlock - 1) / kBlock);
#pragma omp parallel for if (blocks.size() > 1)
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    Checksum one;
    one.add(bytes.subspan(b * kBlock, std::min(kBlock, bytes.size() - b * kBlock)));
    blocks[b] = one.value();
  }
  checksum.add(std::uint64_t{bytes.size()});
  for (const std::uint64_t block : blocks) checksum.add(block);
}

}  // namespace sluice
