#include "engine/shared/gather.hpp"

#include <algorithm>
#include <cmath>

#include "base/region_failure.hpp"

namespace sluice {

Gather::Gather(const ModelSpace& space) : Gather(space.view(), space.spec()) {}

Gather::Gather(const SpaceView& space, const ModelSpec& spec)
    : space_(space),
      scaling_(spec.window_scaling),
      F_(spec.head_context()),
      columns_(embedding_columns(spec)),
      step_gradient_(spec) {}

void Gather::begin(std::span<const Window> windows, std::span<const std::int64_t> limit) {
  windows_.assign(windows.begin(), windows.end());
  limit_.clear();
  if (!limit.empty()) {
    for (const Window& w : windows) limit_.push_back(limit[static_cast<std::size_t>(w.series)]);
  }
  if (scaling_ != WindowScaling::none) fit_windows();
}

WindowRows Gather::rows(std::span<const float> params) const {
  WindowRows rows;
  rows.space = space_;
  rows.windows = windows_.data();
  rows.N = static_cast<std::int64_t>(windows_.size());
  rows.window_affine = window_affine_.empty() ? nullptr : window_affine_.data();
  rows.params = params.data();
  rows.limit = limit_.empty() ? nullptr : limit_.data();
  return rows;
}

// Statistics of the window's own inputs: the only scaling that is fitted as the window is gathered.
void Gather::fit_windows() {
  const auto M = static_cast<std::size_t>(space_.M);
  window_affine_.resize(windows_.size() * M);
  RegionFailure failure;
#pragma omp parallel for schedule(static)
  for (std::size_t n = 0; n < windows_.size(); ++n) {
    failure.keep([&] {
      std::vector<float> seen;
      for (std::size_t m = 0; m < M; ++m) {
        const Window& w = windows_[n];
        const float* v =
            space_.v + static_cast<std::int64_t>(m) * space_.total + space_.offset[w.series];
        seen.clear();
        double sum = 0, absolute = 0, squares = 0;
        for (std::int64_t t = std::max<std::int64_t>(0, w.origin - space_.T + 1); t <= w.origin;
             ++t) {
          if (std::isnan(v[t])) continue;
          seen.push_back(v[t]);
          const auto x = static_cast<double>(v[t]);
          sum += x, absolute += std::abs(x), squares += x * x;
        }
        double shift = 0, scale = 1;
        const double count = static_cast<double>(seen.size());
        if (!seen.empty()) {
          if (scaling_ == WindowScaling::mean) {
            scale = absolute / count;
          } else if (scaling_ == WindowScaling::standard) {
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
        window_affine_[n * M + m] = window_map(shift, scale);
      }
    });
  }
  failure.rethrow();
}

void WindowInputs::write(int t, int steps, std::int64_t first, std::int64_t count, float* out,
                         std::int64_t out_step) const {
  const std::int64_t C = rows_.space.C;
  for (std::int64_t i = 0; i < count; ++i) {
    for (int j = 0; j < steps; ++j) {
      input_row(rows_, first + i, t + j, out + j * out_step + i * C);
    }
  }
}

WindowInputs Gather::inputs(std::span<const float> params) const {
  return WindowInputs(rows(params));
}

void Gather::head(int first_step, std::int64_t row, std::int64_t count,
                  std::span<const float> params, const HeadRows& out) const {
  const WindowRows from = rows(params);
  const std::int64_t KM = space_.K * space_.M;
  std::int64_t n = row % from.N;
  int step = first_step + static_cast<int>(row / from.N);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t t = patch_end(space_, from.windows[n], step);
    context_row(from, n, t, F_, out.context + i * out.context_stride);
    base_row(from, n, t, out.base + i * KM);
    if (out.target != nullptr) target_row(from, n, t, out.target + i * KM);
    if (++n == from.N) n = 0, ++step;
  }
}

void Gather::embedding_gradient(std::span<const float> dx, std::int64_t rows,
                                std::span<const float> dcontext, std::span<float> gradient) {
  const auto N = static_cast<std::int64_t>(windows_.size());
  const std::int64_t C = space_.C, E = columns_.head, patches = sluice::patches(space_);
  const std::int64_t first = C - columns_.series - columns_.patch;  // column of x
  // In the order of windows and steps: the same sum whatever the number of threads.
  for (std::int64_t n = 0; n < N; ++n) {
    const Window& window = windows_[static_cast<std::size_t>(n)];
    const std::int64_t begun = first_begun(space_, window);
    std::int64_t column = 0;
    for (int e = 0; e < space_.embedding_count; ++e) {
      float* to = gradient.data() + embedding_place(space_, window.series, e);
      for (int i = 0; i < space_.embedding_width[e]; ++i, ++column) {
        double sum = 0;
        for (std::int64_t j = begun; j < patches; ++j) {
          sum +=
              static_cast<double>(dx[static_cast<std::size_t>((j * N + n) * C + first + column)]);
        }
        for (std::int64_t r = n; r < rows; r += N) {
          sum += static_cast<double>(dcontext[static_cast<std::size_t>(r * E + column)]);
        }
        to[i] += static_cast<float>(sum);
      }
    }
  }
  step_gradient_.add(this->rows(), dx, dcontext, gradient);
}

}  // namespace sluice
