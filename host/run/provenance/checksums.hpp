// Numbers that another catalogue, another model's parameters would hardly have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/checksum.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

/// A checksum as JSON's readers hold it, and not 0.
std::int64_t positive(const Checksum& sum);

/// Never 0.
std::int64_t checksum_of(const std::vector<std::vector<float>>& members);
std::int64_t checksum_of(const Catalog& catalog);

/// 16 hexadecimal digits.
std::string hash_text(std::uint64_t sum);

}  // namespace sluice
