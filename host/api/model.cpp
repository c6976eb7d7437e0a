#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "api/job.hpp"
#include "api/status.hpp"
#include "run/config/left_out_columns.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice::api {
namespace {

using Json = nlohmann::ordered_json;

Json slice(const std::vector<std::string>& names, int from, int count) {
  const auto begin = names.begin() + from;
  return Json(std::vector<std::string>(begin, begin + count));
}

std::string info_of(const Model& model) {
  const ModelSpec& spec = model.spec;
  const std::vector<std::string>& channels = model.channel_names;
  Json json;
  json["description"] = describe(spec);
  json["horizon"] = spec.K;
  json["window"] = spec.T;
  json["hidden_size"] = spec.H;
  json["layers"] = spec.L;
  json["parameters"] = ParamLayout(spec).size();
  json["members"] = model.members.size();
  json["levels"] = model.config.forecast.levels;
  json["quantiles"] = spec.quantiles;
  json["mean"] = has_mean(spec);  // forecasts have it beside the median
  json["frequency"] = to_string(model.frequency);
  json["id"] = model.config.data.id;  // columns; empty: looked for by usual names
  json["time"] = model.config.data.time;
  json["targets"] = slice(channels, 0, spec.M);
  json["past"] = slice(channels, spec.M, spec.past_channels);
  json["future"] = slice(channels, spec.M + spec.past_channels, spec.future_channels);
  json["static_reals"] = model.static_names;
  json["static_categories"] = model.category_names;
  json["step_categories"] = model.step_category_names;
  json["past_categories"] = model.config.data.past_categories;
  json["future_categories"] =
      without_left_out(model.config.data.future_categories, model.config.data);
  json["left_out"] = model.config.data.left_out.value_or(std::vector<std::string>());
  json["series"] = model.series_ids.size();
  json["steps"] = model.steps;
  json["train_seconds"] = model.train_seconds;
  json["valid_loss"] = model.valid_loss;  // null: there was no validation
  json["recurrence"] = model.recurrence;
  json["settings"] = to_toml(model.config);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace
}  // namespace sluice::api

using sluice::api::guarded;
using sluice::api::require;

sluice_status sluice_model_load(const char* path, sluice_model** model, sluice_error** error) {
  return guarded(error, [&] {
    require(path, "sluice_model_load", "path");
    require(model, "sluice_model_load", "model");
    *model = new sluice_model{sluice::load_model(path, "the path of the model")};
  });
}

sluice_status sluice_model_save(const sluice_model* model, const char* path, sluice_error** error) {
  return guarded(error, [&] {
    require(model, "sluice_model_save", "model");
    require(path, "sluice_model_save", "path");
    sluice::save_model(path, model->model);
  });
}

void sluice_model_free(sluice_model* model) { delete model; }

sluice_status sluice_model_info(const sluice_model* model, char** json, sluice_error** error) {
  return guarded(error, [&] {
    require(model, "sluice_model_info", "model");
    require(json, "sluice_model_info", "json");
    *json = sluice::api::text_of(sluice::api::info_of(model->model));
  });
}
