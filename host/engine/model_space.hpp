// The engine's copy of the catalogue, in the model's space u (model/spec.hpp): what the gather
// reads. Everything that depends on a step but not on a window - logarithms, levels, standardised
// covariates, calendar terms - is computed here, once, so that gathering an input is one
// multiplication and one subtraction.
//
// Every number at step t is a function of values at or before t and of statistics of the training
// range: nothing here lets a window see its future. Future-known channels are the exception by
// definition.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/window_rows.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class ModelSpace {
 public:
  /// Throws DataError naming series and date where a value has no logarithm in log space.
  explicit ModelSpace(const EngineSetup& setup);

  const ModelSpec& spec() const { return spec_; }
  std::int64_t series_count() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::int64_t length(std::int64_t s) const { return offset(s + 1) - offset(s); }
  std::int64_t offset(std::int64_t s) const { return offsets_[static_cast<std::size_t>(s)]; }

  /// Target m of series s in v, [length(s)], NaN = missing.
  const float* v(int m, std::int64_t s) const {
    return v_[static_cast<std::size_t>(m)].data() + offset(s);
  }
  /// The map at step t < length(s) (with window scaling: not defined, the gather computes its own).
  Affine affine(int m, std::int64_t s, std::int64_t t) const {
    Affine a;
    const auto at = static_cast<std::size_t>(offset(s) + t);
    if (!s_.empty()) a.s = s_[static_cast<std::size_t>(m)][at];
    if (!o_.empty()) a.o = o_[static_cast<std::size_t>(m)][at];
    return a;
  }
  /// Exponentially smoothed v (Base::smoothing).
  float smoothed(int m, std::int64_t s, std::int64_t t) const {
    return smoothed_[static_cast<std::size_t>(m)][static_cast<std::size_t>(offset(s) + t)];
  }
  /// log lev_t, standardised over the catalogue, and its change over base_season.
  float level_input(int m, std::int64_t s, std::int64_t t) const;
  float level_change(int m, std::int64_t s, std::int64_t t) const;

  /// Standardised covariates, missing = 0; `channel` counts past channels, then future ones.
  const float* covariate(int channel, std::int64_t s) const {
    return covariates_[static_cast<std::size_t>(channel)].data() + offset(s);
  }
  /// Calendar terms of step t (may lie past the end by up to K), [spec.calendar].
  const float* calendar(std::int64_t s, std::int64_t t) const {
    const std::int64_t row = first_[static_cast<std::size_t>(s)] + t - calendar_first_;
    return calendar_.data() + row * spec_.calendar;
  }
  const float* static_reals(std::int64_t s) const {
    return static_reals_.data() + s * spec_.static_reals;
  }
  /// Category codes of series s, [embeddings].
  const std::int32_t* codes(std::int64_t s) const {
    return codes_.data() + s * static_cast<std::int64_t>(spec_.embeddings.size());
  }
  float level_mean() const { return level_mean_; }
  float level_spread() const { return level_spread_; }
  float weight(std::int64_t s) const { return weight_[static_cast<std::size_t>(s)]; }

  /// A value of v space back in the units of y.
  float to_y(int m, std::int64_t s, float v) const;

 private:
  void fill_values(const Catalog& catalog);
  void fill_levels();
  void fill_level_statistics(const EngineSetup& setup);
  void fill_covariates(const Catalog& catalog);
  void fill_statics(const EngineSetup& setup);
  void fill_calendar(const Catalog& catalog);
  float log_level(int m, std::int64_t s, std::int64_t t) const;

  ModelSpec spec_;
  SeriesScaling scaling_;
  std::vector<std::int64_t> offsets_, first_;
  std::vector<std::vector<float>> v_, s_, o_, smoothed_;
  std::vector<std::vector<float>> covariates_;
  std::vector<float> calendar_;
  std::int64_t calendar_first_ = 0;
  std::vector<float> static_reals_;
  std::vector<std::int32_t> codes_;
  std::vector<float> weight_;
  float level_mean_ = 0, level_spread_ = 1;
};

}  // namespace sluice
