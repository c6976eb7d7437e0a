// The page around the numbers: what a hostile name may not do, what is shown of many series, the
// curves of a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <regex>
#include <set>

#include "run/report/html/assets.hpp"
#include "run/report/html/data.hpp"
#include "run/report/html/sample.hpp"
#include "run/report/html/training_log.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/html_report.hpp"
#include "support/catalogs.hpp"

namespace sluice::html {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kHostile = "</script><script>alert('\"&')</script><!--\xff";

Metrics metrics(double mae, double mase) {
  Metrics out;
  out.points = 2;
  out.mae = mae;
  out.mase = mase;
  out.wape = out.rmse = out.smape = out.rmsse = out.bias = out.wql = mae;
  return out;
}

/// `count` daily series of 20 ones, forecast from step 18 for two steps: the error of series s is
/// s.
struct World {
  explicit World(int count)
      : catalog(testing::daily_parts(
            std::vector(static_cast<std::size_t>(count), std::vector<float>(20, 1.F)))) {
    fill(count);
  }
  explicit World(CatalogParts parts) : catalog(std::move(parts)) {
    fill(static_cast<int>(catalog.series_count()));
  }
  void fill(int count) {
    EvaluationReport& report = result.report;
    report.K = 2;
    report.season = 7;
    report.series = count;
    report.levels = {80};
    report.cutoffs = {{"2024-01-18", "2024-01-18", count, count}};
    report.methods = {{"sluice", metrics(1, 1), {}}, {"last value", metrics(2, 1), {}}};
    for (int s = 0; s < count; ++s) {
      report.row_names.push_back(catalog.id(s));
      report.methods[0].rows.push_back(metrics(s, s));
      report.methods[1].rows.push_back(metrics(2, 1));
    }
  }
  void collect(HtmlReport& page) const {
    const std::vector<double> actual = {1, 1};
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      const double f = 1 + static_cast<double>(s);
      const std::vector<double> methods = {f, f, 3, 3},
                                quantiles = {f - 1, f, f + 1, f - 1, f, f + 1};
      page.add({s, 0, 18, actual, methods, quantiles});
    }
  }
  std::string page(const HtmlContext& context = {}) const {
    HtmlReport page(catalog, notes, config);
    collect(page);
    return page.page(result, context);
  }
  static Json data_of(const std::string& page) {
    const std::string open = "id=\"data\">";
    const std::size_t from = page.find(open) + open.size();
    return Json::parse(page.substr(from, page.find("</script>", from) - from));
  }

  Catalog catalog;
  CatalogNotes notes;
  Config config;
  BacktestResult result;
};

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
    ++count;
  return count;
}

TEST(Page, KeepsHostileTextInsideItsData) {
  CatalogParts parts = testing::daily_parts({std::vector<float>(20, 1.F)});
  parts.ids = {kHostile};
  parts.static_categories.push_back({kHostile, {"unknown", kHostile}, {1}});
  World world(std::move(parts));
  world.notes.remarks = {kHostile};
  world.result.report.data = world.result.report.model = kHostile;
  world.result.report.left_out = {{kHostile, kHostile}};
  const std::string page =
      world.page({.settings = kHostile, .versions = kHostile, .log = kHostile, .model = kHostile});
  // data, dygraphs and our own.
  EXPECT_EQ(count_of(page, "<script"), 3u);
  EXPECT_EQ(count_of(page, "</script"), 3u);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(
      page,
      HasSubstr(
          "<title>Forecast report: &lt;/script&gt;&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"));
  // What comes out of the data is what went in, but for the byte that is no UTF-8.
  const Json data = World::data_of(page);
  const std::string same = "</script><script>alert('\"&')</script><!--\xEF\xBF\xBD";
  EXPECT_EQ(data["sample"]["rows"][0]["id"], same);
  EXPECT_EQ(data["data"]["remarks"][0], same);
  EXPECT_EQ(data["data"]["left_out"]["series"][0]["reason"], same);
  EXPECT_EQ(data["settings"], same);
}

TEST(Page, HasTheSecondsOfThoseMethodsThatAreFitted) {
  World world(2);
  world.result.report.methods[1].processor_seconds = 1.25;
  const Json data = World::data_of(world.page());
  EXPECT_EQ(data["methods"][1]["processor_seconds"], 1.25);
  EXPECT_FALSE(data["methods"][0].contains("processor_seconds"));
}

TEST(Page, NamesNothingThatABrowserWouldLoad) {
  const std::string page = World(2).page();
  for (const char* closed : {"default-src 'none'", "base-uri 'none'", "form-action 'none'"}) {
    EXPECT_THAT(page, HasSubstr(closed));
  }
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
  // Not the library's own text, which names its home.
  const std::string ours = std::string(kPageStyle) + std::string(kPageWords) +
                           std::string(kPageCharts) + std::string(kPageScript);
  EXPECT_FALSE(
      std::regex_search(ours, std::regex("https?://|\\bimport\\b|url\\(|fetch\\(|innerHTML")));
  EXPECT_FALSE(std::regex_search(page, std::regex("<(link|img|iframe)\\b|\\ssrc=")));
}

TEST(Page, CarriesTheChartingLibraryWithItsLicence) {
  const std::string page = World(2).page();
  EXPECT_THAT(page, HasSubstr(std::string(kDygraphsScript)));
  EXPECT_THAT(page, HasSubstr("Permission is hereby granted, free of charge"));
  EXPECT_THAT(page, HasSubstr("Dan Vanderkam"));
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/host/run/report/html/page.js");
  const std::string script((std::istreambuf_iterator<char>(file)), {});
  EXPECT_TRUE(kPageScript == script);  // whole texts would drown the message
}

TEST(Page, HasTheScoresWhereNoScriptRuns) {
  World world(2);
  world.result.report.methods[1].total.bias = kNan;
  const std::string page = world.page();
  const std::size_t from = page.find("<noscript>"), to = page.find("</noscript>");
  ASSERT_LT(from, to);
  const std::string plain = page.substr(from, to - from);
  EXPECT_THAT(plain, HasSubstr("open it in a browser"));
  EXPECT_THAT(plain, HasSubstr("<tr><th>last value</th><td>2</td><td>200%</td><td>–</td></tr>"));
  world.result.chinese = true;
  EXPECT_THAT(world.page(), HasSubstr("用浏览器打开"));
}

TEST(Page, IsInTheLanguageOfTheFigures) {
  World world(2);
  EXPECT_THAT(world.page(), HasSubstr("<html lang=\"en\">"));
  world.result.chinese = true;
  const std::string page = world.page();
  EXPECT_THAT(page, HasSubstr("<html lang=\"zh\">"));
  EXPECT_EQ(World::data_of(page)["language"], "zh");
}

// What is the model's own in another form is no method that one would take instead.
TEST(Page, ComparesMeansBySquaredErrorsAndNothingWithTheModelItself) {
  World world(1);
  const std::vector<double> actual = {1, 1}, methods = {2, 2, 3, 3, 1, 1}, q = {0, 2, 3, 0, 2, 3};
  const auto page_of = [&] {
    HtmlReport page(world.catalog, world.notes, world.config);
    page.add({0, 0, 18, actual, methods, q});
    return World::data_of(page.page(world.result, {}));
  };
  auto& rows = world.result.report.methods;
  rows[0].total.rmsse = 0.6, rows[1].total.rmsse = 0.8;
  rows.push_back({"sluice bottom-up", metrics(0.5, 1), {metrics(0.5, 1)}, 0, true});
  EXPECT_EQ(page_of()["best_naive"], 1);
  EXPECT_TRUE(page_of()["means"].is_null());
  rows.back().name = kMedianName;
  EXPECT_EQ(page_of()["best_naive"], 1);
  EXPECT_EQ(page_of()["means"]["name"], "last value");
  EXPECT_NEAR(page_of()["means"]["skill"].get<double>(), 0.25, 1e-5);
}

TEST(Page, ComparesWithTheBestNaiveMethod) {
  World world(5);
  world.result.report.methods.push_back({"mean of 28", metrics(1.5, 1), {}});
  for (int s = 0; s < 5; ++s) world.result.report.methods[2].rows.push_back(metrics(3, 1));
  HtmlReport page(world.catalog, world.notes, world.config);
  const std::vector<double> actual = {1, 1}, methods = {2, 2, 3, 3, 4, 4}, q = {0, 2, 3, 0, 2, 3};
  for (std::int64_t s = 0; s < 5; ++s) page.add({s, 0, 18, actual, methods, q});
  const Json data = World::data_of(page.page(world.result, {}));
  EXPECT_EQ(data["best_naive"], 2);
  // Errors 0 to 4 against 3: three are smaller, one is larger.
  EXPECT_EQ(data["rows"]["better"], 3);
  EXPECT_EQ(data["rows"]["worse"], 1);
  // Skills 1, 2/3, 1/3, 0, -1/3 at the shares 0, .05, .25, .5, .75, .95, 1.
  const Json& skill = data["rows"]["quantiles"]["skill"];
  EXPECT_NEAR(skill[0].get<double>(), -1. / 3, 1e-5);
  EXPECT_NEAR(skill[1].get<double>(), -1. / 3 + .2 / 3, 1e-5);
  EXPECT_NEAR(skill[3].get<double>(), 1. / 3, 1e-5);
  EXPECT_EQ(skill[6], 1);
  EXPECT_THAT(data["steps"], SizeIs(2));
  EXPECT_EQ(data["steps"][0]["absolute"], Json({5, 10, 15}));
  EXPECT_EQ(data["below"], Json({0, 10, 10}));
}

TEST(Page, SaysWhichForecastsBeginBeforeTheOthers) {
  World world(3);
  EXPECT_FALSE(World::data_of(world.page()).contains("early"));
  world.result.report.cutoffs[0] = {"2023-11-02", "2024-01-18", 3, 2};
  const Json data = World::data_of(world.page());
  EXPECT_EQ(data["early"], Json({{"series", 1}, {"all", 3}, {"first", "2023-11-02"}}));
}

TEST(Page, CountsTheGroupsThatItDoesNotShow) {
  CatalogParts parts = testing::daily_parts(std::vector(4, std::vector<float>(20, 1.F)));
  for (int c = 0; c < 14; ++c)
    parts.static_categories.push_back(
        {"c" + std::to_string(c), {"unknown", "a", "b"}, {1, 2, 1, 2}});
  const Json data = World::data_of(World(std::move(parts)).page());
  EXPECT_THAT(data["groups"], SizeIs(12));
  EXPECT_EQ(data["more_groups"], 2);
}

TEST(Page, ShowsForecastsOnTheirDates) {
  const Json data = World::data_of(World(3).page());
  const Json& row = data["sample"]["rows"][2];  // the worst
  EXPECT_EQ(row["id"], "s2");
  EXPECT_EQ(row["place"], 3);
  EXPECT_EQ(row["begin"], 18);
  EXPECT_EQ(row["forecast"], Json({3, 3}));
  EXPECT_EQ(row["lower"], Json({2, 2}));
  EXPECT_EQ(row["upper"], Json({4, 4}));
  EXPECT_THAT(row["actual"], SizeIs(20));
  const Json& dates = data["dates"][row["dates"].get<std::size_t>()];
  EXPECT_THAT(dates, SizeIs(20));
  EXPECT_EQ(dates[18], "2024-01-19");
  EXPECT_THAT(data["dates"], SizeIs(1));  // of all three series
}

TEST(Page, IsNoLargerForTenTimesAsManySeries) {
  const std::string some = World(2'000).page(), many = World(20'000).page();
  EXPECT_LT(many.size(), some.size() + 10'000);
  const Json data = World::data_of(many);
  EXPECT_EQ(data["rows"]["count"], 20'000);
  EXPECT_EQ(data["sample"]["rows"].size(), 300u);
  EXPECT_EQ(data["sample"]["rows"].front()["place"], 1);
  EXPECT_EQ(data["sample"]["rows"].back()["place"], 20'000);
}

TEST(Page, HasTheSeriesThatWereAskedFor) {
  World world(2'000);
  const auto has = [](const Json& data, const std::string& id) {
    const Json& rows = data["sample"]["rows"];
    return std::any_of(rows.begin(), rows.end(), [&](const Json& row) { return row["id"] == id; });
  };
  EXPECT_FALSE(has(World::data_of(world.page()), "s1002"));
  world.config.evaluate.show = {"s1002"};
  const Json data = World::data_of(world.page());
  EXPECT_TRUE(has(data, "s1002"));
  EXPECT_EQ(data["sample"]["rows"].size(), 301u);
  world.config.evaluate.show = {"s10020"};
  try {
    HtmlReport page(world.catalog, world.notes, world.config);
    ADD_FAILURE() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(),
                HasSubstr("evaluate.show: there is no series 's10020'; did you mean 's1"));
  }
}

TEST(Page, ExplainsTheBestTheMiddleTheWorstAndThoseThatAreAskedFor) {
  World world(9);
  world.config.evaluate.show = {"s1"};
  HtmlReport page(world.catalog, world.notes, world.config);
  world.collect(page);
  EXPECT_THAT(page.explained(world.result), ElementsAre("s0", "s1", "s4", "s8"));
}

TEST(Page, HasTheTotalsOfWhatMovedAForecast) {
  const World world(2);
  Forecasts forecasts;
  forecasts.K = 2, forecasts.M = 1, forecasts.probabilities = {0.5};
  forecasts.series = {0, 1}, forecasts.cutoff = {18, 18}, forecasts.values = {0, 0, 12, 13};
  Contributions moved;
  moved.K = 2, moved.M = 1, moved.inputs = {{kHostile, "at step"}, {"rest", ""}};
  moved.rows = {1}, moved.values = {1.5, 0.5, 2.5, 0.5}, moved.baseline = {10, 10};
  HtmlContext context;
  context.contributions = &moved, context.forecasts = &forecasts;
  const Json data = World::data_of(world.page(context));
  const Json& rows = data["sample"]["rows"];
  EXPECT_FALSE(rows[0].contains("why")) << "series s0 is not explained";
  const Json& why = rows[1]["why"];
  EXPECT_EQ(why["from"], "2024-01-19");
  EXPECT_EQ(why["baseline"], 20);
  EXPECT_EQ(why["forecast"], 25);
  ASSERT_THAT(why["inputs"], SizeIs(2));
  EXPECT_EQ(why["inputs"][0][1], "at step");
  EXPECT_EQ(why["inputs"][0][2], 4);
  EXPECT_EQ(why["inputs"][1], (Json{"rest", "", 1}));
  EXPECT_EQ(count_of(world.page(context), "<script>alert"), 0U);
}

TEST(Page, SumsUpTheWordsThatItDoesNotShow) {
  CatalogParts parts =
      testing::daily_parts(std::vector<std::vector<float>>(100, std::vector<float>(20, 1.F)));
  StaticCategory shop{"shop", {"unknown"}, {}};
  for (int s = 0; s < 100; ++s) {
    if (s < 50) shop.vocabulary.push_back("w" + std::to_string(s));
    shop.codes.push_back(1 + s / 2);
  }
  parts.static_categories = {shop};
  const Json group = World::data_of(World(std::move(parts)).page())["groups"][0];
  EXPECT_THAT(group["words"], SizeIs(40));
  EXPECT_EQ(group["words"][0]["series"], 2);
  EXPECT_EQ(group["words"][0]["points"], 4);
  EXPECT_EQ(group["rest"]["words"], 10);
  EXPECT_EQ(group["rest"]["series"], 20);
  EXPECT_EQ(group["rest"]["points"], 40);
}

TEST(Page, CountsReasonsThatDifferInTheirNumbersOnly) {
  World world(2);
  world.result.report.left_out = {{"a", "ended 2023-03-31, 5 steps before the others"},
                                  {"b", "no history"},
                                  {"c", "ended 2023-04-01, 12 steps before the others"}};
  const Json left = World::data_of(world.page())["data"]["left_out"];
  EXPECT_EQ(left["count"], 3);
  EXPECT_EQ(left["reasons"][0]["reason"], "ended …, … steps before the others");
  EXPECT_EQ(left["reasons"][0]["count"], 2);
  EXPECT_EQ(left["reasons"][1]["reason"], "no history");
}

TEST(Page, RefusesRowsOfAnotherEvaluation) {
  World world(3);
  HtmlReport page(world.catalog, world.notes, world.config);
  world.collect(page);
  world.result.report.row_names.pop_back();
  for (MethodReport& method : world.result.report.methods) method.rows.pop_back();
  EXPECT_THROW(page.page(world.result, {}), InternalError);
}

TEST(Sample, RanksByErrorAndLeavesOutWhatHasNone) {
  EvaluationReport report;
  report.methods.resize(1);
  report.methods[0].rows = {metrics(1, 3), metrics(2, kNan), metrics(3, 1), metrics(4, 2)};
  EXPECT_EQ(ranking_of(report).metric, "mase");
  EXPECT_THAT(ranking_of(report).rows, ElementsAre(2, 3, 0));
  for (const std::size_t r : {2u, 3u}) report.methods[0].rows[r].mase = kNan;
  EXPECT_EQ(ranking_of(report).metric, "wape");
  EXPECT_THAT(ranking_of(report).rows, ElementsAre(0, 1, 2, 3));
}

TEST(Sample, HasTheBestTheWorstAndOthersAtEvenDistances) {
  EXPECT_THAT(sampled_places(3, 300), ElementsAre(0, 1, 2));
  const std::vector<std::size_t> places = sampled_places(100'000, 300);
  ASSERT_EQ(places.size(), 300u);
  EXPECT_EQ(std::set<std::size_t>(places.begin(), places.end()).size(), 300u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(places[i], i);
    EXPECT_EQ(places[299 - i], 99'999 - i);
  }
  for (std::size_t i = 11; i < 290; ++i)
    EXPECT_NEAR(static_cast<double>(places[i] - places[i - 1]), 99'980. / 281, 1.01);
}

TEST(Sample, ShowsTheEarliestForecastWhereWindowsOverlap) {
  const Catalog catalog(testing::daily_parts({std::vector<float>(20, 1.F)}));
  Tally tally(catalog, {}, {.5}, {});
  const std::vector<double> actual = {1, 1}, first = {5, 6}, second = {7, 8};
  tally.add({0, 0, 16, actual, first, first});
  tally.add({0, 0, 17, actual, second, second});
  EvaluationReport report;
  report.K = 2;
  report.row_names = {"s0"};
  report.cutoffs.resize(2);
  report.methods.resize(1);
  report.methods[0].rows = {metrics(1, 1)};
  const std::vector<ShownRow> shown = shown_rows(catalog, tally, report, ranking_of(report));
  ASSERT_THAT(shown, SizeIs(1));
  EXPECT_EQ(shown[0].forecast_from, 16);
  EXPECT_THAT(shown[0].forecast, ElementsAre(5, 6, 8));
  EXPECT_THAT(shown[0].actual, SizeIs(19));
}

class TrainingLog : public ::testing::Test {
 protected:
  static std::string epoch(const std::string& label, int step, const std::string& valid) {
    return "{\"event\": \"epoch\", \"label\": \"" + label +
           "\", \"epoch\": 1, \"step\": " + std::to_string(step) +
           ", \"train_loss\": 0.5, \"valid_loss\": " + valid + "}\n";
  }
  static std::vector<TrainingCurve> read(const std::string& text) {
    const std::filesystem::path log = temporary("log.jsonl");
    write_bytes(log, text);
    return training_curves(log);
  }
};

TEST_F(TrainingLog, NamesTheModelThatTheLastTrainingWrote) {
  const auto written = [](const std::string& text) {
    const std::filesystem::path log = temporary("log.jsonl");
    write_bytes(log, text);
    return written_model(log);
  };
  const auto model = [](const std::string& path) {
    return "{\"event\": \"message\", \"level\": \"info\", \"text\": \"model: " + path + "\"}\n";
  };
  EXPECT_EQ(written(epoch("", 9, "1") + model("a") + epoch("", 9, "1") + model("b")), "b");
  EXPECT_EQ(written(epoch("", 9, "1") + model("a") + epoch("", 9, "1")), "");  // interrupted
  EXPECT_EQ(written("model: c\n[1]\n" + model("a") + "{\"event\": \"message\"}\n"), "a");
  EXPECT_EQ(written_model(temporary("no such")), "");
}

TEST_F(TrainingLog, GivesTheCurvesOfTheModelAmongTrainingsSideBySide) {
  const auto of = [](const std::string& model, int step, const std::string& valid) {
    const std::string line = epoch("", step, valid);
    return "{\"model\": \"" + name_in_log(model) + "\", " + line.substr(1);
  };
  const std::filesystem::path log = temporary("log.jsonl");
  write_bytes(log, of("a", 25, "9") + of("b", 25, "8") + of("a", 50, "0.5") + of("b", 50, "0.25") +
                       of("b", 75, "0.125"));
  const auto valid = [&](const char* model) {
    const auto curves = training_curves(log, model);
    EXPECT_THAT(curves, SizeIs(1));
    return curves.at(0).valid_loss;
  };
  EXPECT_THAT(valid("a"), ElementsAre(9, 0.5));
  EXPECT_THAT(valid("./b"), ElementsAre(8, 0.25, 0.125));
  EXPECT_THAT(valid("c"), ElementsAre(8, 0.25, 0.125)) << "the last one's";
  EXPECT_EQ(written_model(log, "a"), "a");
  EXPECT_EQ(written_model(log, "c"), "");
}

TEST_F(TrainingLog, GivesTheLastTrainingsPhases) {
  const auto curves = read(epoch("", 100, "9") + epoch("", 200, "8") + epoch("", 100, "0.75") +
                           "{\"event\": \"message\", \"text\": \"epoch\"}\n" +
                           epoch("", 250, "0.5") + epoch("final", 100, "null"));
  ASSERT_THAT(curves, SizeIs(2));
  EXPECT_EQ(curves[0].label, "");
  EXPECT_THAT(curves[0].step, ElementsAre(100, 250));
  EXPECT_THAT(curves[0].valid_loss, ElementsAre(0.75, 0.5));
  EXPECT_EQ(curves[1].label, "final");
  EXPECT_TRUE(std::isnan(curves[1].valid_loss[0]));
}

TEST_F(TrainingLog, PassesOverWhatIsNoEpoch) {
  const auto curves = read(
      "not JSON \"epoch\"\n[\"epoch\"]\n{\"event\": \"epoch\"}\n{\"event\": \"epoch\", \"label\": "
      "1, \"step\": 2}\n" +
      epoch("", 100, "1") + "{\"event\": \"epoch\", \"label\": \"\", \"st");
  ASSERT_THAT(curves, SizeIs(1));
  EXPECT_THAT(curves[0].step, ElementsAre(100));
  EXPECT_THAT(training_curves("/nowhere/log.jsonl"), IsEmpty());
  EXPECT_THAT(training_curves("/"), IsEmpty());
}

TEST_F(TrainingLog, KeepsAThousandPointsOfALongTraining) {
  std::string text;
  for (int step = 1; step <= 5'000; ++step) text += epoch("", step, "1");
  const auto curves = read(text);
  EXPECT_THAT(curves[0].step, SizeIs(1'000));
  EXPECT_EQ(curves[0].step.front(), 1);
  EXPECT_EQ(curves[0].step.back(), 5'000);
}

}  // namespace
}  // namespace sluice::html
