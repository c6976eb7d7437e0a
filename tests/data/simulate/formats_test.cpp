// Every format of a simulated catalogue holds the same numbers, read back by the project's readers.
#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/table/impl.hpp"
#include "sluice/data/simulate.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

/// All cells as text: numbers in their shortest form, days as 2023-01-01.
std::vector<std::vector<std::string>> cells(const fs::path& path) {
  ReadOptions options;
  options.paths = {path};
  const Table table = read_table(options);
  std::vector<std::vector<std::string>> columns;
  const PartTable& part = table.impl().parts.at(0).table;
  for (int c = 0; c < part.num_columns(); ++c) {
    const auto column = part.column(c);
    auto& out = columns.emplace_back();
    for (std::int64_t row = 0; row < column->length(); ++row) {
      auto scalar = column->GetScalar(row).ValueOrDie();
      if (const auto* entry = dynamic_cast<const arrow::DictionaryScalar*>(scalar.get()))
        scalar = entry->GetEncodedValue().ValueOrDie();
      const bool number =
          arrow::is_integer(scalar->type->id()) || arrow::is_floating(scalar->type->id());
      const auto plain = number ? scalar->CastTo(arrow::float64()).ValueOrDie() : scalar;
      std::string text = plain->ToString();
      if (arrow::is_temporal(scalar->type->id())) text = text.substr(0, 10);
      for (std::size_t at; (at = text.find('/')) != std::string::npos && text[0] == '2';)
        text[at] = '-';
      out.push_back(std::move(text));
    }
  }
  return columns;
}

class SimulateFormats : public testing::TestWithParam<const char*> {};

TEST_P(SimulateFormats, HoldTheNumbersOfTheCsvFile) {
  const fs::path folder =
      fs::path(testing::TempDir()) / ("sluice-formats" + std::string(GetParam()));
  fs::remove_all(folder);
  SimulateSpec spec;
  spec.stores = 2;
  spec.items = 10;
  spec.days = 90;
  spec.missing = 0.05;
  simulate(spec, folder / "a.csv");
  simulate(spec, folder / ("a" + std::string(GetParam())));
  for (const std::string name : {"a", "a.future"})
    EXPECT_TRUE(cells(folder / (name + ".csv")) == cells(folder / (name + GetParam()))) << name;
  // The article's days have no leading zeros; a start in October keeps the texts alike.
  spec.schema = "article";
  spec.start = "2023-10-10";
  spec.days = 22;
  simulate(spec, folder / "shop.csv");
  simulate(spec, folder / ("shop" + std::string(GetParam())));
  EXPECT_TRUE(cells(folder / "shop.csv") == cells(folder / ("shop" + std::string(GetParam()))));
  fs::remove_all(folder);
}

TEST(Simulate, NewDataNeverStandBesideAnOldFutureFile) {
  const fs::path folder = test_folder() / "sluice_simulate_future";
  fs::remove_all(folder);
  SimulateSpec spec;
  spec.stores = spec.items = 1;
  spec.days = 20;
  spec.future_days = 7;
  simulate(spec, folder / "a.csv");
  EXPECT_TRUE(fs::exists(folder / "a.future.csv"));
  spec.future_days = 0;
  spec.replace = true;
  simulate(spec, folder / "a.csv");
  EXPECT_TRUE(fs::exists(folder / "a.csv"));
  EXPECT_FALSE(fs::exists(folder / "a.future.csv"));
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(All, SimulateFormats,
                         testing::Values(".csv.gz", ".csv.zst", ".parquet", ".arrow", ".feather"));

}  // namespace
}  // namespace sluice
