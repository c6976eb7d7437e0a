#include "run/calibration/learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/steady_seconds.hpp"
#include "base/text.hpp"
#include "run/calibration/dependence.hpp"
#include "run/calibration/fit_stretch.hpp"
#include "run/calibration/outputs.hpp"
#include "run/calibration/partners.hpp"
#include "run/calibration/paths.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// More forecasts than this, and forecasts from more values, tell weights apart no better.
constexpr std::size_t kMostWindows = 1024;
constexpr std::int64_t kMostSampled = 200'000;
/// Sample paths of each, of a recursive model: its intervals need no more.
constexpr int kMostPaths = 100;
/// Values of a catalogue (each series' last partner_history()) from which auto has no methods that
/// are fitted: a forecast of all of them would take half a minute and more of a processor.
constexpr std::int64_t kMostFitted = 10'000'000;
/// Share of zeros from which methods for rare sales are candidates.
constexpr double kRareSales = 0.3;
/// With fewer rows than this, halves are of the time and not of the rows.
constexpr std::int64_t kFewRows = 8;
/// Probabilities of the stretch where the model has no quantiles of its own.
constexpr double kGrid[] = {0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95};

/// Whether so many values before end[s] are zero that their median may be.
bool has_rare_sales(const Catalog& catalog, std::span<const std::int64_t> end, int history) {
  std::int64_t zeros = 0, values = 0;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    for (int m = 0; m < catalog.count(Role::target); ++m) {
      auto past =
          catalog.values(m, s).first(static_cast<std::size_t>(end[static_cast<std::size_t>(s)]));
      if (std::ssize(past) > history) past = past.last(static_cast<std::size_t>(history));
      const auto zero = static_cast<float>(-catalog.value_offset(m, s));
      for (const float y : past) {
        values += std::isnan(y) ? 0 : 1;
        zeros += y == zero ? 1 : 0;
      }
    }
  }
  return static_cast<double>(zeros) > kRareSales * static_cast<double>(values);
}

std::string share_text(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : "-";
}

std::string score_text(double score) {
  return std::isfinite(score) ? fmt::format("{:.4f}", score) : "-";
}

}  // namespace

void check_partners(const Config& config) {
  const std::vector<std::string>& asked = config.training.partners;
  for (const char* word : {"auto", "none"}) {
    if (std::ranges::count(asked, word) > 0 && asked.size() > 1) {
      throw ConfigError(fmt::format(
          "training.partners has \"{}\" and names beside it; give \"{}\" alone, or names alone",
          word, word));
    }
  }
}

PartnerNames partner_names(const Config& config, Loss loss, const Catalog& catalog,
                           std::span<const std::int64_t> end) {
  PartnerNames out;
  check_partners(config);
  const std::vector<std::string>& asked = config.training.partners;
  if (asked.empty() || asked[0] == "none") return out;
  if (asked[0] != "auto") {
    for (const std::string& name : asked) {
      if (std::ranges::count(out.names, name) == 0) out.names.push_back(name);
    }
    return out;
  }
  const int season = season_of(config, catalog.frequency());
  const int history = partner_history(season);
  std::int64_t values = 0;
  for (const std::int64_t steps : end) values += std::min<std::int64_t>(steps, history);
  values *= catalog.count(Role::target);
  out.names.push_back(kSeasonalNaive);
  if (values <= kMostFitted) {
    out.names.emplace_back("ets+theta");
  } else {
    out.note = fmt::format(
        "ETS and Theta are no candidates: fits of {} values at each forecast would take longer "
        "than "
        "the network; training.partners = [\"ets+theta\"] tries them",
        grouped(values));
  }
  if (is_nonnegative(loss) || has_rare_sales(catalog, end, history)) {
    out.names.emplace_back("tsb");
    out.names.emplace_back("adida");
  }
  return out;
}

Learner::Learner(const Config& config, const ModelSpec& spec, const Catalog& catalog,
                 const Split& split, std::span<const Window> windows)
    : config_(config),
      spec_(spec),
      catalog_(catalog),
      split_(split),
      candidates_(partner_names(config, spec.loss, catalog, split.train_end)) {
  std::vector<Window> whole;
  for (const Window& w : windows) {
    if (w.origin + spec.K < split.valid_end[static_cast<std::size_t>(w.series)]) {
      whole.push_back(w);
    }
  }
  const std::span<const Window> all = whole.empty() ? windows : std::span<const Window>(whole);
  const int history = partner_history(season_of(config, catalog.frequency()));
  std::int64_t values = 0;
  for (const Window& w : all) values += std::min<std::int64_t>(w.origin + 1, history);
  const std::int64_t mean =
      std::max<std::int64_t>(values / std::max<std::int64_t>(std::ssize(all), 1), 1);
  const std::size_t most = std::min(
      kMostWindows, static_cast<std::size_t>(std::max<std::int64_t>(kMostSampled / mean, 64)));
  const std::size_t kept = std::min(all.size(), most);
  for (std::size_t i = 0; i < kept; ++i) windows_.push_back(all[i * all.size() / kept]);
}

void Learner::forecast_simple(double max_seconds) {
  if (candidates_.names.empty()) return;
  PartnerMethods methods(candidates_.names, season_of(config_, catalog_.frequency()), spec_.K);
  const std::size_t width = static_cast<std::size_t>(spec_.M * spec_.K) * methods.count();
  // Every `parts`-th window at a time, so that those of a part are of all series alike.
  const std::size_t parts = max_seconds > 0 ? std::max<std::size_t>(1, windows_.size() / 32) : 1;
  std::vector<std::pair<std::size_t, std::vector<double>>> made;
  const double start = steady_seconds();
  for (std::size_t part = 0; part < parts; ++part) {
    if (part > 0 && steady_seconds() - start > max_seconds) break;
    std::vector<Window> some;
    std::vector<std::size_t> places;
    for (std::size_t i = part; i < windows_.size(); i += parts) {
      some.push_back(windows_[i]);
      places.push_back(i);
    }
    const std::vector<double> points = methods.forecast(catalog_, some);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto from = points.begin() + static_cast<std::ptrdiff_t>(i * width);
      made.emplace_back(places[i],
                        std::vector<double>(from, from + static_cast<std::ptrdiff_t>(width)));
    }
  }
  std::ranges::sort(made, {}, &std::pair<std::size_t, std::vector<double>>::first);
  std::vector<Window> kept;
  for (const auto& [place, points] : made) {
    kept.push_back(windows_[place]);
    simple_.insert(simple_.end(), points.begin(), points.end());
  }
  windows_ = std::move(kept);
}

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
  const auto again = std::ranges::unique(out);
  out.erase(again.begin(), again.end());
  return out;
}

/// What is known of the forecasts of each window and target, without what the network says. Rows
/// are series and targets, in the order of the windows.
MixProblem Learner::rows(const Model& model) const {
  const auto K = static_cast<std::size_t>(spec_.K), M = static_cast<std::size_t>(spec_.M);
  const std::size_t P = candidates_.names.size();
  MixProblem mix;
  mix.K = spec_.K;
  mix.partners.assign(P, {});
  std::vector<std::pair<std::int64_t, std::int64_t>> origins;  // [series] first, last
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (i == 0 || windows_[i].series != windows_[i - 1].series) {
      origins.emplace_back(windows_[i].origin, windows_[i].origin);
    }
    origins.back().second = windows_[i].origin;
  }
  mix.rows = std::ssize(origins) * spec_.M;
  for (const auto& [first, last] : origins) {
    mix.independent += static_cast<double>((last - first) / spec_.K + 1);
  }
  const int season = season_of(config_, catalog_.frequency());
  std::int64_t series = -1;
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const Window& window = windows_[w];
    if (w == 0 || window.series != windows_[w - 1].series) ++series;
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
        const auto from = simple_.begin() + static_cast<std::ptrdiff_t>(((w * M + m) * P + p) * K);
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
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    for (std::size_t m = 0; m < M; ++m) {
      const double offset = catalog_.value_offset(static_cast<int>(m), windows_[w].series);
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
    const Window& window = windows_[n / M];
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

void Learner::learn_partners(MixProblem& mix, bool squared, Learned& out, Json& event) const {
  Mix chosen;
  for (const char* measure : {squared ? "RMSSE" : "MASE", "WAPE"}) {
    mix.measure = measure;
    chosen = choose_mix(mix);
    if (std::isfinite(chosen.own_score)) break;
  }
  const PartnerMethods methods(candidates_.names, season_of(config_, catalog_.frequency()),
                               spec_.K);
  out.lines.push_back(fmt::format("{:<32}{:>9}{:>9}{:>9}{:>9}", "partners by validation",
                                  mix.measure, "gain", "unseen", "weight"));
  out.lines.push_back(fmt::format("{:<32}{:>9}", "network", score_text(chosen.own_score)));
  event["measure"] = mix.measure;
  for (std::size_t p = 0; p < chosen.rows.size(); ++p) {
    const MixRow& row = chosen.rows[p];
    out.lines.push_back(fmt::format(
        "{:<32}{:>9}{:>9}{:>9}{:>9}{}", methods.title(p), score_text(row.score),
        share_text(row.gain), row.unseen > -1 ? share_text(row.unseen) : "-",
        row.weight > 0 ? fmt::format("{:.2f}", row.weight) : "-", row.weight > 0 ? "  <-" : ""));
    event["partners"].push_back({{"method", candidates_.names[p]}, {"weight", row.weight}});
    if (row.weight > 0) out.partners.push_back({candidates_.names[p], chosen.weights[p]});
  }
  if (!out.partners.empty()) {
    out.lines.push_back(fmt::format("{:<32}{:>9}", "mean of these", score_text(chosen.score)));
  }
  if (!candidates_.note.empty()) out.lines.push_back(candidates_.note);
}

void Learner::learn_stretch(const IntervalProblem& intervals, Learned& out, Json& event) const {
  out.stretch = fit_stretch(intervals);
  for (const double level : config_.forecast.levels) {
    const std::vector<double> ends = level_quantiles({level});
    const double had = share_inside(intervals, {}, ends.front(), ends.back());
    const double has = share_inside(intervals, out.stretch, ends.front(), ends.back());
    out.lines.push_back(fmt::format(
        "{:<32}{:>9}{}", fmt::format("intervals of {:g} %", level), share_text(had),
        out.stretch.probabilities.empty() ? ", left as they are"
                                          : fmt::format(", calibrated {}", share_text(has))));
    event["intervals"].push_back({{"level", level}, {"had", had}, {"has", has}});
  }
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
  if (windows_.empty()) return out;
  const std::vector<double> asked = probabilities(model);
  const std::size_t J = asked.size();
  const auto median = static_cast<std::size_t>(std::ranges::find(asked, 0.5) - asked.begin());
  const int paths = std::min(sample_count(model), kMostPaths);
  WindowForecasts made =
      Outputs(model, asked).forecast(engine, catalog_, scaling, windows_, {.paths = paths});
  sort_quantiles(made.values, J);
  Json event = {{"event", "learned"}, {"windows", windows_.size()}};
  MixProblem mix = rows(model);
  if (!candidates_.names.empty()) {
    std::vector<float> points = made.mean;
    if (points.empty()) {
      for (std::size_t i = median; i < made.values.size(); i += J) points.push_back(made.values[i]);
    }
    mix.own = by_target(points, 1);
    // The mean of a distribution has squared errors that are least, a median absolute ones.
    learn_partners(mix, spec_.loss == Loss::mse || !made.mean.empty(), out, event);
  }
  if (J > 1) {
    add_partners(out.partners, spec_, season_of(config_, catalog_.frequency()), catalog_, windows_,
                 median, made);
    keep_nonnegative(model, catalog_, windows_, J, made);
    const IntervalProblem intervals = interval_problem(mix, asked, made);
    // The errors of a point loss are its intervals already, unless partners have moved them.
    if (calibrates && (!is_point() || !out.partners.empty())) learn_stretch(intervals, out, event);
    // How the steps of sample paths hang together is their own.
    if (!spec_.is_recursive()) out.dependence = dependence_of(intervals, out.stretch).correlation;
  }
  if (out.lines.empty()) return out;
  out.lines.push_back(
      fmt::format("of {} forecast{}", windows_.size(), windows_.size() == 1 ? "" : "s"));
  out.event = event.dump();
  return out;
}

}  // namespace sluice
