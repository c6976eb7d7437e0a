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

}  // namespace sluice
