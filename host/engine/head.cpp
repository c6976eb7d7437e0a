#include "head.hpp"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "sluice/base/error.hpp"
#include "sluice/model/loss.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kGroups = 8;
constexpr std::int64_t kChunkRows = 256;

/// C [m,n] = A B + beta C, row-major; 't' means the array holds the transpose. Runs on the calling
/// thread inside a parallel region.
void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
  if (m == 0 || n == 0 || k == 0) return;
  const dnnl_status_t status = dnnl_sgemm(ta, tb, m, n, k, 1.0f, a, lda, b, ldb, beta, c, ldc);
  if (status != dnnl_success) throw InternalError("oneDNN refused a matrix product of the head");
}

void add_to(float* sum, const float* term, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) sum[i] += term[i];
}

}  // namespace

void LossSums::add(const LossSums& other) {
  loss += other.loss;
  targets += other.targets;
  if (bad_series < 0) bad_series = other.bad_series;
}

struct Head::Weights {
  const float *w1, *b1, *w2, *b2;  // hidden (null without one), linear
};

Head::Head(const ModelSpec& spec, int threads)
    : spec_(spec), layout_(spec), threads_(threads), buffers_(static_cast<std::size_t>(threads)) {
  for (std::int64_t o = 0; o < spec.outputs(); ++o) {
    output_parameter_.push_back(spec.loss == Loss::quantile
                                    ? spec.quantiles[static_cast<std::size_t>(o % spec.Q())]
                                    : spec.huber_delta);
  }
  const ParamBlock& last = layout_.block("linear.bias");
  head_size_ = last.offset + last.size - layout_.lstm_size();
}

void Head::prepare(std::int64_t N) {
  if (N <= N_) return;
  N_ = N;
  const std::int64_t rows = N * (spec_.T - spec_.first_head_step());
  // Equal chunks, so that no group ends in a sliver.
  const std::int64_t group = (std::max(rows, N) + kGroups - 1) / kGroups;
  const std::int64_t chunks = (group + kChunkRows - 1) / kChunkRows;
  chunk_ = std::max<std::int64_t>(1, (group + chunks - 1) / chunks);
  for (Buffers& b : buffers_) {
    const auto size = [&](std::int64_t width) { return static_cast<std::size_t>(chunk_ * width); };
    b.context.resize(size(spec_.head_context()));
    b.base.resize(size(spec_.K * spec_.M));
    b.target.resize(size(spec_.K * spec_.M));
    b.hidden.resize(size(spec_.head_hidden));
    b.dhidden.resize(size(spec_.head_hidden));
    b.out.resize(size(spec_.outputs()));
    b.dout.resize(size(spec_.outputs()));
  }
  group_gradients_.resize(static_cast<std::size_t>(kGroups * head_size_));
}

Head::Weights Head::weights(std::span<const float> params) const {
  const auto at = [&](const char* name) { return params.data() + layout_.block(name).offset; };
  Weights w{nullptr, nullptr, at("linear.weight"), at("linear.bias")};
  if (spec_.head_hidden > 0) {
    w.w1 = at("hidden.weight");
    w.b1 = at("hidden.bias");
  }
  return w;
}

void Head::forward(const Weights& w, std::int64_t rows, const float* h, Buffers& b) const {
  const std::int64_t H = spec_.H, F = spec_.head_context(), G = spec_.head_hidden;
  const std::int64_t O = spec_.outputs(), width = H + F;
  const int Q = spec_.Q();
  for (std::int64_t r = 0; r < rows; ++r) {
    float* out = b.out.data() + r * O;
    const float* base = b.base.data() + r * spec_.K * spec_.M;
    for (std::int64_t i = 0, o = 0; i < O / Q; ++i) {
      for (int q = 0; q < Q; ++q, ++o) out[o] = w.b2[o] + base[i];
    }
  }
  if (G == 0) {
    gemm('N', 'T', rows, O, H, h, H, w.w2, width, 1, b.out.data(), O);
    gemm('N', 'T', rows, O, F, b.context.data(), F, w.w2 + H, width, 1, b.out.data(), O);
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(w.b1, G, b.hidden.data() + r * G);
  gemm('N', 'T', rows, G, H, h, H, w.w1, width, 1, b.hidden.data(), G);
  gemm('N', 'T', rows, G, F, b.context.data(), F, w.w1 + H, width, 1, b.hidden.data(), G);
  float* hidden = b.hidden.data();
#pragma omp simd
  for (std::int64_t i = 0; i < rows * G; ++i) hidden[i] = std::max(hidden[i], 0.0f);
  gemm('N', 'T', rows, O, G, b.hidden.data(), G, w.w2, G, 1, b.out.data(), O);
}

// One row: the weighted loss, and its gradient. Branch-free, so that it runs on vectors.
float Head::row_loss_of(const float* target, const float* out, float share, float* dout) const {
  const std::int64_t O = spec_.outputs();
  const float* parameter = output_parameter_.data();
  const int Q = spec_.Q();
  const auto over_outputs = [&](auto loss) {
    float sum = 0;
    for (std::int64_t i = 0, o = 0; i < O / Q;
         ++i) {  // dout holds the targets until it is overwritten
      for (int q = 0; q < Q; ++q) dout[o++] = target[i];
    }
#pragma omp simd reduction(+ : sum)
    for (std::int64_t o = 0; o < O; ++o) {
      const bool has = !std::isnan(dout[o]);
      const LossValue value = loss_value(loss, has ? out[o] - dout[o] : 0.0f, parameter[o]);
      dout[o] = has ? value.gradient * share : 0.0f;
      sum += has ? value.value * share : 0.0f;
    }
    return sum;
  };
  switch (spec_.loss) {
    case Loss::mse:
      return over_outputs(std::integral_constant<Loss, Loss::mse>());
    case Loss::mae:
      return over_outputs(std::integral_constant<Loss, Loss::mae>());
    case Loss::huber:
      return over_outputs(std::integral_constant<Loss, Loss::huber>());
    case Loss::quantile:
      return over_outputs(std::integral_constant<Loss, Loss::quantile>());
  }
  return 0;
}

// Loss and its gradient with respect to the outputs, weighted by series; masked targets give zero.
LossSums Head::loss(const Gather& gather, std::int64_t row, std::int64_t rows, Buffers& b) const {
  LossSums sums;
  const WindowRows batch = gather.rows();
  const std::int64_t N = batch.N, KM = spec_.K * spec_.M;
  const std::int64_t Q = spec_.Q();
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t n = (row + r) % N;
    const Window& window = batch.windows[n];
    const float weight =
        row_weight(batch, n, window.origin - spec_.T + 1 + spec_.first_head_step() + (row + r) / N);
    const float share = weight / static_cast<float>(Q);
    const float* target = b.target.data() + r * KM;
    const float* out = b.out.data() + r * KM * Q;
    float* dout = b.dout.data() + r * KM * Q;
    std::int64_t valid = 0;
    for (std::int64_t i = 0; i < KM; ++i) valid += std::isnan(target[i]) ? 0 : 1;
    const float row_loss = row_loss_of(target, out, share, dout);
    sums.targets += valid;
    sums.loss += static_cast<double>(row_loss);
    if (!std::isfinite(row_loss) && sums.bad_series < 0) sums.bad_series = window.series;
  }
  return sums;
}

LossSums Head::train(const Gather& gather, std::span<const float> params, std::span<const float> h,
                     std::span<float> dh, std::span<float> gradient, std::span<float> dcontext) {
  const std::int64_t H = spec_.H, F = spec_.head_context(), G = spec_.head_hidden;
  const std::int64_t O = spec_.outputs(), width = H + F, E = spec_.embedding_width();
  const auto N = static_cast<std::int64_t>(gather.windows().size());
  const int first = spec_.first_head_step();
  const std::int64_t rows = N * (spec_.T - first);
  const Weights w = weights(params);
  const std::int64_t from = layout_.lstm_size();
  const auto offset_of = [&](const char* name) { return layout_.block(name).offset - from; };
  const std::int64_t w2_at = offset_of("linear.weight"), b2_at = offset_of("linear.bias");
  const std::int64_t w1_at = G > 0 ? offset_of("hidden.weight") : 0;
  const std::int64_t b1_at = G > 0 ? offset_of("hidden.bias") : 0;
  LossSums group_sums[kGroups];
  std::fill_n(dh.data(), static_cast<std::int64_t>(first) * N * H, 0.0f);

#pragma omp parallel for schedule(dynamic, 1) num_threads(threads_)
  for (std::int64_t group = 0; group < kGroups; ++group) {
    Buffers& b = buffers_[static_cast<std::size_t>(omp_get_thread_num())];
    float* g = group_gradients_.data() + group * head_size_;
    std::fill_n(g, head_size_, 0.0f);
    const std::int64_t begin = rows * group / kGroups, end = rows * (group + 1) / kGroups;
    for (std::int64_t row = begin; row < end; row += chunk_) {
      const std::int64_t n = std::min(chunk_, end - row);
      gather.head(first, row, n, params, {b.context.data(), b.base.data(), b.target.data()});
      const std::int64_t h_at = (first * N + row) * H;
      const float* hr = h.data() + h_at;
      float* dhr = dh.data() + h_at;
      forward(w, n, hr, b);
      group_sums[group].add(loss(gather, row, n, b));

      for (std::int64_t r = 0; r < n; ++r) add_to(g + b2_at, b.dout.data() + r * O, O);
      const float* d = b.dout.data();  // gradient of the layer that reads [h, context]
      std::int64_t d_width = O, d_at = w2_at;
      const float* d_weight = w.w2;
      if (G > 0) {
        gemm('T', 'N', O, G, n, b.dout.data(), O, b.hidden.data(), G, 1, g + w2_at, G);
        gemm('N', 'N', n, G, O, b.dout.data(), O, w.w2, G, 0, b.dhidden.data(), G);
        for (std::int64_t r = 0; r < n; ++r) {
          float* dhidden = b.dhidden.data() + r * G;
          const float* hidden = b.hidden.data() + r * G;
          for (std::int64_t j = 0; j < G; ++j) dhidden[j] = hidden[j] > 0 ? dhidden[j] : 0.0f;
          add_to(g + b1_at, dhidden, G);
        }
        d = b.dhidden.data(), d_width = G, d_at = w1_at, d_weight = w.w1;
      }
      gemm('T', 'N', d_width, H, n, d, d_width, hr, H, 1, g + d_at, width);
      gemm('T', 'N', d_width, F, n, d, d_width, b.context.data(), F, 1, g + d_at + H, width);
      gemm('N', 'N', n, H, d_width, d, d_width, d_weight, width, 0, dhr, H);
      if (E > 0) {
        gemm('N', 'N', n, E, d_width, d, d_width, d_weight + H + F - E, width, 0,
             dcontext.data() + row * E, E);
      }
    }
  }

  float* out = gradient.data() + from;
  constexpr std::int64_t kBlock = 4096;
#pragma omp parallel for schedule(static) num_threads(threads_) if (head_size_ > 16 * kBlock)
  for (std::int64_t begin = 0; begin < head_size_; begin += kBlock) {
    const std::int64_t end = std::min(head_size_, begin + kBlock);
    const float* from_groups = group_gradients_.data();
    std::copy(from_groups + begin, from_groups + end, out + begin);
    for (std::int64_t group = 1; group < kGroups; ++group) {
      const float* g = from_groups + group * head_size_;
      for (std::int64_t i = begin; i < end; ++i) out[i] += g[i];
    }
  }
  LossSums total;
  for (const LossSums& sums : group_sums) total.add(sums);
  return total;
}

void Head::infer(const Gather& gather, std::span<const float> params, std::span<const float> h,
                 std::span<float> u, std::span<float> target) {
  const auto N = static_cast<std::int64_t>(gather.windows().size());
  const std::int64_t KM = spec_.K * spec_.M, O = spec_.outputs();
  const Weights w = weights(params);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads_)
  for (std::int64_t row = 0; row < N; row += chunk_) {
    Buffers& b = buffers_[static_cast<std::size_t>(omp_get_thread_num())];
    const std::int64_t n = std::min(chunk_, N - row);
    gather.head(spec_.T - 1, row, n, params,
                {b.context.data(), b.base.data(), target.empty() ? nullptr : b.target.data()});
    forward(w, n, h.data() + row * spec_.H, b);
    std::copy_n(b.out.data(), n * O, u.data() + row * O);
    if (!target.empty()) std::copy_n(b.target.data(), n * KM, target.data() + row * KM);
  }
}

}  // namespace sluice
