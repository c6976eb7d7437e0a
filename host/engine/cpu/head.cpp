#include "engine/cpu/head.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/region_failure.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/likelihood.hpp"
#include "sluice/model/loss.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kGroups = 8;
constexpr std::int64_t kChunkRows = 256;
/// Up to so many, a forecast's products are plain loops: fewer than a chunk has rows, and no code
/// to be made first.
constexpr std::int64_t kFewWindows = 8;
/// Rows of the gathered input begin at a cache line.
constexpr std::int64_t kLine = 16;

// One row's loss and its gradient for the outputs of one quantile (or of the only one). `out`, as
// the product left it, becomes the gradient, which is added to dbias too. `distance`: base -
// target, NaN where there is no target. Branch-free, so that it runs on vectors: a missing target
// is an error of 0, which every loss and gradient answers with 0.
template <Loss kLoss>
float loss_of(std::int64_t count, const float* bias, const float* distance, float parameter,
              float share, float* out, float* dbias) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    const float error = out[i] + (bias[i] + distance[i]);
    const LossValue value = loss_value(kLoss, std::isnan(distance[i]) ? 0.0f : error, parameter);
    const float gradient = value.gradient * share;
    sum += value.value;
    out[i] = gradient;
    dbias[i] += gradient;
  }
  return sum * share;
}

// The negative log-likelihood of target m of one row, and its gradient, as loss_of() has it for
// other losses: outputs of [Q, KM], the base added to the first ones.
template <Loss kLoss>
double likelihood_of(const ModelSpec& spec, int m, const TargetMap& map, const float* bias,
                     const float* base, const float* target, float weight, float* out,
                     float* dbias) {
  constexpr int kQ = parameter_count(kLoss);
  const std::int64_t KM = std::int64_t{spec.K} * spec.M;
  double sum = 0;
  for (std::int64_t i = m; i < KM; i += spec.M) {
    double outputs[kMostParameters] = {};
    for (int q = 0; q < kQ; ++q) {
      const float moved = q == 0 ? bias[i] + base[i] : bias[q * KM + i];
      outputs[q] = static_cast<double>(out[q * KM + i] + moved);
    }
    LikelihoodValue loss;
    if (!std::isnan(target[i])) {
      loss = likelihood_value<kLoss>(outputs, static_cast<double>(target[i]), map,
                                     static_cast<double>(spec.tweedie_power));
    }
    for (int q = 0; q < kQ; ++q) {
      const float gradient = static_cast<float>(loss.gradient[q]) * weight;
      out[q * KM + i] = gradient;
      dbias[q * KM + i] += gradient;
    }
    sum += loss.value;
  }
  return sum * static_cast<double>(weight);
}

/// Rows of a chunk where a batch has so many: equal ones in a group, so that none ends in a sliver.
/// By this batch alone: what was made ready for others does not move a step's bits.
std::int64_t rows_of_a_chunk(std::int64_t rows) {
  const std::int64_t group = (rows + kGroups - 1) / kGroups;
  const std::int64_t chunks = std::max<std::int64_t>(1, (group + kChunkRows - 1) / kChunkRows);
  return std::max<std::int64_t>(1, (group + chunks - 1) / chunks);
}

}  // namespace

void LossSums::add(const LossSums& other) {
  loss += other.loss;
  targets += other.targets;
  if (bad_series < 0) bad_series = other.bad_series;
}

std::vector<HeadLayer> head_layers(const ModelSpec& spec) {
  std::vector<HeadLayer> layers;
  const ParamLayout layout(spec);
  std::int64_t in = spec.H + spec.head_context();
  const auto add = [&](const char* weight, const char* bias, std::vector<std::int64_t> order) {
    HeadLayer::Place place{layout.block(weight).offset, layout.block(bias).offset, in,
                           std::move(order)};
    in = static_cast<std::int64_t>(place.order.size());
    layers.emplace_back(std::move(place));
  };
  if (spec.head_hidden > 0) {
    std::vector<std::int64_t> as_it_is(static_cast<std::size_t>(spec.head_hidden));
    std::iota(as_it_is.begin(), as_it_is.end(), 0);
    add("hidden.weight", "hidden.bias", std::move(as_it_is));
  }
  std::vector<std::int64_t> by_quantile;
  for (int q = 0; q < spec.Q(); ++q) {
    for (std::int64_t i = 0; i < std::int64_t{spec.K} * spec.M; ++i) {
      by_quantile.push_back(i * spec.Q() + q);
    }
  }
  add("linear.weight", "linear.bias", std::move(by_quantile));
  return layers;
}

Head::Head(const ModelSpec& spec, int threads)
    : spec_(spec),
      KM_(std::int64_t{spec.K} * spec.M),
      threads_(threads),
      layers_(head_layers(spec)),
      buffers_(static_cast<std::size_t>(threads)) {
  for (const HeadLayer& layer : layers_) gradient_size_ += layer.gradient_size();
  for (int q = 0; q < spec.Q(); ++q) {
    output_parameter_.push_back(spec.loss == Loss::quantile
                                    ? spec.quantiles[static_cast<std::size_t>(q)]
                                    : spec.huber_delta);
  }
}

void Head::prepare(std::int64_t N, bool training) {
  if (training || N > kFewWindows) HeadLayer::ready_products();
  if (N <= N_) return;
  N_ = N;
  const std::int64_t rows = std::min(kChunkRows, N * (spec_.patches() - spec_.first_head_step()));
  for (Buffers& b : buffers_) {
    b.input.reserve(rows * ((reader().in() + kLine - 1) / kLine * kLine));
    b.base.reserve(rows * KM_);
    b.target.reserve(rows * KM_);
    b.hidden.reserve(rows * spec_.head_hidden);
    b.dhidden.reserve(rows * spec_.head_hidden);
    b.out.reserve(rows * writer().out());
  }
  group_gradients_.reserve(kGroups * gradient_size_);
}

// h stays where it is if the head sees nothing beside it.
Head::Rows Head::gather_rows(const Gather& gather, std::span<const float> params, int first_step,
                             std::int64_t begin, std::int64_t count, const float* h, bool targets,
                             Buffers& b) const {
  const std::int64_t H = spec_.H, in = reader().in();
  const std::int64_t stride = (in + kLine - 1) / kLine * kLine;
  gather.head(first_step, begin, count, params,
              {b.input.data() + H, stride, b.base.data(), targets ? b.target.data() : nullptr});
  if (in == H) return {begin, count, h, H};
  for (std::int64_t r = 0; r < count; ++r) std::copy_n(h + r * H, H, b.input.data() + r * stride);
  return {begin, count, b.input.data(), stride};
}

// Up to the last product: the outputs' bias and base are added by who reads them.
void Head::forward(const Rows& rows, bool few, Buffers& b) const {
  const auto product = few ? &HeadLayer::forward_few : &HeadLayer::forward;
  if (spec_.head_hidden == 0) {
    (writer().*product)(rows.count, rows.input, rows.stride, b.out.data());
    return;
  }
  const std::int64_t G = spec_.head_hidden;
  (reader().*product)(rows.count, rows.input, rows.stride, b.hidden.data());
  const float* bias = reader().bias();
  for (std::int64_t r = 0; r < rows.count; ++r) {
    float* hidden = b.hidden.data() + r * G;
#pragma omp simd
    for (std::int64_t j = 0; j < G; ++j) hidden[j] = std::max(hidden[j] + bias[j], 0.0f);
  }
  (writer().*product)(rows.count, b.hidden.data(), G, b.out.data());
}

float Head::row_loss(const float* distance, float share, float* out, float* dbias) const {
  const auto over_quantiles = [&](auto loss) {
    float sum = 0;
    for (std::int64_t q = 0; q < spec_.Q(); ++q) {
      sum += loss_of<decltype(loss)::value>(KM_, writer().bias() + q * KM_, distance,
                                            output_parameter_[static_cast<std::size_t>(q)], share,
                                            out + q * KM_, dbias + q * KM_);
    }
    return sum;
  };
  switch (spec_.loss) {
    case Loss::mse:
      return over_quantiles(std::integral_constant<Loss, Loss::mse>());
    case Loss::mae:
      return over_quantiles(std::integral_constant<Loss, Loss::mae>());
    case Loss::huber:
      return over_quantiles(std::integral_constant<Loss, Loss::huber>());
    case Loss::quantile:
      return over_quantiles(std::integral_constant<Loss, Loss::quantile>());
    default:
      throw InternalError("a distribution has a likelihood");
  }
}

// At step t >= 0 of window n.
double Head::row_likelihood(const WindowRows& batch, std::int64_t n, std::int64_t t,
                            const float* base, const float* target, float weight, float* out,
                            float* dbias) const {
  return with_distribution(spec_.loss, [&](auto loss) {
    double sum = 0;
    for (int m = 0; m < spec_.M; ++m) {
      sum +=
          likelihood_of<decltype(loss)::value>(spec_, m, target_map(batch, spec_.loss, m, n, t),
                                               writer().bias(), base, target, weight, out, dbias);
    }
    return sum;
  });
}

// Loss and its gradient with respect to the outputs, weighted by series; masked targets give zero.
// b.base becomes base - target, but for a likelihood.
LossSums Head::loss(const Gather& gather, const Rows& rows, Buffers& b, float* dbias) const {
  LossSums sums;
  const WindowRows batch = gather.rows();
  const int first = spec_.first_head_step();
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const std::int64_t n = (rows.begin + r) % batch.N;
    const Window& window = batch.windows[n];
    const std::int64_t t =
        patch_end(batch.space, window, first + static_cast<int>((rows.begin + r) / batch.N));
    const float weight = row_weight(batch, n, t);
    const float* target = b.target.data() + r * KM_;
    float* distance = b.base.data() + r * KM_;
    float* out = b.out.data() + r * writer().out();
    int valid = 0;
#pragma omp simd reduction(+ : valid)
    for (std::int64_t i = 0; i < KM_; ++i) valid += std::isnan(target[i]) ? 0 : 1;
    double loss = 0;
    if (!is_distribution(spec_.loss)) {
#pragma omp simd
      for (std::int64_t i = 0; i < KM_; ++i) distance[i] -= target[i];
      loss = static_cast<double>(
          row_loss(distance, weight / static_cast<float>(spec_.Q()), out, dbias));
    } else if (valid > 0) {
      loss = row_likelihood(batch, n, t, b.base.data() + r * KM_, target, weight, out, dbias);
    } else {
      std::fill_n(out, writer().out(), 0.0f);
    }
    sums.targets += valid;
    sums.loss += loss;
    if (!std::isfinite(loss) && sums.bad_series < 0) sums.bad_series = window.series;
  }
  return sums;
}

// b.out holds the loss's gradient. With `add` the chunk's gradient is added to that of the layers.
void Head::backward(const Rows& rows, bool add, Buffers& b, float* dh, float* dcontext,
                    float* gradient) const {
  const std::int64_t G = spec_.head_hidden, n = rows.count;
  const float* d = b.out.data();  // gradient of the layer that reads [h, context]
  if (G > 0) {
    writer().weight_gradient(n, d, b.hidden.data(), G, add, of_writer(gradient));
    writer().backward(n, d, 0, G, b.dhidden.data());
    float* dbias = reader().bias_gradient(gradient);
    for (std::int64_t r = 0; r < n; ++r) {
      float* dhidden = b.dhidden.data() + r * G;
      const float* hidden = b.hidden.data() + r * G;
#pragma omp simd
      for (std::int64_t j = 0; j < G; ++j) {
        dhidden[j] = hidden[j] > 0 ? dhidden[j] : 0.0f;
        dbias[j] += dhidden[j];
      }
    }
    d = b.dhidden.data();
  }
  reader().weight_gradient(n, d, rows.input, rows.stride, add, gradient);
  reader().backward(n, d, 0, spec_.H, dh);
  const std::int64_t E = spec_.head_embeddings();
  if (E > 0) reader().backward(n, d, reader().in() - E, E, dcontext);
}

LossSums Head::train(const Gather& gather, std::span<const float> params, std::span<const float> h,
                     std::span<float> dh, std::span<float> gradient, std::span<float> dcontext) {
  const std::int64_t E = spec_.head_embeddings();
  const auto N = static_cast<std::int64_t>(gather.windows().size());
  const int first = spec_.first_head_step();
  const std::int64_t rows = N * (spec_.patches() - first), step_size = N * spec_.H;
  const std::int64_t chunk_rows = rows_of_a_chunk(rows);
  const float* first_h = h.data() + first * step_size;
  float* first_dh = dh.data() + first * step_size;
  LossSums group_sums[kGroups];
  RegionFailure failure;  // the matrix products may find no memory for their code
  for (HeadLayer& layer : layers_) layer.load(params);

#pragma omp parallel num_threads(threads_)
  {
#pragma omp for schedule(static) nowait
    for (std::int64_t step = 0; step < first; ++step) {
      std::fill_n(dh.data() + step * step_size, step_size, 0.0f);
    }
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t group = 0; group < kGroups; ++group) {
      failure.keep([&] {
        Buffers& b = buffers_[static_cast<std::size_t>(omp_get_thread_num())];
        float* g = group_gradients_.data() + group * gradient_size_;
        const std::int64_t begin = rows * group / kGroups, end = rows * (group + 1) / kGroups;
        std::fill_n(reader().bias_gradient(g), reader().out(), 0.0f);
        std::fill_n(writer().bias_gradient(of_writer(g)), writer().out(), 0.0f);
        if (begin == end) std::fill_n(g, gradient_size_, 0.0f);
        for (std::int64_t row = begin; row < end; row += chunk_rows) {
          const Rows chunk =
              gather_rows(gather, params, first, row, std::min(chunk_rows, end - row),
                          first_h + row * spec_.H, true, b);
          forward(chunk, false, b);
          group_sums[group].add(loss(gather, chunk, b, writer().bias_gradient(of_writer(g))));
          backward(chunk, row > begin, b, first_dh + row * spec_.H, dcontext.data() + row * E, g);
        }
      });
    }
#pragma omp for schedule(static) nowait
    for (std::int64_t row = 0; row < writer().out(); ++row) {
      writer().sum_gradients(row, of_writer(group_gradients_.data()), gradient_size_, kGroups,
                             gradient);
    }
#pragma omp for schedule(static)
    for (std::int64_t row = 0; row < spec_.head_hidden; ++row) {
      reader().sum_gradients(row, group_gradients_.data(), gradient_size_, kGroups, gradient);
    }
  }
  failure.rethrow();
  LossSums total;
  for (const LossSums& sums : group_sums) total.add(sums);
  return total;
}

void Head::infer(const Gather& gather, std::span<const float> params, std::span<const float> h,
                 std::span<float> u, std::span<float> target) {
  const auto N = static_cast<std::int64_t>(gather.windows().size());
  const int Q = spec_.Q(), based = spec_.based_outputs();
  for (HeadLayer& layer : layers_) layer.load(params);
  const std::int64_t chunk_rows = rows_of_a_chunk(N);
  RegionFailure failure;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads_)
  for (std::int64_t begin = 0; begin < N; begin += chunk_rows) {
    failure.keep([&] {
      Buffers& b = buffers_[static_cast<std::size_t>(omp_get_thread_num())];
      const std::int64_t count = std::min(chunk_rows, N - begin);
      const Rows rows = gather_rows(gather, params, spec_.patches() - 1, begin, count,
                                    h.data() + begin * spec_.H, !target.empty(), b);
      forward(rows, N <= kFewWindows, b);
      const float* bias = writer().bias();
      for (std::int64_t r = 0; r < count; ++r) {
        const float* out = b.out.data() + r * writer().out();
        const float* base = b.base.data() + r * KM_;
        float* to = u.data() + (begin + r) * writer().out();
        for (std::int64_t i = 0; i < KM_; ++i) {
          for (int q = 0; q < Q; ++q) {
            const std::int64_t at = q * KM_ + i;
            to[i * Q + q] = out[at] + (q < based ? bias[at] + base[i] : bias[at]);
          }
        }
      }
      if (!target.empty()) {
        std::copy_n(b.target.data(), count * KM_, target.data() + begin * KM_);
      }
    });
  }
  failure.rethrow();
}

}  // namespace sluice
