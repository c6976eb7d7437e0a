#include "run/tune/trials.hpp"

#include <fmt/format.h>

#include <set>

#include "base/checksum.hpp"
#include "run/config/setting_texts.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"

namespace sluice {
namespace {

/// Draws for one trial before the space counts as exhausted.
constexpr std::uint32_t kDraws = 1000;

/// A number of [0, 1) of its own for each seed, key, trial and draw.
double uniform(int seed, const std::string& key, std::int64_t trial, std::uint32_t draw) {
  Checksum name;
  name.add(key);
  const auto counter = static_cast<std::uint64_t>(trial) << 32 | draw;
  const Philox4 bits = philox(static_cast<std::uint64_t>(seed), counter, name.value());
  return (static_cast<double>(bits.v[0] >> 5) * 0x1p26 + static_cast<double>(bits.v[1] >> 6)) *
         0x1p-53;
}

Trial drawn(const Config& given, const TuneSpace& space, std::int64_t trial, std::uint32_t draw) {
  Trial out{.config = given, .settings = {}};
  for (const SpaceKey& key : space.keys) {
    const Value value = key.value(uniform(given.training.seed, key.key, trial, draw));
    set_key(out.config, key.key, value, space.origin + ": " + key.key);
    out.settings.emplace_back(key.key, toml_of(value));
  }
  return out;
}

}  // namespace

DrawnTrials draw_trials(const Config& given, const TuneSpace& space, std::int64_t count,
                        const Misfit& misfit) {
  DrawnTrials out;
  if (const std::string why = misfit(given); !why.empty()) throw ConfigError(why);
  out.trials.push_back({.config = given, .settings = {}});
  std::set<TrialSettings> seen;
  const auto texts = setting_texts(given);
  TrialSettings as_given;
  for (const SpaceKey& key : space.keys) as_given.emplace_back(key.key, texts.at(key.key));
  seen.insert(as_given);
  for (std::int64_t trial = 1; trial <= count && !out.exhausted; ++trial) {
    out.exhausted = true;
    for (std::uint32_t draw = 0; draw < kDraws && out.exhausted; ++draw) {
      Trial now = drawn(given, space, trial, draw);
      if (!seen.insert(now.settings).second) continue;
      if (const std::string why = misfit(now.config); !why.empty()) {
        if (out.misfits++ == 0) out.misfit = why;
        continue;
      }
      out.trials.push_back(std::move(now));
      out.exhausted = false;
    }
  }
  if (out.trials.size() == 1) {
    throw ConfigError(fmt::format(
        "{}: no trial can be drawn from [tune.space] {}", space.origin,
        out.misfits > 0 ? "whose settings go together: " + out.misfit
                        : "but the settings that are given anyway; give its keys more values"));
  }
  return out;
}

}  // namespace sluice
