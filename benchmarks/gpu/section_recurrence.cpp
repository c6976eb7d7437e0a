// The recurrences of the CUDA engine by themselves, every one that the engine has, ours and cuDNN's
// algorithms, in every precision: what a training step or a forecast asks of them. Ours also
// without what is often not asked of them: "fused_mma.nodx" trains without dx, "fused_mma.noh"
// forecasts without h but for the last state.
#include <memory>

#include "gpu/bench.hpp"
#include "gpu/kernel_names.hpp"
#include "gpu/problem.hpp"
#include "gpu/proof.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

/// What is left out of what a recurrence gives: an engine asks for dx only with embeddings or more
/// layers, and a forecast takes the last state alone.
enum class Without { nothing, dx, h };

std::string_view suffix(Without without) {
  return without == Without::dx ? ".nodx" : without == Without::h ? ".noh" : "";
}

/// A recurrence with its arrays; the functions of a GpuWork share it.
struct Bench {
  GpuShape shape;
  std::unique_ptr<DeviceRecurrence> recurrence;
  Problem problem;
  DeviceBuffer<float> h, last_h, last_c, dx, dweights;  ///< those that are not wanted are empty

  Bench(const GpuShape& s, Phase phase, Without without, std::unique_ptr<DeviceRecurrence> made,
        DeviceContext& context)
      : shape(s), recurrence(std::move(made)), problem(s, phase, context) {
    const std::int64_t rows = std::int64_t{s.T} * s.B, states = std::int64_t{s.L} * s.B * s.H;
    const bool training = phase != Phase::forward;
    DeviceMemory& memory = context.memory();
    if (without == Without::h) {
      last_h = DeviceBuffer<float>(memory, states, "last states of the benchmark");
      last_c = DeviceBuffer<float>(memory, states, "last states of the benchmark");
    } else {
      h = DeviceBuffer<float>(memory, rows * s.H, "h of the benchmark");
    }
    if (training) {
      if (without != Without::dx) {
        dx = DeviceBuffer<float>(memory, rows * s.I, "dx of the benchmark");
      }
      dweights = DeviceBuffer<float>(memory, weight_count(s), "dW of the benchmark");
    }
    recurrence->prepare(s.T, s.B, training);
    recurrence->load(problem.weights());
  }

  void infer() {
    recurrence->infer(shape.T, shape.B, {problem.x()}, {}, h.span(),
                      {last_h.span(), last_c.span()});
  }
  void forward() {
    recurrence->load(problem.weights());
    recurrence->forward(shape.T, shape.B, problem.x(), {}, {}, h.span(), {});
  }
  void backward() { recurrence->backward(problem.dh(), {}, dx.span(), dweights.span(), {}); }

  /// Of the top layer, [B,H].
  DeviceSpan<const float> last() const {
    const std::int64_t state = std::int64_t{shape.B} * shape.H;
    return last_h.span().subspan((shape.L - 1) * state, state);
  }
  Results results() const {
    return {h.empty() ? last() : DeviceSpan<const float>(h.span()), dx.span(), dweights.span()};
  }
};

GpuWork make_work(const std::string& method, Precision precision, Phase phase, Without without,
                  const GpuShape& shape, DeviceContext& context) {
  const RecurrenceSpec spec{
      .C = shape.I, .H = shape.H, .L = shape.L, .precision = precision, .dropout = false};
  const std::string why_not = refusal(method, spec, context.info());
  if (!why_not.empty()) throw NotSupportedError(why_not);
  auto bench = std::make_shared<Bench>(shape, phase, without,
                                       make_device_recurrence(method, spec, context), context);
  std::function<void()> whole = [bench] { bench->forward(), bench->backward(); };
  GpuWork work;
  work.tolerance = tolerance_of(number_of(precision), shape.T);
  work.error = [bench, whole] {
    return bench->problem.gradient_error(whole, bench->dx.span(), bench->dweights.span());
  };
  switch (phase) {
    case Phase::forward:
      work.run = whole = [bench] { bench->infer(); };
      work.error = [bench] {
        bench->infer();
        return bench->h.empty() ? bench->problem.last_error(bench->last())
                                : bench->problem.forward_error(bench->h.span());
      };
      break;
    case Phase::backward:
      work.before = [bench] { bench->forward(); };
      work.run = [bench] { bench->backward(); };
      break;
    case Phase::train:
      work.run = whole;
      break;
  }
  work.facts = [bench, whole, phase, &context, run = work.run, tolerance = work.tolerance] {
    std::vector<Fact> facts = prove(
        bench->problem, phase, kBothSides * tolerance, whole, [bench] { return bench->results(); },
        context);
    for (Fact& fact : kernel_facts(run, context)) facts.push_back(std::move(fact));
    return facts;
  };
  return work;
}

/// cuDNN computes dx and writes all of h anyway.
bool can_leave_out(const std::string& method, Phase phase, Without without) {
  if (without == Without::nothing) return true;
  if (method.starts_with("cudnn")) return false;
  return (without == Without::h) == (phase == Phase::forward);
}

}  // namespace

/// From a global model over a catalogue, in batches small to large, to one shop (64,10,14,64,4) and
/// M4 Hourly (32,96,3,64,1); 256,24,15,128,1 is OpenNN's benchmark. H 40, 50 and 100 and B 1000 are
/// here because tiles do not divide them.
std::vector<GpuShape> recurrence_shapes(bool quick) {
  if (quick) {
    return {{.B = 1024, .T = 28, .I = 8, .H = 64, .L = 1},
            {.B = 1000, .T = 28, .I = 8, .H = 50, .L = 1},
            {.B = 256, .T = 24, .I = 15, .H = 128, .L = 1}};
  }
  return {{.B = 32, .T = 96, .I = 3, .H = 64, .L = 1},
          {.B = 64, .T = 10, .I = 14, .H = 64, .L = 4},
          {.B = 16384, .T = 10, .I = 14, .H = 64, .L = 4},
          {.B = 4096, .T = 28, .I = 8, .H = 32, .L = 1},
          {.B = 1000, .T = 28, .I = 8, .H = 40, .L = 1},
          {.B = 1000, .T = 28, .I = 8, .H = 50, .L = 1},
          {.B = 1024, .T = 28, .I = 8, .H = 64, .L = 1},
          {.B = 1024, .T = 28, .I = 8, .H = 64, .L = 2},
          {.B = 16384, .T = 28, .I = 16, .H = 64, .L = 1},
          {.B = 1000, .T = 56, .I = 8, .H = 100, .L = 1},
          {.B = 256, .T = 24, .I = 15, .H = 128, .L = 1},
          {.B = 1024, .T = 56, .I = 8, .H = 128, .L = 1},
          {.B = 32768, .T = 24, .I = 15, .H = 128, .L = 1},
          {.B = 1024, .T = 56, .I = 16, .H = 256, .L = 1},
          {.B = 128, .T = 168, .I = 8, .H = 512, .L = 1},
          {.B = 4096, .T = 28, .I = 16, .H = 512, .L = 1}};
}

std::vector<GpuCase> recurrence_cases_of(const GpuShape& shape) {
  std::vector<GpuCase> cases;
  for (const Phase phase : {Phase::forward, Phase::backward, Phase::train}) {
    for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
      for (const std::string& method : device_recurrences()) {
        for (const Without without : {Without::nothing, Without::dx, Without::h}) {
          if (!can_leave_out(method, phase, without)) continue;
          cases.push_back({"recurrence", method + std::string(suffix(without)),
                           number_of(precision), phase, shape, [=](DeviceContext& context) {
                             return make_work(method, precision, phase, without, shape, context);
                           }});
        }
      }
    }
  }
  return cases;
}

std::vector<GpuCase> recurrence_grid_cases(bool quick) {
  constexpr std::pair<const char*, Precision> kOurs[] = {{"fused_mma", Precision::bf16},
                                                         {"fused_mma", Precision::tf32},
                                                         {"fused_simt", Precision::fp32}};
  std::vector<GpuCase> cases;
  for (const int H : {32, 64, 128}) {
    for (const int B : {64, 256, 4096, 32768}) {
      if (quick && (H == 32 || (B != 64 && B != 4096))) continue;
      const GpuShape shape = grid_shape(H, B);
      for (const Phase phase : {Phase::forward, Phase::train}) {
        for (const auto& [method, precision] : kOurs) {
          cases.push_back({"recurrence", method, number_of(precision), phase, shape,
                           [=, method = std::string(method)](DeviceContext& context) {
                             return make_work(method, precision, phase, Without::nothing, shape,
                                              context);
                           }});
        }
      }
    }
  }
  return cases;
}

std::vector<GpuCase> recurrence_cases(bool quick) {
  std::vector<GpuCase> cases;
  for (const GpuShape& shape : recurrence_shapes(quick)) {
    for (GpuCase& c : recurrence_cases_of(shape)) cases.push_back(std::move(c));
    for (GpuCase& c : cudnn_own_cases(shape)) cases.push_back(std::move(c));
  }
  return cases;
}

}  // namespace sluice::bench
