// Which recurrences there are, which of them can run a shape, and what "auto" takes. One table: a
// further recurrence is a line in it.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "engine/shared/comparison.hpp"
#include "recurrence/checked.hpp"
#include "recurrence/cudnn/recurrence.hpp"
#include "recurrence/device_recurrence.hpp"
#include "recurrence/fused_mma/recurrence.hpp"
#include "recurrence/fused_simt/recurrence.hpp"
#include "recurrence/gemm/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

struct Entry {
  std::string name;
  std::function<std::string(const RecurrenceSpec&, const DeviceInfo&)> refusal;
  std::function<std::unique_ptr<DeviceRecurrence>(const RecurrenceSpec&, DeviceContext&)> make;
};

std::string never(const RecurrenceSpec&, const DeviceInfo&) { return {}; }

std::unique_ptr<DeviceRecurrence> make_gemm(const RecurrenceSpec& spec, DeviceContext& context) {
  return make_gemm_recurrence(spec, context);
}

std::unique_ptr<DeviceRecurrence> make_mma(const RecurrenceSpec& spec, DeviceContext& context) {
  return make_fused_mma(spec, context);
}

Entry cudnn(const std::string& name) {
  return {name,
          [name](const RecurrenceSpec& spec, const DeviceInfo& device) {
            return cudnn_refusal(name, spec, device);
          },
          [name](const RecurrenceSpec& spec, DeviceContext& context) {
            return make_cudnn_recurrence(name, spec, context);
          }};
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"gemm", never, make_gemm},
      {"fused_simt", fused_simt_refusal, make_fused_simt},
      {"fused_mma", fused_mma_refusal, make_mma},
      cudnn("cudnn_standard"),
      cudnn("cudnn_persist_static"),
      cudnn("cudnn_persist_dynamic"),
      cudnn("cudnn_persist_static_small_h"),
  };
  return all;
}

const Entry* find(const std::string& name) {
  const auto found = std::find_if(entries().begin(), entries().end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries().end() ? nullptr : &*found;
}

const Entry& entry_of(const std::string& name) {
  if (const Entry* entry = find(name)) return *entry;
  throw ConfigError(
      fmt::format("engine.recurrence = \"{}\": there is no such recurrence on a GPU; choose auto, "
                  "fused, cudnn, {}",
                  name, fmt::join(device_recurrences(), ", ")));
}

std::string fused_for(Precision precision) {
  return precision == Precision::fp32 ? "fused_simt" : "fused_mma";
}

// What "auto" takes of a precision, the first line that fits and is not refused: the fastest of
// ours as measured on an H200 (docs/kernels.md).
struct Preference {
  int most_H;
  Precision precision;
  const char* name;
};
constexpr int kAnyH = 0x7fffffff;
constexpr std::array kPreferences = {
    Preference{kAnyH, Precision::fp32, "fused_simt"},
    Preference{kAnyH, Precision::tf32, "fused_mma"},
    Preference{kAnyH, Precision::bf16, "fused_mma"},
    Preference{kAnyH, Precision::fp32, "gemm"},
    Preference{kAnyH, Precision::tf32, "gemm"},
    Preference{kAnyH, Precision::bf16, "gemm"},
};

}  // namespace

std::vector<std::string> device_recurrences() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.name);
  return names;
}

std::string refusal(const std::string& name, const RecurrenceSpec& spec, const DeviceInfo& device) {
  if (const std::optional<RecurrencePair> pair = recurrence_pair(name)) {
    const std::string first = refusal(pair->used, spec, device);
    return first.empty() ? refusal(pair->other, spec, device) : first;
  }
  return entry_of(choose_recurrence(name, spec, device)).refusal(spec, device);
}

std::string choose_recurrence(const std::string& name, const RecurrenceSpec& spec,
                              const DeviceInfo& device) {
  if (const std::optional<RecurrencePair> pair = recurrence_pair(name)) {
    return fmt::format("check:{},{}", choose_recurrence(pair->used, spec, device),
                       choose_recurrence(pair->other, spec, device));
  }
  if (name == "fused") return fused_for(spec.precision);
  if (name == "cudnn") return "cudnn_standard";
  if (name != "auto") return name;
  for (const Preference& preference : kPreferences) {
    if (preference.precision != spec.precision || spec.H > preference.most_H) continue;
    const Entry* entry = find(preference.name);
    if (entry != nullptr && entry->refusal(spec, device).empty()) return preference.name;
  }
  throw InternalError("no recurrence takes the shape, though gemm takes any");
}

Precision auto_precision(const std::string& name, const RecurrenceSpec& spec,
                         const DeviceInfo& device) {
  RecurrenceSpec exact = spec;
  exact.precision = Precision::fp32;
  return name == "auto" && fused_simt::is_fastest(exact, device) ? Precision::fp32
                                                                 : Precision::tf32;
}

std::unique_ptr<DeviceRecurrence> make_device_recurrence(const std::string& name,
                                                         const RecurrenceSpec& spec,
                                                         DeviceContext& context) {
  if (const std::optional<RecurrencePair> pair = recurrence_pair(name)) {
    std::unique_ptr<DeviceRecurrence> used = make_device_recurrence(pair->used, spec, context);
    std::unique_ptr<DeviceRecurrence> other = make_device_recurrence(pair->other, spec, context);
    return make_checked_device_recurrence(spec, std::move(used), std::move(other), context,
                                          log_info);
  }
  const Entry& entry = entry_of(choose_recurrence(name, spec, context.info()));
  const std::string reason = entry.refusal(spec, context.info());
  if (!reason.empty()) {
    throw NotSupportedError(fmt::format(
        "engine.recurrence = \"{}\": {}; choose another, \"gemm\" takes any shape", name, reason));
  }
  return entry.make(spec, context);
}

}  // namespace sluice
