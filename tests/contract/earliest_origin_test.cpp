// An engine that is told from where on it will be asked holds less, and gives the same forecasts.
// Compiled once for each engine (support/engine_under_test.hpp).
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "support/gappy_catalog.hpp"
#include "support/small_engine.hpp"

namespace sluice {
namespace {

using testing::EngineContract;

class EarliestOrigin : public EngineContract,
                       public ::testing::WithParamInterface<testing::NamedSpec> {
 protected:
  EarliestOrigin() : spec(GetParam().spec) {
    if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.length(s));
    scaling = fit_scaling(catalog, spec.level != Level::none ? Scaling::mean : Scaling::none,
                          Scaling::standard, end);
  }

  std::unique_ptr<Engine> engine(const std::vector<std::int64_t>& earliest) const {
    return testing::engine_for(catalog, spec, scaling, 0, earliest);
  }

  std::vector<float> forecasts(Engine& of, const std::vector<std::int64_t>& cutoff) const {
    const std::vector<Window> windows = windows_at(cutoff);
    std::vector<float> out(windows.size() * static_cast<std::size_t>(spec.outputs()));
    of.forecast(windows, {}, out);
    return out;
  }

  Catalog catalog = testing::gappy_catalog();
  ModelSpec spec;
  SeriesScaling scaling;
  std::vector<std::int64_t> end;
};

TEST_P(EarliestOrigin, ForecastsAreThoseOfTheWholeCatalogueToTheBit) {
  std::vector<std::int64_t> cutoff = end, earliest;
  cutoff[2] = -1;  // not asked for
  for (const std::int64_t c : cutoff) earliest.push_back(c < 1 ? EngineSetup::kNoWindow : c - 1);
  const auto whole = engine({}), late = engine(earliest);
  const std::vector<float> expected = forecasts(*whole, cutoff), made = forecasts(*late, cutoff);
  ASSERT_EQ(made.size(), expected.size());
  EXPECT_EQ(std::memcmp(made.data(), expected.data(), made.size() * sizeof(float)), 0);
}

TEST_P(EarliestOrigin, AWindowThatBeginsBeforeItIsRefused) {
  std::vector<std::int64_t> earliest;
  for (const std::int64_t c : end) earliest.push_back(c - 1);
  const auto late = engine(earliest);
  std::vector<std::int64_t> cutoff = end;
  cutoff[5] -= 1;
  if (spec.carry_state) {  // all is held
    forecasts(*late, cutoff);
  } else {
    EXPECT_THROW(forecasts(*late, cutoff), InternalError);
  }
}

INSTANTIATE_TEST_SUITE_P(Specs, EarliestOrigin, ::testing::ValuesIn([] {
                           std::vector<testing::NamedSpec> specs = testing::gappy_specs();
                           ModelSpec carried = testing::small_spec();
                           carried.M = 2, carried.past_channels = 1, carried.future_channels = 1;
                           carried.static_reals = 1, carried.embeddings = {{3, 2}, {5, 3}};
                           carried.step_embeddings = specs.front().spec.step_embeddings;
                           carried.warmup = 0, carried.carry_state = true;
                           specs.push_back({"carried_state", carried});
                           return specs;
                         }()),
                         [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace sluice
