// The settings of [forecast], [explanation] and [evaluate]; included by keys.hpp only.
#pragma once

#include <iterator>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/simple/methods.hpp"
#include "run/config/explanation_keys.hpp"
#include "run/config/key.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Words of forecast.reconcile, in the order of Reconciliation (run/reconcile/reconcile.hpp).
inline constexpr std::string_view kReconciliations[] = {"none", "bottom_up", "wls_struct",
                                                        "wls_var", "mint_shrink"};

/// Names of the simple methods.
inline std::vector<std::string_view> method_keys() {
  std::vector<std::string_view> keys;
  for (const simple::MethodName& one : simple::kMethods) keys.push_back(one.key);
  return keys;
}

template <typename AnyConfig, typename Visitor>
requires std::is_same_v<std::remove_const_t<AnyConfig>, Config>
void visit_forecast_keys(AnyConfig& config, Visitor& visit) {
  visit(Key{.name = "forecast.levels",
            .meaning = "Interval levels in percent.",
            .range = {.min = 1, .max = 100, .below = true},
            .form = Form::percent},
        config.forecast.levels);
  visit(Key{.name = "forecast.nonnegative",
            .meaning = "Whether forecasts below 0 become 0.",
            .automatic = "for each series whose history has no negative value"},
        config.forecast.nonnegative);
  visit(Key{.name = "forecast.from",
            .meaning = "First forecast date; empty: after each series' end."},
        config.forecast.from);
  visit(Key{.name = "forecast.strict",
            .meaning = "Whether a series that cannot be forecast is an error; else it is left out "
                       "and named."},
        config.forecast.strict);
  visit(Key{.name = "forecast.ended",
            .meaning = "Whether series that ended long before the others are forecast too."},
        config.forecast.ended);
  visit(Key{.name = "forecast.new_items",
            .meaning = "Whether series without history are forecast from similar ones; else they "
                       "are left out and named."},
        config.forecast.new_items);
  visit(Key{.name = "forecast.replace",
            .meaning = "Whether the parts of another forecast in a directory path.forecast are "
                       "deleted; else they are an error. Those of the same one stay, and what is "
                       "missing is added."},
        config.forecast.replace);
  visit(Key{.name = "forecast.part_series",
            .meaning = "Series in each part of the forecast where path.forecast is a directory.",
            .range = {.min = 1, .max = 1e9}},
        config.forecast.part_series);
  visit(Key{.name = "forecast.sidecar",
            .meaning = "Whether the hashes of data, settings and model, and the program, are also "
                       "written beside path.forecast, as FILE.meta.json: a CSV file has no place "
                       "for them, Parquet and Arrow files have them anyway."},
        config.forecast.sidecar);
  visit(Key{.name = "forecast.sums",
            .meaning = "Numbers of steps, from the first one on, whose total is forecast too, with "
                       "intervals, into path.sums: \"7, 28\" of days is the next week and the next "
                       "four.",
            .automatic = "none",
            .range = {.min = 1, .max = 100000}},
        config.forecast.sums);
  visit(Key{.name = "forecast.samples",
            .meaning = "Sample paths of each series, of which sums are made and path.samples is "
                       "written; with network.decoding = \"recursive\" every forecast is.",
            .automatic = "1000; 200 with network.decoding = \"recursive\"",
            .range = {.min = 10, .max = 100000}},
        config.forecast.samples);
  visit(Key{.name = "forecast.reconcile",
            .meaning = "How forecasts of sums (data.groups) and of their series are made to add "
                       "up: by the sums of the series' own, or by least squares over all, "
                       "weighted by the number of series (wls_struct), by past errors (wls_var) "
                       "or by what these have in common, too (mint_shrink); none: they are not.",
            .choices = {std::begin(kReconciliations), std::end(kReconciliations)}},
        config.forecast.reconcile);

  visit_explanation_keys(config, visit);

  auto& v = config.evaluate;
  visit(Key{.name = "evaluate.n_windows",
            .meaning = "Forecast origins, the last one a horizon before the end.",
            .range = {.min = 1, .max = 100000}},
        v.n_windows);
  visit(Key{.name = "evaluate.step",
            .meaning = "Steps between origins; 0: the horizon.",
            .range = {.min = 0, .max = 100000}},
        v.step);
  visit(Key{.name = "evaluate.refit",
            .meaning = "Train again every so many origins; 0: the given model for all.",
            .range = {.min = 0, .max = 100000}},
        v.refit);
  visit(Key{.name = "evaluate.season",
            .meaning =
                "Steps of the season of seasonal naive, MASE and the methods; 0: by the data's "
                "frequency.",
            .range = {.min = 0, .max = 100000}},
        v.season);
  visit(Key{.name = "evaluate.methods",
            .meaning = "Methods scored beside the naive ones, fitted to each series anew at every "
                       "origin: exponential smoothing (ets), Theta, their mean; of counts TSB, "
                       "ADIDA, Croston's (sba); empty: none.",
            .choices = method_keys()},
        v.methods);
  visit(Key{.name = "evaluate.show",
            .meaning = "Ids of series that the page (path.html) shows whatever their error."},
        v.show);
  visit_tune_keys(config.tune, visit);
}

}  // namespace sluice
