#include "gpu/rows.hpp"

#include <algorithm>
#include <limits>

#include "spread.hpp"

namespace sluice::bench {

double Samples::best() const {
  double best = std::numeric_limits<double>::infinity();
  if (!stream.empty()) best = std::min(best, spread(stream).median);
  if (!graph.empty()) best = std::min(best, spread(graph).median);
  return best;
}

GpuRow row_of(const GpuCase& c) {
  GpuRow row;
  row.name = name_of(c);
  row.section = c.section, row.method = c.method, row.number = c.number, row.phase = c.phase;
  row.shape = c.shape;
  row.demand = demand_of(c.shape, c.phase, c.number);
  return row;
}

Ratios ratios_of(const GpuRow& row, std::span<const GpuRow> rows) {
  Ratios ratios;
  if (row.samples.empty()) return ratios;
  const auto lower = [&](std::optional<double>& ratio, double seconds) {
    const double candidate = seconds / row.samples.best();
    if (!ratio || candidate < *ratio) ratio = candidate;
  };
  for (const GpuRow& other : rows) {
    // A whole engine does more than a recurrence of the same shape.
    const bool comparable = (other.section == "engine") == (row.section == "engine") &&
                            other.method.starts_with("cudnn") && other.phase == row.phase &&
                            other.shape == row.shape && !other.samples.empty();
    if (!comparable) continue;
    const double seconds = other.samples.best();
    if (other.number == row.number) lower(ratios.same, seconds);
    if (other.number == Number::bf16 || other.number == Number::fp16) lower(ratios.half, seconds);
  }
  return ratios;
}

MeasuredRates measured_rates(std::span<const RateRow> rates) {
  MeasuredRates measured;
  for (const RateRow& r : rates) {
    if (r.name == "fma fp32") measured.fma_flops = r.rate();
    if (r.name == "mma.sync tf32") measured.tf32_flops = r.rate();
    if (r.name == "mma.sync bf16") measured.bf16_flops = r.rate();
    if (r.name == "tanh.approx") measured.tanh = r.rate();
    if (r.name == "device copy") measured.copy_bytes = r.rate();
  }
  return measured;
}

}  // namespace sluice::bench
