#include "run/forecast/part_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

#include "base/checksum.hpp"
#include "base/input_file.hpp"
#include "run/checkpoint/checked_file.hpp"
#include "run/checkpoint/model_file.hpp"
#include "run/config/setting_texts.hpp"
#include "run/provenance/checksums.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "sluice forecast in parts";
constexpr int kVersion = 1;
/// What forecasts depend on beside model and data: engine.forecast_batch, since wide products are
/// summed in an order that depends on it.
constexpr std::array kSettings = {
    "forecast.levels",    "forecast.nonnegative", "forecast.from",        "forecast.ended",
    "forecast.new_items", "forecast.samples",     "forecast.part_series", "engine.forecast_batch"};

/// Of all that the model's file holds, without forecast settings, which are the command's.
std::string model_checksum(const Model& model) {
  Safetensors file = model_file(model);
  Config config = model.config;
  config.forecast = {};
  file.metadata["config"] = to_toml(config);
  return checksum_of(file);
}

/// Of the values, and of what is forecast of them from which time on.
std::string data_checksum(const Catalog& catalog, const Forecasts& rows) {
  Checksum sum;
  sum.add(static_cast<std::uint64_t>(checksum_of(catalog)));
  sum.add(to_string(catalog.frequency()));
  for (std::size_t r = 0; r < rows.series.size(); ++r) {
    sum.add(static_cast<std::uint64_t>(rows.series[r]));
    sum.add(static_cast<std::uint64_t>(catalog.time(rows.series[r], rows.cutoff[r])));
  }
  return fmt::format("{:016x}", sum.value());
}

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

PartPlan plan_parts(const Model& model, const Catalog& catalog, const Config& config,
                    const SeriesForecaster& forecaster, const Forecasts& rows,
                    std::string_view program) {
  Json plan;
  plan["format"] = kFormat;
  plan["format_version"] = kVersion;
  plan["program"] = program;
  plan["model"] = model_checksum(model);
  plan["data"] = data_checksum(catalog, rows);
  plan["engine"] = fmt::format("{}, {}", forecaster.recurrence(), cpu_vector_text());
  plan["frequency"] = to_string(catalog.frequency());
  plan["horizon"] = rows.K;
  plan["targets"] = Json::array();
  for (int m = 0; m < rows.M; ++m) plan["targets"].push_back(catalog.target(m).name);
  plan["levels"] = config.forecast.levels;
  const std::map<std::string, std::string> texts = setting_texts(config);
  for (const char* key : kSettings) plan["settings"][key] = texts.at(key);
  plan["series"] = rows.series.size();
  return {.rows = rows.series.size(),
          .each = static_cast<std::size_t>(config.forecast.part_series),
          .text = dumped(plan),
          .from = provenance_of(config, catalog, &model)};
}

std::string plan_differences(const std::filesystem::path& path, const PartPlan& mine) {
  const std::string text = bytes_of(path, "look at the disk, and give the same command again");
  if (text == mine.text) return {};
  const Json before = Json::parse(text, nullptr, false), now = Json::parse(mine.text);
  if (!before.is_object() || before.value("format", Json()) != kFormat) {
    throw DataError(fmt::format(
        "{}: is no plan of a forecast in parts, or damaged; choose another path.forecast",
        path.string()));
  }
  if (before == now) return {};
  std::string differences;
  const auto say = [&](const std::string& what) {
    differences += (differences.empty() ? "" : ", ") + what;
  };
  const auto text_of = [](const Json& json, const std::string& key) {
    const auto found = json.find(key);
    if (found == json.end()) return std::string("not there");
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  const auto compare = [&](const Json& was, const Json& is, const std::string& key) {
    const std::string a = text_of(was, key), b = text_of(is, key);
    if (a != b) say(fmt::format("{} was {} and is {}", key, a, b));
  };
  const Json none = Json::object(), settings = before.value("settings", none);
  for (const auto& [key, value] : now.at("settings").items()) {
    compare(settings, now.at("settings"), key);
  }
  if (before.value("model", Json()) != now.at("model")) say("the model is another one");
  if (before.value("data", Json()) != now.at("data")) {
    say("the data, or what is forecast of them, are others");
  }
  for (const char* key : {"format_version", "program", "engine"}) compare(before, now, key);
  // What follows of the others.
  for (const auto& [key, value] : now.items()) {
    if (differences.empty()) compare(before, now, key);
  }
  if (differences.empty()) say(fmt::format("{} has other entries", path.filename().string()));
  return differences;
}

}  // namespace sluice
