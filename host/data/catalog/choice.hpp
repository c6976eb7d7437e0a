// Which layout a file has, and which of its columns are the id and the time.
#pragma once

#include <span>
#include <string>

#include "data/catalog/build.hpp"

namespace sluice {

struct Choice {
  Layout layout = Layout::automatic;
  ColumnChoice columns;
};

/// By the settings, by usual names, else by what the columns hold; what is guessed is remarked.
/// Throws DataError, naming what could be meant, where the file leaves a choice.
Choice choose_layout(const Table::Impl& table, const CatalogSpec& spec, CatalogNotes& notes);

/// Where the names at the end of the header begin to count on (d_1, d_2, ... or 2011, 2012, ... or
/// dates): the first of at least two such columns; the number of columns if there are none.
int steps_begin(const Header& header);

}  // namespace sluice
