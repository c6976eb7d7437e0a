#include "app/signature.hpp"

#include <fmt/format.h>
#include <gnu/libc-version.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/build.hpp"
#include "engine/fused/bf16/bf16.hpp"
#include "engine/fused/kernels.hpp"
#include "run/provenance/checksums.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

/// Daily series of small whole numbers, which no rounding touches, with a price known ahead.
Catalog fixed_catalog() {
  constexpr int kSeries = 6, kDays = 120;
  CatalogParts parts;
  parts.axis.frequency = parse_frequency("D");
  Channel y{"y", Role::target, {}}, price{"price", Role::future, {}};
  parts.offsets.push_back(0);
  const std::int64_t first = *period_of(parts.axis.frequency, *parse_time("2024-01-01"));
  for (int s = 0; s < kSeries; ++s) {
    parts.ids.push_back(fmt::format("s{}", s));
    parts.first.push_back(first);
    for (int t = 0; t < kDays; ++t) {
      const Philox4 noise = philox(14, static_cast<std::uint64_t>(s * kDays + t), 0);
      const bool offer = noise.v[1] % 8 == 0;
      y.values.push_back(static_cast<float>(20 + 5 * s + 4 * (t % 7) +
                                            static_cast<int>(noise.v[0] % 9) + (offer ? 12 : 0)));
      price.values.push_back(offer ? 3.0f : 4.0f);
    }
    parts.offsets.push_back(static_cast<std::int64_t>(y.values.size()));
  }
  parts.channels.push_back(std::move(y));
  parts.channels.push_back(std::move(price));
  return Catalog(std::move(parts));
}

/// Two layers whose width no vector divides.
Config fixed_settings(const char* precision) {
  Config c;
  c.data.valid = 14;
  c.data.test = 0;
  c.network.hidden_size = 21;
  c.network.layers = 2;
  c.network.predict_day = 7;
  c.network.time_step = 28;
  c.network.head_hidden = 8;
  c.training.batch_size = 16;
  c.training.steps = c.training.steps_per_epoch = 50;
  c.training.choice = 0;
  c.training.partners = {"none"};
  c.training.calibration = "none";
  c.training.seeds = 1;
  c.training.final_fit = false;
  c.engine.device = "cpu";
  c.engine.recurrence = "fused";
  c.engine.precision = precision;
  c.engine.threads = 1;
  return c;
}

/// "AuthenticAMD"; empty where /proc/cpuinfo has none. AVX-512's estimates (vrcp14ps) and the order
/// of its bf16 sums are the maker's, not the instruction set's.
std::string maker() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("vendor_id") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

std::string label(const char* target) {
  const std::string name = target;
  return name.starts_with("AVX3") ? fmt::format("{} {}", name, maker()) : name;
}

Json signature_of(const Catalog& catalog, const char* precision) {
  TrainOptions options;
  options.save = options.announce = false;
  const Model model = train(fixed_settings(precision), catalog, options).model;
  return {{"loss", model.valid_loss},
          {"weights", hash_text(static_cast<std::uint64_t>(checksum_of(model.members)))}};
}

}  // namespace

std::string signature_json() {
  const Catalog catalog = fixed_catalog();
  Json out;
  out["build"] = fmt::format("{}, {}, -march={}, glibc {}", kBuild.compiler, kBuild.type,
                             kBuild.baseline, gnu_get_libc_version());
  for_each_fused_target([&](const FusedKernels<float>& kernels) {
    out["signatures"][label(kernels.target)] = signature_of(catalog, "fp32");
  });
  if (const FusedKernels<Bf16>* kernels = fused_bf16_kernels()) {
    out["signatures"][label(kernels->target)] = signature_of(catalog, "bf16");
  }
  return out.dump(2) + "\n";
}

}  // namespace sluice
