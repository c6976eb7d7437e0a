// What the steps without a row are: the targets by data.gaps, the inputs by data.covariate_gaps.
#pragma once

#include <string>

#include "data/catalog/bits.hpp"
#include "data/catalog/build.hpp"

namespace sluice {

/// data.covariate_gaps, read: a rule for each channel.
class CovariateGaps {
 public:
  /// Throws ConfigError where a word is no rule, or names no past or future channel of `parts`.
  CovariateGaps(const std::vector<std::string>& words, const CatalogParts& parts);
  CovariateGapPolicy of(const std::string& channel) const;
  bool all_automatic() const { return rest_ == CovariateGapPolicy::automatic && named_.empty(); }

 private:
  CovariateGapPolicy rest_ = CovariateGapPolicy::automatic;
  std::vector<std::pair<std::string, CovariateGapPolicy>> named_;
};

/// Fills the steps inside the histories that have no row. An input that is missing exactly where
/// the program made a target up would tell the model that target over the horizon: for channels
/// known ahead ("future") that is a DataError unless data.covariate_gaps decides. Past channels are
/// not seen over the horizon and stay missing. Says in notes.remarks what was filled.
void fill_gaps(CatalogParts& parts, const Bits& has_row, const CatalogSpec& spec,
               const std::string& source, CatalogNotes& notes);

/// settle_ends() and fill_gaps() for the layouts in which a series has no rows of its own (columns,
/// rows): an empty cell there is what a missing row became when the table was made wide.
void finish_wide(CatalogParts& parts, const CatalogSpec& spec, const std::string& source,
                 bool own_axes, CatalogNotes& notes);

}  // namespace sluice
