// What each number is that a window gives the model, in the order of window_rows.hpp: for those who
// put numbers together under a user's names.
#pragma once

#include <vector>

#include "sluice/model/spec.hpp"

namespace sluice {

struct InputColumn {
  enum class Kind {
    value,         ///< of target `index`
    gap,           ///< whether that is missing
    level,         ///< of target `index`
    trend,         ///< likewise: the drift of Base::trend
    channel,       ///< covariate `index`, past ones first
    calendar,      ///< term `index`
    static_real,   ///< `index`
    category,      ///< static category `index`
    step_category  ///< category of steps `index`, past ones first
  };
  Kind kind = Kind::value;
  int index = 0;
  int step = 0;  ///< after the step that the row belongs to; below 0: before it
  bool operator==(const InputColumn&) const = default;
};

/// Of x of a patch, [C]; their steps are counted from its last one.
std::vector<InputColumn> input_columns(const ModelSpec& spec);
/// Of what the head sees beside h_t, [F].
std::vector<InputColumn> context_columns(const ModelSpec& spec);
/// Of the base that the outputs at step t are added to, [K, M], but for its trend. Where a value is
/// missing, one whole seasons before takes its place.
std::vector<InputColumn> base_columns(const ModelSpec& spec);
/// Of the trend in that, [K, M]; empty without Base::trend.
std::vector<InputColumn> trend_columns(const ModelSpec& spec);

}  // namespace sluice
