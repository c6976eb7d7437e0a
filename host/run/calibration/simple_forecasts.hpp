// What the simple methods that a model may have as partners forecast on the validation part. It
// needs no model: a training fits them once, before validation chooses the settings, shows them
// beside the candidates and learns from the same forecasts which of them have a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Throws ConfigError where training.partners has auto or none and names beside it.
void check_partners(const Config& config);

/// Methods that training.partners allows for such data.
struct PartnerNames {
  std::vector<std::string> names;
  std::string note;  ///< why auto leaves some out; empty: it does not
};
/// `end` [S]: of the values that count. Throws as check_partners() does.
PartnerNames partner_names(const Config& config, Loss loss, const Catalog& catalog,
                           std::span<const std::int64_t> end);

/// More forecasts than this tell candidates and weights apart no better.
inline constexpr std::size_t kMostScored = 1024;

struct SimpleForecasts {
  PartnerNames candidates;
  /// As in training.partners: the candidates, and after them what was fitted for their sake (ETS
  /// and Theta for their mean).
  std::vector<std::string> methods;
  std::vector<std::string> titles;  ///< [methods], in tables
  std::vector<Window> windows;
  std::vector<double> points;  ///< [windows, M, methods, K] in the units of y; NaN: none there
};

/// Of `windows`, all of the validation part, from kMostScored at most, at even distances; of these
/// those with a whole horizon first, and fewer where histories are long.
/// Of fewer of them where they would take longer than `max_seconds` (0: not limited); else a pure
/// function of settings and data. Called by all ranks of a job, which share it out. Blocks.
SimpleForecasts forecast_simple(const Config& config, Loss loss, const Catalog& catalog,
                                const Split& split, std::span<const Window> windows,
                                double max_seconds);

}  // namespace sluice
