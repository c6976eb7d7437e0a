#include "run/config/sampled_pasts.hpp"

#include <fmt/core.h>

#include <string>

#include "sluice/base/error.hpp"

namespace sluice {

void check_sampled_pasts(const Config::Training& training, const ModelSpec& spec) {
  if (training.sampled_pasts == 0) return;
  const std::string asked = fmt::format("training.sampled_pasts = {}", training.sampled_pasts);
  if (!spec.is_recursive()) {
    throw ConfigError(asked +
                      " trains on values that the model draws and feeds back, and "
                      "network.decoding = \"direct\" feeds nothing back; set it to 0, or "
                      "network.decoding to \"recursive\"");
  }
  if (spec.drawn_steps() == 0) {
    throw ConfigError(fmt::format(
        "{} draws the steps after the first one that a window trains, of which there are none "
        "(network.time_step {}, {}); set it to 0, or {}",
        asked, spec.T,
        spec.forking ? fmt::format("network.warmup {}", spec.warmup) : "network.forking = false",
        spec.forking ? "network.warmup lower" : "network.forking to true"));
  }
}

void check_known_end(const Config::Training& training) {
  const bool cosine = training.schedule == "cosine";
  if (training.steps > 0 || training.epochs > 0) return;
  if (!cosine && training.sampled_pasts == 0) return;
  throw ConfigError(
      fmt::format("{} needs to know the end: set training.steps or training.epochs",
                  cosine ? "training.schedule = \"cosine\"" : "training.sampled_pasts"));
}

}  // namespace sluice
