#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <random>

#include "cpu/recurrence_kinds.hpp"
#include "engine/fused/bf16/bf16.hpp"
#include "engine/fused/recurrence.hpp"

namespace sluice::bench {
namespace {

/// From a global model over a catalogue (one layer; B 256 to 4096, T 10 to 56) to the article's one
/// shop (64,10,14,64,4), M4 Hourly (32,96,3,64,1) and OpenNN's benchmark (256,24,15,128,1).
constexpr std::array<RecurrenceShape, 23> kShapes = {{
    {.T = 56, .N = 256, .C = 16, .H = 16, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 16, .L = 1},
    {.T = 28, .N = 4096, .C = 8, .H = 16, .L = 1},
    {.T = 56, .N = 256, .C = 16, .H = 32, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 32, .L = 2},
    {.T = 28, .N = 4096, .C = 8, .H = 32, .L = 1},
    {.T = 56, .N = 256, .C = 16, .H = 64, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 64, .L = 1},
    {.T = 28, .N = 1024, .C = 8, .H = 64, .L = 2},
    {.T = 10, .N = 4096, .C = 8, .H = 64, .L = 1},
    {.T = 28, .N = 256, .C = 8, .H = 128, .L = 2},
    {.T = 56, .N = 1024, .C = 8, .H = 128, .L = 1},
    {.T = 10, .N = 4096, .C = 16, .H = 128, .L = 1},
    {.T = 56, .N = 256, .C = 16, .H = 256, .L = 1},
    {.T = 10, .N = 1024, .C = 8, .H = 256, .L = 1},
    {.T = 10, .N = 256, .C = 8, .H = 256, .L = 2},
    {.T = 28, .N = 256, .C = 8, .H = 512, .L = 1},
    {.T = 10, .N = 1024, .C = 16, .H = 512, .L = 1},
    {.T = 10, .N = 256, .C = 16, .H = 512, .L = 1},
    {.T = 10, .N = 64, .C = 14, .H = 64, .L = 4},
    {.T = 96, .N = 32, .C = 3, .H = 64, .L = 1},
    {.T = 24, .N = 256, .C = 15, .H = 128, .L = 1},
    {.T = 24, .N = 256, .C = 15, .H = 64, .L = 1},
}};

std::unique_ptr<Recurrence> make_fused(int C, int H, int L) {
  return make_fused_recurrence(C, H, L);
}

/// Where there are kernels for it.
std::unique_ptr<Recurrence> make_fused_bf16(int C, int H, int L) {
  return make_fused_recurrence(C, H, L, *fused_bf16_kernels());
}

/// As the engine uses it: sequences dealt to threads.
std::unique_ptr<Recurrence> make_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, omp_get_max_threads(),
                                 [=] { return make_onednn_recurrence(C, H, L); });
}

using Floats = std::vector<float>;

Floats uniform(std::int64_t size, float range) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-range, range);
  Floats out(static_cast<std::size_t>(size));
  for (float& v : out) v = value(random);
  return out;
}

/// A recurrence with its arrays.
struct Arrays {
  RecurrenceShape shape;
  std::unique_ptr<Recurrence> recurrence;
  Floats weights, x, h, dh, dx, dweights;

  Arrays(const RecurrenceKind& kind, const RecurrenceShape& s, bool training)
      : shape(s),
        recurrence(kind.make(s.C, s.H, s.L)),
        weights(uniform(recurrence_params(s.C, s.H, s.L), 0.1f)),
        x(uniform(std::int64_t{s.T} * s.N * s.C, 1)),
        h(static_cast<std::size_t>(s.T) * static_cast<std::size_t>(s.N * s.H)) {
    if (training) {
      dh = uniform(static_cast<std::int64_t>(h.size()), 1);
      dx.resize(x.size());
      dweights.resize(weights.size());
    }
    recurrence->load(weights);
    recurrence->prepare(s.T, s.N, training);
  }

  void infer() { recurrence->infer(shape.T, shape.N, x, {}, h, {}); }
  void train() {
    recurrence->load(weights);
    recurrence->forward(shape.T, shape.N, x, {}, {}, h, {});
    recurrence->backward(dh, {}, dx, dweights, {});
  }
};

double forward_flops(const RecurrenceShape& s) {
  double per_step = 0;
  for (int l = 0; l < s.L; ++l) per_step += 8.0 * s.H * ((l == 0 ? s.C : s.H) + s.H);
  return per_step * s.T * s.N;
}

Benchmark benchmark_of(const RecurrenceShape& s, bool training, const RecurrenceKind& kind,
                       const std::shared_ptr<TorchWorker>& torch) {
  Benchmark benchmark;
  benchmark.group = fmt::format("recurrence/{}/{}", shape_text(s), training ? kTrain : kForward);
  benchmark.kind = kind.name;
  benchmark.parameters = {{"B", s.N}, {"T", s.T}, {"I", s.C}, {"H", s.H}, {"L", s.L}};
  benchmark.unit = "GFLOP/s";
  benchmark.work = (training ? 3 : 1) * forward_flops(s) / 1e9;
  benchmark.items = s.N;
  if (!kind.make) {
    benchmark.make = [torch, s, training]() -> Timer {
      torch->make_case(s, training);
      return [torch](int times) { return torch->seconds(times); };
    };
  } else {
    benchmark.make = [kind, s, training] {
      auto arrays = std::make_shared<Arrays>(kind, s, training);
      return timed([arrays, training] { training ? arrays->train() : arrays->infer(); });
    };
  }
  return benchmark;
}

}  // namespace

std::span<const RecurrenceKind> recurrence_kinds() {
  static const std::vector<RecurrenceKind> kinds = [] {
    std::vector<RecurrenceKind> all = {
        {"fused", make_fused, {"onednn", "pytorch"}},
        {"onednn", make_dealt, {}},
        {"onednn-own", make_onednn_recurrence, {"onednn", "pytorch"}, false},
        {"pytorch", {}, {}},
    };
    if (fused_bf16_kernels() != nullptr) {
      all.insert(all.begin() + 1, {"fused_bf16", make_fused_bf16, {"fused", "pytorch"}});
    }
    return all;
  }();
  return kinds;
}

std::string shape_text(const RecurrenceShape& s) {
  return fmt::format("{},{},{},{},{}", s.N, s.T, s.C, s.H, s.L);
}

std::vector<Benchmark> recurrence_benchmarks(const RecurrenceShape& shape,
                                             std::span<const RecurrenceKind> kinds,
                                             const std::shared_ptr<TorchWorker>& torch) {
  std::vector<Benchmark> benchmarks;
  for (const bool training : {false, true}) {
    for (const RecurrenceKind& kind : kinds) {
      benchmarks.push_back(benchmark_of(shape, training, kind, torch));
    }
  }
  return benchmarks;
}

std::span<const RecurrenceShape> recurrence_shapes() { return kShapes; }

}  // namespace sluice::bench
