// The whole model in double, written from the formulas of model/spec.hpp by the shortest road: no
// sharing with the product, no speed. Gives the loss of a batch of windows, from which central
// differences give every gradient.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/spec.hpp"

namespace sluice::testing {

class ReferenceModel {
 public:
  ReferenceModel(const Catalog& catalog, const ModelSpec& spec, const SeriesScaling& scaling,
                 std::vector<float> weights)
      : catalog_(catalog),
        truth_(&catalog),
        spec_(spec),
        scaling_(scaling),
        weights_(std::move(weights)),
        layout_(spec) {
    values_ = tabulated([&](int m, auto i, auto t) { return value(m, i, t); });
    smooths_ = tabulated([&](int m, auto i, auto t) { return smooth(m, i, t, false); });
    drifts_ = tabulated([&](int m, auto i, auto t) { return drift(m, i, t); });
    tweedie_gammas_ = tweedie_gammas();
    levels_ = tabulated([&](int m, auto i, auto t) { return level(m, i, t); });
  }

  /// Targets are the values of `truth`, which outlives this, whatever the model sees.
  void set_targets(const Catalog& truth) { truth_ = &truth; }

  /// What the values of step t are divided by; in linear space with the floor.
  double level(int m, std::int64_t s, std::int64_t t) const {
    if (spec_.level == Level::none) return 1;
    if (const double* known = in_table(levels_, m, s, t)) return *known;
    double result = 1;
    if (spec_.level == Level::mean) {
      double sum = 0;
      int n = 0;
      for (std::int64_t i = std::max<std::int64_t>(0, t - spec_.level_window + 1); i <= t; ++i) {
        if (!std::isnan(value(m, s, i))) sum += magnitude(m, s, i), ++n;
      }
      if (n > 0) result = sum / n;
    } else {
      result = smooth(m, s, t, true);
    }
    return spec_.space == Space::linear ? result + 0.02 : result;
  }

  struct Result {
    double loss_sum = 0;
    std::int64_t targets = 0;
    double mean() const { return loss_sum / static_cast<double>(targets); }
  };

  /// Outputs [K, M, Q] in the model's space at the end of a window.
  std::vector<double> outputs(const Window& w, const std::vector<double>& params) const {
    std::vector<double> h(size(spec_.L * spec_.H)), c(h.size());
    for (int j = spec_.patch - 1; j < spec_.T; j += spec_.patch) {
      step(inputs(w, w.origin - spec_.T + 1 + j, params), params, h, c);
    }
    return head(w, w.origin, {h.end() - spec_.H, h.end()}, params);
  }

  /// Loss over all trained steps; targets at or after limit[series] are not there.
  Result loss(const std::vector<Window>& windows, const std::vector<std::int64_t>& limit,
              const std::vector<double>& params) const {
    Result result;
    for (const Window& w : windows) {
      std::vector<double> h(size(spec_.L * spec_.H)), c(h.size());
      for (int j = spec_.patch - 1; j < spec_.T; j += spec_.patch) {
        const std::int64_t t = w.origin - spec_.T + 1 + j;
        step(inputs(w, t, params), params, h, c);
        if (j < (spec_.forking ? spec_.warmup : spec_.T - 1) || t < 0) continue;
        const std::vector<double> top(h.end() - spec_.H, h.end());
        const std::vector<double> u = head(w, t, top, params);
        for (int k = 1; k <= spec_.K; ++k) {
          for (int m = 0; m < spec_.M; ++m) {
            if (t + k >= limit[size(w.series)]) continue;
            const double target = on_level(value(*truth_, m, w.series, t + k), m, w.series, t);
            if (std::isnan(target)) continue;
            ++result.targets;
            const double* of_target = u.data() + ((k - 1) * spec_.M + m) * spec_.Q();
            const double weight =
                static_cast<double>(weights_[size(w.series)]) *
                std::pow(level(0, w.series, t), static_cast<double>(spec_.level_weight));
            if (spec_.loss >= Loss::gaussian) {
              result.loss_sum -= weight * log_likelihood(of_target, target, m, w.series, t);
              continue;
            }
            for (int q = 0; q < spec_.Q(); ++q) {
              result.loss_sum += weight * one_loss(of_target[q] - target, q) / spec_.Q();
            }
          }
        }
      }
    }
    return result;
  }

 private:
  template <typename I>
  static std::size_t size(I i) {
    return static_cast<std::size_t>(i);
  }

  /// What no parameter changes, of each step, [M * S][length of the series]: differences of
  /// thousands of losses ask for it again and again.
  using Table = std::vector<std::vector<double>>;

  template <typename Of>
  Table tabulated(Of of) const {
    Table table;
    for (int m = 0; m < spec_.M; ++m) {
      for (std::int64_t s = 0; s < catalog_.series_count(); ++s) {
        std::vector<double>& row = table.emplace_back();
        for (std::int64_t t = 0; t < catalog_.length(s); ++t) row.push_back(of(m, s, t));
      }
    }
    return table;
  }

  /// Null: no step of the series, or the table is not made yet.
  const double* in_table(const Table& table, int m, std::int64_t s, std::int64_t t) const {
    if (table.empty() || t < 0 || t >= catalog_.length(s)) return nullptr;
    return &table[size(m * catalog_.series_count() + s)][size(t)];
  }

  static constexpr double kSlope = 4;  // of the asinh space

  double one_loss(double e, int q) const {
    const double a = std::fabs(e);
    if (spec_.loss == Loss::mse) return e * e;
    if (spec_.loss == Loss::mae) return a;
    const double d = static_cast<double>(spec_.huber_delta);
    if (spec_.loss == Loss::huber) return a <= d ? e * e / 2 : d * (a - d / 2);
    const double tau = static_cast<double>(spec_.quantiles[size(q)]);
    return 2 * std::max(tau * -e, (tau - 1) * -e);
  }

  /// Of `target` in the model's space; z: the outputs. Constants and links: model/likelihood.hpp.
  double log_likelihood(const double* z, double target, int m, std::int64_t s,
                        std::int64_t t) const {
    const double pi = 3.14159265358979;
    const auto softplus = [](double x) { return std::log(1 + std::exp(x)); };
    if (spec_.loss == Loss::gaussian) {
      const double sigma = softplus(z[1]) + 1e-4, x = (target - z[0]) / sigma;
      return -0.5 * x * x - std::log(sigma * std::sqrt(2 * pi));
    }
    if (spec_.loss == Loss::student_t) {
      const double sigma = softplus(z[1]) + 1e-4, x = (target - z[0]) / sigma;
      const double nu = softplus(z[2]) + 2.01;
      return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) -
             std::log(sigma * std::sqrt(nu * pi)) - (nu + 1) / 2 * std::log(1 + x * x / nu);
    }
    const double origin = spec_.level == Level::none ? 0 : 1;
    const double ratio = z[0] + origin > 1 ? z[0] + origin : std::exp(z[0] + origin - 1);
    if (spec_.loss == Loss::tweedie) return tweedie(target + origin, ratio, softplus(z[1]) + 1e-4);
    const double unit = level(m, s, t) * static_cast<double>(scaling_.scale_of(m, s));
    const double y = (target + origin) * unit, mean = ratio * unit;
    if (spec_.loss == Loss::poisson) return y * std::log(mean) - mean - std::lgamma(y + 1);
    const double r = 1 / (softplus(z[1]) + 1e-6);
    return std::lgamma(y + r) - std::lgamma(r) - std::lgamma(y + 1) + r * std::log(r / (r + mean)) +
           y * std::log(mean / (r + mean));
  }

  double tweedie(double y, double mean, double phi) const {
    const auto p = static_cast<double>(spec_.tweedie_power);
    const double kernel =
        (y * std::pow(mean, 1 - p) / (1 - p) - std::pow(mean, 2 - p) / (2 - p)) / phi;
    if (y <= 0) return kernel;
    const double a = (2 - p) / (p - 1);
    const double term = a * std::log(y / (p - 1)) - (1 + a) * std::log(phi) - std::log(2 - p);
    double sum = 0;
    for (std::size_t j = 0; j < tweedie_gammas_.size(); ++j) {
      sum += std::exp(static_cast<double>(j + 1) * term - tweedie_gammas_[j]);
    }
    return std::log(sum / y) + kernel;
  }

  /// log(j! Gamma(a j)) of the terms j = 1, 2, ... of tweedie().
  std::vector<double> tweedie_gammas() const {
    std::vector<double> gammas;
    const auto p = static_cast<double>(spec_.tweedie_power);
    for (int j = 1; j < 150 && spec_.loss == Loss::tweedie; ++j) {
      gammas.push_back(std::lgamma(j + 1.0) + std::lgamma((2 - p) / (p - 1) * j));
    }
    return gammas;
  }

  double value(int m, std::int64_t s, std::int64_t t) const {
    const double* known = in_table(values_, m, s, t);
    return known ? *known : value(catalog_, m, s, t);
  }

  double value(const Catalog& of, int m, std::int64_t s,
               std::int64_t t) const {  // v; NaN where there is none
    if (t < 0 || t >= of.length(s)) return std::nan("");
    const double y = static_cast<double>(of.values(m, s)[size(t)]);
    const double scaled = (y - static_cast<double>(scaling_.offset_of(m, s))) /
                          static_cast<double>(scaling_.scale_of(m, s));
    if (spec_.space == Space::asinh) return std::asinh(kSlope * scaled);
    return spec_.space == Space::log ? std::log(scaled) : scaled;
  }

  double magnitude(int m, std::int64_t s, std::int64_t t) const {
    const double v = value(m, s, t);
    if (spec_.space == Space::asinh) return std::fabs(std::sinh(v)) / kSlope;
    return spec_.space == Space::log ? std::exp(v) : std::fabs(v);
  }

  double smooth(int m, std::int64_t s, std::int64_t t, bool of_magnitude) const {
    const double* known = of_magnitude ? nullptr : in_table(smooths_, m, s, t);
    if (known) return *known;
    double state = 0;
    int age = 0;
    for (std::int64_t i = 0; i <= t; ++i) {
      const double v = of_magnitude ? magnitude(m, s, i) : value(m, s, i);
      if (std::isnan(v)) continue;
      ++age;
      state += std::max(static_cast<double>(spec_.smoothing_alpha), 1.0 / age) * (v - state);
    }
    return age > 0 ? state : (of_magnitude ? 1 : 0);
  }

  /// Mean of the changes a step so far, newer ones weighing more.
  double drift(int m, std::int64_t s, std::int64_t t) const {
    if (const double* known = in_table(drifts_, m, s, t)) return *known;
    double mean = 0;
    int changes = 0;
    for (std::int64_t i = 0; i <= t; ++i) {
      std::int64_t before = i - spec_.base_season;
      while (before >= 0 && std::isnan(value(m, s, before))) before -= spec_.base_season;
      if (before < 0 || std::isnan(value(m, s, i))) continue;
      ++changes;
      const double change =
          (value(m, s, i) - value(m, s, before)) / static_cast<double>(i - before);
      const double share = std::max(static_cast<double>(spec_.smoothing_alpha), 1.0 / changes);
      mean = (1 - share) * mean + share * change;
    }
    return mean;
  }

  double on_level(double v, int m, std::int64_t s, std::int64_t t) const {
    if (spec_.level == Level::none) return v;
    const double lev = level(m, s, t);
    if (spec_.space == Space::asinh) return v - std::asinh(kSlope * lev);
    return spec_.space == Space::log ? v - std::log(lev) : v / lev - 1;
  }

  double at(int m, std::int64_t s, std::int64_t i, std::int64_t t) const {
    return on_level(value(m, s, i), m, s, t);
  }

  double seen(int m, std::int64_t s, std::int64_t i, std::int64_t t) const {  // as an input
    if (i < 0) return 0;
    const double u = at(m, s, i, t);
    return std::isnan(u) ? 0 : std::min(10.0, std::max(-10.0, u));
  }

  double log_level(int m, std::int64_t s, std::int64_t t) const {
    const double scale = static_cast<double>(scaling_.scale_of(m, s));
    if (spec_.space != Space::asinh) return std::log(level(m, s, t) * scale);
    return std::asinh(kSlope * level(m, s, t)) - std::log(2 * kSlope) + std::log(scale);
  }

  /// Of the patch that ends at step t.
  std::vector<double> inputs(const Window& w, std::int64_t t,
                             const std::vector<double>& params) const {
    const std::int64_t s = w.series, first = t - spec_.patch + 1;
    std::vector<double> x;
    if (t < 0) return std::vector<double>(size(spec_.inputs()));
    for (int m = 0; m < spec_.M; ++m) {
      for (std::int64_t i = first; i <= t; ++i) x.push_back(seen(m, s, i, t));
      for (std::int64_t i = first; i <= t && spec_.missing_indicator; ++i) {
        x.push_back(i >= 0 && std::isnan(value(m, s, i)) ? 1 : 0);
      }
      for (int lag : spec_.lags) {
        for (std::int64_t i = first; i <= t; ++i) x.push_back(seen(m, s, i - lag, t));
      }
      if (spec_.base == Base::trend) {
        double drifts = spec_.base_season;
        for (int k = 1; k <= spec_.K; ++k) {
          drifts += std::pow(static_cast<double>(spec_.trend_damping), k);
        }
        const double add = drifts * drift(m, s, t);
        const bool divides = spec_.space == Space::linear && spec_.level != Level::none;
        x.push_back(std::clamp(divides ? add / level(m, s, t) : add, -10.0, 10.0));
      }
      if (spec_.level_input) {
        double sum = 0, squares = 0;
        for (std::int64_t i = 0; i < catalog_.series_count(); ++i) {
          const double l = std::log(static_cast<double>(scaling_.scale_of(0, i)));
          sum += l, squares += l * l;
        }
        const double n = static_cast<double>(catalog_.series_count()), mean = sum / n;
        x.push_back((log_level(m, s, t) - mean) /
                    std::sqrt(std::max(1e-4, squares / n - mean * mean)));
      }
      if (spec_.level_change) {
        x.push_back(t < spec_.base_season
                        ? 0
                        : log_level(m, s, t) - log_level(m, s, t - spec_.base_season));
      }
    }
    for (int c = spec_.M; c < spec_.M + spec_.past_channels + spec_.future_channels; ++c) {
      // Past ones are encoded by their own step, future ones as the patch's last step sees them.
      const bool future = c >= spec_.M + spec_.past_channels;
      for (std::int64_t i = first; i <= t; ++i) x.push_back(covariate(c, w, i, future ? t : i));
    }
    std::vector<float> calendar(size(std::max(1, spec_.calendar)));
    if (spec_.calendar > 0) {
      calendar_features(catalog_.frequency(), catalog_.period(s, t + 1), calendar.data());
      for (int i = 0; i < spec_.calendar; ++i) x.push_back(static_cast<double>(calendar[size(i)]));
    }
    append_statics(s, params, x);
    for (std::int64_t i = first; i <= t; ++i) {
      for (std::size_t e = 0; e < spec_.step_embeddings.size(); ++e) {
        append_word(e, s, i, params, x);
      }
    }
    return x;
  }

  /// Channel c at step i, as step t sees it.
  double covariate(int c, const Window& w, std::int64_t i, std::int64_t t) const {
    const std::int64_t s = w.series;
    if (i < 0) return 0;
    const int future = c - spec_.M - spec_.past_channels;
    if (i >= catalog_.length(s)) return 0;
    if (future >= 0 && (w.dropped & (1 << future % 16)) != 0) return 0;
    const double y = static_cast<double>(catalog_.values(c, s)[size(i)]);
    if (std::isnan(y)) return 0;
    if (scaling_.covariates.empty()) {
      return (y - static_cast<double>(scaling_.offset_of(c, s))) /
             static_cast<double>(scaling_.scale_of(c, s));
    }
    const CovariateMap& map = scaling_.covariates[size(c - spec_.M)];
    const auto number = [&](double x) { return map.encoding == Encoding::ratio ? std::log(x) : x; };
    double sum = 0;
    int n = 0;
    for (std::int64_t j = std::max<std::int64_t>(0, t - spec_.level_window + 1); j <= t; ++j) {
      const double x = static_cast<double>(catalog_.values(c, s)[size(j)]);
      if (!std::isnan(x)) sum += number(x), ++n;
    }
    if (n == 0) return 0;
    const double u = (number(y) - sum / n) / static_cast<double>(map.scale);
    return std::min(static_cast<double>(map.high), std::max(static_cast<double>(map.low), u));
  }

  void append_statics(std::int64_t s, const std::vector<double>& params,
                      std::vector<double>& x) const {
    for (std::size_t r = 0; r < catalog_.static_reals().size(); ++r) {
      x.push_back((static_cast<double>(catalog_.static_reals()[r].values[size(s)]) -
                   static_cast<double>(scaling_.static_offset[r])) /
                  static_cast<double>(scaling_.static_scale[r]));
    }
    for (std::size_t e = 0; e < spec_.embeddings.size(); ++e) {
      const auto& block = layout_.block("embedding." + std::to_string(e) + ".weight");
      const int width = spec_.embeddings[e].width;
      const int code = catalog_.static_categories()[e].codes[size(s)];
      for (int i = 0; i < width; ++i) x.push_back(params[size(block.offset + code * width + i)]);
    }
  }

  void append_word(std::size_t e, std::int64_t s, std::int64_t t, const std::vector<double>& params,
                   std::vector<double>& x) const {
    const double* table = block("step_embedding." + std::to_string(e) + ".weight", params);
    const int width = spec_.step_embeddings[e].width;
    if (t < 0) {  // before the series: no word at all
      x.insert(x.end(), size(width), 0);
      return;
    }
    const bool known = t < catalog_.length(s);
    const int code =
        known ? catalog_.categories()[e].codes[size(catalog_.offset(s) + t)] : 0;  // unknown
    for (int i = 0; i < width; ++i) x.push_back(table[code * width + i]);
  }

  const double* block(const std::string& name, const std::vector<double>& params) const {
    return params.data() + layout_.block(name).offset;
  }

  void step(std::vector<double> x, const std::vector<double>& params, std::vector<double>& h,
            std::vector<double>& c) const {
    const int H = spec_.H;
    for (int l = 0; l < spec_.L; ++l) {
      const std::string n = "_l" + std::to_string(l);
      const double* W = block("lstm.weight_ih" + n, params);
      const double* R = block("lstm.weight_hh" + n, params);
      const double* b = block("lstm.bias_ih" + n, params);
      std::vector<double> next(size(H));
      for (int j = 0; j < H; ++j) {
        double a[4];
        for (int g = 0; g < 4; ++g) {
          const int row = g * H + j;
          a[g] = b[row];
          for (std::size_t i = 0; i < x.size(); ++i) a[g] += W[size(row) * x.size() + i] * x[i];
          for (int i = 0; i < H; ++i) a[g] += R[row * H + i] * h[size(l * H + i)];
        }
        const double i = 1 / (1 + std::exp(-a[0])), f = 1 / (1 + std::exp(-a[1])),
                     o = 1 / (1 + std::exp(-a[3]));
        double& cell = c[size(l * H + j)];
        cell = f * cell + i * std::tanh(a[2]);
        next[size(j)] = o * std::tanh(cell);
      }
      for (int j = 0; j < H; ++j) h[size(l * H + j)] = next[size(j)];
      x = next;
    }
  }

  std::vector<double> head(const Window& w, std::int64_t t, const std::vector<double>& h,
                           const std::vector<double>& params) const {
    const std::int64_t s = w.series;
    std::vector<double> z = h, base(size(spec_.K * spec_.M));
    for (int m = 0; m < spec_.M; ++m) {
      for (std::int64_t i = t - spec_.context + 1; i <= t; ++i) z.push_back(seen(m, s, i, t));
      for (int k = 1; k <= spec_.K && spec_.seasonal_context > 0; ++k) {
        std::int64_t i = t + k;
        while (i > t) i -= spec_.seasonal_context;
        z.push_back(seen(m, s, i, t));
      }
      for (int k = 1; k <= spec_.K; ++k) {
        double b = 0;
        std::int64_t i = t;
        if (spec_.base == Base::last) {
          while (i >= 0 && std::isnan(value(m, s, i))) --i;
          b = i >= 0 ? at(m, s, i, t) : 0;
        } else if (spec_.base == Base::seasonal) {
          i = t + k;
          while (i > t || (i >= 0 && std::isnan(value(m, s, i)))) i -= spec_.base_season;
          b = i >= 0 ? at(m, s, i, t) : 0;
        } else if (spec_.base == Base::trend) {
          i = t + k;
          while (i > t || (i >= 0 && std::isnan(value(m, s, i)))) i -= spec_.base_season;
          double drifts = static_cast<double>(t - i);
          for (int j = 1; j <= k; ++j) {
            drifts += std::pow(static_cast<double>(spec_.trend_damping), j);
          }
          b = i >= 0 ? on_level(value(m, s, i) + drifts * drift(m, s, t), m, s, t) : 0;
        } else if (spec_.base == Base::smoothing) {
          b = on_level(smooth(m, s, t, false), m, s, t);
        }
        base[size((k - 1) * spec_.M + m)] = b;
      }
    }
    for (int f = 0; f < spec_.future_channels; ++f) {
      for (int k = 1; k <= spec_.K; ++k)
        z.push_back(covariate(spec_.M + spec_.past_channels + f, w, t + k, t));
    }
    append_statics(s, params, z);
    for (std::size_t e = 0; e < spec_.step_embeddings.size(); ++e) {
      for (int k = 1; k <= spec_.K && spec_.step_embeddings[e].future; ++k) {
        append_word(e, s, t + k, params, z);
      }
    }
    if (spec_.head_hidden > 0) {
      z = product("hidden", spec_.head_hidden, z, params);
      for (double& x : z) x = std::max(x, 0.0);
    }
    std::vector<double> u = product("linear", spec_.outputs(), z, params);
    const std::size_t Q = size(spec_.Q()), based = spec_.loss >= Loss::gaussian ? 1 : Q;
    for (std::size_t o = 0; o < u.size(); ++o) u[o] += o % Q < based ? base[o / Q] : 0;
    return u;
  }

  std::vector<double> product(const std::string& name, int rows, const std::vector<double>& z,
                              const std::vector<double>& params) const {
    const double* W = block(name + ".weight", params);
    const double* b = block(name + ".bias", params);
    std::vector<double> out;
    for (int r = 0; r < rows; ++r) {
      double sum = b[r];
      for (std::size_t i = 0; i < z.size(); ++i) sum += W[size(r) * z.size() + i] * z[i];
      out.push_back(sum);
    }
    return out;
  }

  const Catalog& catalog_;
  const Catalog* truth_;
  ModelSpec spec_;
  SeriesScaling scaling_;
  std::vector<float> weights_;
  ParamLayout layout_;
  std::vector<double> tweedie_gammas_;
  Table values_, smooths_, drifts_, levels_;
};

}  // namespace sluice::testing
