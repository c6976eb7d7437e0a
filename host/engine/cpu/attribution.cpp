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
/// Of the head's slopes, at least.
constexpr int kPlaces = 64;

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
  if (!fits(groups.inputs, std::int64_t{spec_.patches()} * spec_.inputs(), groups.count) ||
      !fits(groups.context, F_, groups.count) || !fits(groups.base, KM_, groups.count) ||
      !fits(groups.trend, spec_.base == Base::trend ? KM_ : 0, groups.count)) {
    throw InternalError("groups of an attribution that are not of the model");
  }
  if (settings.points < 1 || settings.points > kMostPoints) {
    throw InternalError("an attribution of no points, or of too many");
  }
  if (is_distribution(spec_.loss) && !settings.point) {
    throw InternalError("an attribution of a distribution without its point");
  }
  make_rule();
  for (HeadLayer& layer : layers_) layer.load(params);
  HeadLayer::ready_products();
}

// Nodes by Gauss and Legendre's rule on [0, 1], the roots by Newton's steps (Press et al.,
// Numerical Recipes, 4.6). Without a hidden layer nothing has kinks, and the nodes are the places.
void Attribution::make_rule() {
  const auto n = static_cast<unsigned>(settings_.points);
  for (unsigned i = 0; i < n; ++i) {
    double z = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5)), slope = 0;
    for (int step = 0; step < 20; ++step) {
      slope = n * (z * std::legendre(n, z) - std::legendre(n - 1, z)) / (z * z - 1);
      z -= std::legendre(n, z) / slope;
    }
    nodes_.push_back((1 - z) / 2);
    if (spec_.head_hidden > 0) continue;
    places_.push_back({nodes_.back(), 1 / ((1 - z * z) * slope * slope), {}});
    places_.back().shares.assign(n, 0);
    places_.back().shares[i] = 1;
  }
  if (spec_.head_hidden == 0) return;
  const int count = std::max(kPlaces, 4 * settings_.points);
  for (int f = 0; f < count; ++f) {
    Place place{(f + 0.5) / count, 1.0 / count, {}};
    for (const double node : nodes_) {  // Lagrange's polynomials
      double share = 1;
      for (const double other : nodes_) {
        if (other != node) share *= (place.at - other) / (node - other);
      }
      place.shares.push_back(share);
    }
    places_.push_back(std::move(place));
  }
}

void Attribution::add(const WindowRows& batch, Attributions& out) {
  take(batch);
  const auto G = static_cast<std::size_t>(groups_.count);
  const std::size_t begin = out.contribution.size();
  out.contribution.resize(begin + static_cast<std::size_t>(N_ * KM_) * G);
  const std::span contribution = std::span(out.contribution).subspan(begin);
  const auto forecasts = [&](double place) -> const std::vector<double>& {
    move(place);
    recurrence_.infer(spec_.patches(), static_cast<int>(N_), x_.at, {}, {}, {last_, {}});
    head(batch);
    return y_;
  };
  const std::vector<double> baseline = forecasts(0);
  out.baseline.insert(out.baseline.end(), baseline.begin(), baseline.end());
  for (std::size_t f = 0; f < places_.size(); ++f) {
    forecasts(places_[f].at);
    for (std::int64_t i = 0; i < KM_; ++i) {
      head_back(i);
      keep(f, i, contribution);
    }
  }
  for (std::size_t p = 0; p < nodes_.size(); ++p) {
    move(nodes_[p]);
    recurrence_.forward(spec_.patches(), static_cast<int>(N_), x_.at, {}, {}, h_, {});
    for (std::int64_t i = 0; i < KM_; ++i) back(p, i, contribution);
  }
  const std::vector<double>& forecast = forecasts(1);
  out.forecast.insert(out.forecast.end(), forecast.begin(), forecast.end());
}

// The two ends of the path.
void Attribution::take(const WindowRows& batch) {
  N_ = batch.N;
  recurrence_.prepare(spec_.patches(), static_cast<int>(N_), false);
  recurrence_.prepare(spec_.patches(), static_cast<int>(N_), true);
  const std::int64_t T = spec_.patches(), C = spec_.inputs(), H = spec_.H;
  const auto size = [](auto& array, std::int64_t count) {
    array.assign(static_cast<std::size_t>(count), 0);
  };
  const auto both = [&](Inputs& inputs, std::int64_t count) {
    for (auto* array : {&inputs.from, &inputs.way, &inputs.at}) size(*array, count);
  };
  both(x_, T * N_ * C), both(context_, N_ * F_), both(base_, N_ * KM_);
  size(trend_, groups_.trend.empty() ? 0 : N_ * KM_);
  size(h_, T * N_ * H), size(dh_, T * N_ * H), size(dx_, T * N_ * C);
  size(last_, spec_.L * N_ * H), size(kept_, std::ssize(nodes_) * KM_ * N_ * H);
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
  if (!trend_.empty()) {  // a plain series has none, so its whole way is what the base has of it
    WindowRows without = batch;
    without.space.base = Base::seasonal;
    for (std::int64_t n = 0; n < N_; ++n) {
      base_row(without, n, without.windows[n].origin, trend_.data() + n * KM_);
    }
    std::ranges::transform(base_.way, trend_, trend_.begin(), std::minus());
  }
  for (Inputs* inputs : {&x_, &context_, &base_}) {
    std::ranges::transform(inputs->way, inputs->from, inputs->way.begin(), std::minus());
  }
}

// To a place between 0, the baseline, and 1, the windows.
void Attribution::move(double place) {
  const auto a = static_cast<float>(place);
  for (Inputs* inputs : {&x_, &context_, &base_}) {
#pragma omp parallel for simd schedule(static) num_threads(threads_)
    for (std::size_t i = 0; i < inputs->at.size(); ++i) {
      inputs->at[i] = inputs->from[i] + a * inputs->way[i];
    }
  }
}

// From the last states to the forecasts there, and how they follow the outputs.
void Attribution::head(const WindowRows& batch) {
  const std::int64_t H = spec_.H, in = H + F_;
  for (std::int64_t n = 0; n < N_; ++n) {
    std::copy_n(last_.data() + ((spec_.L - 1) * N_ + n) * H, H, head_.data() + n * in);
    std::copy_n(context_.at.data() + n * F_, F_, head_.data() + n * in + H);
  }
  const std::int64_t G = spec_.head_hidden;
  if (G > 0) {
    layers_.front().forward(N_, head_.data(), in, hidden_.data());
    const float* bias = layers_.front().bias();
    for (std::int64_t i = 0; i < N_ * G; ++i) {
      float& unit = hidden_[static_cast<std::size_t>(i)];
      unit = std::max(unit + bias[i % G], 0.0f);
    }
  }
  const float* reads = G > 0 ? hidden_.data() : head_.data();
  layers_.back().forward(N_, reads, G > 0 ? G : in, out_.data());
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

// From the forecasts of target and step i back to what the head sees.
void Attribution::head_back(std::int64_t i) {
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
}

// The part of place `at` in the integrals: of the recurrence's slopes its share for later, of
// context and base the contributions.
void Attribution::keep(std::size_t at, std::int64_t i, std::span<double> contribution) {
  const Place& place = places_[at];
  const std::int64_t size = N_ * spec_.H, G = groups_.count;
  for (std::size_t p = 0; p < nodes_.size(); ++p) {
    const auto factor = static_cast<float>(place.weight * place.shares[p]);
    float* to = kept_.data() + (static_cast<std::int64_t>(p) * KM_ + i) * size;
#pragma omp simd
    for (std::int64_t j = 0; j < size; ++j) to[j] += factor * dlast_[static_cast<std::size_t>(j)];
  }
  for (std::int64_t n = 0; n < N_; ++n) {
    double* row = contribution.data() + (n * KM_ + i) * G;
    add_products(F_, groups_.context.data(), context_.way.data() + n * F_,
                 dcontext_.data() + n * F_, place.weight, row);
    double slope = 0;
    for (std::int64_t q = 0; q < spec_.based_outputs(); ++q) {
      slope += slope_[static_cast<std::size_t>((n * KM_ + i) * Q_ + q)];
    }
    const auto cell = static_cast<std::size_t>(n * KM_ + i);
    float way = base_.way[cell];
    if (!trend_.empty()) {
      way -= trend_[cell];
      row[groups_.trend[static_cast<std::size_t>(i)]] +=
          place.weight * slope * static_cast<double>(trend_[cell]);
    }
    row[groups_.base[static_cast<std::size_t>(i)]] +=
        place.weight * slope * static_cast<double>(way);
  }
}

// From the last h of target and step i back through the recurrence, at a node where it has walked.
void Attribution::back(std::size_t node, std::int64_t i, std::span<double> contribution) {
  const std::int64_t T = spec_.patches(), C = spec_.inputs(), G = groups_.count,
                     size = N_ * spec_.H;
  const float* from = kept_.data() + (static_cast<std::int64_t>(node) * KM_ + i) * size;
  std::copy_n(from, size, dh_.data() + (T - 1) * size);
  recurrence_.backward(dh_, {}, dx_, dparams_, {});
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t n = 0; n < N_; ++n) {
    double* row = contribution.data() + (n * KM_ + i) * G;
    for (std::int64_t t = 0; t < T; ++t) {
      const std::int64_t at = (t * N_ + n) * C;
      add_products(C, groups_.inputs.data() + t * C, x_.way.data() + at, dx_.data() + at, 1, row);
    }
  }
}

}  // namespace sluice
