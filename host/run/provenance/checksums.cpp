#include "run/provenance/checksums.hpp"

#include <fmt/format.h>

#include <bit>
#include <span>
#include <utility>

#include "data/cache/block_checksum.hpp"

namespace sluice {

std::int64_t positive(const Checksum& sum) {
  return static_cast<std::int64_t>(sum.value() >> 1 | 1);
}

std::int64_t checksum_of(const std::vector<std::vector<float>>& members) {
  Checksum sum;
  for (const std::vector<float>& member : members) sum.add(std::span<const float>(member));
  return positive(sum);
}

std::int64_t checksum_of(const Catalog& catalog) {
  Checksum sum;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    sum.add(catalog.id(s));
    sum.add(static_cast<std::uint64_t>(catalog.period(s, 0)));
    sum.add(static_cast<std::uint64_t>(catalog.history(s)));
  }
  sum.add(catalog.offsets());
  for (const ChannelView& channel : catalog.channels()) {
    sum.add(channel.name);
    add_in_blocks(sum, std::as_bytes(channel.values));
  }
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      sum.add(std::bit_cast<std::uint64_t>(catalog.value_offset(m, s)));
    }
  }
  for (const StaticReal& real : catalog.static_reals()) {
    sum.add(real.name);
    sum.add(std::span<const float>(real.values));
  }
  const auto add_words = [&](const auto& categories) {
    for (const auto& category : categories) {
      sum.add(category.name);
      for (const std::string& word : category.vocabulary) sum.add(word);
      add_in_blocks(sum, std::as_bytes(std::span(std::as_const(category.codes))));
    }
  };
  add_words(catalog.static_categories());
  add_words(catalog.categories());
  return positive(sum);
}

std::string hash_text(std::uint64_t sum) { return fmt::format("{:016x}", sum); }

}  // namespace sluice
