#include "run/forecast/beyond_training.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/prefetch.hpp"
#include "base/region_failure.hpp"

namespace sluice {
namespace {

/// Of the trained range, beyond its ends: what a noise as large as the training's may reach.
constexpr double kMargin = 0.1;

struct Beyond {
  std::int64_t series = 0;  ///< that have any
  double farthest = 0;      ///< encoded, from the range's nearer end
  std::size_t row = 0;      ///< of the forecasts, of the farthest
  int k = 0;                ///< its step of the horizon, from 0
  float value = 0;          ///< as it is
  double encoded = 0;       ///< beside its level
};

/// Known values that have no encoding: of a ratio, what is not above 0.
struct Without {
  std::int64_t series = 0;  ///< that have any
  std::size_t row = 0;      ///< of the forecasts, of the first
  int k = 0;                ///< its step of the horizon, from 0
  float value = 0;
};

/// An encoded value, in words.
std::string in_words(const CovariateMap& map, double encoded) {
  const double u = encoded * static_cast<double>(map.scale);
  switch (map.encoding) {
    case Encoding::ratio:
      return fmt::format("{:.3g} times", std::exp(u));
    case Encoding::difference:
      return fmt::format("{:+.4g}", u);
    case Encoding::amount:
      return fmt::format("{:.4g}", static_cast<double>(map.offset) * std::expm1(u));
    case Encoding::binary:
    case Encoding::standard:
      break;
  }
  return fmt::format("{:.4g}", static_cast<double>(map.offset) + u);
}

/// What one thread has found, and its room to look.
struct Found {
  Beyond beyond;
  Without without;
  std::vector<float> encoded, level;

  /// With what later rows have: of two that are as far, the first.
  void add(const Found& later) {
    const std::int64_t beyond_series = beyond.series + later.beyond.series,
                       without_series = without.series + later.without.series;
    if (later.beyond.farthest > beyond.farthest) beyond = later.beyond;
    if (without.series == 0) without = later.without;
    beyond.series = beyond_series, without.series = without_series;
  }
};

class Look {
 public:
  Look(const Model& model, const Catalog& catalog, const Forecasts& forecasts)
      : model_(model), catalog_(catalog), forecasts_(forecasts) {}

  /// Adds what is to be said of one.
  void at(int covariate, std::vector<std::string>& texts) {
    const int channel = model_.spec.M + covariate;
    map_ = model_.scaling.covariates[static_cast<std::size_t>(covariate)];
    if (map_.encoding == Encoding::standard) return;
    std::vector<Found> found(static_cast<std::size_t>(omp_get_max_threads()));
    RegionFailure failure;
    // Static: each thread has rows that follow one another, in the order of the threads.
#pragma omp parallel for schedule(static)
    for (std::size_t r = 0; r < forecasts_.series.size(); ++r) {
      if (r + kRoundsAhead < forecasts_.series.size())
        prefetch(looked_at(channel, r + kRoundsAhead));
      // An item without history is counted from a level that was made up.
      if (!forecasts_.new_item.empty() && forecasts_.new_item[r] != 0) continue;
      failure.keep(
          [&] { look_at(channel, r, found[static_cast<std::size_t>(omp_get_thread_num())]); });
    }
    failure.rethrow();
    Found all;
    for (const Found& one : found) all.add(one);
    if (all.beyond.series > 0) texts.push_back(text(channel, all.beyond));
    if (all.without.series > 0) texts.push_back(text(channel, all.without));
  }

 private:
  /// Steps of the horizon that are known, and of what the level before them is made of.
  struct Reach {
    std::span<const float> x;  ///< of the series
    std::size_t begin, cutoff, end;
  };

  Reach reach(int channel, std::size_t r) const {
    const auto x = catalog_.values(channel, forecasts_.series[r]);
    const auto cutoff = static_cast<std::size_t>(forecasts_.cutoff[r]);
    const auto window = has_level(map_.encoding)
                            ? static_cast<std::size_t>(model_.spec.level_window)
                            : std::size_t{1};
    return {.x = x,
            .begin = cutoff > window ? cutoff - window : 0,
            .cutoff = cutoff,
            .end = std::min(x.size(), cutoff + static_cast<std::size_t>(forecasts_.K))};
  }

  std::span<const float> looked_at(int channel, std::size_t r) const {
    const Reach at = reach(channel, r);
    return at.begin < at.end ? at.x.subspan(at.begin, at.end - at.begin) : std::span<const float>();
  }

  void look_at(int channel, std::size_t r, Found& found) const {
    const auto [x, begin, cutoff, end] = reach(channel, r);
    if (cutoff == 0 || cutoff >= end) return;
    // Where there is no value in it, the level is one from before.
    encode(x, begin, end, found);
    if (begin > 0 && std::isnan(found.level[cutoff - 1])) encode(x, 0, end, found);
    const double level = static_cast<double>(found.level[cutoff - 1]);
    const auto low = static_cast<double>(map_.low), high = static_cast<double>(map_.high);
    // What never changed has no range: a step as large as itself, or as its size, is far.
    const double margin = kMargin * (high > low ? high - low : 1);
    bool any = false, any_without = false;
    for (std::size_t t = cutoff; t < end; ++t) {
      if (std::isnan(found.encoded[t]) && !std::isnan(x[t]) && !any_without) {
        any_without = true;
        if (++found.without.series == 1) {
          found.without.row = r, found.without.k = static_cast<int>(t - cutoff);
          found.without.value = x[t];
        }
      }
      const double u = static_cast<double>(found.encoded[t]) - level;
      const double past = std::max(u - high, low - u);
      if (!(past > margin)) continue;
      any = true;
      if (past <= found.beyond.farthest) continue;
      found.beyond = {.series = found.beyond.series,
                      .farthest = past,
                      .row = r,
                      .k = static_cast<int>(t - cutoff),
                      .value = x[t],
                      .encoded = u};
    }
    found.beyond.series += any ? 1 : 0;
  }

  /// Steps [begin, end) of found.encoded and .level, the levels counted from `begin` on.
  void encode(std::span<const float> x, std::size_t begin, std::size_t end, Found& found) const {
    found.encoded.resize(std::max(found.encoded.size(), end));
    found.level.resize(found.encoded.size());
    const auto encoded = std::span(found.encoded).first(end).subspan(begin);
    std::ranges::transform(x.first(end).subspan(begin), encoded.begin(),
                           [&](float value) { return map_.value(value); });
    covariate_levels(map_.encoding, encoded, model_.spec.level_window,
                     std::span(found.level).first(end).subspan(begin));
  }

  std::string text(int channel, const Beyond& beyond) const {
    const std::int64_t s = forecasts_.series[beyond.row];
    std::string value = fmt::format("{:.6g}", static_cast<double>(beyond.value));
    std::string of;
    if (has_level(map_.encoding)) {
      value += ", " + in_words(map_, beyond.encoded);
      of = map_.encoding == Encoding::ratio ? " its recent level" : " of its recent level";
    }
    return fmt::format(
        "{}: {} of {} series {} values in the horizon far beyond the training's, which are taken "
        "as the nearest of these; the farthest: {} {} ({}{}; trained on {} to {}{}); see whether "
        "it is right, and train on data that has such values if it is",
        model_.channel_names[static_cast<std::size_t>(channel)], beyond.series,
        forecasts_.series.size(), beyond.series == 1 ? "has" : "have", catalog_.id(s),
        catalog_.date(s, forecasts_.cutoff[beyond.row] + beyond.k), value, of,
        in_words(map_, static_cast<double>(map_.low)),
        in_words(map_, static_cast<double>(map_.high)), of);
  }

  std::string text(int channel, const Without& without) const {
    return fmt::format(
        "{}: {} of {} series {} values in the horizon that are not above 0, as all of the "
        "training's are: they are taken for missing, which is nothing out of the ordinary; the "
        "first: {} {} ({:g}); give the values that will hold",
        model_.channel_names[static_cast<std::size_t>(channel)], without.series,
        forecasts_.series.size(), without.series == 1 ? "has" : "have",
        catalog_.id(forecasts_.series[without.row]),
        catalog_.date(forecasts_.series[without.row], forecasts_.cutoff[without.row] + without.k),
        without.value);
  }

  const Model& model_;
  const Catalog& catalog_;
  const Forecasts& forecasts_;
  CovariateMap map_;
};

}  // namespace

std::vector<std::string> beyond_training_texts(const Model& model, const Catalog& catalog,
                                               const Forecasts& forecasts) {
  std::vector<std::string> texts;
  if (model.scaling.covariates.empty()) return texts;
  Look look(model, catalog, forecasts);
  for (int f = 0; f < model.spec.future_channels; ++f) {
    look.at(model.spec.past_channels + f, texts);
  }
  return texts;
}

}  // namespace sluice
