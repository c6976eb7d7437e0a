#include "run/calibration/learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "run/calibration/dependence.hpp"
#include "run/calibration/fit_stretch.hpp"
#include "run/calibration/outputs.hpp"
#include "run/calibration/partners.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Sample paths of each, of a recursive model: intervals need no more, however many a forecast has.
constexpr int kPaths = 100;
/// With fewer rows than this, halves are of the time and not of the rows.
constexpr std::int64_t kFewRows = 8;
/// Probabilities of the stretch where the model has no quantiles of its own.
constexpr double kGrid[] = {0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95};

constexpr int kCell = 9;

/// In a column of the table.
std::string score_cell(double score) {
  return std::isfinite(score) ? in_column(score, 4, kCell) : fmt::format("{:>{}}", "-", kCell);
}

std::string share_cell(double share) {
  return std::isfinite(share) ? in_column(100 * share, 1, kCell, " %")
                              : fmt::format("{:>{}}", "-", kCell);
}

std::string share_text(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : "-";
}

std::string score_text(double score) {
  return std::isfinite(score) ? fmt::format("{:.4f}", score) : "-";
}

/// "the forecast: 60 % network, 40 % ETS + Theta; MASE 1.2698"
std::string mix_text(const Mix& mix, std::span<const std::string> titles,
                     std::string_view measure) {
  double own = 1;
  std::string partners;
  for (std::size_t p = 0; p < mix.rows.size(); ++p) {
    if (mix.rows[p].weight == 0) continue;
    own -= mix.rows[p].weight;
    partners += fmt::format(", {:.0f} % {}", 100 * mix.rows[p].weight, titles[p]);
  }
  return fmt::format("the forecast: {:.0f} % network{}; {} {}", 100 * own, partners, measure,
                     score_text(partners.empty() ? mix.own_score : mix.score));
}

/// Why a partner that gains has no part; empty: it has one, or gains little.
std::string not_taken_text(const MixRow& row, const std::string& title) {
  if (row.why == NotTaken::none) return {};
  return fmt::format("{} not taken: {}", title,
                     row.why == NotTaken::untried  ? "no unseen forecasts to try it on"
                     : row.why == NotTaken::unseen ? "unseen forecasts gain less than 1 %"
                     : row.why == NotTaken::one_half
                         ? "half of the unseen forecasts are worse for it"
                         : "hardly better beside those taken");
}

/// What may make intervals better that no factor mends.
std::string better_loss_text(const ModelSpec& spec) {
  if (spec.loss == Loss::poisson) {
    return "try training.loss = \"negative_binomial\", which has a spread of its own";
  }
  if (is_distribution(spec.loss) && !spec.is_recursive()) {
    return "try training.loss = \"quantile\", which learns the levels, or more training.steps";
  }
  return "try more training.steps";
}

/// Of an interval that needs another factor than one may be; for 80 columns.
std::string bound_text(double level, double needed) {
  const bool narrow = needed > 1;
  return fmt::format(
      "intervals of {:g} % stay too {}: they need {} times the width, {:g} is the {}", level,
      narrow ? "narrow" : "wide",
      narrow ? fmt::format("{:.0f}", needed) : fmt::format("{:.2g}", needed),
      narrow ? kMostFactor : kLeastFactor, narrow ? "most" : "least");
}

}  // namespace

Learner::Learner(const Config& config, const ModelSpec& spec, const Catalog& catalog,
                 const Split& split, SimpleForecasts simple)
    : config_(config), spec_(spec), catalog_(catalog), split_(split), simple_(std::move(simple)) {}

bool Learner::is_point() const {
  return spec_.loss != Loss::quantile && !is_distribution(spec_.loss);
}

/// Of the quantiles that are looked at, .5 among them.
std::vector<double> Learner::probabilities(const Model& model) const {
  if (is_point() && model.residual_quantiles.empty()) return {0.5};
  std::vector<double> out = level_quantiles(config_.forecast.levels);
  if (spec_.loss == Loss::quantile) return out;
  out.insert(out.end(), std::begin(kGrid), std::end(kGrid));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// What is known of the forecasts of each window and target, without what the network says. Rows
/// are series and targets, in the order of the windows.
MixProblem Learner::rows(const Model& model) const {
  const auto K = static_cast<std::size_t>(spec_.K), M = static_cast<std::size_t>(spec_.M);
  const std::size_t P = simple_.candidates.names.size(), methods = simple_.methods.size();
  MixProblem mix;
  mix.K = spec_.K;
  mix.partners.assign(P, {});
  std::vector<std::pair<std::int64_t, std::int64_t>> origins;  // [series] first, last
  for (std::size_t i = 0; i < simple_.windows.size(); ++i) {
    if (i == 0 || simple_.windows[i].series != simple_.windows[i - 1].series) {
      origins.emplace_back(simple_.windows[i].origin, simple_.windows[i].origin);
    }
    origins.back().second = simple_.windows[i].origin;
  }
  mix.rows = std::ssize(origins) * spec_.M;
  for (const auto& [first, last] : origins) {
    mix.independent += static_cast<double>((last - first) / spec_.K + 1);
  }
  const int season = season_of(config_, catalog_.frequency());
  std::int64_t series = -1;
  for (std::size_t w = 0; w < simple_.windows.size(); ++w) {
    const Window& window = simple_.windows[w];
    if (w == 0 || window.series != simple_.windows[w - 1].series) ++series;
    const auto [first, last] = origins[static_cast<std::size_t>(series)];
    const bool late = 2 * (window.origin - first) > last - first;
    const std::int64_t end = split_.valid_end[static_cast<std::size_t>(window.series)];
    const std::int64_t train_end = split_.train_end[static_cast<std::size_t>(window.series)];
    for (std::size_t m = 0; m < M; ++m) {
      const int target = static_cast<int>(m);
      const auto values = catalog_.values(target, window.series);
      const auto history = values.first(static_cast<std::size_t>(train_end));
      const double offset = catalog_.value_offset(target, window.series);
      const std::int64_t row = series * spec_.M + target;
      mix.row.push_back(row);
      mix.fold.push_back(mix.rows < kFewRows ? (late ? 1 : 0) : static_cast<int>(row % 2));
      mix.mase_scale.push_back(seasonal_naive_error(history, train_end, season));
      mix.rmsse_scale.push_back(squared_step_scale(history, offset));
      mix.nonnegative.push_back(never_negative(model, catalog_, target, window) ? 1 : 0);
      for (int k = 0; k < spec_.K; ++k) {
        const std::int64_t t = window.origin + 1 + k;
        mix.actual.push_back(
            t < end ? static_cast<double>(values[static_cast<std::size_t>(t)]) + offset : kNone);
      }
      for (std::size_t p = 0; p < P; ++p) {
        const auto from =
            simple_.points.begin() + static_cast<std::ptrdiff_t>(((w * M + m) * methods + p) * K);
        mix.partners[p].insert(mix.partners[p].end(), from, from + static_cast<std::ptrdiff_t>(K));
      }
    }
  }
  return mix;
}

/// [windows, M, K, J] of [windows, K, M, J], in the units of y.
std::vector<double> Learner::by_target(std::span<const float> values, std::size_t J) const {
  const auto K = static_cast<std::size_t>(spec_.K), M = static_cast<std::size_t>(spec_.M);
  std::vector<double> out;
  out.reserve(values.size());
  for (std::size_t w = 0; w < simple_.windows.size(); ++w) {
    for (std::size_t m = 0; m < M; ++m) {
      const double offset = catalog_.value_offset(static_cast<int>(m), simple_.windows[w].series);
      for (std::size_t k = 0; k < K; ++k) {
        for (const float y : values.subspan(((w * K + k) * M + m) * J, J)) {
          out.push_back(static_cast<double>(y) + offset);
        }
      }
    }
  }
  return out;
}

IntervalProblem Learner::interval_problem(const MixProblem& mix,
                                          const std::vector<double>& probabilities,
                                          const WindowForecasts& made) const {
  const auto K = static_cast<std::size_t>(spec_.K), J = probabilities.size();
  const std::size_t M = static_cast<std::size_t>(spec_.M);
  IntervalProblem out{.K = K,
                      .probabilities = probabilities,
                      .actual = mix.actual,
                      .quantiles = by_target(made.values, J),
                      .fold = mix.fold,
                      .series = mix.row,
                      .time = {},
                      .nonnegative = made.nonnegative,
                      .independent = mix.independent};
  for (std::size_t n = 0; n < mix.row.size(); ++n) {
    const Window& window = simple_.windows[n / M];
    out.time.push_back(catalog_.period(window.series, window.origin + 1));
    if (!out.is_nonnegative(n)) continue;
    // The least float from 0 on is above 0 beside some offsets.
    const double offset = catalog_.value_offset(static_cast<int>(n % M), window.series);
    const double least = static_cast<double>(zero_above(offset)) + offset;
    for (double& y : std::span(out.quantiles).subspan(n * K * J, K * J)) {
      if (y <= least) y = 0;
    }
  }
  return out;
}

std::vector<double> Learner::points_of(std::span<const Partner> partners) const {
  const auto K = static_cast<std::ptrdiff_t>(spec_.K);
  const std::size_t methods = simple_.methods.size();
  std::vector<double> out;
  for (std::size_t row = 0; row < simple_.windows.size() * static_cast<std::size_t>(spec_.M);
       ++row) {
    for (const Partner& partner : partners) {
      const auto method = static_cast<std::size_t>(
          std::ranges::find(simple_.methods, partner.method) - simple_.methods.begin());
      const auto from =
          simple_.points.begin() + static_cast<std::ptrdiff_t>(row * methods + method) * K;
      out.insert(out.end(), from, from + K);
    }
  }
  return out;
}

void Learner::learn_partners(MixProblem& mix, bool squared, Learned& out, Json& event) const {
  Mix chosen;
  for (const char* measure : {squared ? "RMSSE" : "MASE", "WAPE"}) {
    mix.measure = measure;
    chosen = choose_mix(mix);
    if (std::isfinite(chosen.own_score)) break;
  }
  out.lines.push_back(fmt::format("{:<32}{:>9}{:>9}{:>9}{:>9}", "partners by validation",
                                  mix.measure, "gain", "unseen", "weight"));
  out.lines.push_back(fmt::format("{:<32}{}", "network", score_cell(chosen.own_score)));
  event["measure"] = mix.measure;
  for (std::size_t p = 0; p < chosen.rows.size(); ++p) {
    const MixRow& row = chosen.rows[p];
    out.lines.push_back(fmt::format(
        "{:<32}{}{}{}{:>9}{}", simple_.titles[p], score_cell(row.score), share_cell(row.gain),
        share_cell(row.unseen > -1 ? row.unseen : kNone),
        row.weight > 0 ? fmt::format("{:.2f}", row.weight) : "-", row.weight > 0 ? "  <-" : ""));
    event["partners"].push_back({{"method", simple_.candidates.names[p]}, {"weight", row.weight}});
    if (row.weight > 0) out.partners.push_back({simple_.candidates.names[p], chosen.weights[p]});
  }
  out.lines.push_back(mix_text(chosen, simple_.titles, mix.measure));
  for (std::size_t p = 0; p < chosen.rows.size(); ++p) {
    std::string left = not_taken_text(chosen.rows[p], simple_.titles[p]);
    if (!left.empty()) out.lines.push_back(std::move(left));
  }
  if (!simple_.candidates.note.empty()) out.lines.push_back(simple_.candidates.note);
}

void Learner::learn_stretch(const IntervalProblem& intervals, Learned& out, Json& event) const {
  out.stretch = fit_stretch(intervals);
  bool bounded = false;
  for (const double level : config_.forecast.levels) {
    const std::vector<double> ends = level_quantiles({level});
    const double had = share_inside(intervals, {}, ends.front(), ends.back());
    const double has = share_inside(intervals, out.stretch, ends.front(), ends.back());
    out.lines.push_back(fmt::format(
        "{:<32}{:>9}{}", fmt::format("intervals of {:g} %", level), share_text(had),
        out.stretch.probabilities.empty() ? ", left as they are"
                                          : fmt::format(", calibrated {}", share_text(has))));
    event["intervals"].push_back({{"level", level}, {"had", had}, {"has", has}});
    if (!ends_at_bound(intervals, out.stretch, ends.front(), ends.back())) continue;
    bounded = true;
    const double needed = needed_factor(intervals, ends.front(), ends.back());
    out.lines.push_back(bound_text(level, needed));
    event["intervals"].back()["needed"] = needed;
  }
  if (bounded) out.lines.push_back(better_loss_text(spec_));
  if (!out.stretch.bounds.empty()) {
    const char* by = out.stretch.by == StretchBy::size ? "size" : "width";
    out.lines.push_back(
        fmt::format("intervals in {} groups by {}", out.stretch.bounds.size() + 1, by));
    event["groups"] = {{"by", by}, {"bounds", out.stretch.bounds}};
  }
}

Learned Learner::learn(const Model& model, Engine& engine, const SeriesScaling& scaling) const {
  Learned out;
  const bool calibrates = config_.training.calibration == "auto";
  if (simple_.windows.empty()) return out;
  const std::vector<double> asked = probabilities(model);
  const std::size_t J = asked.size();
  const auto median = static_cast<std::size_t>(std::ranges::find(asked, 0.5) - asked.begin());
  WindowForecasts made =
      Outputs(model, asked).forecast(engine, catalog_, scaling, simple_.windows, {.paths = kPaths});
  sort_quantiles(made.values, J);
  Json event = {{"event", "learned"}, {"windows", simple_.windows.size()}};
  MixProblem mix = rows(model);
  if (!simple_.candidates.names.empty()) {
    std::vector<float> points = made.mean;
    if (points.empty()) {
      for (std::size_t i = median; i < made.values.size(); i += J) points.push_back(made.values[i]);
    }
    mix.own = by_target(points, 1);
    // The mean of a distribution has squared errors that are least, a median absolute ones.
    learn_partners(mix, spec_.loss == Loss::mse || !made.mean.empty(), out, event);
  }
  if (J > 1) {
    add_partner_points(out.partners, spec_, catalog_, simple_.windows, points_of(out.partners),
                       median, made);
    keep_nonnegative(model, catalog_, simple_.windows, J, made);
    const IntervalProblem intervals = interval_problem(mix, asked, made);
    // The errors of a point loss are its intervals already, unless partners have moved them.
    if (calibrates && (!is_point() || !out.partners.empty())) learn_stretch(intervals, out, event);
    // How the steps of sample paths hang together is their own.
    if (!spec_.is_recursive()) out.dependence = dependence_of(intervals, out.stretch).correlation;
  }
  if (out.lines.empty()) return out;
  out.lines.push_back(fmt::format("of {} forecast{}", simple_.windows.size(),
                                  simple_.windows.size() == 1 ? "" : "s"));
  out.event = event.dump();
  return out;
}

}  // namespace sluice
