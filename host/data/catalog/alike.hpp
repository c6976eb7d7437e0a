// Ids that are two to a computer and one to people.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// "'0' there and '000' in the data look like the same: ..." where an id of `there` differs from
/// one of `here` only in what programs and spreadsheets do to ids; empty if none does.
std::string say_alike(std::span<const std::string> there, std::span<const std::string> here);

/// Two ids of the data that differ only by case, spaces or Unicode's forms are more often one.
void remark_alike_ids(const std::vector<std::string>& ids, CatalogNotes& notes);

}  // namespace sluice
