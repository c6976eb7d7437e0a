// The recurrences of the CPU engine by themselves: h from x (forward), and load + forward +
// backward (train), which is what one training step asks of them. Work is counted as the products'
// floating point operations, 8 H (I + H) a layer, series and step, and three times that in
// training.
#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <memory>
#include <random>

#include "bench.hpp"
#include "engine/fused_recurrence.hpp"
#include "engine/recurrence.hpp"

namespace sluice::bench {
namespace {

/// B,T,I,H,L: the grid of Sluice's users, from a global model over a catalogue (first rows) to one
/// shop (64,10,14,64,4) and M4 Hourly (32,96,3,64,1).
constexpr std::array<RecurrenceShape, 9> kShapes = {{
    {.T = 28, .N = 4096, .C = 8, .H = 32, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 64, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 64, .L = 2},
    {.T = 56, .N = 1024, .C = 8, .H = 128, .L = 1},
    {.T = 56, .N = 256, .C = 16, .H = 256, .L = 1},
    {.T = 28, .N = 256, .C = 8, .H = 512, .L = 1},
    {.T = 10, .N = 64, .C = 14, .H = 64, .L = 4},
    {.T = 24, .N = 256, .C = 15, .H = 128, .L = 1},
    {.T = 96, .N = 32, .C = 3, .H = 64, .L = 1},
}};

struct Kind {
  const char* name;
  std::unique_ptr<Recurrence> (*make)(int C, int H, int L);
};
/// As the engine uses it: sequences dealt to threads.
std::unique_ptr<Recurrence> make_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, omp_get_max_threads(),
                                 [=] { return make_onednn_recurrence(C, H, L); });
}
/// "onednn" is the engine's; "onednn-own" lets oneDNN thread each product, as PyTorch does.
std::unique_ptr<Recurrence> make_fused(int C, int H, int L) {
  return make_fused_recurrence(C, H, L);
}
constexpr std::array<Kind, 3> kKinds = {
    {{"onednn", make_dealt}, {"onednn-own", make_onednn_recurrence}, {"fused", make_fused}}};

using Floats = std::vector<float>;

Floats uniform(std::int64_t size, float range) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-range, range);
  Floats out(static_cast<std::size_t>(size));
  for (float& v : out) v = value(random);
  return out;
}

/// A recurrence with its arrays; the timed functions share it.
struct Arrays {
  RecurrenceShape shape;
  std::unique_ptr<Recurrence> recurrence;
  Floats weights, x, h, dh, dx, dweights;

  Arrays(const Kind& kind, const RecurrenceShape& s)
      : shape(s),
        recurrence(kind.make(s.C, s.H, s.L)),
        weights(uniform(recurrence_params(s.C, s.H, s.L), 0.1f)),
        x(uniform(std::int64_t{s.T} * s.N * s.C, 1)),
        h(static_cast<std::size_t>(s.T) * static_cast<std::size_t>(s.N * s.H)),
        dh(uniform(static_cast<std::int64_t>(h.size()), 1)),
        dx(x.size()),
        dweights(weights.size()) {
    recurrence->load(weights);
  }
};

double forward_flops(const RecurrenceShape& s) {
  double per_step = 0;
  for (int l = 0; l < s.L; ++l) per_step += 8.0 * s.H * ((l == 0 ? s.C : s.H) + s.H);
  return per_step * s.T * s.N;
}

Benchmark forward_benchmark(const Kind& kind, const RecurrenceShape& s) {
  Benchmark benchmark;
  benchmark.work = forward_flops(s) / 1e9;
  benchmark.make = [kind, s] {
    auto arrays = std::make_shared<Arrays>(kind, s);
    arrays->recurrence->prepare(s.T, s.N, false);
    return [arrays, s] { arrays->recurrence->infer(s.T, s.N, arrays->x, {}, arrays->h, {}); };
  };
  return benchmark;
}

Benchmark train_benchmark(const Kind& kind, const RecurrenceShape& s) {
  Benchmark benchmark;
  benchmark.work = 3 * forward_flops(s) / 1e9;
  benchmark.make = [kind, s] {
    auto arrays = std::make_shared<Arrays>(kind, s);
    arrays->recurrence->prepare(s.T, s.N, true);
    return [arrays, s] {
      Arrays& a = *arrays;
      a.recurrence->load(a.weights);
      a.recurrence->forward(s.T, s.N, a.x, {}, {}, a.h, {});
      a.recurrence->backward(a.dh, {}, a.dx, a.dweights, {});
    };
  };
  return benchmark;
}

}  // namespace

std::vector<Benchmark> recurrence_benchmarks() {
  std::vector<Benchmark> benchmarks;
  const auto add = [&](Benchmark benchmark, const Kind& kind, const char* what,
                       const RecurrenceShape& s) {
    benchmark.name =
        fmt::format("recurrence/{}/{}/{},{},{},{},{}", kind.name, what, s.N, s.T, s.C, s.H, s.L);
    benchmark.parameters = {{"B", s.N}, {"T", s.T}, {"I", s.C}, {"H", s.H}, {"L", s.L}};
    benchmark.unit = "GFLOP/s";
    benchmark.items = s.N;
    benchmarks.push_back(std::move(benchmark));
  };
  for (const Kind& kind : kKinds) {
    for (const RecurrenceShape& shape : kShapes) {
      add(forward_benchmark(kind, shape), kind, "forward", shape);
      add(train_benchmark(kind, shape), kind, "train", shape);
    }
  }
  return benchmarks;
}

}  // namespace sluice::bench
