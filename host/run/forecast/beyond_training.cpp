#include "run/forecast/beyond_training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace sluice {
namespace {

/// Of the trained range, beyond its ends: what a noise as large as the training's may reach.
constexpr double kMargin = 0.1;

struct Beyond {
  std::int64_t series = 0;     ///< that have any
  double farthest = 0;         ///< encoded, from the range's nearer end
  std::size_t row = 0;         ///< of the forecasts, of the farthest
  int k = 0;                   ///< its step of the horizon, from 0
  float value = 0, level = 0;  ///< as it is, and encoded
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

class Look {
 public:
  Look(const Model& model, const Catalog& catalog, const Forecasts& forecasts)
      : model_(model), catalog_(catalog), forecasts_(forecasts) {}

  /// Adds what is to be said of one.
  void at(int covariate, std::vector<std::string>& texts) {
    const int channel = model_.spec.M + covariate;
    map_ = model_.scaling.covariates[static_cast<std::size_t>(covariate)];
    if (map_.encoding == Encoding::standard) return;
    Beyond beyond;
    Without without;
    for (std::size_t r = 0; r < forecasts_.series.size(); ++r) {
      // An item without history is counted from a level that was made up.
      if (!forecasts_.new_item.empty() && forecasts_.new_item[r] != 0) continue;
      look_at(channel, r, beyond, without);
    }
    if (beyond.series > 0) texts.push_back(text(channel, beyond));
    if (without.series > 0) texts.push_back(text(channel, without));
  }

 private:
  void look_at(int channel, std::size_t r, Beyond& beyond, Without& without) {
    const auto x = catalog_.values(channel, forecasts_.series[r]);
    const auto cutoff = static_cast<std::size_t>(forecasts_.cutoff[r]);
    const std::size_t end = std::min(x.size(), cutoff + static_cast<std::size_t>(forecasts_.K));
    if (cutoff == 0 || cutoff >= end) return;
    // What the level before the horizon is made of; where there is no value in it, one from before.
    const auto window = static_cast<std::size_t>(model_.spec.level_window);
    const std::size_t begin = cutoff > window ? cutoff - window : 0;
    encode(x, begin, end);
    if (begin > 0 && std::isnan(level_[cutoff - 1])) encode(x, 0, end);
    const double level = static_cast<double>(level_[cutoff - 1]);
    const auto low = static_cast<double>(map_.low), high = static_cast<double>(map_.high);
    // What never changed has no range: a step as large as itself, or as its size, is far.
    const double margin = kMargin * (high > low ? high - low : 1);
    bool any = false, any_without = false;
    for (std::size_t t = cutoff; t < end; ++t) {
      if (std::isnan(encoded_[t]) && !std::isnan(x[t]) && !any_without) {
        any_without = true;
        if (++without.series == 1) {
          without.row = r, without.k = static_cast<int>(t - cutoff), without.value = x[t];
        }
      }
      const double u = static_cast<double>(encoded_[t]) - level;
      const double past = std::max(u - high, low - u);
      if (!(past > margin)) continue;
      any = true;
      if (past <= beyond.farthest) continue;
      beyond = {.series = beyond.series,
                .farthest = past,
                .row = r,
                .k = static_cast<int>(t - cutoff),
                .value = x[t],
                .level = level_[cutoff - 1]};
      farthest_ = u;
    }
    beyond.series += any ? 1 : 0;
  }

  /// Steps [begin, end) of encoded_ and level_, the levels counted from `begin` on.
  void encode(std::span<const float> x, std::size_t begin, std::size_t end) {
    encoded_.resize(end), level_.resize(end);
    const auto encoded = std::span(encoded_).subspan(begin);
    std::ranges::transform(x.first(end).subspan(begin), encoded.begin(),
                           [&](float value) { return map_.value(value); });
    covariate_levels(map_.encoding, encoded, model_.spec.level_window,
                     std::span(level_).subspan(begin));
  }

  std::string text(int channel, const Beyond& beyond) const {
    const std::int64_t s = forecasts_.series[beyond.row];
    std::string value = fmt::format("{:.6g}", static_cast<double>(beyond.value));
    std::string of;
    if (has_level(map_.encoding)) {
      value += ", " + in_words(map_, farthest_);
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
  std::vector<float> encoded_, level_;
  double farthest_ = 0;
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
