// What the HTML report counts while an evaluation goes on: errors by step, weekday and group, and
// each row's forecasts, of which it shows some when the scores of all are known.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/backtest.hpp"

namespace sluice::html {

/// Sums over some of the scored points, in the data's units. e = forecast - y.
struct Slice {
  std::int64_t points = 0;
  double actual = 0;                  ///< sum |y|
  double signed_error = 0;            ///< sum e of the model
  std::vector<double> absolute;       ///< [methods] sum |e|
  std::vector<std::int64_t> below;    ///< [J] points at or below each quantile
  std::vector<std::int64_t> covered;  ///< [levels] points in each interval, its ends included

  void add(const Slice& other);
};

/// The series of one kind: the words of a static category, or of one part of the ids. Or, of
/// several, the targets.
struct Group {
  std::string name;
  std::vector<std::string> words;    ///< "unknown" or an empty part: those without a word
  std::vector<std::int32_t> codes;   ///< [S] into words; of targets [M]
  std::vector<std::int64_t> series;  ///< [words] how many
  std::vector<Slice> slices;         ///< [words]
  bool of_targets = false;
};

/// One row's forecast from one cutoff; its values are in Tally's arrays.
struct Kept {
  std::int64_t series = 0;
  int target = 0;
  std::int64_t cutoff = 0;
};

class Tally {
 public:
  /// `id_columns`: those that were joined by "/" to the ids; with several of them each is a group.
  Tally(const Catalog& catalog, const std::vector<std::string>& id_columns,
        std::vector<double> probabilities, std::vector<double> levels);

  /// Points at which the value or the forecast of some method is missing count for none.
  void add(const ScoredRow& row);

  const Slice& total() const { return total_; }
  const std::vector<Slice>& steps() const { return steps_; }  ///< [K]
  /// [7] from Monday; empty where steps have no weekday of their own (weeks, months, numbers).
  const std::vector<Slice>& weekdays() const { return weekdays_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<Kept>& kept() const { return kept_; }
  /// Of kept()[i], step k: the forecast, as it is scored, and the ends of the widest interval.
  double forecast(std::size_t i, int k) const { return value(i, k, 0); }
  double lower(std::size_t i, int k) const { return value(i, k, 1); }
  double upper(std::size_t i, int k) const { return value(i, k, 2); }
  int horizon() const { return K_; }
  const std::vector<double>& probabilities() const { return probabilities_; }
  const std::vector<double>& levels() const { return levels_; }

 private:
  double value(std::size_t i, int k, std::size_t which) const;
  void keep(const ScoredRow& row);

  const Catalog& catalog_;
  std::vector<double> probabilities_, levels_;
  std::vector<std::size_t> lower_, upper_;  ///< [levels] the quantiles at an interval's ends
  int K_ = 0;
  bool has_weekdays_ = false;
  Slice total_;
  std::vector<Slice> steps_, weekdays_;
  std::vector<Group> groups_;
  std::vector<Kept> kept_;
  std::vector<float> values_;  ///< [kept, K, 3] less Catalog::value_offset
};

}  // namespace sluice::html
