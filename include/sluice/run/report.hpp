// What an evaluation says: a table for people, JSON for programs, pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// The method of a report that has medians, where the model's points are means.
inline constexpr std::string_view kMedianName = "sluice-median";

/// One method's row of a report: the model, or a simple method beside it.
struct MethodReport {
  std::string name;  ///< "sluice", "seasonal naive (7)", "last value", "mean of 28", "ETS"
  Metrics total;
  std::vector<Metrics> rows;  ///< per series and target
  /// Of a processor that its forecasts took, all threads together; 0 for the model and the naive
  /// methods, whose time is not taken.
  double processor_seconds = 0;
  /// Points of the model itself: its own, or what they would be otherwise (medians, bottom-up). The
  /// others are simple methods.
  bool of_model = false;
};

/// The last known steps of one window's forecasts.
struct WindowCutoffs {
  std::string first, last;               ///< dates, the same where all series end together
  std::int64_t series = 0, at_last = 0;  ///< forecasts, and those of them that begin after `last`
};

/// The scores of one level of a hierarchy (data.groups).
struct LevelReport {
  std::string name;             ///< "total", "state/store", "series"
  std::int64_t series = 0;      ///< that were scored
  std::vector<Metrics> totals;  ///< of its rows, a method each
  /// WRMSSE, a method each: the mean of the rows' RMSSE weighted by what they sold in the 28 days
  /// before the cutoffs (M5). NaN where nothing was sold.
  std::vector<double> wrmsse;
};

struct EvaluationReport {
  std::string data;  ///< file name(s)
  std::string frequency;
  std::string model;                     ///< one line about the model
  std::int64_t series = 0, windows = 0;  ///< that were scored
  int K = 0, season = 0;
  std::vector<std::string> row_names;  ///< series id, or "id:target" with several targets
  std::vector<double> levels;          ///< percent
  std::vector<WindowCutoffs> cutoffs;  ///< of each window, the earliest first
  std::vector<LeftOut> left_out;       ///< series without any score, and why
  std::vector<MethodReport> methods;   ///< methods[0] is the model, methods[1] seasonal naive
  std::vector<LevelReport>
      hierarchy;  ///< level by level, the series last; empty: there are no sums
  double train_seconds = 0, forecast_seconds = 0;
  Provenance provenance = {};  ///< empty: of forecasts that others gave
};

/// 1 - MAE(model) / MAE(seasonal naive), pooled.
double skill_over_seasonal_naive(const EvaluationReport& report);
/// Of a model whose points are means, which have the least squared errors: 1 - RMSSE(model) /
/// RMSSE(seasonal naive). NaN where they are medians.
double skill_of_means(const EvaluationReport& report);
/// Mean over rows of 1 - MAE(model) / min over naive methods named "seasonal naive..." and "last
/// value" of their MAE in that row; and the number of rows above 0.
struct RowSkill {
  double mean = 0;
  std::int64_t above_zero = 0, rows = 0;
};
RowSkill skill_over_better_naive(const EvaluationReport& report);

/// Which methods the tables of a hierarchy show, as places in report.methods, and their headings:
/// the model, what it would be without reconciliation and bottom-up, and seasonal naive.
std::vector<std::pair<std::size_t, std::string_view>> hierarchy_methods(
    const EvaluationReport& report);
/// The part of report_table on the levels of a hierarchy: WRMSSE, RMSSE, MASE and WAPE of the
/// hierarchy_methods().
std::string hierarchy_table(const EvaluationReport& report);
/// At most 80 columns wide: longer lines are cut or broken, unless `whole` asks for them (a pipe).
std::string report_table(const EvaluationReport& report, bool whole = false);
std::string report_json(const EvaluationReport& report);
/// One line a row and method, as CSV or Parquet by extension. Throws DataError.
void write_row_scores(const EvaluationReport& report, const std::filesystem::path& path);

/// One picture: real values and forecasts against time.
struct Figure {
  std::string title;                 ///< the article writes "<column>预测图"
  bool chinese = false;              ///< the words beside the title
  std::vector<std::string> dates;    ///< x labels of the real values, one a step
  std::vector<double> actual;        ///< NaN = missing (and the future part)
  std::vector<double> forecast;      ///< NaN where there is none
  std::vector<double> lower, upper;  ///< band, may be empty
  std::string band_name;             ///< "80 %"
};
/// Draws PNG files through gnuplot, one a figure, into `directory` (made if needed); returns their
/// paths. Throws DataError if gnuplot is missing or fails, with its message and the remedy.
std::vector<std::filesystem::path> draw_figures(const std::filesystem::path& directory,
                                                const std::vector<Figure>& figures,
                                                const std::vector<std::string>& file_names);

}  // namespace sluice
