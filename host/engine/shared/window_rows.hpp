// What a model sees at one step of one window, row by row: x for the recurrence, and context, base
// and targets for the head. Written once, for the CPU engine's loops and for kernels: plain structs
// of pointers into one memory (the host's or a device's), and functions that run anywhere.
//
// A row's functions come in a form for several threads: `kLanes` of them share a row, each giving
// its `lane`. With one lane (the CPU) the inner loops are free of tests and run on vectors.
#pragma once

#include <cmath>
#include <cstdint>

#include "sluice/base/host_device.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/likelihood.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// u = v s - o at one step.
struct Affine {
  float s = 1, o = 0;
};

/// The catalogue in the model's space (model_space.hpp) and the sizes of the model that reads it.
/// Steps of all series lie behind each other; `total` of them to a channel. Of a series the steps
/// before those that are read may be left out, its step 0 is then where it would lie: offset[s] may
/// be below 0.
struct SpaceView {
  int T = 1, K = 1, M = 1, C = 1, patch = 1;
  Space space = Space::linear;
  bool missing_indicator = false, level_input = false, level_change = false;
  Base base = Base::none;
  int base_season = 1;
  int lag_count = 0, context = 0, seasonal_context = 0;
  int past_channels = 0, future_channels = 0, calendar_terms = 0, static_count = 0;
  int level_channels = 0;
  int embedding_count = 0, step_embedding_count = 0, past_step_embeddings = 0;
  int first_head_step = 0;  ///< of the recurrence
  float level_mean = 0, level_spread = 1, level_weight = 0;
  float o_of_all = 0;

  std::int64_t series = 0, total = 0, calendar_rows = 0;
  const std::int64_t* offset = nullptr;        ///< [S] where step 0 of each series lies
  const std::int64_t* length = nullptr;        ///< [S] steps of each series
  const std::int64_t* calendar_row = nullptr;  ///< [S] row of `calendar` of each series' step 0
  const float* v = nullptr;                    ///< [M,total] NaN = missing
  const float* truth = nullptr;                ///< [M,total] what targets are, or null: v
  const float* s = nullptr;                    ///< [M,total], or null: 1
  const float* o = nullptr;                    ///< [M,total], or null: o_of_all
  const float* smoothed = nullptr;             ///< [M,total], Base::smoothing
  const float* drift = nullptr;                ///< [M,total], Base::trend: change of v a step
  const float* damped = nullptr;               ///< [K], Base::trend: drifts in step k, phi + ..
  const float* covariates = nullptr;           ///< [past+future,total]
  /// [level_channels,total], or null: future covariates are inputs as they stand. Else those with a
  /// row here are counted from this one of the step that looks at them, and all are cut at
  /// covariate_range; NaN = missing.
  const float* covariate_level = nullptr;
  const int* level_row = nullptr;            ///< [future], below 0: none
  const float* covariate_range = nullptr;    ///< [future,2] lowest, highest
  const float* calendar = nullptr;           ///< [calendar_rows, calendar_terms]
  const float* statics = nullptr;            ///< [S, static_count]
  const std::int32_t* codes = nullptr;       ///< [S, embedding_count]
  const std::int32_t* step_codes = nullptr;  ///< [step_embedding_count,total], past ones first
  const float* weight = nullptr;             ///< [S]
  const float* log_scale = nullptr;          ///< [M,S] log of the series' scale
  const float* scale = nullptr;              ///< [M,S] y = v * scale + shift
  const float* shift = nullptr;              ///< [M,S]
  const int* lags = nullptr;                 ///< [lag_count]
  /// [embedding_count + step_embedding_count]: the tables of series, then those of steps.
  const int* embedding_width = nullptr;
  const std::int64_t* embedding_at = nullptr;  ///< likewise, place in the flat parameters
};

/// A batch of windows over a space.
struct WindowRows {
  SpaceView space;
  const Window* windows = nullptr;  ///< [N]
  std::int64_t N = 0;
  const Affine* window_affine = nullptr;  ///< [N,M] with window scaling, else null
  const float* params = nullptr;          ///< the flat buffer (embeddings)
  const std::int64_t* limit = nullptr;    ///< [N] no target at or after it; null: all that exist
  /// [N] the catalogue's numbers of the windows' series; null: `space` is the catalogue, and the
  /// windows say it.
  const std::int32_t* catalogue_series = nullptr;
};

/// For messages: the series of window n as the catalogue counts.
SLUICE_HD inline std::int32_t catalogue_series(const WindowRows& rows, std::int64_t n) {
  return rows.catalogue_series == nullptr ? rows.windows[n].series : rows.catalogue_series[n];
}

/// In linear space an input is cut here: a value eleven levels high says no more than ten.
inline constexpr float kInputLimit = 10.0f;

SLUICE_HD inline float missing_value() { return __builtin_nanf(""); }

SLUICE_HD inline float input_value(float v, Affine a) {
  const float u = v * a.s - a.o;
  if (std::isnan(u)) return 0.0f;
  return u < -kInputLimit ? -kInputLimit : (u > kInputLimit ? kInputLimit : u);
}

/// The map at step t of series s.
SLUICE_HD inline Affine space_affine(const SpaceView& space, int m, std::int64_t s,
                                     std::int64_t t) {
  const std::int64_t at = m * space.total + space.offset[s] + t;
  return {space.s == nullptr ? 1.0f : space.s[at],
          space.o == nullptr ? space.o_of_all : space.o[at]};
}

/// The map at step t of window n.
SLUICE_HD inline Affine row_affine(const WindowRows& rows, int m, std::int64_t n, std::int64_t t) {
  if (rows.window_affine != nullptr) return rows.window_affine[n * rows.space.M + m];
  return space_affine(rows.space, m, rows.windows[n].series, t);
}

/// From u at step t >= 0 of window n to where the parameters of its distribution live: y for what
/// is not negative, else v.
SLUICE_HD inline TargetMap target_map(const WindowRows& rows, Loss loss, int m, std::int64_t n,
                                      std::int64_t t) {
  const Affine a = row_affine(rows, m, n, t);
  const std::int64_t s = rows.windows[n].series;
  const double scale =
      is_nonnegative(loss) ? static_cast<double>(rows.space.scale[m * rows.space.series + s]) : 1.0;
  return {scale / static_cast<double>(a.s), static_cast<double>(a.o)};
}

/// The map of a window whose own inputs have this centre and spread; where there is no spread to
/// speak of (the rounding of the values, or so little that a float has no inverse of it) it becomes
/// 1.
SLUICE_HD inline Affine window_map(double centre, double spread) {
  if (!(spread > 1e-6 * std::fabs(centre)) || !(spread > 1e-37)) spread = 1;
  return {static_cast<float>(1 / spread), static_cast<float>(centre / spread)};
}

/// The value, in units of the series' scale, that stands at v.
SLUICE_HD inline float value_at(const SpaceView& space, float v) {
  if (space.space == Space::log) return std::exp(v);
  return space.space == Space::asinh ? std::sinh(v) / kAsinhSlope : v;
}

SLUICE_HD inline float log_level(const SpaceView& space, int m, std::int64_t s, std::int64_t t) {
  const Affine a = space_affine(space, m, s, t);
  const float scale = space.log_scale[m * space.series + s];
  if (space.space == Space::linear) return scale - std::log(a.s);
  // asinh(x) is log(2 x) of large x, and bounded below where a level is 0.
  return a.o + scale - (space.space == Space::asinh ? std::log(2 * kAsinhSlope) : 0.0f);
}

/// Weight of the loss at step t of window n: the series' weight times level^level_weight.
SLUICE_HD inline float row_weight(const WindowRows& rows, std::int64_t n, std::int64_t t) {
  const SpaceView& space = rows.space;
  const std::int64_t s = rows.windows[n].series;
  if (space.level_weight == 0 || t < 0) return space.weight[s];
  const Affine a = space_affine(space, 0, s, t);
  const float level = space.space == Space::linear ? 1.0f / a.s : value_at(space, a.o);
  return space.weight[s] * std::pow(level, space.level_weight);
}

/// Where embedding e of series s begins in the flat parameters.
SLUICE_HD inline std::int64_t embedding_place(const SpaceView& space, std::int64_t s, int e) {
  const std::int64_t code = space.codes[s * space.embedding_count + e];
  return space.embedding_at[e] + code * space.embedding_width[e];
}

/// Where the row of step embedding e at step t >= 0 of series s begins in the flat parameters. Past
/// the end of what is known a word is unknown, as a missing one is.
SLUICE_HD inline std::int64_t step_embedding_place(const SpaceView& space, std::int64_t s,
                                                   std::int64_t t, int e) {
  const std::int64_t at = e * space.total + space.offset[s] + t;
  const std::int64_t code = t < space.length[s] ? space.step_codes[at] : 0;
  const int table = space.embedding_count + e;
  return space.embedding_at[table] + code * space.embedding_width[table];
}

/// Bits of Window::dropped.
inline constexpr int kDropBits = 16;

/// Whether window w shows future channel f.
SLUICE_HD inline bool is_shown(const Window& w, int f) {
  return (w.dropped >> (f % kDropBits) & 1) == 0;
}

/// Of future channel f at step `at` of all series, where there are levels; 0: it has none.
SLUICE_HD inline float covariate_level(const SpaceView& space, int f, std::int64_t at) {
  const int row = space.level_row[f];
  return row < 0 ? 0.0f : space.covariate_level[row * space.total + at];
}

/// A future covariate v as the step sees it whose level this is.
SLUICE_HD inline float known_value(float v, float level, const float* range) {
  const float u = v - level;
  if (std::isnan(u)) return 0.0f;
  return u < range[0] ? range[0] : (u > range[1] ? range[1] : u);
}

/// Of Base::trend, the drifts that lie between a value `ago` steps before the origin and horizon
/// step k: those up to the origin are past, those after it are damped.
SLUICE_HD inline float drifts_until(const SpaceView& space, int ago, int k) {
  return static_cast<float>(ago) + space.damped[k];
}

/// Steps of the recurrence over a window.
SLUICE_HD inline int patches(const SpaceView& space) { return space.T / space.patch; }

/// The step of the series at which step j (0 .. patches - 1) of the recurrence over window w ends;
/// below 0: the series has not begun.
SLUICE_HD inline std::int64_t patch_end(const SpaceView& space, const Window& w, int j) {
  return w.origin - space.T + (j + 1) * space.patch;
}

/// The values of the patch that ends `back` steps before the one at which v points; 0 before the
/// series' start, which lies `age` steps before it.
template <typename Output>
SLUICE_HD inline void patch_values(const SpaceView& space, const float* v, int age, int back,
                                   Affine a, Output& x) {
  SLUICE_ROLLED
  for (int i = back + space.patch - 1; i >= back; --i) {
    *x++ = age >= i ? input_value(v[-i], a) : 0.0f;
  }
}

/// x [C] of step `j` (0 .. patches - 1) of the recurrence over window n; zeros before the series'
/// start. `x`: a float*, or what steps through floats like one.
template <typename Output>
SLUICE_HD inline void input_row(const WindowRows& rows, std::int64_t n, int j, Output x) {
  const SpaceView& space = rows.space;
  const Window w = rows.windows[n];
  const std::int64_t s = w.series, t = patch_end(space, w, j);
  if (t < 0) {
    for (int c = 0; c < space.C; ++c) x[c] = 0;
    return;
  }
  constexpr int kOldest = 1 << 30;  // no lag reaches as far back
  const int p = space.patch, age = t < kOldest ? static_cast<int>(t) : kOldest;
  const std::int64_t at = space.offset[s] + t;
  for (int m = 0; m < space.M; ++m) {
    const float* v = space.v + m * space.total + at;
    const Affine a = row_affine(rows, m, n, t);
    patch_values(space, v, age, 0, a, x);
    SLUICE_ROLLED
    for (int i = p - 1; i >= 0 && space.missing_indicator; --i) {
      *x++ = age >= i && std::isnan(v[-i]) ? 1.0f : 0.0f;
    }
    for (int i = 0; i < space.lag_count; ++i) patch_values(space, v, age, space.lags[i], a, x);
    if (space.base == Base::trend) {  // how far it carries the last season's values in all
      const float drifts = drifts_until(space, space.base_season, space.K - 1);
      *x++ = input_value(space.drift[m * space.total + at] * drifts, {.s = a.s, .o = 0});
    }
    if (!space.level_input && !space.level_change) continue;
    const float level = log_level(space, m, s, t);
    if (space.level_input) *x++ = (level - space.level_mean) / space.level_spread;
    if (space.level_change) {
      *x++ = age < space.base_season ? 0.0f : level - log_level(space, m, s, t - space.base_season);
    }
  }
  for (int c = 0; c < space.past_channels; ++c) {
    const float* covariate = space.covariates + c * space.total + at;
    SLUICE_ROLLED
    for (int i = p - 1; i >= 0; --i) *x++ = age >= i ? covariate[-i] : 0.0f;
  }
  for (int f = 0; f < space.future_channels; ++f) {
    const float* covariate = space.covariates + (space.past_channels + f) * space.total + at;
    SLUICE_ROLLED
    for (int i = p - 1; i >= 0; --i) {
      float u = age >= i ? covariate[-i] : missing_value();
      if (space.covariate_level != nullptr) {
        u = known_value(u, covariate_level(space, f, at), space.covariate_range + 2 * f);
      }
      *x++ = std::isnan(u) || !is_shown(w, f) ? 0.0f : u;
    }
  }
  if (space.calendar_terms > 0) {
    const float* calendar = space.calendar + (space.calendar_row[s] + t + 1) * space.calendar_terms;
    for (int i = 0; i < space.calendar_terms; ++i) *x++ = calendar[i];
  }
  for (int i = 0; i < space.static_count; ++i) *x++ = space.statics[s * space.static_count + i];
  for (int e = 0; e < space.embedding_count; ++e) {
    const int width = space.embedding_width[e];
    const float* row = rows.params + embedding_place(space, s, e);
    for (int i = 0; i < width; ++i) *x++ = row[i];
  }
  SLUICE_ROLLED
  for (int i = p - 1; i >= 0; --i) {
    for (int e = 0; e < space.step_embedding_count; ++e) {
      const int width = space.embedding_width[space.embedding_count + e];
      const float* row =
          age >= i ? rows.params + step_embedding_place(space, s, t - i, e) : nullptr;
      for (int k = 0; k < width; ++k) *x++ = row != nullptr ? row[k] : 0.0f;
    }
  }
}

/// `t`, or, where v is missing there, a step whole seasons before; below 0 if there is none. `v`:
/// the series' step 0.
SLUICE_HD inline std::int64_t seasonal_step(const float* v, std::int64_t t, int season) {
  while (t >= 0 && std::isnan(v[t])) t -= season;
  return t;
}

/// u of the base of horizon step k (0 .. K-1) of target m, at step t >= 0 of window n.
SLUICE_HD inline float base_value(const WindowRows& rows, int m, std::int64_t n, std::int64_t t,
                                  int k) {
  const SpaceView& space = rows.space;
  if (space.base == Base::none) return 0;
  const std::int64_t begin = m * space.total + space.offset[rows.windows[n].series];
  const Affine a = row_affine(rows, m, n, t);
  if (space.base == Base::smoothing) return space.smoothed[begin + t] * a.s - a.o;
  const int season = space.base == Base::last ? 1 : space.base_season;
  const std::int64_t at = seasonal_step(space.v + begin, t - season + 1 + k % season, season);
  if (at < 0) return 0;
  const float u = space.v[begin + at] * a.s - a.o;
  if (space.base != Base::trend) return u;
  return u + space.drift[begin + t] * a.s * drifts_until(space, static_cast<int>(t - at), k);
}

/// base_value() of all: base [K,M] (zeros where t < 0).
template <int kLanes = 1>
SLUICE_HD inline void base_row(const WindowRows& rows, std::int64_t n, std::int64_t t, float* base,
                               int lane = 0) {
  const SpaceView& space = rows.space;
  const int K = space.K, M = space.M, season = space.base_season;
  for (int m = 0; m < M; ++m) {
    if (t < 0 || (space.base != Base::seasonal && space.base != Base::trend)) {
      const float constant = t < 0 ? 0.0f : base_value(rows, m, n, t, 0);
      for (int k = lane; k < K; k += kLanes) base[k * M + m] = constant;
      continue;
    }
    const Affine a = row_affine(rows, m, n, t);
    const std::int64_t begin = m * space.total + space.offset[rows.windows[n].series];
    const float* v = space.v + begin;
    const bool trend = space.base == Base::trend;
    const float drift = trend ? space.drift[begin + t] * a.s : 0.0f;
    for (int from = 0; from < K; from += season) {  // the last season, again and again
      const int end = from + season < K ? from + season : K;
      const std::int64_t at = t - season + 1 - from;  // of k = 0
      const int known = at + from >= 0 ? from : (at + end <= 0 ? end : static_cast<int>(-at));
      for (int k = from + lane; k < known; k += kLanes) base[k * M + m] = 0;
      for (int k = known + lane; k < end; k += kLanes) base[k * M + m] = v[at + k] * a.s - a.o;
      for (int k = known + lane; k < end && trend; k += kLanes) {
        base[k * M + m] += drift * drifts_until(space, season - 1 + from - k, k);
      }
      if constexpr (kLanes == 1) {  // a look for gaps runs on vectors; several lanes spill by it
        int gaps = 0;
        for (int k = known; k < end; ++k) gaps |= std::isnan(base[k * M + m]) ? 1 : 0;
        if (gaps == 0) continue;
      }
      for (int k = known + lane; k < end; k += kLanes) {  // rarely: a season further back, or 0
        if (std::isnan(base[k * M + m])) base[k * M + m] = base_value(rows, m, n, t, k);
      }
    }
  }
}

/// u of the K targets after step t of window n: target [K,M], NaN where there is none.
template <int kLanes = 1>
SLUICE_HD inline void target_row(const WindowRows& rows, std::int64_t n, std::int64_t t,
                                 float* target, int lane = 0) {
  const SpaceView& space = rows.space;
  const std::int64_t begin = space.offset[rows.windows[n].series];
  std::int64_t end = space.length[rows.windows[n].series];
  if (rows.limit != nullptr && rows.limit[n] < end) end = rows.limit[n];
  const std::int64_t left = t < 0 ? 0 : end - t - 1;
  const int known = left <= 0 ? 0 : (left < space.K ? static_cast<int>(left) : space.K);
  for (int m = 0; m < space.M; ++m) {
    float* out = target + m;
    if (known > 0) {
      const Affine a = row_affine(rows, m, n, t);
      const float* truth = space.truth == nullptr ? space.v : space.truth;
      const float* v = truth + m * space.total + begin + t + 1;
      for (int k = lane; k < known; k += kLanes) out[k * space.M] = v[k] * a.s - a.o;
    }
    for (int k = known + lane; k < space.K; k += kLanes) out[k * space.M] = missing_value();
  }
}

/// out[i] = input_value(v[from + i]) for i < count; steps before the series' start are 0.
template <int kLanes>
SLUICE_HD inline void copy_inputs(const float* v, std::int64_t from, int count, Affine a,
                                  float* out, int lane) {
  const int before = from >= 0 ? 0 : (-from < count ? static_cast<int>(-from) : count);
  for (int i = lane; i < before; i += kLanes) out[i] = 0;
  for (int i = before + lane; i < count; i += kLanes) out[i] = input_value(v[from + i], a);
}

/// What the head sees beside h at step t of window n: context [F] (zeros where t < 0).
template <int kLanes = 1>
SLUICE_HD inline void context_row(const WindowRows& rows, std::int64_t n, std::int64_t t, int F,
                                  float* context, int lane = 0) {
  const SpaceView& space = rows.space;
  if (t < 0) {
    for (int i = lane; i < F; i += kLanes) context[i] = 0;
    return;
  }
  const std::int64_t s = rows.windows[n].series, begin = space.offset[s];
  const std::int64_t length = space.length[s];
  const int K = space.K, season = space.seasonal_context;
  for (int m = 0; m < space.M; ++m) {
    const float* v = space.v + m * space.total + begin;
    const Affine a = row_affine(rows, m, n, t);
    copy_inputs<kLanes>(v, t - space.context + 1, space.context, a, context, lane);
    context += space.context;
    if (season == 0) continue;
    for (int k = 0; k < K; k += season) {  // the last season, again and again
      if (kLanes == 1 && k > 0) {
        for (; k < K; ++k) context[k] = context[k - season];
        break;
      }
      copy_inputs<kLanes>(v, t - season + 1, K - k < season ? K - k : season, a, context + k, lane);
    }
    context += K;
  }
  for (int f = 0; f < space.future_channels; ++f, context += K) {
    const float* covariate =
        space.covariates + (space.past_channels + f) * space.total + begin + t + 1;
    const int known = !is_shown(rows.windows[n], f) ? 0
                      : length - t - 1 < K          ? static_cast<int>(length - t - 1)
                                                    : K;
    if (space.covariate_level != nullptr) {
      const float level = covariate_level(space, f, begin + t);
      const float* range = space.covariate_range + 2 * f;
      for (int k = lane; k < known; k += kLanes) {
        context[k] = known_value(covariate[k], level, range);
      }
    } else {
      for (int k = lane; k < known; k += kLanes) context[k] = covariate[k];
    }
    // Where they are not known: lanes go on from their own next place.
    const int first = known <= lane ? lane : lane + (known - lane + kLanes - 1) / kLanes * kLanes;
    for (int k = first; k < K; k += kLanes) context[k] = 0.0f;
  }
  const float* statics = space.statics + s * space.static_count;
  for (int i = lane; i < space.static_count; i += kLanes) context[i] = statics[i];
  context += space.static_count;
  for (int e = 0; e < space.embedding_count; ++e) {
    const int width = space.embedding_width[e];
    const float* row = rows.params + embedding_place(space, s, e);
    for (int i = lane; i < width; i += kLanes) context[i] = row[i];
    context += width;
  }
  for (int e = space.past_step_embeddings; e < space.step_embedding_count; ++e) {
    const int width = space.embedding_width[space.embedding_count + e];
    for (int k = lane; k < K; k += kLanes) {
      const float* row = rows.params + step_embedding_place(space, s, t + 1 + k, e);
      for (int i = 0; i < width; ++i) context[k * width + i] = row[i];
    }
    context += K * width;
  }
}

/// A value of v space back in the units of y.
SLUICE_HD inline float to_y(const SpaceView& space, int m, std::int64_t s, float v) {
  const std::int64_t at = m * space.series + s;
  return value_at(space, v) * space.scale[at] + space.shift[at];
}

}  // namespace sluice
