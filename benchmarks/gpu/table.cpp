#include <fmt/format.h>

#include <algorithm>

#include "gpu/report.hpp"
#include "spread.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kColumns = 80;

/// Words of `text` in lines of at most 80 columns, each after `indent` blanks.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out, line(indent, ' ');
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (line.size() > indent && line.size() + 1 + word.size() > kColumns) {
      out += line + '\n';
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
    begin = end + 1;
  }
  return out + line + '\n';
}

/// "12.3 T/s" with a unit that fits.
std::string scaled(double rate, const std::string& unit) {
  constexpr std::pair<double, const char*> kScales[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [scale, prefix] : kScales) {
    if (rate >= scale) return fmt::format("{:.2f} {}{}/s", rate / scale, prefix, unit);
  }
  return fmt::format("{:.2f} {}/s", rate, unit);
}

std::string microseconds(const std::vector<double>& seconds) {
  return seconds.empty() ? "-" : fmt::format("{:.1f}", 1e6 * spread(seconds).median);
}

/// (highest - lowest) / median, replayed from a graph if it was.
std::string spread_percent(const Samples& samples) {
  const bool graph = !samples.graph.empty();
  const Spread s = spread(graph ? samples.graph : samples.stream);
  return s.median > 0 ? fmt::format("{:.1f}", 100 * (s.high - s.low) / s.median) : "-";
}

std::string ratio(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}", *value) : "-";
}

std::string per_second(double amount, double seconds, double unit, int digits) {
  return seconds > 0 ? fmt::format("{:.{}f}", amount / seconds / unit, digits) : "-";
}

constexpr const char* kLine = "{:<18}{:<5}{:>9}{:>10}{:>6}{:>8}{:>7}{:>5}{:<1}{:>6}{:>5}\n";

std::string header() {
  return fmt::format(kLine, "", "type", "graph us", "stream us", "+-%", "TFLOP/s", " GB/s", "roof",
                     "", "x16", "x=");
}

std::string line_of(const GpuRow& row, const GpuReport& report) {
  // A name that is too long for its column gets a line of its own.
  const bool fits = row.method.size() < 18;
  std::string out = fits ? "" : row.method + '\n';
  const std::string name = fits ? row.method : "";
  const std::string& trouble = row.failed.empty() ? row.refused : row.failed;
  if (!trouble.empty()) {
    const char* what = row.failed.empty() ? "refused" : "FAILED";
    const std::string start = fmt::format("{:<18}{:<5}", name, to_string(row.number));
    const std::string text = wrapped(fmt::format("{}: {}", what, trouble), start.size());
    return out + start + text.substr(start.size());
  }
  const double seconds = row.samples.best();
  std::string share = "-";
  std::string binding;
  if (const auto roof = roof_of(row.demand, row.number, report.peaks); roof && seconds > 0) {
    share = fmt::format("{:.0f}%", 100 * roof->seconds / seconds);
    binding = roof->binding.substr(0, 1);
  }
  const Ratios ratios = ratios_of(row, report.rows);
  return out + fmt::format(kLine, name, to_string(row.number), microseconds(row.samples.graph),
                           microseconds(row.samples.stream), spread_percent(row.samples),
                           per_second(row.demand.flops, seconds, 1e12, 1),
                           per_second(row.demand.bytes, seconds, 1e9, 0), share, binding,
                           ratio(ratios.half), ratio(ratios.same));
}

/// What stands under one heading, in the order of the headings' first rows: a plan takes sections
/// in turn.
std::vector<std::vector<const GpuRow*>> blocks_of(const std::vector<GpuRow>& rows) {
  std::vector<std::vector<const GpuRow*>> blocks;
  for (const GpuRow& row : rows) {
    const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const auto& b) {
      const GpuRow& first = *b.front();
      return first.section == row.section && first.phase == row.phase && first.shape == row.shape;
    });
    if (block == blocks.end()) {
      blocks.push_back({&row});
    } else {
      block->push_back(&row);
    }
  }
  return blocks;
}

std::string rates_text(const GpuReport& report) {
  std::string out;
  if (!report.rates.empty()) out += "Rates of the device, measured in this run\n";
  for (const RateRow& r : report.rates) {
    if (!r.failed.empty()) {
      out += wrapped(r.name + ": FAILED: " + r.failed, 2);
      continue;
    }
    const auto of = [&](const std::vector<double>& seconds) {
      const double median = seconds.empty() ? 0 : spread(seconds).median;
      return median > 0 ? scaled(r.work / median, r.unit) : std::string("-");
    };
    out += fmt::format("  {:<24}{:>24}  graph {:>20}\n", r.name, of(r.samples.stream),
                       of(r.samples.graph));
  }
  out += "Roofs\n";
  const auto roof = [&](const char* name, const Peak& peak, const char* unit) {
    out += fmt::format("  {:<24}{:>24}  {}\n", name, peak.rate > 0 ? scaled(peak.rate, unit) : "-",
                       peak.rate > 0 ? peak.source : "not known");
  };
  roof("fp32 products", report.peaks.fp32, "FLOP");
  roof("tensor, tf32", report.peaks.tf32, "FLOP");
  roof("tensor, bf16 and fp16", report.peaks.half, "FLOP");
  roof("special functions", report.peaks.special, "op");
  roof("memory", report.peaks.memory, "B");
  return out;
}

}  // namespace

std::string table(const GpuReport& report) {
  const DeviceInfo& d = report.machine.device;
  std::string out =
      wrapped(fmt::format("{}, compute capability {}.{}, driver {}, CUDA {}.{}, cuDNN {}", d.name,
                          d.compute_capability / 10, d.compute_capability % 10,
                          report.machine.driver.empty() ? "unknown" : report.machine.driver,
                          d.runtime / 1000, d.runtime / 10 % 100,
                          report.machine.cudnn.empty() ? "not built" : report.machine.cudnn),
              0);
  out += rates_text(report);
  out += wrapped(
      "Below: medians; +-%: (highest - lowest) / median; roof: share of the binding one (t tensor, "
      "f fp32, s special, m memory; bytes and operations of the model, not of the kernel); x16: "
      "times as fast as cuDNN's best of bf16 and fp16; x=: of the same type.",
      0);
  for (const std::vector<const GpuRow*>& block : blocks_of(report.rows)) {
    const GpuRow& first = *block.front();
    const GpuShape& s = first.shape;
    out += fmt::format("\n{} {}: B {}, T {}, I {}, H {}, L {}\n", first.section,
                       to_string(first.phase), s.B, s.T, s.I, s.H, s.L);
    out += header();
    for (const GpuRow* row : block) out += line_of(*row, report);
  }
  return out;
}

}  // namespace sluice::bench
