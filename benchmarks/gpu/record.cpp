#include "gpu/record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gpu/plan.hpp"

namespace sluice::bench {
namespace {

std::string samples_text(const Samples& samples) {
  return samples.empty() ? "nothing" : fmt::format("{:.1f} us", 1e6 * samples.best());
}

Line or_null(const std::string& text) { return text.empty() ? Line() : Line(text); }

}  // namespace

Record::Record(std::span<const GpuCase> cases, const GpuRunSettings& settings) {
  for (const GpuCase& c : cases) cases_.emplace(name_of(c), &c);
  report_.settings = settings;
}

void Record::take(const Line& line) {
  const std::string kind = line.at("kind");
  if (kind == "machine") report_.machine = machine_of(line);
  if (kind == "rate") report_.rates.push_back(rate_of(line));
  if (kind == "case") report_.rows.push_back(case_of(line));
  if (kind == "lost") take_lost(line.at("case"), line.at("reason"));
  report_.peaks =
      with_measured(known_peaks(report_.machine.device.name), measured_rates(report_.rates));
}

void Record::take_lost(const std::string& name, const std::string& reason) {
  ++lost_;
  const std::string failed = "lost: " + reason;
  if (const auto found = cases_.find(name); found != cases_.end()) {
    GpuRow row = row_of(*found->second);
    row.failed = failed;
    report_.rows.push_back(std::move(row));
    return;
  }
  RateRow rate;
  rate.name = name.substr(name.find('/') + 1);
  rate.failed = failed;
  report_.rates.push_back(std::move(rate));
}

int Record::failed() const {
  const auto failed = [](const auto& row) { return !row.failed.empty(); };
  return static_cast<int>(std::count_if(report_.rates.begin(), report_.rates.end(), failed) +
                          std::count_if(report_.rows.begin(), report_.rows.end(), failed));
}

Line end_line(const Ending& ending, int lost, double budget) {
  return {{"kind", "end"},
          {"done", ending.done},
          {"left", ending.left},
          {"lost", lost},
          {"seconds", ending.seconds},
          {"budget_seconds", budget > 0 ? Line(budget) : Line()},
          {"stopped", or_null(ending.stopped)},
          {"no_device", or_null(ending.no_device)}};
}

std::string summary(const Line& line) {
  if (line.at("kind") == "lost") return "LOST: " + line.at("reason").get<std::string>();
  if (line.at("kind") == "rate") {
    const RateRow rate = rate_of(line);
    return rate.failed.empty() ? samples_text(rate.samples) : "FAILED: " + rate.failed;
  }
  const GpuRow row = case_of(line);
  if (!row.failed.empty()) return "FAILED: " + row.failed;
  return row.refused.empty() ? samples_text(row.samples) : "refused: " + row.refused;
}

}  // namespace sluice::bench
