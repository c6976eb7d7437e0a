#include "engine/cpu/attribution.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/cpu/head.hpp"
#include "engine/cpu/outputs.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kMostPoints = 128;

bool fits(std::span<const std::int32_t> groups, std::int64_t size, int count) {
  return std::ssize(groups) == size && std::ranges::all_of(groups, [count](std::int32_t group) {
           return group >= 0 && group < count;
         });
}

/// row[groups[i]] += weight * way[i] * d[i].
void add_products(std::int64_t count, const std::int32_t* groups, const float* way, const float* d,
                  double weight, double* row) {
  for (std::int64_t i = 0; i < count; ++i) {
    row[groups[i]] += weight * static_cast<double>(way[i]) * static_cast<double>(d[i]);
  }
}

}  // namespace

Attribution::Attribution(const ModelSpace& space, Recurrence& recurrence,
                         std::span<const float> params, const InputGroups& groups,
                         const AttributionSettings& settings, int threads)
    : spec_(space.spec()),
      recurrence_(recurrence),
      params_(params),
      groups_(groups),
      settings_(settings),
      threads_(threads),
      F_(spec_.head_context()),
      KM_(std::int64_t{spec_.K} * spec_.M),
      Q_(spec_.Q()),
      baseline_(space, threads),
      layers_(head_layers(spec_)) {
  if (!fits(groups.inputs, std::int64_t{spec_.T} * spec_.inputs(), groups.count) ||
      !fits(groups.context, F_, groups.count) || !fits(groups.base, KM_, groups.count)) {
    throw InternalError("groups of an attribution that are not of the model");
  }
  if (settings.points < 1 || settings.points > kMostPoints) {
    throw InternalError("an attribution of no points, or of too many");
  }
  if (is_distribution(spec_.loss) && !settings.point) {
    throw InternalError("an attribution of a distribution without its point");
  }
  // Gauss and Legendre's rule on [0, 1]: the roots by Newton's steps (Press et al., Numerical
  // Recipes, 4.6).
  const auto n = static_cast<unsigned>(settings.points);
  for (unsigned i = 0; i < n; ++i) {
    double z = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5)), slope = 0;
    for (int step = 0; step < 20; ++step) {
      slope = n * (z * std::legendre(n, z) - std::legendre(n - 1, z)) / (z * z - 1);
      z -= std::legendre(n, z) / slope;
    }
    rule_.push_back({(1 - z) / 2, 1 / ((1 - z * z) * slope * slope)});
  }
  for (HeadLayer& layer : layers_) layer.load(params);
  HeadLayer::ready_products();
}

void Attribution::add(const WindowRows& batch, Attributions& out) {
  take(batch);
  const std::size_t cells = static_cast<std::size_t>(N_ * KM_),
                    G = static_cast<std::size_t>(groups_.count);
  walk(0);
  point(batch);
  out.baseline.insert(out.baseline.end(), y_.begin(), y_.end());
  const std::size_t begin = out.contribution.size();
  out.contribution.resize(begin + cells * G);
  const std::span contribution = std::span(out.contribution).subspan(begin);
  for (const Point& at : rule_) {
    walk(at.place);
    point(batch);
    for (std::int64_t i = 0; i < KM_; ++i) {
      back(i);
      sum(i, at.weight, contribution);
    }
  }
  walk(1);
  point(batch);
  out.forecast.insert(out.forecast.end(), y_.begin(), y_.end());
}

// The two ends of the path.
void Attribution::take(const WindowRows& batch) {
  N_ = batch.N;
  recurrence_.prepare(spec_.T, static_cast<int>(N_), true);
  const std::int64_t T = spec_.T, C = spec_.inputs(), H = spec_.H;
  const auto size = [](auto& array, std::int64_t count) {
    array.assign(static_cast<std::size_t>(count), 0);
  };
  const auto both = [&](Inputs& inputs, std::int64_t count) {
    for (auto* array : {&inputs.from, &inputs.way, &inputs.at}) size(*array, count);
  };
  both(x_, T * N_ * C), both(context_, N_ * F_), both(base_, N_ * KM_);
  size(h_, T * N_ * H), size(dh_, T * N_ * H), size(dx_, T * N_ * C);
  size(dparams_, recurrence_params(spec_.inputs(), spec_.H, spec_.L));
  size(head_, N_ * (H + F_)), size(out_, N_ * KM_ * Q_), size(dout_, N_ * KM_ * Q_);
  size(hidden_, N_ * spec_.head_hidden), size(dhidden_, N_ * spec_.head_hidden);
  size(dlast_, N_ * H), size(dcontext_, N_ * F_);
  size(y_, N_ * KM_), size(slope_, N_ * KM_ * Q_);
  const WindowRows plain = baseline_.rows(batch, params_);
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t n = 0; n < N_; ++n) {
    const auto write = [&](const WindowRows& rows, auto end) {
      for (std::int64_t t = 0; t < T; ++t) {
        input_row(rows, n, static_cast<int>(t), (x_.*end).data() + (t * N_ + n) * C);
      }
      const std::int64_t origin = rows.windows[n].origin;
      context_row(rows, n, origin, static_cast<int>(F_), (context_.*end).data() + n * F_);
      base_row(rows, n, origin, (base_.*end).data() + n * KM_);
    };
    write(plain, &Inputs::from);
    write(batch, &Inputs::way);
  }
  for (Inputs* inputs : {&x_, &context_, &base_}) {
    std::ranges::transform(inputs->way, inputs->from, inputs->way.begin(), std::minus());
  }
}

// Forward, from 0, the baseline, to 1, the windows; out_ has neither bias nor base.
void Attribution::walk(double place) {
  const auto a = static_cast<float>(place);
  for (Inputs* inputs : {&x_, &context_, &base_}) {
#pragma omp parallel for simd schedule(static) num_threads(threads_)
    for (std::size_t i = 0; i < inputs->at.size(); ++i) {
      inputs->at[i] = inputs->from[i] + a * inputs->way[i];
    }
  }
  recurrence_.forward(spec_.T, static_cast<int>(N_), x_.at, {}, {}, h_, {});
  const std::int64_t H = spec_.H, in = H + F_;
  for (std::int64_t n = 0; n < N_; ++n) {
    std::copy_n(h_.data() + ((spec_.T - 1) * N_ + n) * H, H, head_.data() + n * in);
    std::copy_n(context_.at.data() + n * F_, F_, head_.data() + n * in + H);
  }
  const std::int64_t G = spec_.head_hidden;
  if (G == 0) {
    layers_.back().forward(N_, head_.data(), in, out_.data());
    return;
  }
  layers_.front().forward(N_, head_.data(), in, hidden_.data());
  const float* bias = layers_.front().bias();
  for (std::int64_t i = 0; i < N_ * G; ++i) {
    float& unit = hidden_[static_cast<std::size_t>(i)];
    unit = std::max(unit + bias[i % G], 0.0f);
  }
  layers_.back().forward(N_, hidden_.data(), G, out_.data());
}

// The forecasts there, and how they follow the outputs.
void Attribution::point(const WindowRows& batch) {
  const float* bias = layers_.back().bias();
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t cell = 0; cell < N_ * KM_; ++cell) {
    const std::int64_t n = cell / KM_, i = cell % KM_;
    std::vector<float> u(static_cast<std::size_t>(Q_));
    for (std::int64_t q = 0; q < Q_; ++q) {
      const std::int64_t at = q * KM_ + i;
      u[static_cast<std::size_t>(q)] = out_[static_cast<std::size_t>(n * KM_ * Q_ + at)] + bias[at];
      if (q < spec_.based_outputs()) {
        u[static_cast<std::size_t>(q)] += base_.at[static_cast<std::size_t>(cell)];
      }
    }
    y_[static_cast<std::size_t>(cell)] =
        point_and_slope(spec_, batch, n, i, u.data(), settings_, slope_.data() + cell * Q_);
  }
}

// From the forecasts of target and step i back to all inputs.
void Attribution::back(std::int64_t i) {
  const std::int64_t H = spec_.H, in = H + F_, G = spec_.head_hidden, outputs = KM_ * Q_;
  std::ranges::fill(dout_, 0.0f);
  for (std::int64_t n = 0; n < N_; ++n) {
    for (std::int64_t q = 0; q < Q_; ++q) {
      dout_[static_cast<std::size_t>(n * outputs + q * KM_ + i)] =
          static_cast<float>(slope_[static_cast<std::size_t>((n * KM_ + i) * Q_ + q)]);
    }
  }
  const float* d = dout_.data();
  if (G > 0) {
    layers_.back().backward(N_, d, 0, G, dhidden_.data());
    for (std::size_t j = 0; j < dhidden_.size(); ++j) {
      if (!(hidden_[j] > 0)) dhidden_[j] = 0;
    }
    d = dhidden_.data();
  }
  layers_.front().backward(N_, d, 0, H, dlast_.data());
  layers_.front().backward(N_, d, H, in - H, dcontext_.data());
  std::ranges::copy(dlast_, dh_.begin() + (spec_.T - 1) * N_ * H);
  recurrence_.backward(dh_, {}, dx_, dparams_, {});
}

void Attribution::sum(std::int64_t i, double weight, std::span<double> contribution) const {
  const std::int64_t T = spec_.T, C = spec_.inputs(), G = groups_.count;
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t n = 0; n < N_; ++n) {
    double* row = contribution.data() + (n * KM_ + i) * G;
    for (std::int64_t t = 0; t < T; ++t) {
      const std::int64_t at = (t * N_ + n) * C;
      add_products(C, groups_.inputs.data() + t * C, x_.way.data() + at, dx_.data() + at, weight,
                   row);
    }
    add_products(F_, groups_.context.data(), context_.way.data() + n * F_,
                 dcontext_.data() + n * F_, weight, row);
    double slope = 0;
    for (std::int64_t q = 0; q < spec_.based_outputs(); ++q) {
      slope += slope_[static_cast<std::size_t>((n * KM_ + i) * Q_ + q)];
    }
    row[groups_.base[static_cast<std::size_t>(i)]] +=
        weight * slope * static_cast<double>(base_.way[static_cast<std::size_t>(n * KM_ + i)]);
  }
}

}  // namespace sluice
