#include "engine/shared/baseline.hpp"

#include <algorithm>
#include <cmath>

#include "base/region_failure.hpp"

namespace sluice {
namespace {

// The view's pointers are to const for those who read it; here is where they are written.
template <typename T>
T* writable(const T* pointer) {
  return const_cast<T*>(pointer);
}

/// The lower one of two in the middle, so that a channel of zeros and ones stays one of them.
float median_of(std::span<const float> values, std::vector<float>& scratch) {
  scratch.assign(values.begin(), values.end());
  const auto middle = scratch.begin() + (std::ssize(scratch) - 1) / 2;
  std::nth_element(scratch.begin(), middle, scratch.end());
  return *middle;
}

/// The code that comes most often; of several the first to come so often.
std::int32_t most_frequent(std::span<const std::int32_t> codes) {
  std::vector<std::int64_t> counts;
  std::int32_t best = 0;
  for (const std::int32_t code : codes) {
    const auto at = static_cast<std::size_t>(code);
    if (at >= counts.size()) counts.resize(at + 1, 0);
    if (++counts[at] > counts[static_cast<std::size_t>(best)]) best = code;
  }
  return best;
}

/// u of a history that is flat: 0, its level, or without a level the mean of the window's values.
float flat_value(const WindowRows& batch, int m, std::int64_t n) {
  const SpaceView& space = batch.space;
  if (space.s != nullptr || space.o != nullptr) return 0;
  const Window& w = batch.windows[n];
  const float* v = space.v + m * space.total + space.offset[w.series];
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t t = std::max<std::int64_t>(0, w.origin - space.T + 1); t <= w.origin; ++t) {
    if (std::isnan(v[t])) continue;
    sum += static_cast<double>(input_value(v[t], row_affine(batch, m, n, t)));
    ++count;
  }
  return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0.0f;
}

}  // namespace

Baseline::Baseline(const ModelSpace& space, int threads)
    : threads_(threads), space_(space.view()), slices_(space, threads) {
  for (const auto& table : space.spec().embeddings) table_rows_.push_back(table.cardinality);
  calendar_.assign(static_cast<std::size_t>(space_.calendar_rows * space_.calendar_terms), 0.0f);
}

WindowRows Baseline::rows(const WindowRows& batch, std::span<const float> params) {
  const std::span windows(batch.windows, static_cast<std::size_t>(batch.N));
  const Slices::Shape shape = slices_.shape(batch.N);
  block_.resize(static_cast<std::size_t>(shape.bytes()));
  slots_.resize(windows.size());
  slices_.pack(windows, shape, block_.data(), slots_);
  SpaceView plain = slices_.view(shape, space_, block_.data());
  plain.calendar = calendar_.data();
  RegionFailure failure;
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t n = 0; n < batch.N; ++n) {
    failure.keep([&] { make_plain(batch, plain, n); });
  }
  failure.rethrow();

  params_.assign(params.begin(), params.end());
  for (int e = 0; e < space_.embedding_count; ++e) {
    float* table = params_.data() + space_.embedding_at[e];
    const int width = space_.embedding_width[e];
    const std::int64_t rows = table_rows_[static_cast<std::size_t>(e)];
    for (int i = 0; i < width && rows > 1; ++i) {
      double sum = 0;
      for (std::int64_t row = 1; row < rows; ++row) {
        sum += static_cast<double>(table[row * width + i]);
      }
      table[i] = static_cast<float>(sum / static_cast<double>(rows - 1));
    }
  }
  WindowRows rows = batch;
  rows.space = plain;
  rows.windows = slots_.data();
  rows.params = params_.data();
  rows.limit = nullptr;
  return rows;
}

void Baseline::make_plain(const WindowRows& batch, const SpaceView& plain, std::int64_t n) const {
  const Window& window = batch.windows[n];
  const std::int64_t s = window.series, origin = window.origin;
  const std::int64_t begin = plain.offset[n], steps = plain.length[n];
  const auto of_step = [&](const auto* array, std::int64_t channel) {
    return std::span(writable(array) + channel * plain.total + begin,
                     static_cast<std::size_t>(steps));
  };
  for (int m = 0; m < plain.M; ++m) {
    const Affine a = row_affine(batch, m, n, origin);
    const float flat = (flat_value(batch, m, n) + a.o) / a.s;
    for (float& v : of_step(plain.v, m)) v = std::isnan(v) ? v : flat;
    if (plain.s != nullptr) std::ranges::fill(of_step(plain.s, m), a.s);
    if (plain.o != nullptr) std::ranges::fill(of_step(plain.o, m), a.o);
    if (plain.smoothed != nullptr) std::ranges::fill(of_step(plain.smoothed, m), flat);
    if (plain.drift != nullptr) std::ranges::fill(of_step(plain.drift, m), 0.0f);
  }
  const auto history = [&](const auto* array, std::int64_t channel) {
    return std::span(array + channel * space_.total + space_.offset[s],
                     static_cast<std::size_t>(origin + 1));
  };
  std::vector<float> seen, scratch;
  for (int c = 0; c < plain.past_channels + plain.future_channels; ++c) {
    const std::span values = history(space_.covariates, c);
    seen.assign(values.begin(), values.end());
    // What is counted from its recent level is as far from it as it usually is.
    if (const int f = c - plain.past_channels; f >= 0 && space_.covariate_level != nullptr) {
      for (std::size_t t = 0; t < seen.size(); ++t) {
        const float level =
            covariate_level(space_, f, space_.offset[s] + static_cast<std::int64_t>(t));
        seen[t] = known_value(seen[t], level, space_.covariate_range + 2 * f);
      }
      if (const int row = plain.level_row[f]; row >= 0) {
        std::ranges::fill(of_step(plain.covariate_level, row), 0.0f);
      }
    }
    std::ranges::fill(of_step(plain.covariates, c), median_of(seen, scratch));
  }
  for (int e = 0; e < plain.step_embedding_count; ++e) {
    std::ranges::fill(of_step(plain.step_codes, e), most_frequent(history(space_.step_codes, e)));
  }
  std::fill_n(writable(plain.statics) + n * plain.static_count, plain.static_count, 0.0f);
  std::fill_n(writable(plain.codes) + n * plain.embedding_count, plain.embedding_count, 0);
}

}  // namespace sluice
