// The names of value columns where a row is a series: times, in whatever form, and columns among
// them that are no step (a total).
#pragma once

#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// The columns [begin, end) at the end of a header whose names count on: dates one after the other,
/// numbers behind the same word. Behind them may stand columns without a name, and totals.
struct NamedSteps {
  int begin = 0, end = 0;
  int count() const { return end - begin; }
};
/// Without such names begin and end are the number of columns.
NamedSteps named_steps(const Header& header);

/// `columns` without those that are named as a total and are the sum of the others (to a
/// thousandth) wherever they have a value, which is said. Throws DataError where such a one is not
/// their sum.
std::vector<int> without_totals(const Table::Impl& table, const std::vector<int>& columns,
                                CatalogNotes& notes);

/// The word of data.time_format by which all the columns are named by times: spec.time_format, or
/// the only pattern that fits them, which is said; empty: they are named by something else. Throws
/// DataError where most are times and some are not, or where two patterns fit.
std::string time_format_of_names(const Table::Impl& table, const CatalogSpec& spec,
                                 const std::vector<int>& columns, CatalogNotes& notes);

}  // namespace sluice
