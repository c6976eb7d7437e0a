// All series of a catalogue: those with a history, new items, and what is said of the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "run/forecast/new_items.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {

/// What `sluice forecast` computes, of all series at once or of some after others. Keeps references
/// to what it is made of.
class SeriesForecaster {
 public:
  /// `levels`: of the intervals. Throws what Forecaster and cutoffs_from throw.
  SeriesForecaster(const Model& model, const Catalog& catalog, const Config& config,
                   const CatalogNotes& notes, const std::vector<double>& levels);

  /// Every series of which a forecast can be made; new items behind the others.
  Forecasts all();
  /// The rows of all() without their values: all is known of them but results that are no numbers.
  Forecasts rows();
  /// The forecasts of rows [begin, end) of rows(), in their order; left_out are those whose results
  /// are no numbers. new_item is there where any of rows() is one.
  Forecasts some(const Forecasts& rows, std::size_t begin, std::size_t end);

  /// From now on forecasts hold sample paths. Throws ConfigError where these would be too many.
  void prepare_samples();
  /// Makes the forecasts of all series and of their sums add up (forecast.reconcile).
  void add_up(Forecasts& forecasts);
  /// Says what there is to say of all() or rows(), and adds series that a setting leaves out to
  /// left_out. Throws DataError where nothing is left, or with forecast.strict where a series
  /// cannot be forecast.
  void tell(Forecasts& forecasts) const;

  std::string recurrence() const { return forecaster_->recurrence(); }

 private:
  template <typename Make>
  Forecasts gathered(const Make& make);

  const Model& model_;
  const Catalog& catalog_;
  const Config& config_;
  const CatalogNotes& notes_;
  std::vector<LeftOut> chosen_;     ///< left out by a setting, which is no failure
  std::vector<LeftOut> unreached_;  ///< that have no step at forecast.from
  std::vector<std::int64_t> cutoff_;
  std::optional<Forecaster> forecaster_;
  NewItems items_;
  std::optional<Forecaster> of_items_;
};

}  // namespace sluice
