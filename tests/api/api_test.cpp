// The C library as its callers see it; what it gives is compared with what the modules behind it
// give, which this test links once more.
#include "sluice/c_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "api/c_api.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(CApi, TrainsTheModelThatTheProgramTrains) {
  const CModel model = train(job());
  ASSERT_EQ(sluice_model_save(model.get(), path("m.safetensors").c_str(), nullptr), SLUICE_OK);
  const Model here = load_model(path("m.safetensors"));
  const Config settings = config();
  TrainOptions options;
  options.save = options.announce = false;
  const Model there = sluice::train(settings, catalog(settings), options).model;
  EXPECT_EQ(here.members, there.members);
  EXPECT_EQ(here.series_ids, there.series_ids);
  EXPECT_TRUE(here.config.path.data.empty()) << "a table in memory cannot be found again";
}

TEST_F(CApi, ForecastsWhatTheProgramForecasts) {
  const Job work = job();
  const CModel model = train(work);
  ASSERT_EQ(sluice_model_save(model.get(), path("m.safetensors").c_str(), nullptr), SLUICE_OK);
  ArrowArrayStream stream;
  char* left_out = nullptr;
  EXPECT_SAID(sluice_forecast(work.get(), model.get(), &stream, &left_out, error), SLUICE_OK, "");
  EXPECT_STREQ(CText(left_out).get(), "[]");
  const Table table = taken(stream);
  EXPECT_THAT(table.column_names(),
              ElementsAre("unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80"));
  EXPECT_EQ(table.rows(), kSeries * 3);
  const Model same = load_model(path("m.safetensors"));
  const Config settings = config();
  const Catalog data = catalog(settings);
  const Forecasts expected = forecast_series(same, data, settings);
  write_forecasts(path("expected.csv"), data, expected, {80});
  CatalogSpec spec;
  spec.targets = {"sluice"};
  spec.read.paths = {path("expected.csv")};
  const Catalog there = read_catalog(spec);
  sluice_job* again = nullptr;
  ASSERT_EQ(sluice_job_new(&again, nullptr), SLUICE_OK);
  CatalogSpec mine;
  mine.targets = {"sluice"};
  mine.read.paths = {"result"};
  const Job unused(again);
  EXPECT_SAID(sluice_forecast(work.get(), model.get(), &stream, nullptr, error), SLUICE_OK, "");
  mine.read.memory["result"] = std::make_shared<const Table>(taken(stream));
  const Catalog here = read_catalog(mine);
  ASSERT_EQ(here.ids(), there.ids());
  for (int s = 0; s < kSeries; ++s) {
    EXPECT_THAT(here.values(0, s), ::testing::ElementsAreArray(there.values(0, s)));
    EXPECT_EQ(here.date(s, 0), there.date(s, 0));
  }
}

TEST_F(CApi, EvaluatesWithWhatCameBeside) {
  const Job work = job();
  set(work, "evaluate.n_windows", "2");
  const CModel model = train(work);
  ArrowArrayStream stream;
  char* report = nullptr;
  EXPECT_SAID(sluice_evaluate(work.get(), model.get(), &stream, &report, error), SLUICE_OK, "");
  const auto scores = nlohmann::json::parse(CText(report).get());
  EXPECT_EQ(scores["series"], kSeries);
  const Table table = taken(stream);
  EXPECT_THAT(table.column_names(), ElementsAre("unique_id", "ds", "cutoff", "y", "sluice",
                                                "sluice-lo-80", "sluice-hi-80"));
  EXPECT_EQ(table.rows(), kSeries * 2 * 3);
}

TEST_F(CApi, ScoresATableOfForecastsAsItsEvaluation) {
  const Job work = job();
  const CModel model = train(work);
  ArrowArrayStream stream;
  char* text = nullptr;
  // All but the time that the fitted methods took.
  const auto parsed = [&] {
    auto json = nlohmann::json::parse(CText(text).get());
    for (auto& method : json["methods"]) method.erase("processor_seconds");
    return json;
  };
  EXPECT_SAID(sluice_evaluate(work.get(), model.get(), &stream, &text, error), SLUICE_OK, "");
  const auto expected = parsed();
  EXPECT_SAID(sluice_score(work.get(), &stream, 1, &text, error), SLUICE_OK, "");
  EXPECT_EQ(stream.release, nullptr);
  const auto report = parsed();
  EXPECT_EQ(report["methods"], expected["methods"]);
  EXPECT_EQ(report["horizon"], 3);

  // From an origin behind which the data have nothing.
  EXPECT_SAID(sluice_forecast(work.get(), model.get(), &stream, nullptr, error), SLUICE_OK, "");
  EXPECT_SAID(sluice_score(work.get(), &stream, 1, &text, error), SLUICE_DATA_ERROR,
              "forecasts: those of series 's0' begin 2024-03-21, and the data have it from "
              "2024-01-01 to 2024-03-20");
  EXPECT_EQ(stream.release, nullptr) << "released also on failure";
  EXPECT_SAID(sluice_score(work.get(), &stream, 0, &text, error), SLUICE_CONFIG_ERROR,
              "count is 0");
}

TEST_F(CApi, KnownInputsAndStaticsComeFromMemoryToo) {
  std::vector<OutputColumn> data = sales(), future = {data[0], data[1], {.name = "price"}};
  OutputColumn price{.name = "price"}, id{.name = "unique_id"}, kind{.name = "kind"};
  price.numbers.assign(data[2].numbers.size(), 2);
  data.push_back(price);
  future[0].codes.clear(), future[1].times.clear();
  for (int s = 0; s < kSeries; ++s) {
    id.text.push_back(data[0].text[static_cast<std::size_t>(s)]);
    kind.text.emplace_back(s % 2 == 0 ? "even" : "odd");
    for (int k = 0; k < 3; ++k) {
      future[0].codes.push_back(s);
      future[1].times.push_back(kStart + (kLength + k) * kDay);
      future[2].numbers.push_back(1);
    }
  }
  const Job work = job(data);
  set(work, "data.id", "unique_id");
  set(work, "data.future", "price");
  set(work, "data.static_categories", "kind");
  add(work, SLUICE_TABLE_FUTURE, "futr_df", future);
  add(work, SLUICE_TABLE_STATICS, "static_df", {id, kind});
  const CModel model = train(work);
  char* info = nullptr;
  ASSERT_EQ(sluice_model_info(model.get(), &info, nullptr), SLUICE_OK);
  const auto json = nlohmann::json::parse(CText(info).get());
  EXPECT_EQ(json["static_categories"], nlohmann::json({"kind"}));
  EXPECT_EQ(json["future"], nlohmann::json({"price"}));
  EXPECT_EQ(json["id"], nlohmann::json({"unique_id"}));
  EXPECT_TRUE(json["time"].empty()) << "it was looked for";
  ArrowArrayStream stream;
  char* left_out = nullptr;
  EXPECT_SAID(sluice_forecast(work.get(), model.get(), &stream, &left_out, error), SLUICE_OK, "");
  EXPECT_STREQ(CText(left_out).get(), "[]");
  EXPECT_EQ(taken(stream).rows(), kSeries * 3);
}

TEST_F(CApi, CheckSaysWhatIsInATable) {
  char* text = nullptr;
  const Job work = job();
  EXPECT_SAID(sluice_check(work.get(), &text, error), SLUICE_OK, "");
  const CText owned(text);
  EXPECT_THAT(text, HasSubstr("file        df\n"));
  EXPECT_THAT(text, HasSubstr("series      5\n"));
}

TEST_F(CApi, ErrorsHaveTheKindAndTheWordsOfTheProgram) {
  sluice_model* model = nullptr;
  const Job work = job();
  set(work, "training.learning_rat", "1");
  EXPECT_SAID(sluice_train(work.get(), &model, error), SLUICE_CONFIG_ERROR,
              "did you mean --training.learning_rate?");
  EXPECT_EQ(model, nullptr);
  auto twice = sales();
  twice[1].times[1] = kStart;
  const Job doubled = job(twice);
  EXPECT_SAID(sluice_train(doubled.get(), &model, error), SLUICE_DATA_ERROR, "df: row 1");
  EXPECT_SAID(sluice_model_load("/nowhere/m.safetensors", &model, error), SLUICE_DATA_ERROR,
              "/nowhere/m.safetensors: cannot be opened");
  const Job far = job();
  set(far, "engine.device", "cuda:77");
  EXPECT_SAID(sluice_train(far.get(), &model, error), SLUICE_DEVICE_ERROR, "");
}

TEST_F(CApi, RefusesWhatOnlyTheProgramHas) {
  sluice_model* model = nullptr;
  const Job logged = job();
  set(logged, "path.log", "x.jsonl");
  EXPECT_SAID(sluice_train(logged.get(), &model, error), SLUICE_CONFIG_ERROR, "path.log: ");
  const Job resumed = job();
  set(resumed, "mode.resume", "true");
  EXPECT_SAID(sluice_train(resumed.get(), &model, error), SLUICE_CONFIG_ERROR, "path.model");
  const Job both = job();
  set(both, "path.data", "other.csv");
  EXPECT_SAID(sluice_train(both.get(), &model, error), SLUICE_CONFIG_ERROR, "the table 'df'");
}

TEST_F(CApi, AModelReplacesNothingThatItIsTrainedOn) {
  write_table(path("sales.csv"), sales());
  const std::string data = path("sales.csv").string(), before = text_of(data);
  sluice_job* made = nullptr;
  ASSERT_EQ(sluice_job_new(&made, nullptr), SLUICE_OK);
  const Job work(made);
  for (const auto& [key, value] : kQuick) set(work, key, value);
  set(work, "path.data", data);
  sluice_model* model = nullptr;
  for (const std::string& name : {data, (path("x") / ".." / "sales.csv").string()}) {
    set(work, "path.model", name);
    EXPECT_SAID(sluice_train(work.get(), &model, error), SLUICE_CONFIG_ERROR,
                "path.model = " + name + " would replace a data file (path.data), " + data);
    EXPECT_TRUE(text_of(data) == before);
  }
  set(work, "path.model", path("m.safetensors").string());
  const CModel trained = train(work);
  EXPECT_TRUE(text_of(data) == before);
}

// "df" is a table in memory, and a folder of that name nothing that a training reads.
TEST_F(CApi, ATableInMemoryIsNoPlace) {
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::create_directories(path("df"));
  std::filesystem::current_path(path(""));
  const Job work = job();
  set(work, "path.model", "df/model.csv");
  const CModel model = train(work);
  std::filesystem::current_path(here);
  EXPECT_TRUE(std::filesystem::exists(path("df/model.csv")));
}

TEST_F(CApi, EvaluatesNoModelThatWasNotGiven) {
  const Job work = job();
  set(work, "path.model", path("m.safetensors").string());
  const CModel model = train(work);
  ArrowArrayStream stream;
  EXPECT_SAID(sluice_evaluate(work.get(), nullptr, &stream, nullptr, error), SLUICE_CONFIG_ERROR,
              "no model is given, and evaluate.refit = 0 trains none");
  set(work, "evaluate.refit", "1");
  EXPECT_SAID(sluice_evaluate(work.get(), nullptr, &stream, nullptr, error), SLUICE_OK, "");
  stream.release(&stream);
}

TEST_F(CApi, SaysOfAModelInMemoryNoFile) {
  const Job work = job();
  const CModel model = train(work);
  set(work, "network.predict_day", "5");
  ArrowArrayStream stream;
  EXPECT_SAID(sluice_forecast(work.get(), model.get(), &stream, nullptr, error),
              SLUICE_CONFIG_ERROR, "--network.predict_day 5: the model was trained with 3; leave");
}

TEST_F(CApi, NullPointersAreErrorsAndNoCrashes) {
  EXPECT_SAID(sluice_job_new(nullptr, error), SLUICE_CONFIG_ERROR, "job is NULL");
  EXPECT_SAID(sluice_job_set(nullptr, "a", "b", error), SLUICE_CONFIG_ERROR, "job is NULL");
  EXPECT_SAID(sluice_train(nullptr, nullptr, error), SLUICE_CONFIG_ERROR, "job is NULL");
  EXPECT_SAID(sluice_forecast(nullptr, nullptr, nullptr, nullptr, error), SLUICE_CONFIG_ERROR, "");
  EXPECT_SAID(sluice_forecaster_run(nullptr, nullptr, 1, nullptr, error), SLUICE_CONFIG_ERROR, "");
  const Job work = job();
  EXPECT_SAID(sluice_job_set(work.get(), "a", nullptr, error), SLUICE_CONFIG_ERROR,
              "value is NULL");
  EXPECT_EQ(sluice_job_set(work.get(), nullptr, "a", nullptr), SLUICE_CONFIG_ERROR);
  sluice_job_free(nullptr);
  sluice_model_free(nullptr);
  sluice_error_free(nullptr);
  sluice_text_free(nullptr);
  sluice_forecaster_free(nullptr);
  EXPECT_STREQ(sluice_error_message(nullptr), "");
}

TEST_F(CApi, TablesAreRefusedByNameAndTheirStreamsReleased) {
  const Job work = job();
  for (const char* name : {"df", "", "a,b"}) {
    ArrowArrayStream stream;
    give_stream(sales(), stream);
    EXPECT_SAID(sluice_job_add_table(work.get(), SLUICE_TABLE_DATA, name, &stream, error),
                SLUICE_CONFIG_ERROR, "sluice_job_add_table");
    EXPECT_EQ(stream.release, nullptr) << name;
  }
}

TEST_F(CApi, TheWatchEndsATrainingWhichLeavesAModel) {
  const Job work = job();
  struct Seen {
    std::int64_t steps = 0;
    bool signal_kept = true;
  } seen;
  ASSERT_EQ(sluice_job_set_watch(
                work.get(),
                [](const sluice_progress* progress, void* user) {
                  auto& so_far = *static_cast<Seen*>(user);
                  so_far.steps = progress->step;
                  struct sigaction now {};
                  ::sigaction(SIGINT, nullptr, &now);
                  so_far.signal_kept = so_far.signal_kept && now.sa_handler == SIG_DFL;
                  return progress->step < 17 ? 1 : 0;
                },
                &seen, nullptr),
            SLUICE_OK);
  sluice_model* model = nullptr;
  EXPECT_SAID(sluice_train(work.get(), &model, error), SLUICE_INTERRUPTED, "interrupted");
  const CModel owned(model);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(seen.steps, 17);
  EXPECT_TRUE(seen.signal_kept);
  char* info = nullptr;
  ASSERT_EQ(sluice_model_info(model, &info, nullptr), SLUICE_OK);
  EXPECT_EQ(nlohmann::json::parse(CText(info).get())["steps"], 10) << "the validated one";
}

TEST_F(CApi, AModelIsWrittenWhereTheJobSaysAndGoneOnWith) {
  const std::string file = path("run/m.safetensors").string();
  std::filesystem::create_directories(path("run"));
  const auto until = [](const sluice_progress* progress, void*) {
    return progress->step < 20 ? 1 : 0;
  };
  sluice_model* model = nullptr;
  const Job stopped = job();
  set(stopped, "path.model", file);
  ASSERT_EQ(sluice_job_set_watch(stopped.get(), until, nullptr, nullptr), SLUICE_OK);
  EXPECT_EQ(sluice_train(stopped.get(), &model, nullptr), SLUICE_INTERRUPTED);
  sluice_model_free(model);
  ASSERT_TRUE(std::filesystem::exists(file + ".state"));
  const Job resumed = job();
  set(resumed, "path.model", file);
  set(resumed, "mode.resume", "true");
  const CModel whole = train(resumed);
  EXPECT_FALSE(std::filesystem::exists(file + ".state"));
  const CModel alone = train(job());
  ASSERT_EQ(sluice_model_save(alone.get(), path("alone.safetensors").c_str(), nullptr), SLUICE_OK);
  EXPECT_EQ(load_model(file).members, load_model(path("alone.safetensors")).members);
}

TEST_F(CApi, TheLogGoesToItsReceiverAndNowhereElse) {
  struct Lines {
    std::vector<std::string> info, events;
  } lines;
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  sluice_set_log(
      [](sluice_log_level level, const char* message, void* user) {
        auto& received = *static_cast<Lines*>(user);
        (level == SLUICE_LOG_EVENT ? received.events : received.info).emplace_back(message);
      },
      &lines);
  train(job());
  sluice_set_log(nullptr, nullptr);
  const std::size_t before = lines.info.size();
  train(job());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(lines.info, ::testing::Contains(HasSubstr("LSTM 1 x 8")));
  EXPECT_EQ(lines.info.size(), before);
  ASSERT_FALSE(lines.events.empty());
  EXPECT_EQ(nlohmann::json::parse(lines.events.front())["event"], "epoch");
}

// As the program (tests/app/remarks_test.py).
TEST_F(CApi, AForecastSaysOnceThatSeriesEndEarly) {
  auto columns = sales();
  columns[0].codes.resize(columns[0].codes.size() - 2);
  columns[1].times.resize(columns[0].codes.size());
  columns[2].numbers.resize(columns[0].codes.size());
  const Job work = job(columns);
  const CModel model = train(work);
  static std::vector<std::string> warnings;
  warnings.clear();
  sluice_set_log(
      [](sluice_log_level level, const char* message, void*) {
        if (level == SLUICE_LOG_WARNING) warnings.emplace_back(message);
      },
      nullptr);
  const auto early = [](const sluice_job* of, const sluice_model* trained) {
    warnings.clear();
    ArrowArrayStream stream;
    EXPECT_SAID(sluice_forecast(of, trained, &stream, nullptr, error), SLUICE_OK, "");
    stream.release(&stream);
    return std::count_if(warnings.begin(), warnings.end(), [](const std::string& text) {
      return text.find("before the others") != std::string::npos;
    });
  };
  EXPECT_EQ(early(work.get(), model.get()), 1);
  const CModel of_whole = train(job());
  EXPECT_EQ(early(work.get(), of_whole.get()), 1) << "the training did not say it";
  sluice_set_log(nullptr, nullptr);
}

TEST_F(CApi, AReceiverMayUseTheLibraryAndEndItself) {
  static int calls;
  calls = 0;
  sluice_set_log(
      [](sluice_log_level, const char*, void*) {
        if (++calls == 1) train(job());
        sluice_set_log(nullptr, nullptr);
      },
      nullptr);
  train(job());
  EXPECT_GT(calls, 1) << "in the training within the first call";
  const int before = calls;
  train(job());
  EXPECT_EQ(calls, before);
}

TEST_F(CApi, JobsOfSeveralThreadsDoNotDisturbEachOther) {
  const auto forecast = [] {
    const Job work = job();
    const CModel model = train(work);
    ArrowArrayStream stream;
    EXPECT_EQ(sluice_forecast(work.get(), model.get(), &stream, nullptr, nullptr), SLUICE_OK);
    CatalogSpec spec;
    spec.targets = {"sluice"};
    spec.read.paths = {"result"};
    spec.read.memory["result"] = std::make_shared<const Table>(taken(stream));
    const Catalog catalog = read_catalog(spec);
    const auto values = catalog.channels()[0].values;
    return std::vector<float>(values.begin(), values.end());
  };
  const auto alone = forecast();
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = forecast(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, alone);
}

}  // namespace
}  // namespace sluice
