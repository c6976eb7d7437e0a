#include "run/provenance/table_notes.hpp"

namespace sluice {

TableNotes notes_of(const Provenance& from) {
  if (from.empty()) return {};
  return {{kProvenanceKey, to_json(from)}};
}

}  // namespace sluice
