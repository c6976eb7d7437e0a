#include "run/forecast/scoring.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/ranks/ranks.hpp"
#include "base/region_failure.hpp"
#include "base/status_line.hpp"
#include "base/text.hpp"
#include "run/forecast/evaluated_steps.hpp"
#include "run/report/recent_sales.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr std::size_t kFigures = 16;
/// Rows of which what is known is found out at once, of each rank: work for all its threads, memory
/// for few.
constexpr std::size_t kRowsTogether = 1024;
/// Methods beside the model that are not asked for: seasonal naive, last value, mean.
constexpr std::size_t kNaive = 3;
/// Steps of real values that a figure shows before the first forecast.
constexpr std::int64_t kFigureHistory = 90;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Scoring::Scoring(const Config& config, const Catalog& catalog, int K)
    : config_(config),
      catalog_(catalog),
      K_(K),
      M_(catalog.count(Role::target)),
      season_(season_of(config, catalog.frequency())),
      mean_window_(std::max(long_season_length(catalog.frequency()), 4)),
      sold_steps_(recent_steps(catalog.frequency())),
      simple_(config.evaluate.methods, season_, K, Workers::all_ranks),
      probabilities_(level_quantiles(config.forecast.levels)),
      scored_(static_cast<std::size_t>(catalog.series_count()), 0) {
  const std::int64_t rows = catalog.series_count() * M_;
  sold_.assign(static_cast<std::size_t>(rows), 0);
  names_ = {"sluice", fmt::format("seasonal naive ({})", season_), "last value",
            fmt::format("mean of {}", mean_window_)};
  for (std::size_t i = 0; i < simple_.count(); ++i) names_.push_back(simple_.title(i));
  first_beside_ = names_.size();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    scorers_.emplace_back(rows, i == 0 ? probabilities_ : std::vector<double>{},
                          i == 0 ? config.forecast.levels : std::vector<double>{});
  }
}

std::vector<std::vector<std::int64_t>> Scoring::cutoffs() {
  const int step = config_.evaluate.step > 0 ? config_.evaluate.step : K_;
  std::vector<LeftOut> ended;
  const std::vector<std::int64_t> end = cutoffs_from(catalog_, "", config_.forecast.ended, &ended);
  for (LeftOut& one : ended) reasons_.emplace(std::move(one.id), std::move(one.reason));
  std::vector<std::vector<std::int64_t>> windows;
  bool any = false;
  for (int w = config_.evaluate.n_windows - 1; w >= 0; --w) {
    auto& cutoff = windows.emplace_back();
    for (const std::int64_t e : end) {
      const std::int64_t at = e - K_ - static_cast<std::int64_t>(w) * step;
      cutoff.push_back(at >= 1 ? at : -1);
      any = any || at >= 1;
    }
  }
  for (std::int64_t s = 0; s < catalog_.series_count(); ++s) {
    if (windows.back()[static_cast<std::size_t>(s)] >= 1) continue;
    reasons_.emplace(catalog_.id(s),  // an ended series keeps that reason
                     catalog_.history(s) == 0
                         ? std::string("no history")
                         : steps_text(catalog_.history(s)) + ", no more than the horizon");
  }
  if (!any) refuse_short(config_, std::max<std::int64_t>(std::ranges::max(end), 0), K_);
  return windows;
}

void Scoring::note(const Forecasts& forecasts) {
  for (const LeftOut& one : forecasts.left_out) reasons_[one.id] = one.reason;
  without_future_ = without_future_ || forecasts.without_future > 0;
  if (const std::string text = without_logarithm_text(forecasts);
      !text.empty() && !std::exchange(told_of_logarithms_, true)) {
    log_warning(text);
  }
  if (forecasts.series.empty()) return;
  WindowCutoffs& window = cutoffs_.emplace_back();
  auto first = std::numeric_limits<std::int64_t>::max(), last = -first;
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    const std::int64_t s = forecasts.series[r],
                       period = catalog_.period(s, forecasts.cutoff[r] - 1);
    scored_[static_cast<std::size_t>(s)] = 1;
    ++window.series;
    if (period < first) window.first = catalog_.date(s, forecasts.cutoff[r] - 1);
    if (period > last) {
      window.last = catalog_.date(s, forecasts.cutoff[r] - 1);
      window.at_last = 0;
    }
    first = std::min(first, period), last = std::max(last, period);
    window.at_last += period == last ? 1 : 0;
  }
}

Scoring::Known Scoring::known_of(std::span<const Row> rows) {
  const auto K = static_cast<std::size_t>(K_);
  std::vector<SimpleHistory> histories;
  for (const auto& [forecasts, r] : rows) {
    for (int m = 0; m < M_; ++m) {
      const std::int64_t s = forecasts->series[r];
      const auto cutoff = static_cast<std::size_t>(forecasts->cutoff[r]);
      histories.push_back({catalog_.values(m, s).first(cutoff), catalog_.value_offset(m, s)});
    }
  }
  Known out;
  out.past.resize(histories.size());
  out.naive.resize(histories.size() * kNaive * K);
  const Share own = share_of(std::ssize(histories), Workers::all_ranks);
  RegionFailure failure;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = own.begin; i < own.end; ++i) {
    failure.keep([&] {
      const auto at = static_cast<std::size_t>(i);
      const auto& [history, offset] = histories[at];
      out.past[at] = {.mase_scale = seasonal_naive_error(history, std::ssize(history), season_),
                      .rmsse_scale = squared_step_scale(history, offset),
                      .normal_scale = variance_scale(history),
                      .sold = recent_sales(history, sold_steps_, offset)};
      // Differences are taken among stored values, which have more digits than y in a float.
      const std::vector<float> naive[kNaive] = {naive_seasonal(history, season_, K_),
                                                naive_last(history, K_),
                                                naive_mean(history, mean_window_, K_)};
      for (std::size_t n = 0; n < kNaive; ++n) {
        for (std::size_t k = 0; k < K; ++k) {
          out.naive[(at * kNaive + n) * K + k] = static_cast<double>(naive[n][k]) + offset;
        }
      }
    });
  }
  failure.rethrow();
  join_shares(std::span(out.past), std::ssize(histories), Workers::all_ranks);
  join_shares(std::span(out.naive), std::ssize(histories), Workers::all_ranks);
  out.simple.resize(histories.size() * simple_.count() * K);
  simple_.forecast(histories, out.simple);
  return out;
}

void Scoring::score(std::span<const Forecasts> windows, const BacktestOptions& how) {
  std::vector<Row> rows;
  for (const Forecasts& forecasts : windows) {
    for (std::size_t r = 0; r < forecasts.series.size(); ++r) rows.push_back({&forecasts, r});
  }
  const std::size_t together = kRowsTogether * static_cast<std::size_t>(ranks().size());
  std::string fitted;
  for (std::size_t i = 0; i < simple_.count(); ++i) {
    fitted += (i == 0 ? " by " : ", ") + simple_.title(i);
  }
  StatusLine status("forecasts" + fitted);
  Known known;
  std::size_t at = 0;
  for (const Forecasts& forecasts : windows) {
    status.clear();
    note(forecasts);
    add_beside(forecasts);
    for (std::size_t r = 0; r < forecasts.series.size(); ++r, ++at) {
      if (at % together == 0) {
        status.update(static_cast<std::int64_t>(at), std::ssize(rows));
        known = known_of(std::span(rows).subspan(at, std::min(together, rows.size() - at)));
      }
      score_row(forecasts, r, known, at % together, how);
    }
    if (how.receive) how.receive(forecasts);
  }
}

void Scoring::add_beside(const Forecasts& forecasts) {
  for (std::size_t i = names_.size() - first_beside_; i < forecasts.beside.size(); ++i) {
    names_.push_back(forecasts.beside[i].name);
    scorers_.emplace_back(catalog_.series_count() * M_, std::vector<double>{},
                          std::vector<double>{});
  }
}

void Scoring::score_row(const Forecasts& forecasts, std::size_t r, const Known& known,
                        std::size_t at, const BacktestOptions& how) {
  const auto K = static_cast<std::size_t>(K_), M = static_cast<std::size_t>(M_);
  const auto J = static_cast<std::size_t>(forecasts.J());
  const std::size_t methods = scorers_.size(), width = simple_.count() * K;
  std::vector<double> points(methods * K), quantiles(K * J), actual(K);
  const std::int64_t s = forecasts.series[r], cutoff = forecasts.cutoff[r];
  for (std::size_t m = 0; m < M; ++m) {
    const int target = static_cast<int>(m);
    const auto values = catalog_.values(target, s);
    const double offset = catalog_.value_offset(target, s);
    for (std::size_t k = 0; k < K; ++k) {
      for (std::size_t j = 0; j < J; ++j) quantiles[k * J + j] = forecasts.y(r, k, m, j);
      points[k] = forecasts.point(r, k, m);
      const std::size_t t = static_cast<std::size_t>(cutoff) + k;
      actual[k] = t < values.size() ? static_cast<double>(values[t]) + offset : kNone;
    }
    const std::size_t row = at * M + m;
    const Past& past = known.past[row];
    ScoredForecast scored;
    scored.row = s * M_ + target;
    scored.actual = actual;
    scored.mase_scale = past.mase_scale;
    scored.rmsse_scale = past.rmsse_scale;
    scored.normal_scale = past.normal_scale;
    sold_[static_cast<std::size_t>(scored.row)] += past.sold;
    const auto naive = std::span(known.naive).subspan(row * kNaive * K, kNaive * K);
    const auto simple = std::span(known.simple).subspan(row * width, width);
    std::ranges::copy(simple, std::ranges::copy(naive, points.begin() + K_).out);
    for (std::size_t i = first_beside_; i < methods; ++i) {
      const std::vector<double>& other = forecasts.beside[i - first_beside_].points;
      for (std::size_t k = 0; k < K; ++k) points[i * K + k] = other[forecasts.cell(r, k, m)];
    }
    for (std::size_t i = 0; i < methods; ++i) {
      scored.forecast = std::span(points).subspan(i * K, K);
      scored.quantiles = i == 0 ? std::span<const double>(quantiles) : std::span<const double>();
      scorers_[i].add(scored);
    }
    if (how.scored) how.scored({s, target, cutoff, actual, points, quantiles});
    draw(forecasts, r, target);
  }
}

// Where windows overlap, the earliest one's forecast stays: the longest lead, as the article shows
// it.
void Scoring::draw(const Forecasts& forecasts, std::size_t r, int m) {
  const std::int64_t s = forecasts.series[r], cutoff = forecasts.cutoff[r];
  const std::int64_t row = s * M_ + m;
  if (lines_.size() >= kFigures && !lines_.contains(row)) return;
  Line& line = lines_[row];
  const auto length = static_cast<std::size_t>(catalog_.history(s));
  if (line.first < 0) {
    line.first = cutoff;
    line.forecast.assign(length, kNone);
    line.lower = line.upper = line.forecast;
  }
  const auto J = static_cast<std::size_t>(forecasts.J());
  for (int k = 0; k < K_; ++k) {
    const auto t = static_cast<std::size_t>(cutoff + k);
    if (t >= length || !std::isnan(line.forecast[t])) continue;
    const auto step = static_cast<std::size_t>(k), target = static_cast<std::size_t>(m);
    line.forecast[t] = forecasts.point(r, step, target);
    line.lower[t] = forecasts.y(r, step, target, 0);
    line.upper[t] = forecasts.y(r, step, target, J - 1);
  }
}

void Scoring::add_rows(EvaluationReport& report) const {
  for (std::size_t i = 0; i < scorers_.size(); ++i) {
    report.methods.emplace_back().name = names_[i];
    report.methods[i].of_model = i == 0 || i >= first_beside_;
  }
  for (std::int64_t s = 0; s < catalog_.series_count(); ++s) {
    const std::string& id = catalog_.id(s);
    if (!scored_[static_cast<std::size_t>(s)]) {
      const auto reason = reasons_.find(id);
      report.left_out.push_back({id, reason == reasons_.end() ? "" : reason->second});
      continue;
    }
    ++report.series;
    for (int m = 0; m < M_; ++m) {
      report.row_names.push_back(M_ == 1 ? id : id + ":" + catalog_.target(m).name);
      for (std::size_t i = 0; i < scorers_.size(); ++i) {
        report.methods[i].rows.push_back(scorers_[i].row(s * M_ + m));
      }
    }
  }
  for (std::size_t i = 0; i < scorers_.size(); ++i) report.methods[i].total = scorers_[i].total();
  for (std::size_t i = 0; i < simple_.count(); ++i) {
    report.methods[first_beside_ - simple_.count() + i].processor_seconds =
        sum_of_ranks(simple_.seconds(i));
  }
  add_levels(report);
}

void Scoring::add_levels(EvaluationReport& report) const {
  const auto add = [&](const std::string& name, std::int64_t first, std::int64_t count) {
    LevelReport& level = report.hierarchy.emplace_back(LevelReport{name, 0, {}, {}});
    const auto begin = scored_.begin() + first;
    level.series = std::count(begin, begin + count, 1);
    for (const Scorer& scorer : scorers_) {
      level.totals.push_back(scorer.total(first * M_, (first + count) * M_));
      level.wrmsse.push_back(scorer.weighted_rmsse(first * M_, (first + count) * M_, sold_, M_));
    }
  };
  const Hierarchy& hierarchy = catalog_.hierarchy();
  for (const auto& level : hierarchy.levels) add(level.name, level.first, level.count);
  if (!hierarchy.levels.empty()) add("series", 0, hierarchy.bottom);
}

BacktestResult Scoring::result(const std::string& model, double train_seconds,
                               double forecast_seconds, std::int64_t windows) {
  BacktestResult out;
  EvaluationReport& report = out.report;
  report.data = fmt::format("{}", fmt::join(config_.path.data, ", "));
  report.frequency = to_string(catalog_.frequency());
  report.model = model;
  report.windows = windows;
  report.K = K_;
  report.season = season_;
  report.levels = config_.forecast.levels;
  report.cutoffs = cutoffs_;
  report.train_seconds = train_seconds;
  report.forecast_seconds = forecast_seconds;
  add_rows(report);
  if (report.series == 0) {
    throw DataError(fmt::format(
        "nothing could be evaluated: {}{}", left_out_text(report.left_out),
        without_future_ ? "; the data need these columns for the evaluated steps, too" : ""));
  }
  add_figures(out);
  return out;
}

void Scoring::add_figures(BacktestResult& out) const {
  std::vector<std::int64_t> rows;
  for (const auto& [row, line] : lines_) rows.push_back(row);
  std::sort(rows.begin(), rows.end());
  const auto name_of = [&](std::int64_t row) {
    const std::string& target = catalog_.target(static_cast<int>(row % M_)).name;
    if (catalog_.series_count() == 1) return target;
    return M_ == 1 ? catalog_.id(row / M_) : catalog_.id(row / M_) + ":" + target;
  };
  bool chinese = config_.path.figure_language == "zh";
  if (config_.path.figure_language == "auto") {
    chinese = has_wide_characters(catalog_.target(0).name) ||
              std::any_of(rows.begin(), rows.end(),
                          [&](std::int64_t row) { return has_wide_characters(name_of(row)); });
  }
  out.chinese = chinese;
  for (const std::int64_t row : rows) {
    const Line& line = lines_.at(row);
    const std::int64_t s = row / M_;
    const int m = static_cast<int>(row % M_);
    const std::int64_t from = std::max<std::int64_t>(0, line.first - kFigureHistory);
    const std::string name = name_of(row);
    Figure figure;
    figure.chinese = chinese;
    figure.title = chinese ? name + "预测图" : name + ": actual and forecast";
    for (std::int64_t t = from; t < catalog_.history(s); ++t) {
      const auto at = static_cast<std::size_t>(t);
      figure.dates.push_back(catalog_.date(s, t));
      figure.actual.push_back(static_cast<double>(catalog_.values(m, s)[at]) +
                              catalog_.value_offset(m, s));
      figure.forecast.push_back(line.forecast[at]);
      figure.lower.push_back(line.lower[at]);
      figure.upper.push_back(line.upper[at]);
    }
    if (config_.forecast.levels.empty()) {
      figure.lower.clear();
      figure.upper.clear();
    } else {
      figure.band_name = fmt::format("{:g} %", *std::max_element(config_.forecast.levels.begin(),
                                                                 config_.forecast.levels.end()));
    }
    out.figures.push_back(std::move(figure));
    out.figure_names.push_back("predict_" + name);
  }
}

}  // namespace sluice
