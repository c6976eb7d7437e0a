// `sluice check`: what is in a file, before anything is trained on it.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Counts over the targets' history (up to the last step with any target). Empty series count only
/// in `series` and `empty_series`.
struct DataCheck {
  std::int64_t series = 0;
  std::int64_t steps = 0;                ///< of all histories
  std::int64_t values = 0, missing = 0;  ///< steps times targets, with and without a number
  std::int64_t zeros = 0, negatives = 0;
  std::int64_t constant_series = 0;  ///< with a target of two or more values that are all equal
  std::int64_t empty_series = 0;     ///< without any target value
  std::int64_t shortest = 0, longest = 0;
  double median_length = 0;
  std::string shortest_id, first_date, last_date;
  std::int64_t catalog_bytes = 0;
};

DataCheck check_catalog(const Catalog& catalog);
/// Lines of a label and what it has: layout and columns, frequency, span, gaps, duplicates, shares,
/// memory. As long as the names are: whoever shows them on a terminal cuts them. notes.remarks are
/// sentences, and left to whoever can break them.
std::string check_text(const Catalog& catalog, const CatalogNotes& notes, const DataCheck& check,
                       const std::string& source);

}  // namespace sluice
