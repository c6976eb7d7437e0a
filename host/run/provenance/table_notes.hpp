// Where a table is from, as its file says it.
#pragma once

#include "sluice/data/table.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

inline constexpr const char* kProvenanceKey = "sluice.provenance";
/// With this key; none if `from` is empty.
TableNotes notes_of(const Provenance& from);

}  // namespace sluice
