#include "cpu/compare.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::bench {
namespace {

Spread sample_by_sample(const Result& a, const Result& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.seconds.size(); ++i) ratios.push_back(a.rate(i) / b.rate(i));
  return spread(ratios);
}

double median_rate(const Result& result) {
  return result.benchmark.work / spread(result.seconds).median;
}

/// At most four characters up to 9999.
std::string number(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

std::string rate_text(const Result& result, const Group& group) {
  const auto peak = group.find(kPeak);
  const std::string part =
      peak == group.end() ? "" : fmt::format("{:.0f}%", 100 * share(result, *peak->second).median);
  return fmt::format("{:>5.0f}{:>5}", median_rate(result), part);
}

std::string ratio_text(const Result& result, const Result& other) {
  const Spread r = ratio(result, other);
  return fmt::format("{:>6} {:<9}", number(r.median),
                     fmt::format("{}-{}", number(r.low), number(r.high)));
}

std::vector<std::string> measured_rivals(const RecurrenceKind& kind, const NamedGroups& groups) {
  std::vector<std::string> rivals;
  for (const std::string& rival : kind.rivals) {
    if (std::any_of(groups.begin(), groups.end(), [&](const auto& named) {
          return named.second.contains(kind.name) && named.second.contains(rival);
        })) {
      rivals.push_back(rival);
    }
  }
  return rivals;
}

std::string line_of(const Result& own, const Group& group, const std::vector<std::string>& rivals) {
  std::string rates = rate_text(own, group), ratios;
  for (const std::string& rival : rivals) {
    const auto other = group.find(rival);
    const bool there = other != group.end();
    rates += there ? rate_text(*other->second, group) : fmt::format("{:>10}", "-");
    ratios += there ? ratio_text(own, *other->second) : fmt::format("{:>6}{:10}", "-", "");
  }
  const std::map<std::string, int>& p = own.benchmark.parameters;
  std::string line = fmt::format("{:<16}", fmt::format("{},{},{},{},{}", p.at("B"), p.at("T"),
                                                       p.at("I"), p.at("H"), p.at("L"))) +
                     rates + ratios;
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

/// A line a group of this phase that has `kind`, and the columns' heads above them.
std::string table_of(const RecurrenceKind& kind, const char* phase, const NamedGroups& groups) {
  const std::vector<std::string> rivals = measured_rivals(kind, groups);
  std::string lines;
  for (const auto& [name, group] : groups) {
    const auto own = group.find(kind.name);
    if (own != group.end() && name.ends_with(phase)) lines += line_of(*own->second, group, rivals);
  }
  if (lines.empty()) return "";
  std::string head = fmt::format("{:<16}{:>10}", phase, kind.name);
  for (const std::string& rival : rivals) head += fmt::format("{:>10}", rival);
  for (const std::string& rival : rivals) head += fmt::format("  {:<14}", "over " + rival);
  head.erase(head.find_last_not_of(' ') + 1);
  return fmt::format("{}\n{}\n", head, lines);
}

/// Of all groups' samples.
std::string peak_text(const NamedGroups& groups) {
  std::vector<double> rates;
  for (const auto& [name, group] : groups) {
    const auto peak = group.find(kPeak);
    if (peak == group.end()) continue;
    const Result& result = *peak->second;
    for (std::size_t i = 0; i < result.seconds.size(); ++i) rates.push_back(result.rate(i));
  }
  if (rates.empty()) return "";
  const Spread s = spread(rates);
  return fmt::format("FMA peak of the threads, in turn with all: {:.0f} GFLOP/s ({:.0f}-{:.0f})\n",
                     s.median, s.low, s.high);
}

}  // namespace

NamedGroups groups_of(std::span<const Result> results) {
  NamedGroups groups;
  for (const Result& result : results) {
    const std::string& name = result.benchmark.group;
    auto at = std::find_if(groups.begin(), groups.end(), [&](auto& g) { return g.first == name; });
    if (at == groups.end()) at = groups.insert(groups.end(), {name, {}});
    at->second.emplace(result.benchmark.kind, &result);
  }
  return groups;
}

Spread ratio(const Result& result, const Result& other) {
  Spread s = sample_by_sample(result, other);
  s.median = median_rate(result) / median_rate(other);
  return s;
}

Spread share(const Result& result, const Result& peak) { return sample_by_sample(result, peak); }

std::string comparison(std::span<const Result> results) {
  const NamedGroups groups = groups_of(results);
  std::string tables;
  for (const RecurrenceKind& kind : recurrence_kinds()) {
    if (kind.rivals.empty()) continue;
    for (const char* phase : {kForward, kTrain}) tables += table_of(kind, phase, groups);
  }
  if (tables.empty()) return "";
  return "B,T,I,H,L: GFLOP/s and share of the peak (medians); how many times as fast as\n"
         "another (ratio of medians, lowest-highest of samples taken together)\n\n" +
         tables + peak_text(groups);
}

}  // namespace sluice::bench
