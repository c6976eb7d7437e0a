#include "sluice/data/simulate.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Row = std::vector<std::string>;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Row> rows_of(const std::string& text) {
  std::vector<Row> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    Row row;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
    rows.push_back(std::move(row));
  }
  return rows;
}

class SimulateTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("sluice-simulate-") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string csv(SimulateSpec spec) {
    spec.replace = true;
    simulate(spec, folder_ / "a.csv");
    return text_of(folder_ / "a.csv");
  }
  /// History lines of each series.
  std::map<std::string, std::vector<Row>> series(const SimulateSpec& spec) {
    std::map<std::string, std::vector<Row>> out;
    for (Row& row : rows_of(csv(spec))) {
      if (row[0] != "unique_id") out[row[0]].push_back(std::move(row));
    }
    return out;
  }

  fs::path folder_;
};

SimulateSpec small() {
  SimulateSpec spec;
  spec.stores = 3;
  spec.items = 20;
  spec.days = 200;
  return spec;
}

/// FNV-1a, 64 bits.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

TEST_F(SimulateTest, SameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  const std::string once = csv(small());
  EXPECT_EQ(once, csv(small()));
  SimulateSpec other = small();
  other.seed = 2;
  EXPECT_NE(once, csv(other));
}

TEST_F(SimulateTest, BytesDoNotDependOnTheBuild) {
  EXPECT_EQ(hash_of(csv(small())), 5612769676025670829ull);
  SimulateSpec shop = small();
  shop.schema = "article";
  EXPECT_EQ(hash_of(csv(shop)), 15784891564207150117ull);
}

TEST_F(SimulateTest, SmallCatalogueIsPartOfALargeOne) {
  const auto few = series(small());
  SimulateSpec large = small();
  large.stores = 5;
  large.items = 40;
  const auto many = series(large);
  ASSERT_EQ(few.size(), 60u);
  ASSERT_EQ(many.size(), 200u);
  for (const auto& [id, rows] : few) EXPECT_EQ(rows, many.at(id)) << id;
  // With one store, the file's first lines too.
  SimulateSpec one = small();
  one.stores = 1;
  SimulateSpec wider = one;
  wider.items = 50;
  const std::string narrow = csv(one);
  EXPECT_TRUE(csv(wider).starts_with(narrow));
}

TEST_F(SimulateTest, HasItsColumnsAndItsDays) {
  SimulateSpec spec = small();
  spec.launches = 0;
  const auto rows = rows_of(csv(spec));
  EXPECT_THAT(rows[0], testing::ElementsAre("unique_id", "ds", "y", "price", "promotion", "holiday",
                                            "store", "item"));
  ASSERT_EQ(rows.size(), 1u + 60 * 200);
  EXPECT_EQ(rows[1][0], "S0001/I00001");
  EXPECT_EQ(rows[1][1], "2023-01-01");
  EXPECT_EQ(rows[200][1], "2023-07-19");
  for (std::size_t r = 1; r < rows.size(); ++r) {
    EXPECT_EQ(rows[r].size(), 8u);
    EXPECT_GE(std::stoi(rows[r][2]), 0);
    EXPECT_GT(std::stod(rows[r][3]), 0);
    EXPECT_EQ(rows[r][0], rows[r][6] + "/" + rows[r][7]);
    EXPECT_EQ(rows[r][5] == "1", rows[r][1] == "2023-01-01" || rows[r][1] == "2023-05-01" ||
                                     rows[r][1] == "2023-07-14");
  }
}

TEST_F(SimulateTest, KnownFutureFollowsTheHistory) {
  simulate(small(), folder_ / "a.csv");
  const auto rows = rows_of(text_of(folder_ / "a.future.csv"));
  EXPECT_THAT(rows[0], testing::ElementsAre("unique_id", "ds", "price", "promotion", "holiday"));
  ASSERT_EQ(rows.size(), 1u + 60 * 28);
  EXPECT_EQ(rows[1][1], "2023-07-20");
  // What it says of price and promotion is what a longer history has on those days.
  SimulateSpec longer = small();
  longer.launches = 0;
  longer.days = 228;
  const auto later = series(longer);
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const Row& truth = later.at(rows[r][0])[200 + (r - 1) % 28];
    EXPECT_EQ(rows[r], (Row{truth[0], truth[1], truth[3], truth[4], truth[5]}));
  }
  SimulateSpec none = small();
  none.future_days = 0;
  simulate(none, folder_ / "b.csv");
  EXPECT_FALSE(fs::exists(folder_ / "b.future.csv"));
}

TEST_F(SimulateTest, SharesAreThoseAskedFor) {
  SimulateSpec spec;
  spec.stores = 1;
  spec.items = 1000;
  spec.days = 100;
  spec.intermittent = 0.3;
  spec.launches = 0.2;
  spec.missing = 0.1;
  const auto all = series(spec);
  ASSERT_EQ(all.size(), 1000u);
  // 1000 series: a share's standard deviation is below 0.015; 4 of them.
  double intermittent = 0, late = 0, present = 0, possible = 0;
  for (const auto& [id, rows] : all) {
    const auto zeros =
        std::count_if(rows.begin(), rows.end(), [](const Row& r) { return r[2] == "0"; });
    intermittent += static_cast<double>(zeros) > 0.5 * static_cast<double>(rows.size());
    const int first =
        std::stoi(rows[0][1].substr(5, 2)) * 31 + std::stoi(rows[0][1].substr(8)) - 32;
    late += first >= 9;  // launches lie in the days from the tenth on
    if (first < 9) {
      present += static_cast<double>(rows.size());
      possible += 100;
    }
  }
  EXPECT_NEAR(intermittent / 1000, 0.3, 0.06);
  EXPECT_NEAR(late / 1000, 0.2, 0.06);
  EXPECT_NEAR(present / possible, 0.9, 0.01);
}

// A forecaster's view: the mean of a weekday's last four values without promotions, times 1.7 in a
// promotion, must clearly beat the value of a week before, and promotions must sell more.
TEST_F(SimulateTest, SalesCanBeForecastBetterThanByTheLastWeek) {
  SimulateSpec spec = small();
  spec.intermittent = 0;
  spec.launches = 0;
  spec.days = 365;
  double naive = 0, better = 0, promoted = 0, plain = 0, promoted_days = 0, plain_days = 0;
  for (const auto& [id, rows] : series(spec)) {
    const auto y = [&rows = rows](std::size_t t) { return std::stod(rows[t][2]); };
    const auto promotion = [&rows = rows](std::size_t t) { return rows[t][4] == "1"; };
    for (std::size_t t = 100; t < rows.size(); ++t) {
      double sum = 0;
      int count = 0;
      for (std::size_t back = 7; back <= t && count < 4; back += 7) {
        if (promotion(t - back)) continue;
        sum += y(t - back);
        ++count;
      }
      const double forecast = sum / count * (promotion(t) ? 1.7 : 1);
      better += std::abs(forecast - y(t));
      naive += std::abs(y(t - 7) - y(t));
      (promotion(t) ? promoted : plain) += y(t);
      (promotion(t) ? promoted_days : plain_days) += 1;
    }
  }
  EXPECT_LT(better, 0.8 * naive);
  EXPECT_GT(promoted / promoted_days, 1.4 * (plain / plain_days));
  EXPECT_NEAR(promoted_days / (promoted_days + plain_days), 0.125, 0.08);
}

TEST_F(SimulateTest, ShopKeepsTheArticlesColumnsAndIdentities) {
  SimulateSpec spec;
  spec.schema = "article";
  spec.days = 400;
  spec.start = "2022-01-01";
  const std::string text = csv(spec);
  ASSERT_TRUE(text.starts_with(
      "\xef\xbb\xbf日期,浏览量,访客数,人均浏览量,平均停留时间,跳失率,成交客户数,成交单量,成交金额,"
      "客单价,成交商品件数,下单客户数,下单单量,下单金额,下单商品件数\n2022/1/1,"));
  EXPECT_FALSE(fs::exists(folder_ / "a.future.csv"));
  const auto rows = rows_of(text);
  ASSERT_EQ(rows.size(), 401u);
  EXPECT_EQ(rows.back()[0], "2023/2/4");
  for (std::size_t r = 1; r < rows.size(); ++r) {
    ASSERT_EQ(rows[r].size(), 15u);
    std::vector<double> v{0};
    for (std::size_t c = 1; c < 15; ++c) v.push_back(std::stod(rows[r][c]));
    EXPECT_NEAR(v[3], v[1] / v[2], 0.00501);
    EXPECT_NEAR(v[9], v[8] / v[6], 0.00501);
    EXPECT_GT(v[6], 0);
    EXPECT_LE(v[6], v[11]);
    EXPECT_LE(v[7], v[12]);
    EXPECT_LE(v[8], v[13]);
    EXPECT_LE(v[10], v[14]);
    EXPECT_GT(v[5], 0);
    EXPECT_LT(v[5], 1);
    for (const std::size_t c : {1u, 2u, 6u, 7u, 10u, 11u, 12u, 14u})
      EXPECT_EQ(v[c], std::floor(v[c])) << c;
  }
  // The article's trend: many more items at the end.
  EXPECT_GT(std::stod(rows[400][14]), 1.5 * std::stod(rows[1][14]));
}

TEST_F(SimulateTest, LeavesNoPartialFileBehind) {
  simulate(small(), folder_ / "a.parquet");
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) names.insert(entry.path().filename());
  EXPECT_THAT(names, testing::ElementsAre("a.future.parquet", "a.parquet"));
}

template <typename Change>
std::string config_error(Change change, const fs::path& path = "never.csv") {
  SimulateSpec spec = small();
  change(spec);
  try {
    simulate(spec, path);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(SimulateTest, WrongSettingsAreNamedWithTheirRange) {
  EXPECT_EQ(config_error([](auto& s) { s.stores = 0; }),
            "simulate: stores = 0 is out of range; give 1 to 1000000");
  EXPECT_EQ(config_error([](auto& s) { s.items = -3; }),
            "simulate: items = -3 is out of range; give 1 to 1000000");
  EXPECT_EQ(config_error([](auto& s) { s.days = 0; }),
            "simulate: days = 0 is out of range; give 1 to 100000");
  EXPECT_EQ(config_error([](auto& s) { s.future_days = -1; }),
            "simulate: future_days = -1 is out of range; give 0 to 10000");
  EXPECT_EQ(config_error([](auto& s) { s.missing = 1; }),
            "simulate: missing = 1 is out of range; give 0 to 0.99");
  EXPECT_EQ(config_error([](auto& s) { s.intermittent = std::nan(""); }),
            "simulate: intermittent = nan is out of range; give 0 to 1");
  EXPECT_EQ(config_error([](auto& s) { s.schema = "shop"; }),
            "simulate: schema = 'shop' is unknown; give 'catalog' or 'article'");
  EXPECT_EQ(config_error([](auto& s) { s.start = "2023-02-30"; }),
            "simulate: start = '2023-02-30' is no date; write it like 2023-01-01");
  EXPECT_EQ(config_error([](auto& s) { s.start = "9999-12-01"; }),
            "simulate: 228 days from 9999-12-01 end after the year 9999; give fewer days");
  EXPECT_EQ(config_error([](auto&) {}, "out.xlsx"),
            "out.xlsx: this ending is not known; name the file .csv, .csv.gz, .csv.zst, .parquet, "
            ".arrow or .feather");
}

TEST_F(SimulateTest, AFileThatHoldsSomethingElseIsKeptUnlessToldOtherwise) {
  const auto error_of = [&](const SimulateSpec& spec, const char* name) {
    try {
      simulate(spec, folder_ / name);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  fs::create_directories(folder_);
  SimulateSpec spec = small();
  for (const char* schema : {"catalog", "article"}) {
    spec.schema = schema;
    for (const char* name : {"a.csv", "a.csv.gz", "a.parquet", "a.arrow"}) {
      std::ofstream(folder_ / name) << "mine";
      EXPECT_THAT(error_of(spec, name), testing::HasSubstr("choose another file name")) << name;
      EXPECT_EQ(text_of(folder_ / name), "mine");
      EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << name;
      spec.replace = true;
      EXPECT_EQ(error_of(spec, name), "no error");
      spec.replace = false;
      EXPECT_EQ(error_of(spec, name), "no error");  // it holds just that
      spec.seed = 2;
      EXPECT_NE(error_of(spec, name), "no error");
      spec.seed = 1;
      for (const auto& file : fs::directory_iterator(folder_)) fs::remove(file);
    }
  }
  spec.schema = "catalog";
  for (const int days : {spec.future_days, 0}) {
    spec.future_days = days;
    std::ofstream(folder_ / "a.future.csv") << "mine";
    EXPECT_THAT(error_of(spec, "a.csv"), testing::HasSubstr("a.future.csv: is there already"));
    EXPECT_EQ(text_of(folder_ / "a.future.csv"), "mine");
    EXPECT_FALSE(fs::exists(folder_ / "a.csv"));
  }
}

TEST_F(SimulateTest, FolderThatCannotBeMadeIsADataError) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THROW(simulate(small(), folder_ / "file" / "a.csv"), DataError);
}

TEST_F(SimulateTest, TheTwoFilesOfOneCatalogueAppearTogetherAmongOthersOfTheirName) {
  SimulateSpec spec;
  spec.stores = spec.items = 1;
  spec.days = 30;
  fs::create_directories(folder_);
  // As another process does between its first file and its second.
  const int other = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  std::thread writer([&] { simulate(spec, folder_ / "a.csv"); });
  for (int i = 0; i < 20 && !fs::exists(folder_ / "a.csv"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(fs::exists(folder_ / "a.csv"));
  ::close(other);
  writer.join();
  EXPECT_TRUE(fs::exists(folder_ / "a.csv"));
  EXPECT_TRUE(fs::exists(folder_ / "a.future.csv"));
}

}  // namespace
}  // namespace sluice
