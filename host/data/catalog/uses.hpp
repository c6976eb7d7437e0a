// Which column is used for what, and which is not and why: CatalogNotes::columns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// Every column of the table, without a role so far.
void start_uses(const Table::Impl& table, CatalogNotes& notes);
/// Gives a column a role beside those that it has.
void use_column(CatalogNotes& notes, int column, const std::string& role);
/// Says why a column is not used.
void leave_out(CatalogNotes& notes, int column, const std::string& reason);
/// Remarks on columns that a user may have meant: the names of each reason.
void remark_left_out(const Table::Impl& table, std::span<const int> columns, CatalogNotes& notes);
/// Gives the static columns and those of words their roles; whatever still has none is named by no
/// setting.
void finish_uses(const Table::Impl& table, const CatalogSpec& spec, CatalogNotes& notes);

/// "a, b, c and 4 more".
std::string some_names(const std::vector<std::string>& names);

/// A name as one of a list in a message: as it is, or in single quotes where a sign in it could be
/// one of the list's.
std::string listed(std::string_view name);

/// Says which of several series have the name of a sum of the others ("Total"), and whether they
/// are their sum: in every step where they have a value, those without a value counting nothing.
void remark_totals(const Catalog& catalog, CatalogNotes& notes);

/// Throws DataError where another column has the name of `column`, which was found by its name.
void refuse_second_name(const Header& header, int column, const std::string& key);

}  // namespace sluice
