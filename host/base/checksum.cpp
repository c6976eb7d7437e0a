#include "base/checksum.hpp"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t word_at(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, kWord);
  return word;
}

}  // namespace

void Checksum::add(std::string_view bytes) {
  mix(bytes.size());
  add_words(bytes);
}

void Checksum::add_words(std::string_view bytes) {
  while (bytes.size() >= kWord) {
    mix(word_at(bytes.data()));
    bytes.remove_prefix(kWord);
  }
  std::uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  mix(rest);
}

void Checksum::add_each(std::span<Checksum, kTogether> sums,
                        const std::array<std::string_view, kTogether>& texts) {
  std::array<Checksum, kTogether> to;  // in registers: a sum could lie among the bytes
  std::ranges::copy(sums, to.begin());
  std::array<const char*, kTogether> at = {};
  std::size_t all = texts.front().size();  // bytes that each text has
  for (std::size_t i = 0; i < kTogether; ++i) {
    to[i].mix(texts[i].size());
    at[i] = texts[i].data();
    all = std::min(all, texts[i].size() / kWord * kWord);
  }
  for (std::size_t done = 0; done < all; done += kWord) {
    for (std::size_t i = 0; i < kTogether; ++i) to[i].mix(word_at(at[i] + done));
  }
  for (std::size_t i = 0; i < kTogether; ++i) {
    to[i].add_words(texts[i].substr(all));
    sums[i] = to[i];
  }
}

}  // namespace sluice
