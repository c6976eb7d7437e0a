#include "run/report/html/training_log.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sluice::html {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostPoints = 1000;
constexpr std::size_t kLongestLine = 8192;  // an epoch's has some 200 bytes, and the model's path

double number(const Json& event, const char* key) {
  const auto at = event.find(key);
  return at != event.end() && at->is_number() ? at->get<double>()
                                              : std::numeric_limits<double>::quiet_NaN();
}

void thin(TrainingCurve& curve) {
  const std::size_t count = curve.step.size();
  if (count <= kMostPoints) return;
  for (std::size_t i = 0; i < kMostPoints; ++i) {
    const std::size_t from = i * (count - 1) / (kMostPoints - 1);
    curve.step[i] = curve.step[from];
    curve.train_loss[i] = curve.train_loss[from];
    curve.valid_loss[i] = curve.valid_loss[from];
  }
  curve.step.resize(kMostPoints);
  curve.train_loss.resize(kMostPoints);
  curve.valid_loss.resize(kMostPoints);
}

std::string text_of(const Json& event, const char* key) {
  const auto at = event.find(key);
  return at != event.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// Of one model. An epoch that does not follow on its phase's last one begins anew.
void add(const std::string& label, const Json& event, std::vector<TrainingCurve>& curves) {
  const auto step = event.at("step").get<std::int64_t>();
  auto curve = std::find_if(curves.begin(), curves.end(),
                            [&](const TrainingCurve& one) { return one.label == label; });
  if (curve != curves.end() && step <= curve->step.back()) {
    curves.clear();
    curve = curves.end();
  }
  if (curve == curves.end()) curve = curves.insert(curves.end(), TrainingCurve{label, {}, {}, {}});
  curve->step.push_back(step);
  curve->train_loss.push_back(number(event, "train_loss"));
  curve->valid_loss.push_back(number(event, "valid_loss"));
}

}  // namespace

std::string name_in_log(const std::filesystem::path& model) {
  std::error_code failure;
  const std::filesystem::path full = std::filesystem::absolute(model, failure);
  return (failure ? model : full).lexically_normal().string();
}

std::vector<TrainingCurve> training_curves(const std::filesystem::path& log,
                                           const std::filesystem::path& model) {
  std::map<std::string, std::vector<TrainingCurve>> by_model;
  std::string last;
  std::error_code failure;
  if (!std::filesystem::is_regular_file(log, failure)) return {};
  std::ifstream file(log, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    if (line.size() > kLongestLine || line.find("\"epoch\"") == std::string::npos) continue;
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object() || event.value("event", Json()) != "epoch") continue;
    const auto label = event.find("label"), step = event.find("step");
    if (label == event.end() || !label->is_string() || step == event.end() ||
        !step->is_number_integer())
      continue;
    last = text_of(event, "model");
    add(label->get<std::string>(), event, by_model[last]);
  }
  const auto own = model.empty() ? by_model.end() : by_model.find(name_in_log(model));
  std::vector<TrainingCurve> curves = own == by_model.end() ? by_model[last] : own->second;
  for (TrainingCurve& curve : curves) thin(curve);
  return curves;
}

std::string written_model(const std::filesystem::path& log, const std::filesystem::path& model) {
  constexpr std::string_view kBegin = "model: ";
  const std::string own = model.empty() ? std::string() : name_in_log(model);
  std::string written;
  std::error_code failure;
  if (!std::filesystem::is_regular_file(log, failure)) return written;
  std::ifstream file(log, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    if (line.size() > kLongestLine) continue;
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    if (event.value("event", Json()) == "epoch") {
      written.clear();  // of another training, if any
      if (!own.empty() && text_of(event, "model") == own) return model.string();
    }
    if (event.value("event", Json()) != "message") continue;
    const std::string said = text_of(event, "text");
    if (said.starts_with(kBegin)) written = said.substr(kBegin.size());
  }
  return written;
}

}  // namespace sluice::html
