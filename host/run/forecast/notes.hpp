// Where a table is from, as its file says it.
#pragma once

#include "sluice/data/table.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// The key "sluice.provenance"; none if `from` is empty.
TableNotes notes_of(const Provenance& from);

}  // namespace sluice
