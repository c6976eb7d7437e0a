// The same seed gives the same bits: on any number of threads, again, and through a stop.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>
#include <string>

#include "run/threads.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/report.hpp"
#include "sluice/run/trainer.hpp"
#include "support/rich_catalog.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  void (*set)(Config&);
  bool rich = false;  ///< with all that a catalogue can have

  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
};

void nothing(Config&) {}
/// From where all that must be known ahead is.
void rich(Config& c) { c.forecast.from = "2024-02-27"; }
void learned(Config& c) {
  c.training.loss = "mae";
  c.training.partners = {"auto"};
  c.training.calibration = "auto";
}
void deep(Config& c) {
  c.network.layers = 2;
  c.network.dropout = 0.2;
  c.training.final_fit = true;
}
void carried(Config& c) { c.training.carry_state = true; }
void recursive(Config& c) {
  c.network.decoding = "recursive";
  c.training.loss = "gaussian";
  c.forecast.samples = 20;
}
void counts(Config& c) {
  c.training.loss = "negative_binomial";
  c.network.space = "linear";
}
void several(Config& c) { c.training.seeds = 3; }
void patched(Config& c) { c.network.patch = 2; }

class Reproducible : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    folder_ = test_folder() / (std::string("sluice_reproducible_") + GetParam().name);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_ = testing::quick_config();
    config_.training.batch_size = 32;
    config_.training.steps = 20;
    config_.training.steps_per_epoch = 10;
    config_.engine.device = "cpu";
    config_.engine.forecast_batch = 5;
    config_.evaluate.methods = {"theta"};
    GetParam().set(config_);
  }
  void TearDown() override {
    use_threads(1);
    fs::remove_all(folder_);
  }

  Config on(int threads, const std::string& name) const {
    use_threads(threads);
    Config c = config_;
    c.engine.threads = threads;
    c.path.model = (folder_ / name).string();
    return c;
  }
  /// The model as its file has it. The training may be stopped once, after so many steps.
  Model trained(const Config& config, int stop_after = 0) const {
    TrainOptions options;
    options.announce = false;
    Config c = config;
    if (stop_after > 0) {
      options.watch = [&](const TrainProgress& now) { return now.step < stop_after; };
      EXPECT_TRUE(train(c, catalog_, options).interrupted);
      options.watch = {};
      c.mode.resume = true;
    }
    train(c, catalog_, options);
    return load_model(c.path.model);
  }
  std::string forecast(const Model& model, int threads) const {
    Config c = on(threads, "of no use");
    const fs::path path = folder_ / "forecast.parquet";
    const Forecasts made = forecast_series(model, catalog_, c);
    write_forecasts(path, catalog_, made, {80}, provenance_of(c, catalog_, &model));
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  std::string evaluation(const Model& model, int threads) const {
    EvaluationReport report = backtest(on(threads, "of no use"), catalog_, &model).report;
    report.train_seconds = report.forecast_seconds = 0;
    for (MethodReport& method : report.methods) method.processor_seconds = 0;
    return report_json(report);
  }

  static Catalog catalog() {
    if (GetParam().rich) return testing::rich_catalog(true);
    auto series = testing::weekly_series(12, 80);
    if (GetParam().set == counts) {
      for (auto& values : series) {
        for (float& y : values) y = std::round(y);
      }
    }
    return Catalog(testing::daily_parts(series));
  }
  Catalog catalog_ = catalog();
  Config config_;
  fs::path folder_;
};

TEST_P(Reproducible, ATrainingOnAnyNumberOfThreadsAgainAndThroughAStop) {
  const Model first = trained(on(1, "one"));
  const auto expect_same = [&](const Model& other, const std::string& what) {
    EXPECT_EQ(other.members, first.members) << what;
    EXPECT_EQ(other.valid_loss, first.valid_loss) << what;
    EXPECT_EQ(hash_of(other), hash_of(first)) << what;
    EXPECT_EQ(other.provenance, first.provenance) << what;
  };
  expect_same(trained(on(1, "again")), "again");
  for (const int threads : {2, 3}) {
    expect_same(trained(on(threads, "several")), std::to_string(threads) + " threads");
  }
  expect_same(trained(on(2, "stopped"), 7), "stopped after 7 steps");
  config_.training.seed += 1;
  EXPECT_NE(hash_of(trained(on(1, "other"))), hash_of(first));
}

TEST_P(Reproducible, ForecastsAndEvaluations) {
  config_.training.steps = 5;
  const Model model = trained(on(1, "model"));
  const std::string forecasts = forecast(model, 1), scores = evaluation(model, 1);
  EXPECT_EQ(forecast(model, 1), forecasts);
  for (const int threads : {2, 3}) {
    EXPECT_EQ(forecast(model, threads), forecasts) << threads << " threads";
    EXPECT_EQ(evaluation(model, threads), scores) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Reproducible,
                         ::testing::Values(Case{"plain", nothing}, Case{"rich", rich, true},
                                           Case{"learned", learned}, Case{"deep", deep},
                                           Case{"carried", carried}, Case{"recursive", recursive},
                                           Case{"counts", counts}, Case{"several", several},
                                           Case{"patched", patched}),
                         [](const auto& one) { return one.param.name; });

// What a file says of where it is from.
TEST(Provenance, ComesBackFromItsText) {
  const Provenance from{.program = this_program(), .data = "0a", .settings = "0b", .model = "0c"};
  EXPECT_EQ(provenance_from_json(to_json(from), "here"), from);
  EXPECT_THROW(provenance_from_json("[]", "here"), DataError);
  EXPECT_THROW(provenance_from_json(R"({"program":{"version":1}})", "here"), DataError);
}

TEST(Provenance, OfSettingsIsWhatDecides) {
  Config c = testing::quick_config();
  const std::string hash = settings_hash(c);
  c.path.model = "elsewhere";
  c.engine.threads = 7;
  c.mode.resume = true;
  EXPECT_EQ(settings_hash(c), hash);
  c.training.seed += 1;
  EXPECT_NE(settings_hash(c), hash);
}

TEST(Provenance, OfDataIsEachNumberNameAndStep) {
  const auto hash_with = [](const std::function<void(CatalogParts&)>& change) {
    CatalogParts parts = testing::rich_parts(false);
    change(parts);
    return hash_of(Catalog(std::move(parts)));
  };
  const std::string hash = hash_with([](CatalogParts&) {});
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash_with([](CatalogParts&) {}), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.channels[0].values[3] += 1e-6f; }), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.channels[1].name = "other"; }), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.ids[2] = "other"; }), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.first[1] += 1; }), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.static_reals[0].values[1] = 0; }), hash);
  EXPECT_NE(hash_with([](CatalogParts& p) { p.categories[0].codes[1] ^= 3; }), hash);
}

TEST(Provenance, OfAModelIsThatOfItsFile) {
  const Catalog catalog(testing::daily_parts(testing::weekly_series(3, 60)));
  Model model = testing::quick_model(testing::quick_config(), catalog);
  const fs::path path = test_folder() / "sluice_provenance.safetensors";
  save_model(path, model);
  const Model read = load_model(path);
  EXPECT_EQ(read.hash, hash_of(model));
  EXPECT_EQ(read.provenance, model.provenance);
  EXPECT_EQ(read.provenance.data, hash_of(catalog));
  model.train_seconds += 1;
  model.config.path.model = "elsewhere";
  EXPECT_EQ(hash_of(model), read.hash);
  model.members[0][0] += 1e-6f;
  EXPECT_NE(hash_of(model), read.hash);
  fs::remove(path);
}

}  // namespace
}  // namespace sluice
