// Sample paths of every engine, step by step against draws in double that share nothing with the
// product but the uniform numbers: a path's values are put into a catalogue, of which the model
// written apart says what comes next.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>

#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/sampling.hpp"
#include "support/engine_under_test.hpp"
#include "support/reference_model.hpp"
#include "support/rich_catalog.hpp"
#include "support/small_engine.hpp"

namespace sluice {
namespace {

using testing::EngineContract;
using testing::known_parts;
using testing::make_engine_under_test;
using testing::ReferenceModel;

constexpr std::uint64_t kSeed = 5;

/// The x with p = cdf(x).
double inverse(double p, double low, double high, const std::function<double(double)>& cdf) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (cdf(middle) < p ? low : high) = middle;
  }
  return high;
}

double counted(double p, const std::function<double(int)>& mass) {
  double sum = mass(0);
  int k = 0;
  while (sum < p) sum += mass(++k);
  return k;
}

double poisson_of(double mean, double p) {
  return counted(p,
                 [&](int k) { return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)); });
}

double gamma_of(double shape, double p) {
  return inverse(p, 0, 200, [&](double x) {
    double term = 1 / shape, sum = term;
    for (int n = 1; n < 2000; ++n) sum += term *= x / (shape + n);
    return sum * std::exp(shape * std::log(x) - x - std::lgamma(shape));
  });
}

/// What the rounding of parameters to single precision may move a count's probability by: a uniform
/// number nearer to the jump between two counts than this allows both.
constexpr double kOfRounding = 1e-5;

/// A model's value of a series at a step, from its outputs z there; formulas of
/// model/likelihood.hpp.
class ReferenceDraw {
 public:
  ReferenceDraw(const ModelSpec& spec, double level, double scale)
      : spec_(spec), level_(level), scale_(scale) {}

  double operator()(const double* z, UniformPair u) const {
    const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
    const double origin = spec_.level == Level::none ? 0 : 1;
    const double ratio = z[0] + origin > 1 ? z[0] + origin : std::exp(z[0] + origin - 1);
    const double unit = (spec_.space == Space::linear ? level_ : 1) * scale_;
    if (spec_.loss == Loss::poisson) return poisson_of(ratio * unit, u.first);  // no second output
    const double spread = softplus(z[1]);
    if (spec_.loss == Loss::gaussian) {
      const double normal =
          inverse(u.first, -40, 40, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); });
      return from_space(z[0] + (spread + 1e-4) * normal);
    }
    if (spec_.loss == Loss::student_t) {
      const double nu = softplus(z[2]) + 2.01;
      const double radius = std::sqrt(nu * (std::pow(u.first, -2 / nu) - 1));
      return from_space(z[0] + (spread + 1e-4) * radius * std::cos(2 * std::acos(-1.0) * u.second));
    }
    if (spec_.loss == Loss::negative_binomial) {
      const double alpha = spread + 1e-6, r = 1 / alpha, mean = ratio * unit;
      if (mean > 32) return poisson_of(mean * gamma_of(r, u.first) / r, u.second);
      return counted(u.first, [&](int k) {
        return std::exp(std::lgamma(r + k) - std::lgamma(r) - std::lgamma(k + 1) +
                        r * std::log(r / (r + mean)) + k * std::log(mean / (r + mean)));
      });
    }
    const auto power = static_cast<double>(spec_.tweedie_power);  // in units of the level
    const double phi = spread + 1e-4;
    const double count = poisson_of(std::pow(ratio, 2 - power) / (phi * (2 - power)), u.first);
    if (count == 0) return 0;
    return unit * phi * (power - 1) * std::pow(ratio, power - 1) *
           gamma_of(count * (2 - power) / (power - 1), u.second);
  }

 private:
  double from_space(double x) const {
    if (spec_.space != Space::linear) x = std::clamp(x, -10.0, 10.0);
    if (spec_.space == Space::log) return level_ * std::exp(x) * scale_;
    if (spec_.space == Space::linear) {
      return (x + (spec_.level == Level::none ? 0 : 1)) * level_ * scale_;
    }
    const double o = spec_.level == Level::none ? 0 : std::asinh(4 * level_);
    return std::sinh(x + o) / 4 * scale_;
  }

  const ModelSpec& spec_;
  double level_, scale_;
};

struct Case {
  const char* name;
  ModelSpec spec;
  bool missing;
  double tolerance;  ///< of a value, relative
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> cases() {
  std::vector<Case> out;
  ModelSpec s = testing::recursive_spec(9);
  out.push_back({"gaussian_log_seasonal", s, false, 2e-4});
  s.missing_indicator = true, s.base = Base::trend, s.base_season = 3;
  out.push_back({"gaussian_log_trend_missing", s, true, 2e-4});
  s.space = Space::asinh, s.base = Base::last, s.loss = Loss::student_t;
  out.push_back({"student_t_asinh_last_missing", s, true, 2e-4});
  s.space = Space::linear, s.level = Level::smoothing, s.base = Base::smoothing;
  out.push_back({"student_t_linear_smoothing_missing", s, true, 2e-4});
  s = testing::recursive_spec(9);
  s.space = Space::linear, s.loss = Loss::negative_binomial, s.base = Base::last;
  out.push_back({"negative_binomial", s, false, 1e-6});
  s.base = Base::none, s.loss = Loss::tweedie, s.tweedie_power = 1.4f;
  out.push_back({"tweedie", s, false, 2e-3});
  s.loss = Loss::poisson, s.level = Level::none, s.level_input = s.level_change = false;
  out.push_back({"poisson_without_level", s, false, 1e-6});
  return out;
}

struct World {
  explicit World(ModelSpec of, bool missing) : spec(std::move(of)), parts(known_parts(missing)) {
    if (spec.calendar > 0) spec.calendar = calendar_size(parts.axis.frequency);
    if (is_count(spec.loss)) {
      for (float& y : parts.channels[0].values) y = std::round(y);
    }
    const Catalog catalog{CatalogParts(parts)};
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.history(s));
    scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
    params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 3, params);
  }

  std::unique_ptr<Engine> engine(const Catalog& catalog, int batch = 4, int threads = 0) const {
    EngineSetup setup;
    setup.catalog = &catalog;
    setup.spec = &spec;
    setup.scaling = &scaling;
    setup.batch = batch;
    setup.threads = threads;
    auto made = make_engine_under_test(setup);
    made->set_evaluation_params(params);
    return made;
  }

  ModelSpec spec;
  CatalogParts parts;
  std::vector<std::int64_t> end;
  SeriesScaling scaling;
  std::vector<float> params;
};

std::vector<Window> path_windows() {
  std::vector<Window> windows;
  for (const auto& [series, origin] :
       std::vector<std::pair<int, int>>{{0, 30}, {1, 25}, {2, 11}, {4, 50}, {5, 44}, {1, 22}}) {
    windows.push_back({.origin = origin, .series = series});
  }
  return windows;
}

std::vector<float> sampled(Engine& engine, std::span<const Window> windows, const ModelSpec& spec,
                           std::int64_t first, std::int64_t count) {
  std::vector<std::uint64_t> streams;
  for (const Window& w : windows) {
    streams.push_back(static_cast<std::uint64_t>(100 * w.series + w.origin));
  }
  std::vector<float> out(windows.size() * static_cast<std::size_t>(count * spec.K));
  engine.sample(windows, {.first = first, .count = count, .seed = kSeed, .streams = streams}, out);
  return out;
}

class EnginePaths : public EngineContract, public ::testing::WithParamInterface<Case> {};

TEST_P(EnginePaths, AreTheReferences) {
  const Case& c = GetParam();
  const World world(c.spec, c.missing);
  const Catalog catalog{CatalogParts(world.parts)};
  const auto windows = path_windows();
  constexpr std::int64_t kPaths = 5;
  const auto engine = world.engine(catalog);
  const std::vector<float> paths = sampled(*engine, windows, world.spec, 0, kPaths);

  const std::vector<double> params(world.params.begin(), world.params.end());
  const auto K = static_cast<std::size_t>(world.spec.K);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    for (std::size_t p = 0; p < 2; ++p) {
      CatalogParts parts = world.parts;
      const auto s = static_cast<std::size_t>(windows[w].series);
      for (std::size_t k = 0; k < K; ++k) {
        ModelSpec spec = world.spec.network();
        spec.T += static_cast<int>(k);
        const Window at{.origin = windows[w].origin + static_cast<std::int64_t>(k),
                        .series = windows[w].series};
        const Catalog now{CatalogParts(parts)};
        const ReferenceModel reference(now, spec, world.scaling, std::vector<float>(6, 1.0f));
        const std::vector<double> z = reference.outputs(at, params);
        const UniformPair u = path_uniforms(
            kSeed, static_cast<std::uint64_t>(100 * windows[w].series + windows[w].origin), p, k);
        const ReferenceDraw draw(spec, reference.level(0, windows[w].series, at.origin),
                                 static_cast<double>(world.scaling.scale_of(0, windows[w].series)));
        const double about = is_nonnegative(spec.loss) ? kOfRounding : 0;
        const double low = draw(z.data(), {u.first - about, u.second - about});
        const double high = draw(z.data(), {u.first + about, u.second + about});
        const float made = paths[(w * static_cast<std::size_t>(kPaths) + p) * K + k];
        const auto value = static_cast<double>(made);
        ASSERT_GE(value, low - c.tolerance * (1 + std::abs(low))) << w << " " << p << " " << k;
        ASSERT_LE(value, high + c.tolerance * (1 + std::abs(high))) << w << " " << p << " " << k;
        parts.channels[0].values[static_cast<std::size_t>(parts.offsets[s] + at.origin + 1)] = made;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EnginePaths, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.name); });

class EnginePathsAll : public EngineContract {};

TEST_F(EnginePathsAll, DependOnNoBatchNoThreadsAndNoOtherPath) {
  const World world(testing::recursive_spec(9), false);
  const Catalog catalog{CatalogParts(world.parts)};
  const auto windows = path_windows();
  const auto K = static_cast<std::size_t>(world.spec.K);
  constexpr std::size_t kPaths = 11;
  const std::vector<float> all = sampled(*world.engine(catalog), windows, world.spec, 0, kPaths);
  for (const int threads : {1, 2, 3}) {
    for (const int batch : {1, 3, 100}) {
      const auto engine = world.engine(catalog, batch, threads);
      const std::vector<float> again = sampled(*engine, windows, world.spec, 0, kPaths);
      for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_NEAR(again[i], all[i], 1e-4 * std::abs(all[i])) << threads << " " << batch;
      }
    }
  }
  const auto engine = world.engine(catalog);
  const std::vector<float> some =
      sampled(*engine, std::span(windows).subspan(2, 1), world.spec, 3, 4);
  for (std::size_t i = 0; i < 4 * K; ++i) {
    ASSERT_NEAR(some[i], all[(2 * kPaths + 3) * K + i], 1e-4 * std::abs(some[i]));
  }
}

// An engine may keep what it did of one call for the next one that is alike: not its windows, its
// paths' numbers nor the parameters.
TEST_F(EnginePathsAll, AreTheSameHoweverOftenOthersAreDrawn) {
  World world(testing::recursive_spec(9), false);
  const Catalog catalog{CatalogParts(world.parts)};
  const auto windows = path_windows();
  const std::span<const Window> some = std::span(windows).first(3),
                                others = std::span(windows).last(3);
  const auto fresh = [&](std::span<const Window> of, std::int64_t first) {
    return sampled(*world.engine(catalog), of, world.spec, first, 5);
  };
  const auto engine = world.engine(catalog);
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(sampled(*engine, some, world.spec, 0, 5), fresh(some, 0)) << time;
    EXPECT_EQ(sampled(*engine, others, world.spec, 0, 5), fresh(others, 0)) << time;
    EXPECT_EQ(sampled(*engine, others, world.spec, 5, 5), fresh(others, 5)) << time;
  }
  init_params(world.spec, 4, world.params);
  engine->set_evaluation_params(world.params);
  EXPECT_EQ(sampled(*engine, some, world.spec, 0, 5), fresh(some, 0));
  sampled(*engine, windows, world.spec, 0, 40);  // more rows than there was room for
  EXPECT_EQ(sampled(*engine, others, world.spec, 0, 5), fresh(others, 0));
}

TEST_F(EnginePathsAll, SeeNoTargetAfterTheirOrigin) {
  const World world(testing::recursive_spec(9), false);
  CatalogParts other = world.parts;
  const auto windows = path_windows();
  for (std::size_t s = 0; s + 1 < other.offsets.size(); ++s) {
    std::int64_t last = 0;
    for (const Window& w : windows) {
      if (w.series == static_cast<std::int32_t>(s)) last = std::max(last, w.origin);
    }
    for (std::int64_t i = other.offsets[s] + last + 1; i < other.offsets[s + 1]; ++i) {
      other.channels[0].values[static_cast<std::size_t>(i)] *= 3;
    }
  }
  const Catalog catalog{CatalogParts(world.parts)}, changed{CatalogParts(other)};
  EXPECT_EQ(sampled(*world.engine(catalog), windows, world.spec, 0, 10),
            sampled(*world.engine(changed), windows, world.spec, 0, 10));
}

TEST_F(EnginePathsAll, GoOnPastTheEndOfTheCatalogue) {
  ModelSpec spec = testing::recursive_spec(9);
  spec.future_channels = 0, spec.step_embeddings.clear();
  World world(spec, false);
  world.parts.channels.resize(1), world.parts.categories.clear();
  world.scaling.offset.resize(6), world.scaling.scale.resize(6);
  const Catalog whole{CatalogParts(world.parts)};
  const std::int64_t cut = 20;  // of every series
  CatalogParts parts = world.parts;
  std::vector<float>& kept = parts.channels[0].values;
  kept.clear();
  for (std::size_t i = 0; i + 1 < parts.offsets.size(); ++i) {
    const auto from = world.parts.channels[0].values.begin() + world.parts.offsets[i];
    const std::int64_t length = world.parts.offsets[i + 1] - world.parts.offsets[i];
    kept.insert(kept.end(), from, from + std::min(cut, length));
    parts.offsets[i + 1] = static_cast<std::int64_t>(kept.size());
  }
  const Catalog ended{CatalogParts(parts)};
  const std::vector<Window> windows = {{.origin = cut - 1, .series = 5}};
  const auto before = sampled(*world.engine(whole), windows, world.spec, 0, 10);
  EXPECT_EQ(sampled(*world.engine(ended), windows, world.spec, 0, 10), before);
}

/// y_{t+1} = phi y_t + sigma e by weights set by hand: the base is the last value, to which the
/// head adds phi - 1 times it.
TEST_F(EnginePathsAll, HaveTheVarianceOfAnAutoregression) {
  constexpr double kPhi = 0.8, kSigma = 0.3, kStart = 1.5;
  ModelSpec spec;
  spec.T = 4, spec.H = 3, spec.K = 12, spec.decoding = Decoding::recursive;
  spec.loss = Loss::gaussian, spec.base = Base::last, spec.context = 1;
  std::vector<float> y(10, 0.4f);
  y.back() = static_cast<float>(kStart);
  const Catalog catalog(testing::daily_parts({y}));
  SeriesScaling scaling;
  scaling.series = 1, scaling.offset = {0}, scaling.scale = {1};
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling, setup.batch = 1;
  const auto engine = make_engine_under_test(setup);
  const ParamLayout layout(spec);
  std::vector<float> params(static_cast<std::size_t>(layout.size()), 0.0f);
  init_params(spec, 1, params);
  const ParamBlock &weight = layout.block("linear.weight"), &bias = layout.block("linear.bias");
  std::fill_n(params.begin() + weight.offset, weight.size, 0.0f);
  params[static_cast<std::size_t>(weight.offset + spec.H)] = static_cast<float>(kPhi - 1);
  params[static_cast<std::size_t>(bias.offset)] = 0;
  params[static_cast<std::size_t>(bias.offset + 1)] =
      static_cast<float>(std::log(std::exp(kSigma - 1e-4) - 1));
  engine->set_evaluation_params(params);
  constexpr std::int64_t kPaths = 4000;
  const std::vector<Window> windows = {{.origin = 9, .series = 0}};
  const std::vector<float> paths = sampled(*engine, windows, spec, 0, kPaths);
  const auto n = static_cast<double>(kPaths);
  for (int k = 0; k < spec.K; ++k) {
    double sum = 0, squares = 0, product = 0, before = 0;
    for (std::int64_t p = 0; p < kPaths; ++p) {
      const double x = static_cast<double>(paths[static_cast<std::size_t>(p * spec.K + k)]);
      const double last =
          k == 0 ? kStart
                 : static_cast<double>(paths[static_cast<std::size_t>(p * spec.K + k - 1)]);
      sum += x, squares += x * x, product += (x - kPhi * last) * last, before += last * last;
    }
    const double h = k + 1, mean = std::pow(kPhi, h) * kStart;
    const double variance = kSigma * kSigma * (1 - std::pow(kPhi, 2 * h)) / (1 - kPhi * kPhi);
    // Four standard errors of a Gaussian's mean, variance and regression.
    EXPECT_NEAR(sum / n, mean, 4 * std::sqrt(variance / n)) << h;
    EXPECT_NEAR(squares / n - sum / n * sum / n, variance, 4 * variance * std::sqrt(2 / n)) << h;
    EXPECT_NEAR(product / before, 0, 4 * kSigma / std::sqrt(before)) << h;
  }
}

}  // namespace
}  // namespace sluice
