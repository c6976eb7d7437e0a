// An engine's numbers as quantiles and means, in the units that the catalogue stores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "run/calibration/intervals.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Forecasts of N windows beside the catalogue's offsets (Catalog::value_offset).
struct WindowForecasts {
  std::vector<float> values;      ///< [N, K, M, J] quantiles
  std::vector<float> mean;        ///< [N, K, M]; empty: the model has no mean
  std::vector<char> nonnegative;  ///< [N, M], of keep_nonnegative()
  std::vector<float> paths;       ///< [N, paths, K, M], as they were drawn; empty: not asked for
};

/// What is wanted of forecasts beside their quantiles and means.
struct OutputWish {
  /// The quantiles of a distribution that has a mean may be 0 (they take longer than the network).
  bool points_only = false;
  int paths = 0;  ///< sample paths of a recursive model; 0: sample_count() of its settings
  bool keeps_paths = false;  ///< whether these are given
};

/// What a model's outputs say of the quantiles that are asked for.
class Outputs {
 public:
  /// `probabilities`: ascending, .5 among them. Throws ConfigError if the model cannot give one.
  /// `model` must live as long.
  Outputs(const Model& model, std::vector<double> probabilities);

  const std::vector<double>& probabilities() const { return probabilities_; }
  /// Of all members together. `catalog` and `scaling` are the engine's. The quantiles of a cell may
  /// cross and need not be finite. Those of a recursive model are of its sample paths, of which
  /// each member draws its share. Blocks.
  WindowForecasts forecast(Engine& engine, const Catalog& catalog, const SeriesScaling& scaling,
                           std::span<const Window> windows, const OutputWish& wish = {}) const;
  /// Windows that are computed together by an engine with batches of `batch`: each whole multiple
  /// of so many, and what is left at the end, has the same bits alone as among all.
  std::int64_t together(std::int64_t batch, const OutputWish& wish = {}) const;

 private:
  void choose();
  /// Whether the quantiles that are asked for are the engine's outputs, all of them in their order.
  bool outputs_are_all() const;
  void add_paths(Engine& engine, const Catalog& catalog, std::span<const Window> windows,
                 const OutputWish& wish, WindowForecasts& out) const;
  int paths_of(const OutputWish& wish) const;
  void add_distribution(std::span<const Window> windows, std::span<const float> parameters,
                        const SeriesScaling& scaling, float share, bool points_only,
                        WindowForecasts& out) const;

  const Model& model_;
  std::vector<double> probabilities_;
  std::vector<std::size_t> outputs_;  ///< which of the engine's outputs they are
  std::size_t engine_outputs_ = 1;
  std::vector<float> offsets_;  ///< [K, M, J] for point models with intervals
};

/// Puts quantiles that cross in order, which never makes their loss larger (Chernozhukov et al.
/// 2010). `values` [cells, J].
void sort_quantiles(std::span<float> values, std::size_t J);

/// Whether y >= 0 is kept for target `m` of a window's series: as the model's settings say, or
/// where no value up to the origin was negative.
bool never_negative(const Model& model, const Catalog& catalog, int m, const Window& window);

/// What stretch() asks of each window and target, once keep_nonnegative() has run.
std::vector<StretchRow> stretch_rows(const Catalog& catalog, std::span<const Window> windows,
                                     const WindowForecasts& forecasts);

/// Nothing below 0 where never_negative(), which forecasts.nonnegative has then.
void keep_nonnegative(const Model& model, const Catalog& catalog, std::span<const Window> windows,
                      std::size_t J, WindowForecasts& forecasts);

}  // namespace sluice
