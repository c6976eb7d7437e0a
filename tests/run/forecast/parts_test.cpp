// Forecasts as a directory of parts: what is in it, and what is made of what is there.
#include "run/forecast/parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/path_lock.hpp"
#include "run/part_directory.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMissing;

constexpr const char* kPart = "part-00001.parquet";

/// Seven series of 60 days, the last but one without a value, and a model of them.
class Parts : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.forecast.part_series = 2;
    config_.forecast.new_items = false;
    directory_ = temporary(::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    config_.path.forecast = directory_.string() + "/";
  }

  static std::vector<std::vector<float>> numbers() {
    auto series = testing::weekly_series(7, 60);
    std::ranges::fill(series[5], kMissing);
    return series;
  }

  PartsResult made() { return forecast_parts(model_, catalog_, config_, {}, "1.2"); }

  std::string error() {
    try {
      made();
    } catch (const Error& e) {
      return e.what();
    }
    ADD_FAILURE() << "it was made";
    return {};
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      found[entry.path().filename()] = read_bytes(entry.path());
    }
    return found;
  }

  nlohmann::json json(std::string_view name) const {
    return nlohmann::json::parse(read_bytes(directory_ / name));
  }

  Config config_ = testing::quick_config();
  Catalog catalog_ = Catalog(testing::daily_parts(numbers()));
  Model model_ = testing::quick_model(config_, catalog_);
  fs::path directory_;
};

TEST_F(Parts, HaveTheRowsOfOneFile) {
  const PartsResult result = made();
  EXPECT_EQ(result.series, 6);
  EXPECT_EQ(result.parts, 3u);
  EXPECT_EQ(result.found, 0u);
  EXPECT_EQ(left_out_text(result.rows.left_out).substr(0, 22), "1 series left out: s5 ");
  const Forecasts all = forecast_series(model_, catalog_, config_);
  // One part of all series is the same file as that without parts, byte for byte.
  config_.forecast.part_series = 100;
  config_.path.forecast = temporary("whole").string() + "/";
  fs::remove_all(config_.path.forecast);
  made();
  write_forecasts(temporary("one.parquet"), catalog_, all, {80},
                  provenance_of(config_, catalog_, &model_));
  EXPECT_EQ(read_bytes(temporary("whole") / "part-00000.parquet"),
            read_bytes(temporary("one.parquet")));
  // And of several each holds its rows of it.
  SeriesForecaster forecaster(model_, catalog_, config_, {}, {80});
  const Forecasts rows = forecaster.rows();
  EXPECT_EQ(rows.series, all.series);
  const Forecasts second = forecaster.some(rows, 2, 4);
  EXPECT_THAT(second.series, ElementsAre(2, 3));
  const auto width = static_cast<std::ptrdiff_t>(all.values.size() / 6);
  EXPECT_EQ(second.values,
            std::vector(all.values.begin() + 2 * width, all.values.begin() + 4 * width));
  const auto table = read_table({.paths = {directory_}});
  EXPECT_EQ(table.rows(), 6 * 3);
  EXPECT_THAT(table.column_names(),
              ElementsAre("unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80"));
}

TEST_F(Parts, TheManifestSaysWhatTheyHoldAndOfWhat) {
  made();
  const auto plan = json("_plan.json"), manifest = json("_manifest.json");
  EXPECT_EQ(plan["program"], "1.2");
  EXPECT_EQ(plan["horizon"], 3);
  EXPECT_EQ(plan["levels"], std::vector<double>{80});
  EXPECT_EQ(plan["settings"]["forecast.part_series"], "2");
  for (const auto& [key, value] : plan.items()) EXPECT_EQ(manifest[key], value) << key;
  EXPECT_EQ(manifest["rows"], 18);
  ASSERT_EQ(manifest["parts"].size(), 3u);
  const auto last = manifest["parts"][2];
  EXPECT_EQ(last["file"], "part-00002.parquet");
  EXPECT_EQ(last["first_series"], "s4");
  EXPECT_EQ(last["last_series"], "s6");
  EXPECT_EQ(last["series"], 2);
  EXPECT_EQ(last["rows"], 6);
  EXPECT_EQ(last["bytes"], fs::file_size(directory_ / "part-00002.parquet"));
  EXPECT_NE(last["checksum"], manifest["parts"][1]["checksum"]);
}

TEST_F(Parts, AnInterruptedForecastGoesOnToTheSameBytes) {
  made();
  const auto undisturbed = files();
  EXPECT_EQ(undisturbed.size(), 5u);
  fs::remove(directory_ / "_manifest.json");
  fs::remove(directory_ / kPart);
  // What a killed process left of the part, and of one that is there.
  write_bytes(directory_ / ".part-00001.parquet.0123456789abcdef.tmp", "half");
  write_bytes(directory_ / ".part-00002.parquet.0123456789abcdef.tmp", "half");
  const auto kept = fs::last_write_time(directory_ / "part-00000.parquet");
  const PartsResult again = made();
  EXPECT_EQ(again.found, 2u);
  EXPECT_EQ(again.series, 6);
  EXPECT_EQ(files(), undisturbed);
  EXPECT_EQ(fs::last_write_time(directory_ / "part-00000.parquet"), kept);
}

TEST_F(Parts, ThatAreThereAreNotMadeAgain) {
  made();
  const auto before = fs::last_write_time(directory_ / "_manifest.json");
  const PartsResult again = made();
  EXPECT_EQ(again.found, 3u);
  EXPECT_EQ(fs::last_write_time(directory_ / "_manifest.json"), before);
}

TEST_F(Parts, OfOtherSettingsAreRefusedByName) {
  made();
  const auto before = files();
  config_.forecast.levels = {80};
  config_.forecast.part_series = 3;
  config_.forecast.nonnegative = true;
  EXPECT_THAT(error(), AllOf(HasSubstr("holds the parts of another forecast: "),
                             HasSubstr("forecast.nonnegative was \"auto\" and is true"),
                             HasSubstr("forecast.part_series was 2 and is 3"),
                             HasSubstr("choose another path.forecast, or have it replaced "
                                       "(--forecast.replace true)")));
  EXPECT_EQ(files(), before);
}

TEST_F(Parts, OfAnotherModelOrOtherDataAreRefusedOrReplaced) {
  made();
  const auto before = files();
  fs::remove(directory_ / "_manifest.json");  // and so interrupted
  const float weight = std::exchange(model_.members[0][0], 9.0f);
  EXPECT_THAT(error(), HasSubstr("holds parts of another forecast: the model is another one;"));
  model_.members[0][0] = weight;
  auto others = numbers();
  others[0][59] += 1;
  catalog_ = Catalog(testing::daily_parts(others));
  EXPECT_THAT(error(), HasSubstr("another forecast: the data, or what is forecast of them, are "
                                 "others;"));
  EXPECT_EQ(files().size(), 4u);
  config_.forecast.replace = true;
  EXPECT_EQ(made().found, 0u);
  const auto after = files();
  EXPECT_EQ(after.size(), 5u);
  for (const char* name : {"_plan.json", "part-00000.parquet"}) {
    EXPECT_TRUE(after.at(name) != before.at(name)) << name;
  }
  EXPECT_EQ(made().found, 3u);  // the same forecast is not replaced
}

TEST_F(Parts, AreNotWrittenBesideFilesOfSomethingElse) {
  fs::create_directories(directory_);
  write_bytes(directory_ / "notes.txt", "mine");
  EXPECT_THAT(error(), AllOf(HasSubstr("notes.txt: is no file of a forecast"),
                             HasSubstr("choose an empty directory")));
  EXPECT_THAT(files(), ElementsAre(std::pair("notes.txt", "mine")));
  fs::remove(directory_ / "notes.txt");
  config_.forecast.replace = true;
  write_bytes(directory_ / kPart, "another program's");
  EXPECT_THAT(error(), HasSubstr("part-00001.parquet: is there without _plan.json"));
  write_bytes(directory_ / "_plan.json", "{\"format\": \"another\"}");
  EXPECT_THAT(error(), HasSubstr("_plan.json: is no plan of a forecast in parts"));
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(Parts, ThatAreDamagedAreNamed) {
  made();
  const std::string whole = read_bytes(directory_ / kPart);
  write_bytes(directory_ / kPart, read_bytes(directory_ / "part-00002.parquet"));
  EXPECT_THAT(error(), HasSubstr("part-00001.parquet: is not as _manifest.json says; delete it"));
  fs::remove(directory_ / "_manifest.json");
  write_bytes(directory_ / kPart, whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error(), HasSubstr("part-00001.parquet: is damaged (it is no whole Parquet file); "
                                 "delete it, and start again: it is made anew"));
  fs::remove(directory_ / kPart);
  made();
  EXPECT_EQ(read_bytes(directory_ / kPart), whole);
}

TEST_F(Parts, TwoProcessesDoNotWriteAtOnce) {
  fs::create_directories(directory_);
  const PathLock other(fs::path(config_.path.forecast), "path.forecast", kForecastWork);
  EXPECT_THAT(error(), HasSubstr("is forecasting into this path; wait for it"));
  EXPECT_EQ(files().size(), 1u);  // the lock
}

TEST_F(Parts, WhatIsOfAllSeriesAtOnceIsRefused) {
  config_.path.forecast = "out/";
  config_.forecast.sums = std::vector<int>{2};
  config_.path.explanation = "e.csv";
  try {
    check_parts(config_);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("path.forecast = out/ is a directory"),
                      HasSubstr("forecast.sums, path.explanation are of all series at once"),
                      HasSubstr("or write one file (--path.forecast out.parquet)")));
  }
  EXPECT_NO_THROW(check_parts(Config()));
}

TEST_F(Parts, WithNewItemsAllHaveTheirColumn) {
  config_.forecast.new_items = true;
  config_.forecast.part_series = 4;
  EXPECT_EQ(made().series, 7);
  const auto table = read_table({.paths = {directory_}});  // refuses files of other columns
  EXPECT_EQ(table.rows(), 7 * 3);
  EXPECT_EQ(table.column_names().back(), "new_item");
}

TEST_F(Parts, AreSharedOutAmongProcessesByTheirNumbers) {
  made();
  const auto by_one = files();
  fs::remove_all(directory_);
  // As three ranks do: each makes its own forecasters, one begins and ends.
  SeriesForecaster first(model_, catalog_, config_, {}, {80});
  const Forecasts rows = first.rows();
  const PartPlan plan = plan_parts(model_, catalog_, config_, first, rows, "1.2");
  const PartsLeft left = begin_parts(directory_, plan, 3, false);
  EXPECT_THAT(left.missing, ElementsAre(0, 1, 2));
  for (const std::size_t part : {2u, 0u, 1u}) {
    SeriesForecaster of_rank(model_, catalog_, config_, {}, {80});
    const Forecasts made = write_part(directory_, plan, part, of_rank, rows, catalog_, config_);
    EXPECT_THAT(made.left_out, IsEmpty());
  }
  end_parts(directory_, plan, rows, catalog_);
  EXPECT_EQ(files(), by_one);
}

}  // namespace
}  // namespace sluice
