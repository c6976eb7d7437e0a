#include "gather.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// out[i] = input_value(v[from + i]) for i < count; steps before the series' start are 0.
void copy_inputs(const float* v, std::int64_t from, std::int64_t count, Affine a, float* out) {
  const std::int64_t before = std::clamp<std::int64_t>(-from, 0, count);
  std::fill_n(out, before, 0.0f);
  for (std::int64_t i = before; i < count; ++i) out[i] = input_value(v[from + i], a);
}

/// u of the latest value that lies whole seasons before each of t+1 .. t+K: the last season, again
/// and again.
void seasonal_base(const float* v, std::int64_t t, int K, int M, int season, Affine a,
                   float* base) {
  const std::int64_t first = t - season + 1;
  for (int k = 0; k < K; ++k) {
    const std::int64_t at = first + k % season;
    const float value = at >= 0 ? v[at] : kMissing;
    base[k * M] = value * a.s - a.o;
  }
  for (int k = 0; k < K; ++k) {  // rarely: a season further back, or the level
    if (!std::isnan(base[k * M])) continue;
    const float value = seasonal_value(v, first + k % season, season);
    base[k * M] = std::isnan(value) ? 0.0f : value * a.s - a.o;
  }
}

}  // namespace

Gather::Gather(const ModelSpace& space)
    : space_(space), spec_(space.spec()), layout_(space.spec()) {}

void Gather::begin(std::span<const Window> windows) {
  windows_.assign(windows.begin(), windows.end());
  if (spec_.window_scaling != WindowScaling::none) fit_windows();
}

Affine Gather::affine(int m, std::size_t n, std::int64_t t) const {
  if (!window_affine_.empty()) {
    return window_affine_[n * static_cast<std::size_t>(spec_.M) + static_cast<std::size_t>(m)];
  }
  return space_.affine(m, windows_[n].series, t);
}

float Gather::weight(std::size_t n, std::int64_t t) const {
  const std::int64_t s = windows_[n].series;
  const float weight = space_.weight(s);
  if (spec_.level_weight == 0 || t < 0) return weight;
  const Affine a = space_.affine(0, s, t);
  const float level = spec_.space == Space::log ? std::exp(a.o) : 1.0f / a.s;
  return weight * std::pow(level, spec_.level_weight);
}

// Statistics of the window's own inputs: the only scaling that is fitted as the window is gathered.
void Gather::fit_windows() {
  const auto M = static_cast<std::size_t>(spec_.M);
  window_affine_.resize(windows_.size() * M);
#pragma omp parallel for schedule(static)
  for (std::size_t n = 0; n < windows_.size(); ++n) {
    std::vector<float> seen;
    for (std::size_t m = 0; m < M; ++m) {
      const Window& w = windows_[n];
      const float* v = space_.v(static_cast<int>(m), w.series);
      seen.clear();
      double sum = 0, absolute = 0, squares = 0;
      for (std::int64_t t = std::max<std::int64_t>(0, w.origin - spec_.T + 1); t <= w.origin; ++t) {
        if (std::isnan(v[t])) continue;
        seen.push_back(v[t]);
        const auto x = static_cast<double>(v[t]);
        sum += x, absolute += std::abs(x), squares += x * x;
      }
      double shift = 0, scale = 1;
      const double count = static_cast<double>(seen.size());
      if (!seen.empty()) {
        if (spec_.window_scaling == WindowScaling::mean) {
          scale = absolute / count;
        } else if (spec_.window_scaling == WindowScaling::standard) {
          shift = sum / count;
          scale = std::sqrt(std::max(0.0, squares / count - shift * shift));
        } else {
          std::sort(seen.begin(), seen.end());
          const auto at = [&](double q) {
            return static_cast<double>(
                seen[static_cast<std::size_t>(q * static_cast<double>(seen.size() - 1))]);
          };
          shift = at(0.5);
          scale = (at(0.75) - at(0.25)) / 1.349;
        }
      }
      if (!(scale > 1e-6 * (1 + std::abs(shift)))) scale = 1;
      window_affine_[n * M + m] = {static_cast<float>(1 / scale),
                                   static_cast<float>(shift / scale)};
    }
  }
}

void Gather::input_row(std::size_t n, std::int64_t t, const float* params, float* x) const {
  const std::int64_t s = windows_[n].series;
  for (int m = 0; m < spec_.M; ++m) {
    const float* v = space_.v(m, s);
    const Affine a = affine(m, n, t);
    *x++ = input_value(v[t], a);
    if (spec_.missing_indicator) *x++ = std::isnan(v[t]) ? 1.0f : 0.0f;
    for (const int lag : spec_.lags) *x++ = t >= lag ? input_value(v[t - lag], a) : 0.0f;
    if (spec_.level_input) *x++ = space_.level_input(m, s, t);
    if (spec_.level_change) *x++ = space_.level_change(m, s, t);
  }
  const int channels = spec_.past_channels + spec_.future_channels;
  for (int c = 0; c < channels; ++c) *x++ = space_.covariate(c, s)[t];
  if (spec_.calendar > 0) x = std::copy_n(space_.calendar(s, t + 1), spec_.calendar, x);
  x = std::copy_n(space_.static_reals(s), spec_.static_reals, x);
  for (std::size_t e = 0; e < spec_.embeddings.size(); ++e) {
    const ParamBlock& block =
        layout_.blocks()[layout_.blocks().size() - spec_.embeddings.size() + e];
    const int width = spec_.embeddings[e].width;
    x = std::copy_n(params + block.offset + space_.codes(s)[e] * width, width, x);
  }
}

void Gather::inputs(std::span<const float> params, std::span<float> x) const {
  const auto N = static_cast<std::int64_t>(windows_.size());
  const std::int64_t C = spec_.inputs();
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < N; ++n) {
    const std::int64_t start = windows_[static_cast<std::size_t>(n)].origin - spec_.T + 1;
    for (std::int64_t j = 0; j < spec_.T; ++j) {
      float* row = x.data() + (j * N + n) * C;
      if (start + j < 0) {
        std::fill_n(row, C, 0.0f);
      } else {
        input_row(static_cast<std::size_t>(n), start + j, params.data(), row);
      }
    }
  }
}

void Gather::head(int first_step, std::int64_t row, std::int64_t rows,
                  std::span<const float> params, std::span<const std::int64_t> limit,
                  const HeadRows& out) const {
  const auto N = static_cast<std::int64_t>(windows_.size());
  const int K = spec_.K, M = spec_.M;
  const std::int64_t F = spec_.head_context();
  for (std::int64_t r = row; r < row + rows; ++r) {
    const auto n = static_cast<std::size_t>(r % N);
    const Window& w = windows_[n];
    const std::int64_t s = w.series;
    const std::int64_t t = w.origin - spec_.T + 1 + first_step + r / N;
    float* context = out.context + (r - row) * F;
    float* base = out.base + (r - row) * K * M;
    float* target = out.target == nullptr ? nullptr : out.target + (r - row) * K * M;
    if (t < 0) {  // padding: no forecast is made here
      std::fill_n(context, F, 0.0f);
      std::fill_n(base, K * M, 0.0f);
      if (target != nullptr) std::fill_n(target, K * M, kMissing);
      continue;
    }
    const std::int64_t length = space_.length(s);
    const std::int64_t end =
        limit.empty() ? length : std::min(length, limit[static_cast<std::size_t>(s)]);
    for (int m = 0; m < M; ++m) {
      const float* v = space_.v(m, s);
      const Affine a = affine(m, n, t);
      copy_inputs(v, t - spec_.context + 1, spec_.context, a, context);
      context += spec_.context;
      if (spec_.seasonal_context > 0) {
        // The horizon's steps of a season ago are the last season, again and again.
        for (int k = 0; k < K; k += spec_.seasonal_context) {
          const int count = std::min(K - k, spec_.seasonal_context);
          copy_inputs(v, t - spec_.seasonal_context + 1, count, a, context);
          context += count;
        }
      }
      float constant = 0;
      if (spec_.base == Base::last) {
        const float last = seasonal_value(v, t, 1);
        constant = std::isnan(last) ? 0.0f : last * a.s - a.o;
      } else if (spec_.base == Base::smoothing) {
        constant = space_.smoothed(m, s, t) * a.s - a.o;
      }
      if (spec_.base == Base::seasonal) {
        seasonal_base(v, t, K, M, spec_.base_season, a, base + m);
      } else {
        for (int k = 0; k < K; ++k) base[k * M + m] = constant;
      }
      if (target == nullptr) continue;
      const auto known = static_cast<int>(std::clamp<std::int64_t>(end - t - 1, 0, K));
      for (int k = 0; k < known; ++k) target[k * M + m] = v[t + 1 + k] * a.s - a.o;
      for (int k = known; k < K; ++k) target[k * M + m] = kMissing;
    }
    for (int f = 0; f < spec_.future_channels; ++f) {
      const float* covariate = space_.covariate(spec_.past_channels + f, s);
      for (int k = 1; k <= K; ++k) *context++ = t + k < length ? covariate[t + k] : 0.0f;
    }
    context = std::copy_n(space_.static_reals(s), spec_.static_reals, context);
    for (std::size_t e = 0; e < spec_.embeddings.size(); ++e) {
      const ParamBlock& block =
          layout_.blocks()[layout_.blocks().size() - spec_.embeddings.size() + e];
      const int width = spec_.embeddings[e].width;
      context =
          std::copy_n(params.data() + block.offset + space_.codes(s)[e] * width, width, context);
    }
  }
}

void Gather::embedding_gradient(std::span<const float> dx, std::int64_t rows,
                                std::span<const float> dcontext, std::span<float> gradient) const {
  const int E = spec_.embedding_width();
  const auto N = static_cast<std::int64_t>(windows_.size());
  const std::int64_t C = spec_.inputs();
  // In the order of windows and steps: the same sum whatever the number of threads.
  for (std::int64_t n = 0; n < N; ++n) {
    const std::int64_t s = windows_[static_cast<std::size_t>(n)].series;
    int column = 0;
    for (std::size_t e = 0; e < spec_.embeddings.size(); ++e) {
      const ParamBlock& block =
          layout_.blocks()[layout_.blocks().size() - spec_.embeddings.size() + e];
      const int width = spec_.embeddings[e].width;
      float* to = gradient.data() + block.offset + space_.codes(s)[e] * width;
      for (int i = 0; i < width; ++i, ++column) {
        double sum = 0;
        const std::int64_t start = windows_[static_cast<std::size_t>(n)].origin - spec_.T + 1;
        for (std::int64_t j = std::max<std::int64_t>(0, -start); j < spec_.T; ++j) {
          sum +=
              static_cast<double>(dx[static_cast<std::size_t>((j * N + n) * C + C - E + column)]);
        }
        for (std::int64_t r = n; r < rows; r += N) {
          sum += static_cast<double>(dcontext[static_cast<std::size_t>(r * E + column)]);
        }
        to[i] += static_cast<float>(sum);
      }
    }
  }
}

}  // namespace sluice
