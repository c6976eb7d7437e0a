#include "engine/shared/comparison.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::string_view kCheck = "check:";
constexpr int kSmallestDecade = -7;  ///< of the histogram's second bin: below 1e-7

/// The bin of a relative difference: 0 for none.
std::size_t bin_of(double relative) {
  if (relative == 0) return 0;
  std::size_t bin = 1;
  for (double edge = std::pow(10.0, kSmallestDecade); bin + 1 < Differences::kDecades; ++bin) {
    if (relative < edge) break;
    edge *= 10;
  }
  return bin;
}

std::string bin_name(int bin) {
  if (bin == 0) return "equal";
  if (bin == 1) return fmt::format("<1e{}", kSmallestDecade);
  if (bin + 1 == Differences::kDecades) return fmt::format(">=1e{}", kSmallestDecade + bin - 2);
  return fmt::format("<1e{}", kSmallestDecade + bin - 1);
}

/// Finds or adds the array of this name.
template <typename Arrays>
Differences& of(Arrays& arrays, std::string_view name) {
  for (auto& array : arrays) {
    if (array.name == name) return array.differences;
  }
  arrays.push_back({std::string(name), {}});
  return arrays.back().differences;
}

}  // namespace

std::optional<RecurrencePair> recurrence_pair(const std::string& name) {
  if (!name.starts_with(kCheck)) return std::nullopt;
  const std::string names = name.substr(kCheck.size());
  const std::size_t comma = names.find(',');
  const auto refuse = [&](const char* why) {
    throw ConfigError(
        fmt::format("engine.recurrence = \"{}\": {}; write check:A,B with two recurrences, as in "
                    "check:fused,onednn on the CPU or check:fused,gemm on CUDA",
                    name, why));
  };
  if (comma == std::string::npos) refuse("a check needs two recurrences");
  RecurrencePair pair{names.substr(0, comma), names.substr(comma + 1)};
  if (pair.other.starts_with(kCheck) || pair.used.starts_with(kCheck)) {
    refuse("a check cannot check a check");
  }
  if (pair.used.empty() || pair.other.empty() || pair.other.find(',') != std::string::npos) {
    refuse("a check needs two recurrences");
  }
  return pair;
}

void Differences::add(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) throw InternalError("two arrays of different sizes are compared");
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      ++not_finite;
      continue;
    }
    const double absolute = std::abs(x - y), size = std::max(std::abs(x), std::abs(y));
    const double relative = absolute == 0 ? 0 : absolute / size;
    ++count;
    ++histogram[bin_of(relative)];
    sum_absolute += absolute;
    sum_relative += relative;
    largest = std::max(largest, size);
    largest_absolute = std::max(largest_absolute, absolute);
    largest_relative = std::max(largest_relative, relative);
  }
}

void Differences::add(const Differences& more) {
  count += more.count;
  not_finite += more.not_finite;
  sum_absolute += more.sum_absolute;
  sum_relative += more.sum_relative;
  largest = std::max(largest, more.largest);
  largest_absolute = std::max(largest_absolute, more.largest_absolute);
  largest_relative = std::max(largest_relative, more.largest_relative);
  for (std::size_t i = 0; i < histogram.size(); ++i) histogram[i] += more.histogram[i];
}

std::string Differences::text(std::string_view name) const {
  if (count > 0 && largest == 0 && not_finite == 0) {
    return fmt::format("{}: {} numbers, all of them zero in both", name, count);
  }
  const double numbers = static_cast<double>(std::max<std::int64_t>(count, 1));
  std::vector<std::string> bins;
  for (int bin = 0; bin < kDecades; ++bin) {
    const std::int64_t there = histogram[static_cast<std::size_t>(bin)];
    if (there > 0) bins.push_back(fmt::format("{} {}", bin_name(bin), there));
  }
  std::string text = fmt::format(
      "{}: {} numbers, absolute {:.2g} at most, {:.2g} in the mean; relative {:.2g} at most, "
      "{:.2g} in the mean: {}",
      name, count, largest_absolute, sum_absolute / numbers, largest_relative,
      sum_relative / numbers, fmt::join(bins, ", "));
  if (not_finite > 0) text += fmt::format("; {} are not finite in one or both", not_finite);
  return text;
}

RecurrenceComparison::RecurrenceComparison(std::string used, std::string other, Say say)
    : used_(std::move(used)), other_(std::move(other)), say_(std::move(say)) {}

RecurrenceComparison::~RecurrenceComparison() {
  try {
    if (const std::string all = text(); !all.empty()) say_(all);
  } catch (const std::exception&) {
    // A log that cannot be written has said so before; here no one is left to hear it.
  }
}

void RecurrenceComparison::add(std::string_view name, std::span<const float> used,
                               std::span<const float> other) {
  if (used.empty() && other.empty()) return;
  of(batch_, name).add(used, other);
}

void RecurrenceComparison::end_batch(Kind& kind, std::string_view what) {
  if (kind.batches == 0) {
    say_(
        fmt::format("check: {} (used) against {}, first {}{}", used_, other_, what, lines(batch_)));
  }
  ++kind.batches;
  for (const Array& array : batch_) of(kind.arrays, array.name).add(array.differences);
  batch_.clear();
}

std::string RecurrenceComparison::lines(const Arrays& arrays) const {
  std::string out;
  for (const Array& array : arrays) out += "\n  " + array.differences.text(array.name);
  return out;
}

std::string RecurrenceComparison::text() const {
  std::string out;
  const auto add_kind = [&](const Kind& kind, const char* what) {
    if (kind.batches == 0) return;
    if (!out.empty()) out += "\n";
    out += fmt::format("check: {} (used) against {}, all {} {}{}", used_, other_, kind.batches,
                       what, lines(kind.arrays));
  };
  add_kind(training_, "training batches");
  add_kind(inference_, "inferences");
  return out;
}

}  // namespace sluice
