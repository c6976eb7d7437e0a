#include "gpu/proof.hpp"

#include <fmt/format.h>

#include "gpu/compare.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

/// gemm in fp32 on the problem's arrays.
class Reference {
 public:
  Reference(Problem& problem, Phase phase, DeviceContext& context) {
    const GpuShape& s = problem.shape();
    const std::int64_t rows = std::int64_t{s.T} * s.B;
    const bool training = phase != Phase::forward;
    const auto recurrence =
        make_device_recurrence("gemm", {.C = s.I, .H = s.H, .L = s.L, .dropout = false}, context);
    recurrence->prepare(s.T, s.B, training);
    recurrence->load(problem.weights());
    h_ = DeviceBuffer<float>(context.memory(), rows * s.H, "h of gemm");
    if (training) {
      dx_ = DeviceBuffer<float>(context.memory(), rows * s.I, "dx of gemm");
      dweights_ = DeviceBuffer<float>(context.memory(), weight_count(s), "dW of gemm");
      recurrence->forward(s.T, s.B, problem.x(), {}, {}, h_.span(), {});
      recurrence->backward(problem.dh(), {}, dx_.span(), dweights_.span(), {});
    } else {
      recurrence->infer(s.T, s.B, {problem.x()}, {}, h_.span(), {});
    }
    context.synchronize();  // its arrays go
  }

  /// The last `size` values of h.
  DeviceSpan<const float> h(std::int64_t size) const {
    return h_.span().subspan(h_.size() - size, size);
  }
  DeviceSpan<const float> dx() const { return dx_.span(); }
  DeviceSpan<const float> dweights() const { return dweights_.span(); }

 private:
  DeviceBuffer<float> h_, dx_, dweights_;
};

std::string cell_words(const GpuShape& s, int width, const char* column, std::int64_t at) {
  return fmt::format("t {}, series {}, {} {}", at / width / s.B, at / width % s.B, column,
                     at % width);
}

struct Compared {
  const char* name;
  Difference difference;
  std::string where;
};

std::vector<Compared> compare_all(const Results& results, Problem& problem, Phase phase,
                                  DeviceContext& context) {
  const GpuShape& s = problem.shape();
  const Reference reference(problem, phase, context);
  std::vector<Compared> all;
  const Difference h = compare(results.h, reference.h(results.h.size()), context);
  const std::int64_t steps_before = std::int64_t{s.T} * s.B * s.H - results.h.size();
  all.push_back({"h", h, cell_words(s, s.H, "unit", steps_before + h.at)});
  if (!results.dx.empty()) {
    const Difference dx = compare(results.dx, reference.dx(), context);
    all.push_back({"dx", dx, cell_words(s, s.I, "input", dx.at)});
  }
  if (!results.dweights.empty()) {
    const Difference dw = compare(results.dweights, reference.dweights(), context);
    all.push_back({"dW", dw, weight_words(s, dw.at)});
  }
  return all;
}

std::uint64_t hash_of(const Results& results, DeviceContext& context) {
  std::uint64_t hash = 0;
  for (const DeviceSpan<const float> array : {results.h, results.dx, results.dweights}) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15u;  // the arrays' order counts
    hash = hash * kOdd + (array.empty() ? 0 : hash_bits(array, context));
  }
  return hash;
}

}  // namespace

std::string weight_words(const GpuShape& s, std::int64_t at) {
  for (int l = 0;; ++l) {
    const std::int64_t inputs = l == 0 ? s.I : s.H, gates = 4LL * s.H;
    if (at < gates * inputs) return fmt::format("layer {}, W[{},{}]", l, at / inputs, at % inputs);
    at -= gates * inputs;
    if (at < gates * s.H) return fmt::format("layer {}, R[{},{}]", l, at / s.H, at % s.H);
    at -= gates * s.H;
    if (at < gates) return fmt::format("layer {}, b[{}]", l, at);
    at -= gates;
  }
}

std::vector<Fact> prove(Problem& problem, Phase phase, double tolerance,
                        const std::function<void()>& run, const std::function<Results()>& results,
                        DeviceContext& context) {
  std::vector<Fact> facts;
  run();
  const std::uint64_t first = hash_of(results(), context);
  run();
  const Results second = results();
  const std::uint64_t hash = hash_of(second, context);
  facts.push_back({"same bits", std::string(hash == first ? "yes" : "no")});
  facts.push_back({"hash", fmt::format("{:016x}", hash)});
  std::vector<Compared> compared;
  try {
    compared = compare_all(second, problem, phase, context);
  } catch (const DeviceError& error) {
    facts.push_back({"not compared", std::string(error.what())});
    return facts;
  }
  for (const Compared& c : compared) {
    const std::string name = c.name;
    facts.push_back({name + " max abs", c.difference.largest});
    facts.push_back({name + " max rel", c.difference.relative()});
    facts.push_back({name + " worst at", c.where});
    if (c.difference.relative() <= tolerance) continue;
    throw InternalError(fmt::format(
        "{} differs from gemm in fp32 by {:.2g} of its largest value at {}; {:.2g} is allowed",
        name, c.difference.relative(), c.where, tolerance));
  }
  return facts;
}

}  // namespace sluice::bench
