#include "gpu/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "gpu/roof.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

constexpr std::array kPlans{"rates", "tier1", "engine", "grid", "rest", "first", "all"};

constexpr const char *kDynamic = "cudnn_persist_dynamic", *kStatic = "cudnn_persist_static",
                     *kSmallH = "cudnn_persist_static_small_h";

/// From a whole catalogue to one that is small, and OpenNN's benchmark.
constexpr std::array<GpuShape, 5> kTier1Shapes{{{.B = 32768, .T = 24, .I = 15, .H = 128, .L = 1},
                                                {.B = 16384, .T = 28, .I = 16, .H = 64, .L = 1},
                                                {.B = 256, .T = 24, .I = 15, .H = 128, .L = 1},
                                                {.B = 4096, .T = 28, .I = 8, .H = 32, .L = 1},
                                                {.B = 16384, .T = 10, .I = 14, .H = 64, .L = 4}}};

struct Contender {
  std::string_view method;
  Number number;
  bool variants = true;  ///< its variants, too ("fused_mma.nodx")
};
constexpr std::array kTier1Contenders{
    Contender{"fused_mma", Number::bf16},      Contender{"fused_mma", Number::tf32},
    Contender{"gemm", Number::bf16, false},    Contender{"cudnn_standard", Number::fp16},
    Contender{"cudnn_standard", Number::bf16}, Contender{"cudnn_standard", Number::tf32},
    Contender{kSmallH, Number::fp16},          Contender{kSmallH, Number::fp32},
    Contender{kSmallH, Number::tf32, false},   Contender{"fused_simt", Number::fp32},
    Contender{"gemm", Number::fp32, false},    Contender{"cudnn_standard", Number::fp32}};

constexpr std::array kGridH{32, 64, 128, 192, 256, 512};
constexpr std::array kGridB{64, 256, 4096, 32768};

std::string_view method_of(const GpuCase& c) {
  return std::string_view(c.method).substr(0, c.method.find('.'));
}

template <typename List, typename Value>
bool has(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// Where a case stands: its plan's place, and its own place in the plan. Equal: as they come.
struct Rank {
  int plan = 0;
  double place = 0;
};
enum Place { kTier1 = 1, kEngine, kGrid, kRest };

/// Where a case stands among what is compared; the end: it is not.
auto contender_of(const GpuCase& c) {
  return std::find_if(kTier1Contenders.begin(), kTier1Contenders.end(), [&](const Contender& k) {
    return c.section == "recurrence" && c.phase != Phase::backward && k.number == c.number &&
           k.method == (k.variants ? method_of(c) : c.method);
  });
}

std::optional<double> place_in_tier1(const GpuCase& c) {
  const auto shape = std::find(kTier1Shapes.begin(), kTier1Shapes.end(), c.shape);
  const auto contender = contender_of(c);
  if (shape == kTier1Shapes.end() || contender == kTier1Contenders.end()) return {};
  const auto phases = 2 * (shape - kTier1Shapes.begin()) + (c.phase == Phase::train ? 1 : 0);
  return static_cast<double>(phases * std::ssize(kTier1Contenders) +
                             (contender - kTier1Contenders.begin()));
}

/// What PyTorch asks of it; elsewhere it has its turn in the rest.
bool suits_static(const GpuCase& c) {
  return c.number == Number::fp16 && c.shape.H % 128 == 0 && c.shape.B <= 128;
}

bool in_grid(const GpuCase& c) {
  if (c.section == "recurrence") return c.shape == grid_shape(c.shape.H, c.shape.B);
  constexpr int kMostOfOurs = 128;
  const bool type = c.number != Number::fp32 || method_of(c) == kSmallH || c.shape.H <= kMostOfOurs;
  const bool worth = method_of(c) != kStatic || suits_static(c);
  return c.section == "cudnn" && c.phase != Phase::backward && type && worth &&
         has(kGridH, c.shape.H) && has(kGridB, c.shape.B);
}

Rank rank_of(const GpuCase& c) {
  if (c.section == "engine") return {kEngine};
  if (const auto place = place_in_tier1(c)) return {kTier1, *place};
  if (in_grid(c)) return {kGrid, demand_of(c.shape, c.phase, c.number).flops};
  constexpr double kContenders = 0, kOthers = 1, kCudnnAlone = 2;
  if (c.section == "cudnn") return {kRest, kCudnnAlone};
  return {kRest, contender_of(c) != kTier1Contenders.end() ? kContenders : kOthers};
}

bool is_chosen(const std::string& name, const Choice& choice) {
  const auto found = [&](const std::string& text) { return name.find(text) != std::string::npos; };
  const bool wanted =
      choice.filters.empty() || std::any_of(choice.filters.begin(), choice.filters.end(), found);
  return wanted && std::none_of(choice.excludes.begin(), choice.excludes.end(), found);
}

/// In plan `plan` (all: unpruned), in order.
std::vector<const GpuCase*> planned(std::span<const GpuCase> cases, const std::string& plan) {
  std::vector<std::pair<Rank, const GpuCase*>> ranked;
  for (const GpuCase& c : cases) {
    if (plan == "all") {
      ranked.push_back({{}, &c});
      continue;
    }
    const Rank rank = rank_of(c);
    const bool in_plan = plan == "first" || plan == kPlans.at(static_cast<std::size_t>(rank.plan));
    if (in_plan && cannot_run(c).empty()) ranked.push_back({rank, &c});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.plan, a.first.place) < std::pair(b.first.plan, b.first.place);
  });
  std::vector<const GpuCase*> out;
  for (const auto& [rank, c] : ranked) out.push_back(c);
  return out;
}

}  // namespace

std::vector<GpuCase> all_cases(bool quick) {
  std::vector<GpuCase> cases = recurrence_cases(quick);
  for (GpuCase& c : recurrence_grid_cases(quick)) cases.push_back(std::move(c));
  for (GpuCase& c : cudnn_grid_cases(quick)) cases.push_back(std::move(c));
  for (GpuCase& c : engine_cases(quick)) cases.push_back(std::move(c));
  std::set<std::string> names;
  for (const GpuCase& c : cases) {
    if (const auto [name, is_new] = names.insert(name_of(c)); !is_new) {
      throw InternalError(fmt::format("two cases of the benchmark are named {}", *name));
    }
  }
  return cases;
}

std::string name_of(const RateCase& rate) { return "rate/" + rate.name; }

std::string plan_names() { return fmt::format("{}", fmt::join(kPlans, ", ")); }

std::vector<std::string> choose(std::span<const RateCase> rates, std::span<const GpuCase> cases,
                                const Choice& choice) {
  if (!has(kPlans, choice.plan)) {
    throw ConfigError(
        fmt::format("--plan: there is no '{}'; there are {}", choice.plan, plan_names()));
  }
  std::vector<std::string> names;
  if (choice.plan == "rates" || choice.plan == "first" || choice.plan == "all") {
    for (const RateCase& rate : rates) names.push_back(name_of(rate));
  }
  for (const GpuCase* c : planned(cases, choice.plan)) {
    if (method_of(*c) != kDynamic || choice.persist_dynamic) names.push_back(name_of(*c));
  }
  std::erase_if(names, [&](const std::string& name) { return !is_chosen(name, choice); });
  if (names.empty()) {
    const auto texts = [](const std::vector<std::string>& all) {
      return all.empty() ? std::string("none") : fmt::format("'{}'", fmt::join(all, "', '"));
    };
    throw ConfigError(
        fmt::format("nothing to measure: no case of --plan {} fits --filter ({}) and --exclude "
                    "({}); --list shows the names",
                    choice.plan, texts(choice.filters), texts(choice.excludes)));
  }
  return names;
}

std::string cannot_run(const GpuCase& c) {
  const std::string_view method = method_of(c);
  if (!method.starts_with("cudnn_persist")) return {};
  if (c.number == Number::bf16) return "cuDNN has no persistent kernel in bf16";
  if (method == kSmallH) {
    const int most = c.phase == Phase::forward ? 192 : 128;
    if (c.shape.H < 32 || c.shape.H > most) {
      return "cuDNN's kernels for small H take 32 to 192 forward, 32 to 128 backward";
    }
  }
  return {};
}

}  // namespace sluice::bench
