// Whether a model and data are those of before.
#pragma once

#include <cstdint>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Numbers that another model's parameters, another catalogue would hardly have; never 0.
std::int64_t checksum_of(const Model& model);
std::int64_t checksum_of(const Catalog& catalog);

}  // namespace sluice
