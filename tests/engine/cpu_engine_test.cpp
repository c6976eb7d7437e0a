// What is the CPU engine's own; what every engine promises is in tests/contract.
#include <gtest/gtest.h>

#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "support/catalogs.hpp"
#include "support/engine_under_test.hpp"

namespace sluice {

std::unique_ptr<Engine> testing::make_engine_under_test(EngineSetup setup) {
  return make_cpu_engine(setup);
}

bool testing::skip_without_engine() { return false; }

namespace {

TEST(CpuEngine, RefusesAnUnknownRecurrencePrecisionAndDevice) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(1, 20))};
  const ModelSpec spec;
  const SeriesScaling scaling =
      fit_scaling(catalog, Scaling::mean, Scaling::standard, std::vector<std::int64_t>(1, 20));
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  setup.recurrence = "cudnn";
  try {
    make_cpu_engine(setup);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "engine.recurrence = \"cudnn\" does not exist on the CPU; choose auto, fused or "
                 "onednn");
  }
  for (const char* name : {"fused", "onednn"}) {
    setup.recurrence = name;
    EXPECT_EQ(make_cpu_engine(setup)->recurrence(), name);
  }
  setup.recurrence = "auto";
  setup.precision = "bf16";
  EXPECT_THROW(make_cpu_engine(setup), ConfigError);
  setup.precision = "auto";
  EXPECT_THROW(make_engine("tpu", setup), DeviceError);
}

}  // namespace
}  // namespace sluice
