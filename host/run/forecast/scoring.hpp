// The forecasts of a backtest's windows beside those of simple methods, scored the same way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "run/calibration/simple_rows.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/report.hpp"

namespace sluice {

/// Keeps references to what it is made of. The ranks of a job (base/ranks) all do the same with one
/// and come to the same; what takes its time, they share out.
class Scoring {
 public:
  Scoring(const Config& config, const Catalog& catalog, int K);

  /// cutoffs()[w][s]: first forecast step of window w, from the earliest; -1 where a series is too
  /// short.
  std::vector<std::vector<std::int64_t>> cutoffs();
  /// Of windows one after another, each received after its rows. All have the same ones beside.
  void score(std::span<const Forecasts> windows, const BacktestOptions& how);
  BacktestResult result(const std::string& model, double train_seconds, double forecast_seconds,
                        std::int64_t windows);

 private:
  struct Line {  // of a figure: forecasts by step of the series
    std::vector<double> forecast, lower, upper;
    std::int64_t first = -1;
  };
  struct Row {  // of one of several windows
    const Forecasts* forecasts;
    std::size_t r;
  };
  /// Of the values before a row's cutoff, by which its errors are scaled and weighted.
  struct Past {
    double mase_scale, rmsse_scale, normal_scale, sold;
  };
  /// What is known of rows without their forecasts, some rows at a time, for each target.
  struct Known {
    std::vector<Past> past;      ///< [rows, M]
    std::vector<double> naive;   ///< [rows, M, naive methods, K]
    std::vector<double> simple;  ///< [rows, M, simple methods, K]
  };
  void note(const Forecasts& forecasts);
  void add_beside(const Forecasts& forecasts);
  Known known_of(std::span<const Row> rows);
  /// Row r of the forecasts, which is the `at`-th one of `known`.
  void score_row(const Forecasts& forecasts, std::size_t r, const Known& known, std::size_t at,
                 const BacktestOptions& how);
  void draw(const Forecasts& forecasts, std::size_t r, int m);
  void add_rows(EvaluationReport& report) const;
  void add_levels(EvaluationReport& report) const;
  void add_figures(BacktestResult& out) const;

  const Config& config_;
  const Catalog& catalog_;
  int K_, M_, season_, mean_window_;
  std::size_t sold_steps_;
  SimpleRows simple_;
  std::vector<double> probabilities_;
  std::vector<std::string> names_;
  std::size_t first_beside_ = 0;  ///< of names_ and scorers_
  std::vector<Scorer> scorers_;
  std::vector<WindowCutoffs> cutoffs_;
  bool without_future_ = false, told_of_logarithms_ = false;
  std::vector<char> scored_;  ///< [S]
  std::vector<double> sold_;  ///< [S * M] in the 28 days before its cutoffs
  std::unordered_map<std::string, std::string> reasons_;  ///< by id, why a window lacks it
  std::unordered_map<std::int64_t, Line> lines_;          ///< by row
};

}  // namespace sluice
