// A small catalogue with windows, and the head over it in double, written from the formulas of
// model/spec.hpp by the shortest road. What a row sees (context, base, target, weight) comes from
// engine/window_rows.hpp, which has tests of its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/shared/window_rows.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/spec.hpp"

namespace sluice::testing {

/// All arrays behind a WindowRows, on the host.
struct HeadProblem {
  ModelSpec spec;
  std::vector<std::int64_t> offset{0, 40, 57, 95, 104}, length{40, 17, 38, 9}, limit, embedding_at;
  std::vector<float> v, s, o, statics, weight, params, h;
  std::vector<std::int32_t> codes;
  std::vector<int> embedding_width;
  std::vector<Window> windows;

  std::int64_t series() const { return static_cast<std::int64_t>(offset.size()) - 1; }
  std::int64_t N() const { return static_cast<std::int64_t>(windows.size()); }
  std::int64_t rows() const { return N() * (spec.T - spec.first_head_step()); }
  std::int64_t P() const { return static_cast<std::int64_t>(params.size()); }

  /// `place(vector)` gives the pointer to an array's elements: the host's, or a device copy's.
  template <typename Place>
  WindowRows view(Place place) const {
    WindowRows rows;
    SpaceView& space = rows.space;
    space.T = spec.T, space.K = spec.K, space.M = spec.M, space.C = spec.inputs();
    space.base = spec.base, space.base_season = spec.base_season;
    space.context = spec.context, space.seasonal_context = spec.seasonal_context;
    space.static_count = spec.static_reals;
    space.embedding_count = static_cast<int>(spec.embeddings.size());
    space.first_head_step = spec.first_head_step();
    space.level_weight = spec.level_weight;
    space.series = series(), space.total = offset.back();
    space.offset = place(offset), space.length = place(length);
    space.v = place(v), space.s = place(s), space.o = place(o);
    space.statics = place(statics), space.codes = place(codes), space.weight = place(weight);
    space.embedding_width = place(embedding_width), space.embedding_at = place(embedding_at);
    rows.windows = place(windows), rows.N = N();
    rows.params = place(params), rows.limit = place(limit);
    return rows;
  }
  WindowRows on_host() const {
    return view([](const auto& values) { return values.data(); });
  }
};

/// The targets known of every series but its last three steps, one in `1 / missing` missing.
inline HeadProblem head_problem(const ModelSpec& wanted, int N, double missing) {
  HeadProblem p;
  p.spec = wanted;
  p.spec.static_reals = 2;
  const ParamLayout layout(p.spec);
  std::mt19937 random(static_cast<std::mt19937::result_type>(N * 31 + wanted.T));
  const auto uniform = [&](std::int64_t size, double low, double high) {
    std::uniform_real_distribution<double> value(low, high);
    std::vector<float> out(static_cast<std::size_t>(size));
    for (float& x : out) x = static_cast<float>(value(random));
    return out;
  };
  const std::int64_t cells = p.spec.M * p.offset.back();
  p.v = uniform(cells, -2, 2), p.s = uniform(cells, 0.5, 2), p.o = uniform(cells, -1, 1);
  for (float& v : p.v) {
    if (uniform(1, 0, 1)[0] < static_cast<float>(missing)) v = missing_value();
  }
  p.statics = uniform(p.series() * 2, -1, 1), p.weight = uniform(p.series(), 0.5, 2);
  p.params = uniform(layout.size(), -0.5, 0.5);
  p.h = uniform(p.spec.T * N * p.spec.H, -1, 1);
  for (std::int64_t s = 0; s < p.series(); ++s) {
    for (std::size_t e = 0; e < p.spec.embeddings.size(); ++e) {
      p.codes.push_back(static_cast<std::int32_t>(s) % p.spec.embeddings[e].cardinality);
    }
  }
  for (std::size_t e = 0; e < p.spec.embeddings.size(); ++e) {
    p.embedding_width.push_back(p.spec.embeddings[e].width);
    p.embedding_at.push_back(layout.block("embedding." + std::to_string(e) + ".weight").offset);
  }
  for (int n = 0; n < N; ++n) {
    const auto s = static_cast<std::size_t>(n) % 4;
    const std::int64_t length = p.length[s];
    p.limit.push_back(length - 3);
    p.windows.push_back({.origin = (7 * n + 5) % (length - 1), .series = static_cast<int>(s)});
  }
  return p;
}

/// What the head should give.
struct HeadAnswer {
  double loss = 0;
  std::int64_t targets = 0;
  std::vector<double> dh, gradient, dcontext;  ///< as DeviceHead::train() has them
  std::vector<double> u;                       ///< [rows,K,M,Q]
};

inline double formula_loss(const ModelSpec& spec, double e, int q, double& gradient) {
  const double sign = e > 0 ? 1 : (e < 0 ? -1 : 0), d = static_cast<double>(spec.huber_delta);
  if (spec.loss == Loss::mse) return gradient = 2 * e, e * e;
  if (spec.loss == Loss::mae) return gradient = sign, std::fabs(e);
  if (spec.loss == Loss::huber) {
    gradient = std::fabs(e) <= d ? e : d * sign;
    return std::fabs(e) <= d ? e * e / 2 : d * (std::fabs(e) - d / 2);
  }
  const double tau = static_cast<double>(spec.quantiles[static_cast<std::size_t>(q)]);
  gradient = e > 0 ? 2 * (1 - tau) : -2 * tau;
  return gradient * e;
}

/// Rows from step `first` on; `h` of those rows, [rows,H].
inline HeadAnswer head_answer(const HeadProblem& p, int first, const float* h) {
  using Doubles = std::vector<double>;
  const auto size = [](auto i) { return static_cast<std::size_t>(i); };
  const ModelSpec& spec = p.spec;
  const ParamLayout layout(spec);
  const WindowRows rows = p.on_host();
  const std::int64_t H = spec.H, F = spec.head_context(), G = spec.head_hidden;
  const std::int64_t O = spec.outputs(), width = H + F, E = spec.head_embeddings();
  const std::int64_t total = p.N() * (spec.T - first), n1 = G > 0 ? G : O;
  const char* reader = G > 0 ? "hidden" : "linear";
  const std::int64_t w1 = layout.block(std::string(reader) + ".weight").offset;
  const std::int64_t b1 = layout.block(std::string(reader) + ".bias").offset;
  const std::int64_t w2 = layout.block("linear.weight").offset;
  const std::int64_t b2 = layout.block("linear.bias").offset;
  const auto param = [&](std::int64_t i) { return static_cast<double>(p.params[size(i)]); };
  HeadAnswer answer;
  answer.dh.assign(size(spec.T * p.N() * H), 0);
  answer.gradient.assign(p.params.size(), 0);
  for (std::int64_t r = 0; r < total; ++r) {
    const std::int64_t n = r % p.N(), j = first + r / p.N();
    const std::int64_t t = p.windows[size(n)].origin - spec.T + 1 + j;
    std::vector<float> context(size(F));
    context_row(rows, n, t, static_cast<int>(F), context.data());
    std::vector<float> base(size(spec.K * spec.M)), targets(base.size());
    base_row(rows, n, t, base.data());
    target_row(rows, n, t, targets.data());
    Doubles x(h + r * H, h + (r + 1) * H);
    x.insert(x.end(), context.begin(), context.end());

    Doubles first_layer(size(n1)), u(size(O)), du(size(O), 0);
    for (std::int64_t i = 0; i < n1; ++i) {
      double& a = first_layer[size(i)];
      a = param(b1 + i);
      for (std::int64_t k = 0; k < width; ++k) a += param(w1 + i * width + k) * x[size(k)];
      if (G > 0) a = a > 0 ? a : 0;
    }
    for (std::int64_t i = 0; i < O; ++i) {
      const auto q = static_cast<int>(i % spec.Q());
      u[size(i)] = G > 0 ? param(b2 + i) : first_layer[size(i)];
      for (std::int64_t g = 0; g < G; ++g)
        u[size(i)] += param(w2 + i * G + g) * first_layer[size(g)];
      u[size(i)] += static_cast<double>(base[size(i / spec.Q())]);
      const auto target = static_cast<double>(targets[size(i / spec.Q())]);
      if (std::isnan(target)) continue;
      if (q == 0) ++answer.targets;
      const double share = static_cast<double>(row_weight(rows, n, t)) / spec.Q();
      double slope = 0;
      answer.loss += share * formula_loss(spec, u[size(i)] - target, q, slope);
      du[size(i)] = share * slope;
    }
    answer.u.insert(answer.u.end(), u.begin(), u.end());

    Doubles d = du;  // of the first layer
    if (G > 0) {
      d.assign(size(G), 0);
      for (std::int64_t i = 0; i < O; ++i) {
        answer.gradient[size(b2 + i)] += du[size(i)];
        for (std::int64_t g = 0; g < G; ++g) {
          answer.gradient[size(w2 + i * G + g)] += du[size(i)] * first_layer[size(g)];
          if (first_layer[size(g)] > 0) d[size(g)] += du[size(i)] * param(w2 + i * G + g);
        }
      }
    }
    Doubles dx(size(width), 0);
    for (std::int64_t i = 0; i < n1; ++i) {
      answer.gradient[size(b1 + i)] += d[size(i)];
      for (std::int64_t k = 0; k < width; ++k) {
        answer.gradient[size(w1 + i * width + k)] += d[size(i)] * x[size(k)];
        dx[size(k)] += d[size(i)] * param(w1 + i * width + k);
      }
    }
    std::copy_n(dx.begin(), H, answer.dh.begin() + (j * p.N() + n) * H);
    answer.dcontext.insert(answer.dcontext.end(), dx.end() - E, dx.end());
  }
  return answer;
}

}  // namespace sluice::testing
