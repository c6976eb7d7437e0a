#include "run/config/carried.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

Config carried_settings(const Config& trained, bool other_data) {
  Config config;
  config.data = trained.data;
  config.data.max_bytes = 0;  // of the machine that it was trained on
  config.network = trained.network;
  config.training = trained.training;
  config.training.init_from.clear();
  config.path.data = trained.path.data;
  config.path.future = trained.path.future;
  config.path.statics = trained.path.statics;
  config.path.figure_language = trained.path.figure_language;
  config.forecast = trained.forecast;
  config.forecast.from.clear();
  config.evaluate = trained.evaluate;
  config.evaluate.refit = 0;
  if (other_data) {
    config.data.format = "auto";
    constexpr std::array<std::string_view, 3> kRules = {"auto", "common", "series"};
    if (std::find(kRules.begin(), kRules.end(), config.data.end) == kRules.end()) {
      config.data.end = "auto";
    }
  }
  return config;
}

}  // namespace sluice
