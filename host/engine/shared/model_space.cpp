#include "engine/shared/model_space.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "base/region_failure.hpp"
#include "engine/shared/reach.hpp"
#include "engine/shared/space_arrays.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

}  // namespace

ModelSpace::ModelSpace(const EngineSetup& setup)
    : spec_(setup.spec->network()),
      horizon_(setup.spec->K),
      drawn_steps_(setup.spec->drawn_steps()) {
  const Catalog& catalog = *setup.catalog;
  if (setup.series_weight.empty()) {
    weight_.assign(static_cast<std::size_t>(catalog.series_count()), 1.0f);
  } else {
    weight_.assign(setup.series_weight.begin(), setup.series_weight.end());
  }
  if (catalog.count(Role::target) != spec_.M || catalog.count(Role::past) != spec_.past_channels ||
      catalog.count(Role::future) != spec_.future_channels ||
      !std::ranges::equal(
          catalog.categories(), spec_.step_embeddings,
          [](const CategoryChannelView& is, const ModelSpec::StepEmbedding& should) {
            return (is.role == Role::future) == should.future;
          })) {
    throw InternalError("the model's channels are not the catalogue's");
  }
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) lengths_.push_back(catalog.length(s));
  fill_scales(*setup.scaling);
  place_steps(setup);
  in_file_ = is_too_large(setup);
  fill_targets(catalog);
  fill_level_statistics(setup);
  fill_covariates(catalog, *setup.scaling);
  fill_statics(setup);
  fill_step_codes(setup);
  fill_calendar(catalog);
  SpaceView filled = view();
  for_each_step_array(filled, [&](const auto* array, std::int64_t channels) {
    if (!in_file_ || array == nullptr) return;
    advise_scattered(array, static_cast<std::size_t>(channels * total_) * sizeof *array);
  });
  const ParamLayout layout(spec_);
  for (std::size_t e = 0; e < spec_.embeddings.size(); ++e) {
    embedding_width_.push_back(spec_.embeddings[e].width);
    embedding_at_.push_back(layout.block(fmt::format("embedding.{}.weight", e)).offset);
  }
  for (std::size_t e = 0; e < spec_.step_embeddings.size(); ++e) {
    embedding_width_.push_back(spec_.step_embeddings[e].width);
    embedding_at_.push_back(layout.block(fmt::format("step_embedding.{}.weight", e)).offset);
  }
}

bool ModelSpace::is_too_large(const EngineSetup& setup) const {
  if (setup.memory_limit == 0) return false;
  const std::span<const CovariateMap> maps = setup.scaling->covariates;
  const auto levels =
      std::ranges::count_if(maps, [](const CovariateMap& map) { return has_level(map.encoding); });
  const int of_target = 1 + (spec_.level != Level::none ? 1 : 0) +
                        (spec_.base == Base::smoothing || spec_.base == Base::trend ? 1 : 0);
  const std::int64_t numbers = std::int64_t{spec_.M} * of_target +
                               std::ssize(setup.catalog->channels()) - spec_.M + levels +
                               std::ssize(setup.catalog->categories());
  const auto bytes = static_cast<double>(numbers * total_) * sizeof(float);
  if (bytes <= static_cast<double>(setup.memory_limit)) return false;
  static std::once_flag told;  // a choice has an engine a trial
  std::call_once(told, [&] {
    log_info(fmt::format(
        "the engine's copy of the catalogue ({:.3g} GB) lies in a file in {}: engine.memory_limit "
        "leaves it {:.3g} GB",
        bytes / 1e9, scratch_folder().string(), static_cast<double>(setup.memory_limit) / 1e9));
  });
  return true;
}

SpaceView ModelSpace::view() const {
  const auto there = [](const auto& array) { return array.empty() ? nullptr : array.data(); };
  SpaceView view;
  view.T = spec_.T, view.K = spec_.K, view.M = spec_.M, view.C = spec_.inputs();
  view.patch = spec_.patch;
  view.space = spec_.space;
  view.missing_indicator = spec_.missing_indicator;
  view.level_input = spec_.level_input, view.level_change = spec_.level_change;
  view.base = spec_.base, view.base_season = spec_.base_season;
  view.lag_count = static_cast<int>(spec_.lags.size());
  view.context = spec_.context, view.seasonal_context = spec_.seasonal_context;
  view.past_channels = spec_.past_channels, view.future_channels = spec_.future_channels;
  view.calendar_terms = spec_.calendar, view.static_count = spec_.static_reals;
  view.embedding_count = static_cast<int>(spec_.embeddings.size());
  view.step_embedding_count = static_cast<int>(spec_.step_embeddings.size());
  view.past_step_embeddings = static_cast<int>(std::ranges::count_if(
      spec_.step_embeddings, [](const ModelSpec::StepEmbedding& e) { return !e.future; }));
  view.first_head_step = spec_.first_head_step();
  view.level_mean = level_mean_, view.level_spread = level_spread_;
  view.level_weight = spec_.level_weight;
  if (!s_.empty()) view.o_of_all = 1;
  view.series = series_count(), view.total = total_;
  if (spec_.calendar > 0) {
    view.calendar_rows = static_cast<std::int64_t>(calendar_.size()) / spec_.calendar;
  }
  view.offset = there(offsets_), view.length = there(lengths_);
  view.calendar_row = there(calendar_row_);
  view.v = there(v_), view.s = there(s_), view.o = there(o_), view.smoothed = there(smoothed_);
  view.drift = there(drift_), view.damped = there(damped_);
  view.covariates = there(covariates_), view.calendar = there(calendar_);
  view.covariate_level = there(covariate_level_), view.covariate_range = there(covariate_range_);
  view.level_row = there(level_row_), view.level_channels = level_channels_;
  view.statics = there(static_reals_), view.codes = there(codes_), view.weight = there(weight_);
  view.step_codes = there(step_codes_);
  view.log_scale = there(log_scale_), view.scale = there(scale_), view.shift = there(shift_);
  view.lags = there(spec_.lags);
  view.embedding_width = there(embedding_width_), view.embedding_at = there(embedding_at_);
  return view;
}

void ModelSpace::fill_scales(const SeriesScaling& scaling) {
  for (int m = 0; m < spec_.M; ++m) {
    for (std::int64_t s = 0; s < series_count(); ++s) {
      scale_.push_back(scaling.scale_of(m, s));
      shift_.push_back(scaling.offset_of(m, s));
      log_scale_.push_back(std::log(scale_.back()));
    }
  }
}

void ModelSpace::place_steps(const EngineSetup& setup) {
  const bool from_the_start = spec_.carry_state || setup.draws_pasts || setup.spec->is_recursive();
  if (!from_the_start) {
    earliest_origin_.assign(setup.earliest_origin.begin(), setup.earliest_origin.end());
  }
  if (!earliest_origin_.empty() && earliest_origin_.size() != lengths_.size()) {
    throw InternalError(
        fmt::format("{} earliest origins of {} series", earliest_origin_.size(), lengths_.size()));
  }
  first_.assign(lengths_.size(), 0);
#pragma omp parallel for schedule(static)
  for (std::int64_t s = 0; s < std::ssize(earliest_origin_); ++s) {
    const auto si = static_cast<std::size_t>(s);
    first_[si] = first_read(*setup.catalog, s, earliest_origin_[si]);
  }
  for (std::size_t s = 0; s < lengths_.size(); ++s) {
    offsets_.push_back(total_ - first_[s]);
    total_ += lengths_[s] - first_[s];
  }
}

/// The first step that windows of series s read whose origins are not before `origin`.
std::int64_t ModelSpace::first_read(const Catalog& catalog, std::int64_t s,
                                    std::int64_t origin) const {
  if (origin == EngineSetup::kNoWindow) return length(s);
  const Reach reach = reach_of(spec_);
  const std::int64_t begin = std::max<std::int64_t>(0, origin - spec_.T + 1);
  std::int64_t first = std::max<std::int64_t>(0, begin - reach.lookback);
  for (int m = 0; m < spec_.M; ++m) {
    const auto y = catalog.values(m, s);
    const ValueMap value_of = value_map(m, s);
    for (std::int64_t back = 0; back < reach.base_lookback; ++back) {
      std::int64_t t = begin - back;
      while (t >= 0 && t < std::ssize(y) && std::isnan(value_of(y[static_cast<std::size_t>(t)]))) {
        t -= reach.base_season;
      }
      first = std::max<std::int64_t>(0, std::min(first, t));
    }
  }
  return std::min(first, length(s));
}

void ModelSpace::prepare(std::span<const Window> windows) const {
  for (const Window& w : windows) {
    if (earliest_origin_.empty()) break;
    if (w.origin >= earliest_origin_[static_cast<std::size_t>(w.series)]) continue;
    throw InternalError(
        fmt::format("a window of series {} ends at step {}, before all that the "
                    "engine was to be asked for",
                    w.series, w.origin));
  }
  if (in_file_) prefetch(windows);
}

// Windows of a training lie anywhere: page by page, each waited for, a disk gives few of them.
void ModelSpace::prefetch(std::span<const Window> windows) const {
  const Reach reach = reach_of(spec_);
  const std::int64_t before = spec_.T + std::max(reach.lookback, reach.base_lookback);
  const SpaceView whole = this->view();
#pragma omp parallel for schedule(static)
  for (std::size_t n = 0; n < windows.size(); ++n) {
    const Window& w = windows[n];
    SpaceView view = whole;
    const std::int64_t begin = std::max(first_step(w.series), w.origin - before);
    const std::int64_t end = std::min(length(w.series), w.origin + spec_.K + 1);
    if (begin >= end) continue;
    const std::int64_t at = offsets_[static_cast<std::size_t>(w.series)] + begin;
    for_each_step_array(view, [&](const auto* array, std::int64_t channels) {
      for (std::int64_t c = 0; c < channels && array != nullptr; ++c) {
        advise_needed(array + c * view.total + at,
                      static_cast<std::size_t>(end - begin) * sizeof *array);
      }
    });
  }
}

ModelSpace::ValueMap ModelSpace::value_map(int m, std::int64_t s) const {
  const auto ms = static_cast<std::size_t>(m * series_count() + s);
  return {spec_.space, shift_[ms], scale_[ms]};
}

float ModelSpace::ValueMap::operator()(float y) const {
  const float value = (y - shift) / scale;
  if (space == Space::log) return value > 0 ? std::log(value) : kMissing;
  return space == Space::asinh ? std::asinh(kAsinhSlope * value) : value;
}

void ModelSpace::fill_targets(const Catalog& catalog) {
  const auto size = static_cast<std::size_t>(spec_.M * total_);
  v_.resize(size, in_file_);
  if (spec_.base == Base::smoothing) smoothed_.resize(size, in_file_);
  if (spec_.base == Base::trend) {
    drift_.resize(size, in_file_);
    const auto phi = static_cast<double>(spec_.trend_damping);
    double drifts = 0;
    for (int k = 0; k < spec_.K; ++k) {
      drifts = phi * (1 + drifts);  // phi + phi^2 + .. + phi^(k+1)
      damped_.push_back(static_cast<float>(drifts));
    }
  }
  if (spec_.level != Level::none) {
    (spec_.space == Space::linear ? s_ : o_).resize(size, in_file_);
  }
  RegionFailure failure;
#pragma omp parallel
  {
    std::vector<float> past;
    for (int m = 0; m < spec_.M; ++m) {
#pragma omp for schedule(static)
      for (std::int64_t s = 0; s < series_count(); ++s) {
        failure.keep([&] { fill_target(m, s, catalog.values(m, s), past); });
      }
    }
  }
  failure.rethrow();
}

/// What steps leave to the next ones (has_states()) begins with the series; `past`: scratch, of
/// its values in the model's space.
void ModelSpace::fill_target(int m, std::int64_t s, std::span<const float> y,
                             std::vector<float>& past) {
  const std::span<float> v = stored(v_, m, s);
  const ValueMap value_of = value_map(m, s);
  const auto first = static_cast<std::size_t>(first_step(s));
  std::ranges::transform(y.last(v.size()), v.begin(), value_of);
  if (!has_states() || v.empty()) return;
  if (first > 0) {
    past.resize(y.size());
    std::ranges::transform(y, past.begin(), value_of);
  }
  const float* values = first > 0 ? past.data() : v.data();
  const StepRule rule = step_rule(spec_);
  StepState state;
  for (std::size_t t = 0; t < y.size(); ++t) {
    const StepValues step = next_step(rule, values, static_cast<std::int64_t>(t), state);
    if (t < first) continue;
    if (!s_.empty()) stored(s_, m, s)[t - first] = step.s;
    if (!o_.empty()) stored(o_, m, s)[t - first] = step.o;
    if (!smoothed_.empty()) stored(smoothed_, m, s)[t - first] = step.smoothed;
    if (!drift_.empty()) stored(drift_, m, s)[t - first] = step.drift;
  }
}

StepState ModelSpace::state_at(int m, std::int64_t s, std::int64_t t) const {
  if (first_step(s) > 0) throw InternalError("a state of steps that were left out");
  const StepRule rule = step_rule(spec_);
  StepState state;
  for (std::int64_t i = 0; i <= t; ++i) {
    static_cast<void>(next_step(rule, v_.data() + at(m, s), i, state));
  }
  return state;
}

void ModelSpace::fill_level_statistics(const EngineSetup& setup) {
  level_mean_ = setup.level_mean;
  level_spread_ = setup.level_spread;
  if (!spec_.level_input || level_spread_ > 0) return;
  double sum = 0, squares = 0;
  std::int64_t S = 0;
  for (std::int64_t s = 0; s < series_count(); ++s) {
    if (setup.catalog->history(s) == 0) continue;  // its scale says nothing
    ++S;
    const double x = std::log(static_cast<double>(scale_[static_cast<std::size_t>(s)]));
    sum += x;
    squares += x * x;
  }
  S = std::max<std::int64_t>(S, 1);
  const double mean = sum / static_cast<double>(S);
  level_mean_ = static_cast<float>(mean);
  level_spread_ =
      static_cast<float>(std::sqrt(std::max(1e-4, squares / static_cast<double>(S) - mean * mean)));
}

void ModelSpace::fill_covariates(const Catalog& catalog, const SeriesScaling& scaling) {
  const std::int64_t S = catalog.series_count();
  const auto channels = static_cast<int>(catalog.channels().size());
  const std::span<const CovariateMap> maps = scaling.covariates;
  covariates_.resize(static_cast<std::size_t>((channels - spec_.M) * total_), in_file_);
  const auto future =
      maps.empty() ? maps : maps.last(static_cast<std::size_t>(spec_.future_channels));
  if (std::ranges::any_of(future, [](const CovariateMap& m) { return has_level(m.encoding); })) {
    constexpr float kAll = std::numeric_limits<float>::max();
    for (const CovariateMap& map : future) {
      const bool cut_here = has_level(map.encoding);
      covariate_range_.push_back(cut_here ? map.low : -kAll);
      covariate_range_.push_back(cut_here ? map.high : kAll);
      level_row_.push_back(cut_here ? level_channels_++ : -1);
    }
    covariate_level_.resize(static_cast<std::size_t>(level_channels_ * total_), in_file_);
  }
  RegionFailure failure;
#pragma omp parallel
  {
    CovariateScratch scratch;
    for (int c = 0; c < channels - spec_.M; ++c) {
      const CovariateMap map = maps.empty() ? CovariateMap() : maps[static_cast<std::size_t>(c)];
#pragma omp for schedule(static)
      for (std::int64_t s = 0; s < S; ++s) {
        const auto x = catalog.values(spec_.M + c, s);
        if (map.encoding != Encoding::standard) {
          failure.keep([&] { fill_covariate(x, map, c, s, scratch); });
          continue;
        }
        const std::span<float> to = stored(covariates_, c, s);
        const float shift = scaling.offset_of(spec_.M + c, s),
                    scale = scaling.scale_of(spec_.M + c, s);
        std::ranges::transform(x.last(to.size()), to.begin(), [&](float value) {
          const float u = (value - shift) / scale;
          return std::isnan(u) ? 0.0f : std::clamp(u, -10.0f, 10.0f);
        });
      }
    }
  }
  failure.rethrow();
}

/// A past channel has its level off, for it is seen at its own step alone; so has what has none.
/// Levels are of all steps, the ones that are left out among them.
void ModelSpace::fill_covariate(std::span<const float> x, const CovariateMap& map, int c,
                                std::int64_t s, CovariateScratch& scratch) {
  const std::span<float> to = stored(covariates_, c, s);
  const bool leveled = has_level(map.encoding);
  const auto seen = leveled ? x : x.last(to.size());
  scratch.values.resize(seen.size()), scratch.level.resize(seen.size());
  std::ranges::transform(seen, scratch.values.begin(), [&](float v) { return map.value(v); });
  covariate_levels(map.encoding, scratch.values, spec_.level_window, scratch.level);
  const auto values = std::span<const float>(scratch.values).last(to.size());
  const auto level = std::span<const float>(scratch.level).last(to.size());
  if (leveled && c >= spec_.past_channels) {
    const int row = level_row_[static_cast<std::size_t>(c - spec_.past_channels)];
    std::ranges::copy(values, to.begin());
    std::ranges::copy(level, stored(covariate_level_, row, s).begin());
    return;
  }
  for (std::size_t t = 0; t < to.size(); ++t) to[t] = map.input(values[t], level[t]);
}

void ModelSpace::fill_statics(const EngineSetup& setup) {
  const Catalog& catalog = *setup.catalog;
  const SeriesScaling& scaling = *setup.scaling;
  const std::int64_t S = catalog.series_count();
  static_reals_.resize(static_cast<std::size_t>(S * spec_.static_reals));
  for (int r = 0; r < spec_.static_reals; ++r) {
    const auto ri = static_cast<std::size_t>(r);
    const auto& values = catalog.static_reals()[ri].values;
    for (std::int64_t s = 0; s < S; ++s) {
      const float x = values[static_cast<std::size_t>(s)];
      static_reals_[static_cast<std::size_t>(s * spec_.static_reals + r)] =
          std::isnan(x) ? 0.0f : (x - scaling.static_offset[ri]) / scaling.static_scale[ri];
    }
  }
  const std::size_t categories = spec_.embeddings.size();
  codes_.resize(static_cast<std::size_t>(S) * categories);
  for (std::size_t e = 0; e < categories; ++e) {
    const auto& codes = setup.codes.empty() ? catalog.static_categories()[e].codes : setup.codes[e];
    for (std::size_t s = 0; s < static_cast<std::size_t>(S); ++s) {
      codes_[s * categories + e] = codes[s];
    }
  }
}

void ModelSpace::fill_step_codes(const EngineSetup& setup) {
  const auto categories = setup.catalog->categories();
  step_codes_.resize(categories.size() * static_cast<std::size_t>(total_), in_file_);
  for (std::size_t e = 0; e < categories.size(); ++e) {
    const CategoryChannelView& category = categories[e];
    std::vector<std::int32_t> own(category.vocabulary.size());
    std::iota(own.begin(), own.end(), 0);
    const std::vector<std::int32_t>& model = setup.word_codes.empty() ? own : setup.word_codes[e];
    if (model.size() != own.size() || std::ranges::any_of(model, [&](std::int32_t code) {
          return code < 0 || code >= spec_.step_embeddings[e].cardinality;
        })) {
      throw InternalError(
          fmt::format("the words of '{}' do not fit the model's table", category.name));
    }
#pragma omp parallel for schedule(static)
    for (std::int64_t s = 0; s < series_count(); ++s) {
      const std::span<std::int32_t> to = stored(step_codes_, static_cast<int>(e), s);
      const std::int32_t* from = category.codes.data() + setup.catalog->offset(s) + first_step(s);
      for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = model[static_cast<std::size_t>(from[i])];
      }
    }
  }
}

void ModelSpace::fill_calendar(const Catalog& catalog) {
  calendar_row_.resize(static_cast<std::size_t>(series_count()));
  if (spec_.calendar == 0) return;
  std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = -low;
  for (std::int64_t s = 0; s < series_count(); ++s) {
    low = std::min(low, catalog.period(s, 0));
    high = std::max(high, catalog.period(s, length(s) + horizon_ - spec_.K));
  }
  for (std::int64_t s = 0; s < series_count(); ++s) {
    calendar_row_[static_cast<std::size_t>(s)] = catalog.period(s, 0) - low;
  }
  calendar_.reserve(static_cast<std::size_t>((high - low + 2) * spec_.calendar));
  // A model without the terms of the year, the last ones, has the first ones.
  std::vector<float> terms(static_cast<std::size_t>(calendar_size(catalog.frequency())));
  for (std::int64_t p = low; p <= high + 1; ++p) {
    calendar_features(catalog.frequency(), p, terms.data());
    calendar_.insert(calendar_.end(), terms.begin(), terms.begin() + spec_.calendar);
  }
}

}  // namespace sluice
