// Sluice: an LSTM forecasting engine. This header is the table of contents; include it, or the
// parts.
//
// Notation, one meaning everywhere:
//   T  steps in a window        N  sequences in a batch     C  input channels      H  hidden units
//   L  layers                   K  horizon steps            M  targets             Q  outputs per
//   target and step S  series                   P  parameters
// Arrays are row-major and time-major: x [T,N,C], h [T,N,H]; W [4H,C], R [4H,H], b [4H]; gate order
// i, f, g, o. Gradients are `d` + name. The square brackets show shapes; the rightmost index
// changes fastest.
//
// The path of a forecast:
//   read_catalog -> TrainingPlan -> Engine (gather, LSTM, head, loss, AdamW) -> Forecasts -> report
#pragma once

// Errors (ConfigError, DataError, DeviceError, InternalError), the log, counter-based random
// numbers.
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/base/rng.hpp"
// Files into tables, tables into catalogues of series; time grids; windows and splits; per-series
// statistics.
#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/check.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/simulate.hpp"
#include "sluice/data/table.hpp"
#include "sluice/data/window.hpp"
// What the model is, its parameters, and the scalar mathematics that CPU and GPU share.
#include "sluice/model/cell.hpp"
#include "sluice/model/likelihood.hpp"
#include "sluice/model/loss.hpp"
#include "sluice/model/optimizer.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/spec.hpp"
// The seam between host and device.
#include "sluice/engine/attribution.hpp"
#include "sluice/engine/engine.hpp"
// Settings, training, models on disk, forecasts, evaluation.
#include "sluice/run/backtest.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/contributions.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/html_report.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/provenance.hpp"
#include "sluice/run/report.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/samples.hpp"
#include "sluice/run/trainer.hpp"
