// Whole trainings on small catalogues in memory, in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {

class TrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        test_folder() / (std::string("sluice_training_") + info->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Config small() const {
    Config c = testing::quick_config();
    c.training.steps = 60;
    c.training.steps_per_epoch = 10;
    c.path.model = (directory_ / "model.safetensors").string();
    return c;
  }
  static TrainOptions silent(bool save = false) {
    TrainOptions o;
    o.save = save;
    o.announce = false;
    return o;
  }
  static Catalog weekly(int series = 5, int length = 80) {
    return Catalog(testing::daily_parts(testing::weekly_series(series, length)));
  }

  std::filesystem::path directory_;
};

}  // namespace sluice
