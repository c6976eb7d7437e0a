// The validation range: its windows, and what a model's errors there say of its intervals.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Windows whose whole horizon of K steps lies in [from[s], to[s]); where a range is shorter, the
/// one at its start. Of many (4,096) they are thinned evenly.
std::vector<Window> validation_windows(std::span<const std::int64_t> from,
                                       std::span<const std::int64_t> to, int K);

/// Whether any of the windows has a target before to[s] in its K steps.
bool have_targets(const Catalog& catalog, std::span<const Window> windows,
                  std::span<const std::int64_t> to, int K);

/// The windows that choose the weights of a training by `config`. Throws ConfigError where no
/// series has a step for them, DataError where none has a target there.
std::vector<Window> validation_of(const Config& config, const Catalog& catalog, const Split& split,
                                  int K);

struct ResidualQuantiles {
  std::vector<double> probabilities;  ///< [G]; empty: too few errors to tell
  std::vector<float> quantiles;       ///< [KM, G]
};

/// Split conformal prediction in the model's space (Papadopoulos et al. 2002): the quantiles of the
/// validation errors `errors` [windows, KM] (NaN: no target), step by step and target by target,
/// pooled over series; with few of them, over steps too. They give a point model its intervals.
ResidualQuantiles residual_quantiles(std::span<const float> errors, std::size_t KM);

}  // namespace sluice
