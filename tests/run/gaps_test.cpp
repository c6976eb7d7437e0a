// Steps that the program makes show no skill that a forecast would not have.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

/// A shop that has a row only for a day with a sale. Prices change every week, for no reason, and
/// an item sells 8 to 12 pieces on a day that a coin decides: nothing can be known ahead.
struct Shop {
  std::string sales = "item_id,date,sales,promo\n", promos = "item_id,date,promo\n";
  Shop() {
    for (int item = 0; item < 10; ++item) {
      for (int day = 0; day < 168; ++day) {
        const auto draw = [&](int of_what, int number) {
          return philox(7, static_cast<std::uint64_t>(item * 3 + of_what),
                        static_cast<std::uint64_t>(number));
        };
        const int promo = draw(0, day).v[0] % 5 == 0 ? 1 : 0;
        const std::chrono::year_month_day date(
            std::chrono::sys_days(std::chrono::January / 2 / 2023) + std::chrono::days(day));
        const std::string when =
            fmt::format("{}-{:02}-{:02}", static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
        promos += fmt::format("i{},{},{}\n", item, when, promo);
        if (day > 0 && draw(1, day).v[0] % 2 == 0) continue;
        sales += fmt::format("i{},{},{},{}\n", item, when, 8 + draw(2, day).v[0] % 5, promo);
      }
    }
  }
};

/// Root of the mean square error of a model trained on the shop over that of each item's mean, on
/// the last 14 days.
double error_over_mean(const std::string& covariate_gaps, bool all_days = false,
                       const std::string& scaling = "auto") {
  const Shop shop;
  const std::string path = temporary("shop.csv").string();
  const std::string promos = temporary("promos.csv").string();
  write_bytes(path, shop.sales);
  write_bytes(promos, shop.promos);
  const auto empty = temporary("empty.toml");
  write_bytes(empty, "");
  const Config c = load_config(empty, {{"path.data", path},
                                       {"path.future", all_days ? promos : ""},
                                       {"data.gaps", "zero"},
                                       {"data.future", "promo"},
                                       {"data.covariate_gaps", covariate_gaps},
                                       {"network.covariate_scaling", scaling},
                                       {"network.hidden_size", "16"},
                                       {"network.head_hidden", "32"},
                                       {"network.predict_day", "14"},
                                       {"data.valid", "14"},
                                       {"data.test", "14"},
                                       {"training.loss", "mse"},
                                       {"training.steps", "250"},
                                       {"training.learning_rate", "0.01"},
                                       {"engine.threads", "1"},
                                       {"training.final_fit", "false"},
                                       {"evaluate.n_windows", "1"}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  TrainOptions silent;
  silent.save = false;
  silent.announce = false;
  const Model model = train(c, catalog, silent).model;
  const EvaluationReport report = backtest(c, catalog, &model).report;
  return report.methods[0].total.rmse / report.methods[3].total.rmse;
}

TEST(RunGaps, AShopWhoseSalesDependOnNothingShowsNoSkill) {
  // With the promotions of all days the model is at best the mean of all days, which is a little
  // better than the mean of the last ones that it is compared with.
  EXPECT_GT(error_over_mean("auto", true), 0.95);
  // With promotions known for days with a sale only it seems to know when these will be, where a
  // day without one is unlike one without a promotion: encoded by what it holds, it is not.
  EXPECT_LT(error_over_mean("missing", false, "standard"), 0.8);
  EXPECT_GT(error_over_mean("missing"), 0.95);
}

TEST(RunGaps, ByDefaultAnInputThatWouldTellIsRefused) {
  try {
    error_over_mean("auto");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("shop.csv: promo is missing in"));
    EXPECT_THAT(e.what(), HasSubstr("so that it would tell the target"));
  }
}

}  // namespace
}  // namespace sluice
