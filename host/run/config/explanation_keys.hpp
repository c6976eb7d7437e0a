// The settings of [explanation]; included by keys.hpp only.
#pragma once

#include <type_traits>

#include "run/config/key.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

template <typename AnyConfig, typename Visitor>
requires std::is_same_v<std::remove_const_t<AnyConfig>, Config>
void visit_explanation_keys(AnyConfig& config, Visitor& visit) {
  auto& x = config.explanation;
  visit(Key{.name = "explanation.series",
            .meaning = "Ids of the series that path.explanation has; empty: all."},
        x.series);
  visit(Key{.name = "explanation.blocks",
            .meaning = "Steps ago at which a block of the history ends, ascending: 7, 28 are 1-7, "
                       "8-28 and 29+.",
            .automatic = "a season and a long season of the frequency",
            .range = {.min = 1, .max = 100000}},
        x.blocks);
  visit(Key{.name = "explanation.points",
            .meaning = "Points between the baseline and the series at which slopes are taken.",
            .range = {.min = 1, .max = 128}},
        x.points);
}

}  // namespace sluice
