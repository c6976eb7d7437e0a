// The engine's copy of the catalogue, in the model's space u (model/spec.hpp): what the gather
// reads. Everything that depends on a step but not on a window - logarithms, levels, standardised
// covariates, calendar terms - is computed here, once, so that gathering an input is one
// multiplication and one subtraction. Arrays are flat, as a device takes them.
//
// Every number at step t is a function of values at or before t and of statistics of the training
// range: nothing here lets a window see its future. Future-known channels are the exception by
// definition.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/step_array.hpp"
#include "engine/shared/step_values.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class ModelSpace {
 public:
  /// In log space a value at or below the scaling's offset has no logarithm: it is missing.
  explicit ModelSpace(const EngineSetup& setup);

  /// Of the network: ModelSpec::network().
  const ModelSpec& spec() const { return spec_; }
  int horizon() const { return horizon_; }          ///< steps of a forecast
  int drawn_steps() const { return drawn_steps_; }  ///< ModelSpec::drawn_steps()
  std::int64_t series_count() const { return std::ssize(lengths_); }
  std::int64_t length(std::int64_t s) const { return lengths_[static_cast<std::size_t>(s)]; }
  bool leaves_out() const { return !earliest_origin_.empty(); }
  /// Steps before it are left out (EngineSetup::earliest_origin).
  std::int64_t first_step(std::int64_t s) const { return first_[static_cast<std::size_t>(s)]; }
  /// Of windows that are about to be gathered: throws InternalError if steps are left out that one
  /// of them reads; where the copy lies in a file, has the system begin to read most of what they
  /// do, of all at once.
  void prepare(std::span<const Window> windows) const;
  float level_mean() const { return level_mean_; }
  float level_spread() const { return level_spread_; }

  /// What step t of target m leaves to the next one; from the series' first step on.
  StepState state_at(int m, std::int64_t s, std::int64_t t) const;

  /// All of it as pointers to this object's memory: what the functions of window_rows.hpp read.
  SpaceView view() const;

 private:
  /// Whether the arrays of steps are to lie in a file.
  bool is_too_large(const EngineSetup& setup) const;
  void place_steps(const EngineSetup& setup);
  void prefetch(std::span<const Window> windows) const;
  std::int64_t first_read(const Catalog& catalog, std::int64_t s, std::int64_t origin) const;
  /// From a value of the catalogue to v; NaN: it has none.
  struct ValueMap {
    Space space;
    float shift, scale;
    float operator()(float y) const;
  };
  ValueMap value_map(int m, std::int64_t s) const;
  bool has_states() const {
    return spec_.level != Level::none || spec_.base == Base::smoothing || spec_.base == Base::trend;
  }
  void fill_targets(const Catalog& catalog);
  void fill_target(int m, std::int64_t s, std::span<const float> y, std::vector<float>& past);
  void fill_level_statistics(const EngineSetup& setup);
  void fill_scales(const SeriesScaling& scaling);
  void fill_covariates(const Catalog& catalog, const SeriesScaling& scaling);
  /// Of one series' covariate, in the model's space.
  struct CovariateScratch {
    std::vector<float> values, level;
  };
  void fill_covariate(std::span<const float> x, const CovariateMap& map, int c, std::int64_t s,
                      CovariateScratch& scratch);
  void fill_statics(const EngineSetup& setup);
  void fill_step_codes(const EngineSetup& setup);
  void fill_calendar(const Catalog& catalog);
  /// Where step 0 of target (or covariate) m of series s lies in an array of [M,total].
  std::int64_t at(int m, std::int64_t s) const {
    return m * total_ + offsets_[static_cast<std::size_t>(s)];
  }
  /// Steps first_step(s) .. length(s) - 1 of row m in an array of [M,total].
  template <typename T>
  std::span<T> stored(StepArray<T>& array, int m, std::int64_t s) {
    const std::int64_t first = first_step(s);
    return {array.data() + (at(m, s) + first), static_cast<std::size_t>(length(s) - first)};
  }

  ModelSpec spec_;
  int horizon_, drawn_steps_;
  std::int64_t total_ = 0;  ///< steps of all series that are there
  std::vector<std::int64_t> offsets_, lengths_, first_, calendar_row_;  ///< [S]
  std::vector<std::int64_t> earliest_origin_;                           ///< [S], or empty
  bool in_file_ = false;                                                ///< arrays of steps
  StepArray<float> v_, s_, o_, smoothed_, drift_, covariates_;  ///< [M,total]; empty: not there
  StepArray<float> covariate_level_;                            ///< [level_channels,total]
  StepArray<std::int32_t> step_codes_;
  std::vector<float> damped_;           ///< [K]
  std::vector<float> covariate_range_;  ///< [future,2]
  std::vector<int> level_row_;          ///< [future]
  int level_channels_ = 0;
  std::vector<float> calendar_, static_reals_, weight_;
  std::vector<float> scale_, shift_, log_scale_;  ///< [M,S]
  std::vector<std::int32_t> codes_;
  std::vector<int> embedding_width_;
  std::vector<std::int64_t> embedding_at_;
  float level_mean_ = 0, level_spread_ = 1;
};

}  // namespace sluice
