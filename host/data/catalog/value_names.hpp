// The names of value columns where a row is a series: times, in whatever form, and columns among
// them that are no step (a total).
#pragma once

#include <string>
#include <vector>

#include "data/catalog/build.hpp"
#include "data/catalog/times.hpp"

namespace sluice {

/// The columns [begin, end) at the end of a header whose names count on: dates one after the other
/// (or, at least three, one before the other), numbers behind the same word. Behind them may stand
/// columns without a name, and totals.
struct NamedSteps {
  int begin = 0, end = 0;
  int count() const { return end - begin; }
};
/// Without such names begin and end are the number of columns.
NamedSteps named_steps(const Header& header);

/// The columns at the end of a header whose names count down (lag_3, lag_2, lag_1), at least three:
/// they do not say whether the first one is the oldest.
NamedSteps names_down(const Header& header);
/// What to write where names count down: the columns from `first` to `last`.
std::string down_remedy(const std::string& first, const std::string& last);

/// Value columns whose names are no times, but numbers behind a word (d_1, d_2): throws DataError
/// where some have other names (a price before d_1; `first_chosen`: the user says where the values
/// begin, and they may) or a number between them is left out; remarks on those that count down.
void check_counted_names(const Table::Impl& table, const std::vector<int>& columns,
                         bool first_chosen, CatalogNotes& notes);

/// Whether the `times` by which the columns are named run from the newest to the oldest. Throws
/// DataError where they are numbers that may as well say how long ago a value was.
bool count_down(const Table::Impl& table, const std::vector<int>& columns, const Times& times);

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
