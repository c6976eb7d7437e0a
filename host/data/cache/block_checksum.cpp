#include "data/cache/block_checksum.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice {

void add_in_blocks(Checksum& checksum, std::span<const std::byte> bytes) {
  constexpr std::size_t kBlock = std::size_t{1} << 22, kTogether = Checksum::kTogether;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t blocks = (text.size() + kBlock - 1) / kBlock,
                    groups = (blocks + kTogether - 1) / kTogether;
  std::vector<Checksum> sums(groups * kTogether);
#pragma omp parallel for schedule(static) if (groups > 1)
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = g * kTogether;
    std::array<std::string_view, kTogether> texts;
    for (std::size_t i = 0; i < kTogether; ++i) {
      // Behind the last block any, whose sum is of no use: none would leave the others alone.
      texts[i] = text.substr((first + i < blocks ? first + i : first) * kBlock, kBlock);
    }
    Checksum::add_each(std::span(sums).subspan(first).first<kTogether>(), texts);
  }
  checksum.add(std::uint64_t{bytes.size()});
  for (std::size_t b = 0; b < blocks; ++b) checksum.add(sums[b].value());
}

}  // namespace sluice
