// What tests of the C library share: its handles, owned, a job of milliseconds and its table.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/temporary.hpp"
#include "sluice/c_api.h"
#include "sluice/data/table.hpp"
#include "sluice/run/resolve.hpp"
#include "support/catalogs.hpp"

namespace sluice {

constexpr std::int64_t kDay = 86'400, kStart = 1'704'067'200;  // 2024-01-01
constexpr int kSeries = 5, kLength = 80;

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* pointer) const { kFree(pointer); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Freed<T, kFree>>;
using Job = Owned<sluice_job, sluice_job_free>;
using CModel = Owned<sluice_model, sluice_model_free>;
using CError = Owned<sluice_error, sluice_error_free>;
using CText = Owned<char, sluice_text_free>;
using CForecaster = Owned<sluice_forecaster, sluice_forecaster_free>;

/// What a call said: its status and its message.
struct Said {
  sluice_status status;
  std::string message;
};
template <typename Call>
Said said(Call&& call) {
  sluice_error* error = nullptr;
  const sluice_status status = call(&error);
  const CError owned(error);
  return {status, sluice_error_message(error)};
}
#define EXPECT_SAID(call, expected, text)                              \
  do {                                                                 \
    const Said was = said([&](sluice_error** error) { return call; }); \
    EXPECT_EQ(was.status, expected) << was.message;                    \
    EXPECT_THAT(was.message, ::testing::HasSubstr(text));              \
  } while (false)

inline std::vector<OutputColumn> sales() {
  OutputColumn id{.name = "unique_id"}, ds{.name = "ds"}, y{.name = "y"};
  const auto series = testing::weekly_series(kSeries, kLength);
  for (int s = 0; s < kSeries; ++s) {
    id.text.push_back("s" + std::to_string(s));
    for (int t = 0; t < kLength; ++t) {
      id.codes.push_back(s);
      ds.times.push_back(kStart + t * kDay);
      y.numbers.push_back(series[static_cast<std::size_t>(s)][static_cast<std::size_t>(t)]);
    }
  }
  return {id, ds, y};
}

/// Settings of a training of milliseconds.
inline const std::vector<std::pair<const char*, const char*>> kQuick = {
    {"data.valid", "6"},
    {"data.test", "6"},
    {"network.hidden_size", "8"},
    {"network.predict_day", "3"},
    {"network.time_step", "14"},
    {"training.steps", "40"},
    {"training.steps_per_epoch", "10"},
    {"training.batch_size", "8"},
    {"engine.threads", "1"}};

class CApi : public WithFiles {
 protected:
  static Job job(const std::vector<OutputColumn>& columns = sales()) {
    sluice_job* made = nullptr;
    EXPECT_EQ(sluice_job_new(&made, nullptr), SLUICE_OK);
    Job owned(made);
    for (const auto& [key, value] : kQuick) set(owned, key, value);
    add(owned, SLUICE_TABLE_DATA, "df", columns);
    return owned;
  }
  static void set(const Job& job, const char* key, const std::string& value) {
    EXPECT_EQ(sluice_job_set(job.get(), key, value.c_str(), nullptr), SLUICE_OK);
  }
  static void add(const Job& job, sluice_table kind, const char* name,
                  const std::vector<OutputColumn>& columns) {
    ArrowArrayStream stream;
    give_stream(columns, stream);
    EXPECT_SAID(sluice_job_add_table(job.get(), kind, name, &stream, error), SLUICE_OK, "");
  }
  static CModel train(const Job& job) {
    sluice_model* model = nullptr;
    EXPECT_SAID(sluice_train(job.get(), &model, error), SLUICE_OK, "");
    return CModel(model);
  }
  /// A table that the library gave, by its columns' names.
  static Table taken(ArrowArrayStream& stream) { return take_stream(stream, "result"); }

  /// The settings of kQuick and the catalogue of sales() by way of the modules.
  Config config() const {
    std::vector<Override> overrides;
    for (const auto& [key, value] : kQuick) overrides.push_back({key, value});
    overrides.push_back({"path.data", "df"});
    return load_config({}, overrides);
  }
  static Catalog catalog(const Config& config) {
    CatalogSpec spec = catalog_spec(config);
    ArrowArrayStream stream;
    give_stream(sales(), stream);
    spec.read.memory["df"] = std::make_shared<const Table>(take_stream(stream, "df"));
    return read_catalog(spec);
  }
};

}  // namespace sluice
