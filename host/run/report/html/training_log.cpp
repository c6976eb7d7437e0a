#include "run/report/html/training_log.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sluice::html {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostPoints = 1000;
constexpr std::size_t kLongestLine = 4096;  // an epoch's has some 200 bytes

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

}  // namespace

std::vector<TrainingCurve> training_curves(const std::filesystem::path& log) {
  std::vector<TrainingCurve> curves;
  std::error_code failure;
  if (!std::filesystem::is_regular_file(log, failure)) return curves;
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
    const auto name = label->get<std::string>();
    auto curve = std::find_if(curves.begin(), curves.end(),
                              [&](const TrainingCurve& one) { return one.label == name; });
    if (curve != curves.end() && step->get<std::int64_t>() <= curve->step.back()) {
      curves.clear();
      curve = curves.end();
    }
    if (curve == curves.end()) curve = curves.insert(curves.end(), TrainingCurve{name, {}, {}, {}});
    curve->step.push_back(step->get<std::int64_t>());
    curve->train_loss.push_back(number(event, "train_loss"));
    curve->valid_loss.push_back(number(event, "valid_loss"));
  }
  for (TrainingCurve& curve : curves) thin(curve);
  return curves;
}

std::string written_model(const std::filesystem::path& log) {
  constexpr std::string_view kBegin = "model: ";
  std::string model;
  std::error_code failure;
  if (!std::filesystem::is_regular_file(log, failure)) return model;
  std::ifstream file(log, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    if (line.size() > kLongestLine) continue;
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    if (event.value("event", Json()) == "epoch") model.clear();  // of another training, if any
    if (event.value("event", Json()) != "message") continue;
    const auto text = event.find("text");
    if (text == event.end() || !text->is_string()) continue;
    const auto said = text->get<std::string>();
    if (said.compare(0, kBegin.size(), kBegin) == 0) model = said.substr(kBegin.size());
  }
  return model;
}

}  // namespace sluice::html
